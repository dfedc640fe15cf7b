"""The slow twin of the native extension: it answers with `sparrow.plan.pure`, in a plain loop.

Law: what the native twin answers and counts, this one answers and counts, and has the
contracts of both. Start from `Responder` and `UdpLoop`.
"""

from __future__ import annotations

import os
import queue
import select
import socket
import struct
import time
import weakref
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from sparrow.dns.edns import OUR_PAYLOAD
from sparrow.dns.sizes import TCP_LIMIT
from sparrow.plan.counters import RCODES, STRIDE, Word
from sparrow.plan.pure import MISS, Answered, Miss, answer
from sparrow.plan.udp import BATCH, DRAINED, PACKET_ROOM, WAKE_MS, Missed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.plan.plan import Plan
    from sparrow.plan.udp import Endpoint, Generations

Ancillary: TypeAlias = list[tuple[int, int, bytes]]
"""Control messages beside a packet: (level, type, content), see cmsg(3)."""
Result: TypeAlias = Answered | Literal[Miss.MISS] | None
"""What became of a packet."""

_MIN_LIMIT = 512
_IP_PKTINFO = 8
"""Number of <linux/in.h>, without a name in Python 3.11."""
_ANCILLARY_SIZE = socket.CMSG_SPACE(20)
"""Room for one in6_pktinfo (20 octets); in_pktinfo has 12."""
_FAULT_PAUSE_S = 0.001
"""After a receive error, so that a lasting one is no busy loop."""


class Responder:
    """Answers packets from one plan. Immutable; any thread may use it."""

    def __init__(self, plan: Plan) -> None:
        """Take a plan that `sparrow.plan.reader` has verified."""
        self.plan = plan
        """The plan."""

    def answer(self, packet: bytes, source: bytes, limit: int, now_s: int) -> Result:
        """Answer a packet as `sparrow.plan.pure.answer` does.

        Raises `ValueError` where the source is no packed address, or the limit is
        not from 512 to 65535.
        """
        if len(source) not in (4, 16) or not _MIN_LIMIT <= limit <= TCP_LIMIT:
            raise ValueError("the source is no address, or the limit none of DNS")
        return answer(self.plan, packet, source, limit, now_s)


class _Serving(NamedTuple):
    """A plan as a loop serves it."""

    responder: Responder
    tallies: memoryview | None
    base: int


class _Received(NamedTuple):
    """A packet, its source, and the way back."""

    packet: bytes
    source: bytes
    peer: tuple[str, int]
    ancillary: Ancillary


