"""DNS over TCP: who gets a connection, and for how long.

Law: whatever clients do, at most `connections` are open, at most `per_address`
of them to one address, and none for longer than `idle_s` without an answered
query; and whatever accept() says, the next client is served. Start from
`TcpServer`.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter, OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sparrow.dns.respond import Sender
from sparrow.server.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.server.exchange import Answering

ACCEPT_BATCH = 64
"""Connections accepted between two turns of the event loop."""
_ACCEPT_PAUSE_S = 0.2
"""Seconds of rest where there is no file descriptor or memory for another connection."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of accept() that will be there at the next call too; all others concern one connection."""
_SEND_BUFFER = 131072
"""Octets the kernel may hold for a client; it would grow to megabytes by itself."""
DRAIN_S = 5.0
"""Seconds for the clients to take their last answers when the server stops."""


class TcpLimits(Protocol):
    """What clients may take up; see `sparrow.config.model.TcpConfig`."""

    @property
    def connections(self) -> int:
        """Most open connections in all."""

    @property
    def per_address(self) -> int:
        """Most open connections from one client address."""

    @property
    def idle_s(self) -> int:
        """Seconds without a query before a connection is closed."""


class TcpServer:
    """Accepts connections on any number of sockets, in the event loop that it was made in."""

    def __init__(
        self, listeners: Iterable[socket.socket], exchange: Answering, limits: TcpLimits
    ) -> None:
        """Start; `listeners` listen, are non-blocking, and are closed by `drain`."""
        self.limits = limits
        """In force from now on; may be set to others at any time, which spares those connected."""
        self._listeners = tuple(listeners)
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        # Loop time of the last answered query, or of the start; longest idle first.
        self._last_active: OrderedDict[Connection, float] = OrderedDict()
        self._per_address: Counter[bytes] = Counter()
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._is_stopping = False
        self._all_gone = asyncio.Event()
        for listener in self._listeners:
            self._listen(listener)

    async def drain(self, bound_s: float = DRAIN_S) -> None:
        """Take no new connections, answer what has arrived, and close every connection.

        Clients have `bound_s` seconds to take their answers and shut their end.
        """
        self._is_stopping = True
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            self._accept_some(listener)  # they are connected as far as they know
            listener.close()
        for connection in list(self._last_active):
            connection.finish()
        if self._last_active:
            try:
                async with asyncio.timeout(bound_s):
                    await self._all_gone.wait()
            except TimeoutError:
                for connection in list(self._last_active):
                    connection.close()
        if self._sweep_timer:
            self._sweep_timer.cancel()

    def _listen(self, listener: socket.socket) -> None:
        if not self._is_stopping:
            self._loop.add_reader(listener, partial(self._accept_some, listener))

    def _accept_some(self, listener: socket.socket) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                sock, peer = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if self._rest(listener, error):
                    return
                continue
            self._admit(sock, socket.inet_pton(sock.family, peer[0]))

    def _rest(self, listener: socket.socket, error: OSError) -> bool:
        """Count an error of accept(); stop accepting for a while if the next would fail as well."""
        self._exchange.counters.accept_errors += 1
        self._exchange.faults.report("accept", f"cannot accept a TCP connection, going on: {error}")
        if error.errno not in _EXHAUSTED:
            return False
        self._loop.remove_reader(listener)
        self._loop.call_later(_ACCEPT_PAUSE_S, self._listen, listener)
        return True

    def _admit(self, sock: socket.socket, address: bytes) -> None:
        """Serve a new connection within the caps, or close it.

        its address has its most   all have their most
        yes                        any                   the new one is closed
        no                         yes                   the longest idle makes room for it
        no                         no                    it is served
        """
        counters = self._exchange.counters
        if self._per_address[address] >= self.limits.per_address:
            counters.tcp_refused += 1
            sock.close()
            return
        while len(self._last_active) >= self.limits.connections:
            counters.tcp_displaced += 1
            next(iter(self._last_active)).close()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        sender = Sender(address, is_tcp=True, idle_timeout_s=self.limits.idle_s)
        connection = Connection(sock, sender, self._exchange, self._touch, self._forget)
        self._per_address[address] += 1
        counters.tcp_accepted += 1
        counters.tcp_open += 1
        self._touch(connection)
        if self._sweep_timer is None:
            self._sweep()

    def _touch(self, connection: Connection) -> None:
        """Note that a connection is in use."""
        self._last_active[connection] = self._loop.time()
        self._last_active.move_to_end(connection)

    def _forget(self, connection: Connection) -> None:
        """Note that a connection is closed."""
        del self._last_active[connection]
        address = connection.sender.address
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]
        self._exchange.counters.tcp_open -= 1
        if self._is_stopping and not self._last_active:
            self._all_gone.set()

    def _sweep(self) -> None:
        """Close what has been idle for too long, and come back when the next may be."""
        self._sweep_timer = None
        now = self._loop.time()
        while self._last_active:
            connection, since = next(iter(self._last_active.items()))
            if since + self.limits.idle_s > now:
                self._sweep_timer = self._loop.call_at(since + self.limits.idle_s, self._sweep)
                return
            self._exchange.counters.tcp_timed_out += 1
            connection.close()
