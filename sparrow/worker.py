"""A UDP worker: one thread for each of its sockets, and behind it one for what the plan misses.

Law: it opens no configuration, no zone and no table; the run directory has all that it
serves from. It serves from the last plan at once, goes on when daemon and keeper are dead,
and when told to end it first answers what waits in its sockets. Start from `UdpWorker`.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from sparrow.account import become
from sparrow.dns.respond import Sender
from sparrow.keeping.charge import decode_charge
from sparrow.keeping.following import Following
from sparrow.keeping.tether import Watch
from sparrow.logs import start_log
from sparrow.plan.twin import IS_PURE, UdpLoop
from sparrow.plan.udp import Endpoint
from sparrow.server.planned import PlanExchange, ServedPlan

if TYPE_CHECKING:
    from sparrow.keeping.charge import Charge
    from sparrow.keeping.estate import Holding
    from sparrow.plan.counters import Block

_log = logging.getLogger(__name__)

_MISS_WAIT_S = 0.2
"""Seconds that the thread of misses sleeps at most before it looks whether it is to end."""
_GAUGE_LOOKS = 20
"""Looks at the generation between two at the sockets' drops: about a second."""
_SO_MEMINFO = 55
"""<asm-generic/socket.h>; Python 3.11 has no name for it."""
_MEMINFO_SIZE = 36
_MEMINFO_DROPS = slice(32, 36)
"""SK_MEMINFO_DROPS is the ninth number of 32 bits (<linux/sock_diag.h>)."""


class _Seat:
    """One socket with its threads."""

    def __init__(self, sock: socket.socket, following: Following, writers: tuple[int, int]) -> None:
        """Take a socket; `writers` count for the loop and for its misses."""
        self._sock = sock
        self._following = following
        self._writers = writers
        self._block: Block = following.counters.block(writers[0])
        self._exchange: PlanExchange | None = None
        self._has_ended = threading.Event()
        self.error: Exception | None = None
        """Why the loop ended by itself; None where it did not."""
        self.loop = UdpLoop(
            Endpoint(
                fd=sock.fileno(),
                counts=following.counters.words,
                base=self._block.base,
                has_pktinfo=not any(socket.inet_pton(sock.family, sock.getsockname()[0])),
            )
        )
        """The loop that answers."""
        self._threads = [
            threading.Thread(target=self._serve, name=f"loop-{writers[0]}"),
            threading.Thread(target=self._answer_misses, name=f"misses-{writers[0]}"),
        ]

    def publish(self, served: ServedPlan) -> None:
        """Serve from a plan; the first one starts the threads."""
        base = served.counters.base(self._writers[0])
        self.loop.publish(served.responder, served.counters.words, base)
        if self._exchange:
            self._exchange.publish(served)
            return
        block = self._following.counters.block(self._writers[1])
        self._exchange = PlanExchange(block, self._writers[1], served)
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Let the loop answer what waits, then the misses; `join` awaits both."""
        self.loop.stop()

    def join(self) -> None:
        """Wait for both threads."""
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def measure(self, endpoint: int) -> None:
        """Write what the kernel says of the socket into the counters."""
        self._block.endpoint = endpoint
        # The kernel tells twice what is asked for, as it needs as much for itself (socket(7)).
        buffer = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._block.receive_buffer = buffer // 2
        meminfo = self._sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_SIZE)
        self._block.socket_drops = int.from_bytes(meminfo[_MEMINFO_DROPS], sys.byteorder)

    def _serve(self) -> None:
        try:
            self.loop.serve()
        except Exception as error:  # noqa: BLE001  (told by the main thread, which ends the process)
            self.error = error
        finally:
            self._has_ended.set()

    def _answer_misses(self) -> None:
        _stand_back()
        while True:
            has_ended = self._has_ended.is_set()
            missed = self.loop.take_miss(_MISS_WAIT_S)
            if missed is None:
                if has_ended:
                    return
                continue
            if self._exchange is None:
                continue
            wire = self._exchange.answer_miss(missed.packet, Sender(missed.source))
            if wire is not None and not self.loop.send_miss(missed, wire):
                self._exchange.counters.send_errors += 1


def _stand_back() -> None:
    """Run this thread only when nobody else wants to (sched(7), SCHED_IDLE).

    On the pure twin the loop needs the interpreter that we would sleep with, so
    there both run alike.
    """
    if not IS_PURE:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


class UdpWorker:
    """One process of those that answer UDP."""

    def __init__(self, charge: Charge) -> None:
        """Take the sockets and wait for a plan; `run` serves."""
        self._watch = Watch(charge)
        self._charge = charge
        held = charge.estate.udp_of(charge.number, charge.layout.workers)
        self._endpoints = [charge.layout.dns.index(each.endpoint) for each in held]
        self._following = Following(charge, 2 * len(held))
        self._seats = [
            _Seat(_open(each), self._following, (number, len(held) + number))
            for number, each in enumerate(held)
        ]

    def run(self) -> int:
        """Serve until told to end; give the exit code."""
        looks = 0
        while not self._watch.is_over and not self._has_failed():
            self._follow()
            if looks % _GAUGE_LOOKS == 0:
                self._measure()
            looks += 1
            self._watch.pause(self._following.pause_s)
        for seat in self._seats:
            seat.finish()
        for seat in self._seats:
            seat.join()
        self._measure()
        for seat in self._seats:
            if seat.error:
                _log.error("%s: a loop has ended: %s", self._charge.name, seat.error)
        return 1 if any(seat.error for seat in self._seats) else 0

    def _follow(self) -> None:
        """Publish another plan to the loops, and let go of those that no loop has any more."""
        is_first = self._following.served is None
        served = self._following.look()
        if served:
            for seat in self._seats:
                seat.publish(served)
        self._following.tell()
        if served and is_first:
            self._watch.tether.confirm()
        self._following.retire(min(seat.loop.generation for seat in self._seats))

    def _measure(self) -> None:
        for endpoint, seat in zip(self._endpoints, self._seats, strict=True):
            seat.measure(endpoint)

    def _has_failed(self) -> bool:
        return any(seat.error is not None for seat in self._seats)


def _open(holding: Holding) -> socket.socket:
    """Give a socket of the estate under a descriptor of our own."""
    return socket.socket(fileno=os.dup(holding.fd))


def main(arguments: list[str]) -> int:
    """Serve as a keeper's charge says."""
    charge = decode_charge(arguments[0])
    start_log(charge.layout.log_format, charge.layout.log_level)
    become(charge.layout.user)
    return UdpWorker(charge).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
