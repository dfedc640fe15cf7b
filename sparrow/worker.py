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
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from sparrow.account import become_having, find_account
from sparrow.keeping.call import take_charge
from sparrow.keeping.following import Following
from sparrow.keeping.tether import Watch
from sparrow.logs import start_log
from sparrow.plan.twin import UdpLoop
from sparrow.plan.udp import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.keeping.charge import Charge
    from sparrow.keeping.estate import Holding
    from sparrow.plan.counters import Block
    from sparrow.server.misses import MissDesk
    from sparrow.server.served import ServedPlan

_log = logging.getLogger(__name__)

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
        self._desk: MissDesk | None = None
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
        self._threads: list[threading.Thread] = []

    def publish(self, served: ServedPlan) -> None:
        """Serve from a plan; the first one starts the loop."""
        base = served.counters.base(self._writers[0])
        self.loop.publish(served.responder, served.counters.words, base)
        if self._desk:
            self._desk.publish(served)
        if not self._threads:
            self._start(self._serve, "loop")

    def open_desk(self, kind: type[MissDesk], served: ServedPlan) -> None:
        """Answer what the loop misses, too; it has kept what it missed until now."""
        block = self._following.counters.block(self._writers[1])
        self._desk = kind(self.loop, block, self._writers[1], served)
        self._start(partial(self._desk.serve, self._has_ended), "misses")

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=f"{name}-{self._writers[0]}")
        self._threads.append(thread)
        thread.start()

    def finish(self) -> None:
        """Let the loop answer what waits, then the misses; `join` awaits both."""
        self.loop.stop()

    def join(self) -> None:
        """Wait for both threads."""
        for thread in self._threads:
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
            kind = _import_desk()
            for seat in self._seats:
                seat.open_desk(kind, served)
        self._following.retire(min(seat.loop.generation for seat in self._seats))

    def _measure(self) -> None:
        for endpoint, seat in zip(self._endpoints, self._seats, strict=True):
            seat.measure(endpoint)

    def _has_failed(self) -> bool:
        return any(seat.error is not None for seat in self._seats)


def _open(holding: Holding) -> socket.socket:
    """Give a socket of the estate under a descriptor of our own."""
    return socket.socket(fileno=os.dup(holding.fd))


def _import_desk() -> type[MissDesk]:
    """Import what answers misses; this takes about as long as all that the loops need."""
    found: type[MissDesk] = import_module("sparrow.server.misses").MissDesk
    return found


def main(arguments: list[str]) -> int:
    """Serve as a keeper's charge says, once it has come; give the exit code."""
    charge = take_charge(arguments[0])
    if charge is None:
        return 0  # no worker is wanted, or who wanted one is gone
    start_log(charge.layout.log_format, charge.layout.log_level)
    account = find_account(charge.layout.user)
    if account:
        become_having(account, _import_desk)
    return UdpWorker(charge).run()
