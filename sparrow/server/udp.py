"""DNS over UDP.

Law: a packet is received, answered and sent before the next one is looked at,
and after a batch of them everybody else has a turn. A reply that the system
does not take is counted and forgotten: the client asks again. Start from
`UdpServer`.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from sparrow.dns.respond import Sender
from sparrow.plan.pureloop import Ancillary, reply_source

if TYPE_CHECKING:
    from sparrow.server.exchange import Exchange

BATCH = 64
"""Packets between two turns of the event loop: some milliseconds for TCP and control to wait."""
_DRAINED = 8192
"""Packets answered at most when closing; the 4 MiB receive buffer holds fewer, since the kernel
charges at least 768 octets for each."""
_LARGEST = 65535
"""Octets; no UDP packet is larger, so none is ever cut."""
_ANCILLARY_SIZE = socket.CMSG_SPACE(20)
"""Room for one in6_pktinfo (20 octets); in_pktinfo has 12."""


class UdpServer:
    """Answers what arrives on one socket, in the event loop that it was made in."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        """Start; `sock` is bound and non-blocking, and closed by `close`."""
        self._sock = sock
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._answer_batch)

    def close(self) -> None:
        """Answer what waits in the socket, then close it. Takes under a second."""
        self._loop.remove_reader(self._sock)
        self._answer_some(_DRAINED)
        self._sock.close()

    def _answer_batch(self) -> None:
        self._answer_some(BATCH)

    def _answer_some(self, most: int) -> None:
        for _ in range(most):
            if not self._answer_next():
                return

    def _answer_next(self) -> bool:
        """Answer one packet; tell whether there may be more."""
        try:
            packet, ancillary, _, peer = self._sock.recvmsg(_LARGEST, _ANCILLARY_SIZE)
        except BlockingIOError:
            return False
        except OSError as error:
            self._exchange.counters.receive_errors += 1
            self._exchange.faults.report("UDP receive", f"cannot receive on UDP: {error}")
            return False
        if peer[1] == 0:
            # Nobody can be answered there; it is forged, or broken.
            self._exchange.counters.record(None, is_tcp=False)
            return True
        sender = Sender(socket.inet_pton(self._sock.family, peer[0]))
        wire = self._exchange.answer(packet, sender)
        if wire is not None:
            self._send(wire, peer, reply_source(ancillary))
        return True

    def _send(self, wire: bytes, peer: tuple[str, int], source: Ancillary) -> None:
        try:
            self._sock.sendmsg([wire], source, 0, peer)
        except OSError:
            # A full send buffer, no route, a firewall's refusal. Waiting for it to get
            # better would make every other client wait.
            self._exchange.counters.send_errors += 1
