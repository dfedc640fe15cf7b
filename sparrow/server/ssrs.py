"""The sockets of the route port.

Law: one task per peer, which sends all that the session has to say before it
reads again, so a peer holds at most one piece of output and one of input, and
whatever a peer does, or does not do, ends at most its own connection. Start
from `RoutePort`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from sparrow.server.accepting import accept_all
from sparrow.ssrs.session import Login, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.ssrs.source import RouteSource

_log = logging.getLogger(__name__)

_READ = 4096
"""Octets read at once; nothing more is read before all of it is answered."""

_SEND_BUFFER = 65536
"""Octets the kernel may hold for a peer; it would grow to megabytes by itself."""

_LINGER_S = 2.0
"""Seconds for a peer to see our end: closing over unread input would wipe out our last words."""


@dataclass(frozen=True, slots=True)
class RoutePortSettings:
    """How the route port behaves."""

    hostname: str
    """What stands before `>` in the prompt."""
    password: str | None = None
    """What a peer has to type; with None anything will do."""
    max_connections: int = 64
    """Peers at once; one more is told so and closed."""
    max_per_address: int = 16
    """Peers of one address at once, so that nobody takes all the places."""
    login_s: float = 60.0
    """Seconds from connecting to a right password."""
    idle_s: float = 600.0
    """Seconds between two things that a peer types (Zebra's exec-timeout)."""
    write_s: float = 30.0
    """Seconds in which a peer has to take one piece of output."""


@dataclass(slots=True)
class RoutePortCounters:
    """What happened at the route port; the port writes, anybody on its loop reads."""

    accepted: int = 0
    """Connections that got a session."""
    over_cap: int = 0
    """Connections closed at once, as there were too many, in all or of their address."""
    accept_errors: int = 0
    """Times that accept() failed."""
    logins: int = 0
    """Sessions that got past the password."""
    refused: int = 0
    """Sessions that ended with too many wrong passwords."""
    commands: int = 0
    """Lines that were run."""
    timed_out: int = 0
    """Sessions closed because their peer said nothing for too long."""
    stalled: int = 0
    """Sessions dropped because their peer did not take its output."""
    failures: int = 0
    """Sessions dropped because of an error of ours; each is in the log."""


class RoutePort:
    """Serves the route port on listening sockets, in an asyncio loop."""

    def __init__(self, source: RouteSource, settings: RoutePortSettings) -> None:
        """Serve what `source` knows; nothing starts before `serve`."""
        self.counters = RoutePortCounters()
        """What happened so far."""
        self._source = source
        self._settings = settings
        self._peers: dict[asyncio.Task[None], str] = {}
        self._has_told_unchecked = False

    @property
    def open_connections(self) -> int:
        """Sessions that are open now."""
        return len(self._peers)

    def snapshot(self) -> dict[str, int]:
        """Give all numbers as JSON has them."""
        return {"open": self.open_connections, **asdict(self.counters)}

    async def serve(self, listeners: Sequence[socket.socket]) -> None:
        """Accept and serve on listening stream sockets until cancelled.

        Then every session is closed; the listeners stay the caller's. They are
        made non-blocking here.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for listener in listeners:
                    listener.setblocking(False)
                    group.create_task(self._accept(listener))
        finally:
            for peer in self._peers:
                peer.cancel()
            await asyncio.gather(*self._peers, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        async for connection, peer in accept_all(listener, "route port", self._count_accept_error):
            self._admit(connection, str(peer[0]))

    def _count_accept_error(self) -> None:
        self.counters.accept_errors += 1

    def _admit(self, connection: socket.socket, peer: str) -> None:
        """Start a session, or turn the peer away."""
        connection.setblocking(False)
        refusal = self._find_refusal(peer)
        if refusal:
            self.counters.over_cap += 1
            _turn_away(
                connection, f"\r\n% Too many connections: {refusal} are open. Try later.\r\n"
            )
            return
        self.counters.accepted += 1
        task = asyncio.get_running_loop().create_task(self._attend(connection, peer))
        self._peers[task] = peer
        task.add_done_callback(partial(self._leave, connection))

    def _find_refusal(self, peer: str) -> str | None:
        """Say how many sessions are open where that is all there may be; else None."""
        settings = self._settings
        if len(self._peers) >= settings.max_connections:
            return str(settings.max_connections)
        if sum(other == peer for other in self._peers.values()) >= settings.max_per_address:
            return f"{settings.max_per_address} of your address"
        return None

    def _leave(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        """Forget a session that is over, or was cancelled before it began."""
        connection.close()
        self._peers.pop(task, None)

    async def _attend(self, connection: socket.socket, peer: str) -> None:
        """Hold one dialogue, whatever becomes of it."""
        settings = self._settings
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            session = Session(self._source, settings.hostname, settings.password)
            await self._converse(connection, session, peer)
            await _part(connection)
        except OSError:
            pass  # the peer went away, which it may do at any time
        except Exception:  # noqa: BLE001 (this peer's error is nobody else's)
            self.counters.failures += 1
            _log.exception("route port: the session of %s failed and was closed", peer)

    async def _converse(self, connection: socket.socket, session: Session, peer: str) -> None:
        """Send and read in turn until one side is done; raises `OSError` with the connection."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.login_s
        is_in = False
        while True:
            commands = session.commands
            output = session.send()
            self.counters.commands += session.commands - commands
            if not is_in and session.login is not Login.PENDING:
                is_in = True
                self._count_login(session.login, peer)
            if output:
                if not await self._deliver(connection, output):
                    return
            elif session.is_closed:
                return
            else:
                if is_in:
                    deadline = loop.time() + self._settings.idle_s
                if not await self._listen(connection, session, deadline):
                    return
            await asyncio.sleep(0)  # a socket that is always ready must not starve the others

    async def _deliver(self, connection: socket.socket, output: bytes) -> bool:
        """Send a piece; False where the peer did not take it in time."""
        try:
            async with asyncio.timeout(self._settings.write_s):
                await asyncio.get_running_loop().sock_sendall(connection, output)
        except TimeoutError:
            self.counters.stalled += 1
            return False
        return True

    async def _listen(self, connection: socket.socket, session: Session, deadline: float) -> bool:
        """Read what the peer says and give it to the session; False where it said its last."""
        try:
            async with asyncio.timeout_at(deadline):
                octets = await asyncio.get_running_loop().sock_recv(connection, _READ)
        except TimeoutError:
            self.counters.timed_out += 1
            session.time_out()
            return True
        session.receive(octets)
        return bool(octets)

    def _count_login(self, login: Login, peer: str) -> None:
        if login is Login.REFUSED:
            self.counters.refused += 1
            _log.warning("route port: too many wrong passwords from %s", peer)
            return
        self.counters.logins += 1
        if login is Login.UNCHECKED and not self._has_told_unchecked:
            self._has_told_unchecked = True
            _log.info("route port: no password is set, so any is accepted (said once)")


def _turn_away(connection: socket.socket, text: str) -> None:
    """Say why and close, without waiting: a fresh connection has room for a line."""
    with connection, suppress(OSError):
        connection.send(text.encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(_READ)


async def _part(connection: socket.socket) -> None:
    """Close our side and give the peer a moment to see it; raises `OSError`."""
    loop = asyncio.get_running_loop()
    connection.shutdown(socket.SHUT_WR)
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while await loop.sock_recv(connection, _READ):  # noqa: ASYNC110 (no event to wait for)
                await asyncio.sleep(0)