class UdpLoop:
    """Serves one UDP socket on the thread that calls `serve`."""

    def __init__(self, endpoint: Endpoint, generations: Generations | None = None) -> None:
        """Take a socket, which the caller closes.

        Raises `ValueError` where the block of counters lies outside its memory.
        """
        if not 0 <= endpoint.base <= len(endpoint.counts) - STRIDE:
            raise ValueError("the block of counters lies outside its memory")
        self._endpoint = endpoint
        self._generations = generations
        self._noticed = 0
        self._sock = socket.socket(fileno=endpoint.fd)
        weakref.finalize(self, self._sock.detach)
        self._serving: _Serving | None = None
        self._is_stopping = False
        self._misses: queue.Queue[Missed] = queue.Queue(endpoint.ring_size)
        self.generation = 0
        """Number of the generation that the last batch met; 0 before the first."""

    def publish(
        self, responder: Responder, tallies: memoryview | None = None, base: int = 0
    ) -> None:
        """Serve from another plan from the next batch on; from any thread.

        Steered answers are counted in `tallies`, writable words ("Q"): word `base` + site,
        and word `base` + number of sites + number of the outcome word that decided. Raises
        `ValueError` where these lie outside.
        """
        plan = responder.plan
        needed = plan.answers.params.site_count + len(plan.words)
        if tallies is not None and not 0 <= base <= len(tallies) - needed:
            raise ValueError("the tallies of the plan lie outside their memory")
        self._serving = _Serving(responder, tallies, base)

    def serve(self) -> None:
        """Serve until `stop`, then answer what waits in the socket.

        Raises `OSError` where the socket is none, and `ValueError` where no plan was published.
        """
        if self._serving is None:
            raise ValueError("there is no plan to serve")
        os.set_blocking(self._endpoint.fd, True)
        wait = struct.pack("@ll", 0, WAKE_MS * 1000)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        while not self._is_stopping:
            self._serve_batch(0)
        for _ in range(DRAINED // BATCH):
            if not self._serve_batch(socket.MSG_DONTWAIT):
                break

    def stop(self) -> None:
        """Have `serve` return, which takes up to `WAKE_MS`; from any thread."""
        self._is_stopping = True

    def take_miss(self, timeout_s: float) -> Missed | None:
        """Give the oldest miss, waiting for one; None where there was none in time.

        For one thread.
        """
        try:
            return self._misses.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def send_miss(self, missed: Missed, wire: bytes) -> bool:
        """Send the answer to a miss; False where the system does not take it."""
        received = missed.way_back
        if not isinstance(received, _Received):
            raise TypeError("the miss is of another loop")
        return self._send(wire, received)

    # The loop.

    def _serve_batch(self, flags: int) -> int:
        """Receive and answer one batch; give the number of its packets."""
        batch = list(self._receive(flags))
        serving = self._serving
        if serving is None:
            return 0
        self.generation = serving.responder.plan.generation
        self._notice_generation()
        now_s = int(time.time())
        for received in batch:
            if received.peer[1] == 0:
                # Nobody can be answered there; it is forged, or broken.
                self._count(Word.SILENT)
            else:
                self._answer(serving, received, now_s)
        return len(batch)

    def _receive(self, flags: int) -> Iterator[_Received]:
        """Wait for a packet, and give it with those that are there already."""
        for number in range(BATCH):
            try:
                packet, ancillary, _, peer = self._sock.recvmsg(
                    PACKET_ROOM, _ANCILLARY_SIZE, socket.MSG_DONTWAIT if number else flags
                )
            except BlockingIOError:
                if number == 0 and not flags and not os.get_blocking(self._endpoint.fd):
                    # Another process has the socket too, and does not want to wait for it.
                    select.select([self._sock], [], [], WAKE_MS / 1000)
                return
            except OSError:
                self._count(Word.RECEIVE_ERRORS)
                time.sleep(_FAULT_PAUSE_S)
                return
            if number == 0:
                self._count(Word.BATCHES)
            self._count(Word.QUERIES)
            source = socket.inet_pton(self._sock.family, peer[0])
            yield _Received(packet, source, peer, reply_source(ancillary))

    def _notice_generation(self) -> None:
        """Tell once of each generation that is not served yet."""
        news = self._generations
        if news is None or news.number[0] in (self.generation, self._noticed):
            return
        self._noticed = news.number[0]
        os.eventfd_write(news.notice_fd, 1)

    def _answer(self, serving: _Serving, received: _Received, now_s: int) -> None:
        result = serving.responder.answer(received.packet, received.source, OUR_PAYLOAD, now_s)
        if result is None:
            self._count(Word.SILENT)
        elif result is MISS:
            self._put(Missed(received.packet, received.source, received))
        else:
            self._count(Word.ANSWERED)
            self._tally(serving, result)
            if not self._send(result.wire, received):
                self._count(Word.SEND_ERRORS)

    def _put(self, missed: Missed) -> None:
        self._count(Word.MISSES)
        try:
            self._misses.put_nowait(missed)
        except queue.Full:
            self._count(Word.RING_DROPS)

    def _send(self, wire: bytes, received: _Received) -> bool:
        try:
            self._sock.sendmsg([wire], received.ancillary, socket.MSG_DONTWAIT, received.peer)
        except OSError:
            # A full send buffer, no route, a firewall's refusal. Waiting for it to get
            # better would make every other client wait.
            return False
        return True

    def _tally(self, serving: _Serving, result: Answered) -> None:
        self._count(RCODES + result.rcode)
        if result.has_subnet:
            self._count(Word.ECS)
        tallies, base, answers = serving.tallies, serving.base, serving.responder.plan.answers
        if tallies is None or result.policy is None or result.class_number is None:
            return
        if result.site is not None:
            tallies[base + result.site] += 1
        outcome = answers.policy(result.policy).first_outcome + result.class_number
        tallies[base + answers.params.site_count + outcome] += 1

    def _count(self, word: int) -> None:
        self._endpoint.counts[self._endpoint.base + word] += 1


def reply_source(ancillary: Ancillary) -> Ancillary:
    """Give the control message with which a reply leaves from the address that was asked.

    The interface is left to the routing table, which may know another way back,
    but for IPv6 link-local addresses, which mean nothing without it. Empty where
    the socket is bound to its address.
    """
    for level, kind, content in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            # struct in_pktinfo (ip(7)): interface, local address, destination in the header.
            # The local address is the one to answer from.
            return [(level, kind, bytes(4) + content[4:8] + bytes(4))]
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            # struct in6_pktinfo (RFC 3542 section 6): address, interface.
            is_link_local = content[0] == 0xFE and content[1] & 0xC0 == 0x80
            return [(level, kind, content[:16] + (content[16:] if is_link_local else bytes(4)))]
    return []
