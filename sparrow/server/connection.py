"""One connection of DNS over TCP (RFC 7766).

Law: answers leave in the order of their queries, each behind its length; while
the peer does not take them, nothing more is read or answered, so a connection
holds at most one query that is not whole, a read's worth of others, and
`HIGH_WATER` octets of answers with one answer on top. Start from `Connection`.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.dns.respond import Sender
    from sparrow.server.exchange import Answering

BATCH = 64
"""Queries answered between two turns of the event loop, so that everybody else has one."""
HIGH_WATER = 65536
"""Octets of answers that wait for the peer before its next query is looked at."""
_READ = 16384
"""Octets read at once: some hundreds of pipelined queries."""
_LENGTH_SIZE = 2


class Connection:
    """Reads queries off one socket and sends the answers, in the event loop it was made in."""

    def __init__(
        self,
        sock: socket.socket,
        sender: Sender,
        exchange: Answering,
        on_query: Callable[[Connection], None],
        on_close: Callable[[Connection], None],
    ) -> None:
        """Start; `sock` is connected and non-blocking, and closed by `close`.

        `on_query` is told of every query that was answered, `on_close` once, at the end.
        """
        self.sender = sender
        """The peer."""
        self._sock = sock
        self._exchange = exchange
        self._on_query = on_query
        self._on_close = on_close
        self._loop = asyncio.get_running_loop()
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._is_open = True
        self._has_all = False  # the peer sends no more
        self._is_ending = False  # what has arrived is answered, and no more
        self._is_last = False  # nothing more is answered
        self._is_resuming = False  # a call of `_resume` is on its way
        self._loop.add_reader(sock, self._receive)

    def finish(self) -> None:
        """Answer what has arrived, shut our end, and close when the peer shuts its own.

        The peer's end is awaited because closing over unread input would reset the
        connection, and wipe out answers on their way. Whoever calls this sees to it
        that `close` is called if the peer takes too long.
        """
        self._is_ending = True
        self._go_on()

    def close(self) -> None:
        """Close at once; answers that the system has not yet taken are lost."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        self._on_close(self)

    def _receive(self) -> None:
        try:
            octets = self._sock.recv(_READ)
        except BlockingIOError:
            if not self._is_ending:
                return
            self._stop_answering()
        except OSError:
            self.close()  # the peer went away, which it may do at any time
            return
        else:
            self._has_all = not octets
            if not self._is_last:
                self._inbox += octets
        self._go_on()

    def _go_on(self) -> None:
        """Answer a batch, send what the peer takes, and choose what to wait for."""
        if not self._is_open:
            return
        has_more = self._answer_batch()
        self._send()
        if (self._is_last or (self._has_all and not has_more)) and not self._outbox:
            self._part()
        if not self._is_open:
            return
        is_blocked = len(self._outbox) >= HIGH_WATER
        wants_more = not (self._has_all or has_more or is_blocked)
        looks_again = wants_more and self._is_ending and not self._is_last
        if (has_more and not is_blocked) or looks_again:
            self._resume_soon()
        self._await_peer(reads=wants_more and not looks_again)

    def _resume_soon(self) -> None:
        """Go on after everybody else had a turn."""
        if not self._is_resuming:
            self._is_resuming = True
            self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        self._is_resuming = False
        if not self._is_open:
            return
        if self._has_query():
            self._go_on()
        else:
            self._receive()

    def _answer_batch(self) -> bool:
        """Answer whole queries while there is room; tell whether more of them wait."""
        for _ in range(BATCH):
            if len(self._outbox) >= HIGH_WATER:
                break
            query = self._take_query()
            if query is None:
                return False
            wire = self._exchange.answer(query, self.sender)
            if wire is not None:
                self._outbox += len(wire).to_bytes(_LENGTH_SIZE, "big") + wire
                self._on_query(self)
        return self._has_query()

    def _has_query(self) -> bool:
        size = int.from_bytes(self._inbox[:_LENGTH_SIZE], "big")
        return len(self._inbox) >= _LENGTH_SIZE and len(self._inbox) >= _LENGTH_SIZE + size

    def _take_query(self) -> bytes | None:
        """Cut the next query off the inbox; None where it is not whole.

        A query of no octets is an error that no framing recovers from: it is the
        end of the queries.
        """
        if not self._has_query():
            return None
        end = _LENGTH_SIZE + int.from_bytes(self._inbox[:_LENGTH_SIZE], "big")
        if end == _LENGTH_SIZE:
            self._stop_answering()
            return None
        query = bytes(self._inbox[_LENGTH_SIZE:end])
        del self._inbox[:end]
        return query

    def _stop_answering(self) -> None:
        """Take no notice of what the peer says from now on, but for its end."""
        self._is_last = True
        self._inbox.clear()

    def _send(self) -> None:
        """Send what the peer takes of the outbox; close if the connection broke."""
        if not self._outbox:
            return
        try:
            sent = self._sock.send(self._outbox)
        except BlockingIOError:
            return
        except OSError:
            self._exchange.counters.send_errors += 1
            self.close()
            return
        del self._outbox[:sent]

    def _part(self) -> None:
        """Shut our end, as all is said; close if the peer's is shut too."""
        if self._has_all:
            self.close()
            return
        try:
            self._sock.shutdown(socket.SHUT_WR)  # a second time does nothing
        except OSError:
            self.close()

    def _await_peer(self, *, reads: bool) -> None:
        """Wake up when there is something to read, if that is wanted, or room to send."""
        if reads:
            self._loop.add_reader(self._sock, self._receive)
        else:
            self._loop.remove_reader(self._sock)
        if self._outbox:
            self._loop.add_writer(self._sock, self._go_on)
        else:
            self._loop.remove_writer(self._sock)
