"""The TCP worker: DNS over TCP, and PowerDNS's questions, from the plan.

Law: as a UDP worker it needs nothing but the run directory, and goes on when daemon and
keeper are dead. When told to end it answers what has arrived, and gives its clients time
to take that. Start from `TcpWorker`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from importlib import import_module
from typing import TYPE_CHECKING

from sparrow.account import become
from sparrow.keeping.charge import decode_charge
from sparrow.keeping.following import Following
from sparrow.keeping.settings import LimitsFile
from sparrow.keeping.tether import Tether
from sparrow.logs import start_log
from sparrow.server.planned import PlanExchange
from sparrow.server.tcp import TcpServer

if TYPE_CHECKING:
    from sparrow.keeping.charge import Charge
    from sparrow.server.pdns import PdnsServer
    from sparrow.server.served import ServedPlan


class TcpWorker:
    """One process, in one event loop."""

    def __init__(self, charge: Charge) -> None:
        self._charge = charge
        self._following = Following(charge, 1)
        self._limits_file = LimitsFile(charge.run_dir)
        self._limits = charge.layout.tcp
        self._end = asyncio.Event()
        self._tether = Tether(charge, self._end.set)
        self._watched: set[int] = set()
        self._exchange: PlanExchange | None = None
        self._server: TcpServer | None = None
        self._pdns: PdnsServer | None = None

    async def run(self) -> None:
        """Serve until told to end, then drain."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end.set)
        loop.add_signal_handler(signal.SIGINT, self._end.set)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        self._watch()
        while not self._end.is_set():
            self._follow()
            try:
                async with asyncio.timeout(self._following.pause_s):
                    await self._end.wait()
            except TimeoutError:
                continue
        await asyncio.gather(*(each.drain() for each in (self._server, self._pdns) if each))

    def _watch(self) -> None:
        """Watch the files of the tether, which are others once the keeper has died."""
        loop = asyncio.get_running_loop()
        files = self._tether.filenos
        for fileno in self._watched - files:
            loop.remove_reader(fileno)
        for fileno in files - self._watched:
            loop.add_reader(fileno, self._heed, fileno)
        self._watched = files

    def _heed(self, fileno: int) -> None:
        # The tether may close a file when it heeds it, which the loop must not watch then.
        asyncio.get_running_loop().remove_reader(fileno)
        self._watched.discard(fileno)
        self._tether.heed(fileno)
        if not self._end.is_set():
            self._watch()

    def _follow(self) -> None:
        """Take up another plan and other limits; the first plan opens for business."""
        self._limits = self._limits_file.look() or self._limits
        served = self._following.look()
        if served and self._exchange:
            self._exchange.publish(served)
            if self._pdns:
                self._pdns.publish(served)
        elif served:
            self._exchange = PlanExchange(self._following.counters.block(0), 0, served)
            self._server = self._open(self._exchange)
            self._pdns = self._open_pdns(served)
            self._tether.confirm()
        self._following.tell()
        if self._server:
            self._server.limits = self._limits
        if self._following.served:
            self._following.retire(self._following.served.plan.generation)

    def _open(self, exchange: PlanExchange) -> TcpServer:
        listeners = [socket.socket(fileno=os.dup(each.fd)) for each in self._charge.estate.tcp]
        for listener in listeners:
            listener.setblocking(False)
        return TcpServer(listeners, exchange, self._limits)

    def _open_pdns(self, served: ServedPlan) -> PdnsServer | None:
        held = self._charge.estate.pdns
        if held is None:
            return None
        listener = socket.socket(fileno=os.dup(held.fd))
        listener.setblocking(False)
        return import_pdns()(listener, self._following.counters.block(0), served)


def import_pdns() -> type[PdnsServer]:
    """Import what answers PowerDNS: with the text of records it is larger than all else here."""
    found: type[PdnsServer] = import_module("sparrow.server.pdns").PdnsServer
    return found


def main(arguments: list[str]) -> None:
    """Serve as a keeper's charge says."""
    charge = decode_charge(arguments[0])
    start_log(charge.layout.log_format, charge.layout.log_level)
    if charge.estate.pdns:
        import_pdns()  # now, as the account may not be able to read Python's files
    become(charge.layout.user)

    async def serve() -> None:
        await TcpWorker(charge).run()

    asyncio.run(serve())
