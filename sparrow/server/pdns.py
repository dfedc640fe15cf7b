"""The socket at which PowerDNS asks: lines in, lines out, from the plan that is served.

Law: a line is answered from one plan; whatever a client sends or does not read ends its
own connection at most. When told to end, it answers the lines that have arrived. Start
from `PdnsServer`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from sparrow.powerdns.answering import Backend, ZoneNumbers, answer_line
from sparrow.server.accepting import accept_all
from sparrow.server.planned import authority_of
from sparrow.server.unixsocket import UNIX_CONNECTIONS

if TYPE_CHECKING:
    import socket

    from sparrow.plan.counters import Block
    from sparrow.server.served import ServedPlan

_log = logging.getLogger(__name__)

MAX_LINE = 65536
"""Octets of a request; a look-up takes 300."""
_TAKE_S = 10.0
"""Seconds for a client to take an answer; PowerDNS itself gives up after 2."""
_FAILED = b'{"failure":"the answer code failed; see the log of sparrow"}\n'


class PdnsServer:
    """Accepts connections on a listening Unix socket, in the event loop that it was made in."""

    def __init__(self, listener: socket.socket, counters: Block, served: ServedPlan) -> None:
        """Start; `listener` is non-blocking, and closed by `drain`."""
        self._counters = counters
        self._served = served
        self._backend: Backend | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept(listener))

    def publish(self, served: ServedPlan) -> None:
        """Answer from another plan from the next line on."""
        self._served, self._backend = served, None

    async def drain(self) -> None:
        """Take no new connections, answer what is being answered, and close."""
        self._accepting.cancel()
        for client in self._waiting:
            client.cancel()
        await asyncio.gather(self._accepting, *self._clients, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        with listener:
            async for client, _ in accept_all(listener, "pdns.socket", self._count_error):
                if len(self._clients) >= UNIX_CONNECTIONS:
                    client.close()
                    continue
                task = asyncio.create_task(self._admit(client))
                self._clients.add(task)
                task.add_done_callback(self._clients.discard)

    def _count_error(self) -> None:
        self._counters.accept_errors += 1

    async def _admit(self, client: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=client, limit=MAX_LINE)
        try:
            while (line := await self._read(reader)).endswith(b"\n"):
                writer.write(self._answer(line))
                async with asyncio.timeout(_TAKE_S):
                    await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.CancelledError):
            # It went away, sent a line without an end, does not read, or we stop.
            writer.transport.abort()
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        """Wait for a line, in which `drain` may interrupt; it is cut where the client has ended."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (who waits is a task)
        self._waiting.add(task)
        try:
            return await reader.readline()
        finally:
            self._waiting.discard(task)

    def _answer(self, line: bytes) -> bytes:
        self._counters.pdns_requests += 1
        try:
            if self._backend is None:
                authority = authority_of(self._served)
                self._backend = Backend(authority, ZoneNumbers(authority.zones))
            return answer_line(self._backend, line)
        except Exception:  # noqa: BLE001 (the outermost loop of a shell; logged, and it goes on)
            self._counters.exceptions += 1
            _log.exception("pdns.socket: a request failed inside")
            return _FAILED
