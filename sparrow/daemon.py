"""The daemon: reads everything, publishes the plan, and answers questions about it.

Law: it holds no socket of DNS and may be killed at any time, as the workers go on from
the last plan. A reload that is refused changes nothing; one that is taken builds
everything aside, publishes it, and comes to its end when the workers serve it. Start
from `Daemon`.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sparrow
from sparrow.account import become
from sparrow.control.enquiry import ASKED_SOCKET
from sparrow.control.status import Process, build_status
from sparrow.errors import FatalError, InputError
from sparrow.folders import CONTROL_SOCKET
from sparrow.keeping.charge import decode_charge
from sparrow.keeping.overview import Overview
from sparrow.keeping.publishing import Publisher
from sparrow.keeping.tether import Tether
from sparrow.knowing.commands import Commands
from sparrow.knowing.damping import HELD, Damper
from sparrow.knowing.feeding import FEEDS, Feeds
from sparrow.knowing.lorefiles import LoreFiles
from sparrow.knowing.mending import Mender
from sparrow.knowing.persisting import go_on
from sparrow.knowing.reloading import Reloader, Surroundings
from sparrow.knowing.sites import Sites
from sparrow.knowing.tables import Tables
from sparrow.logs import start_log
from sparrow.lore import Library
from sparrow.server.control import ControlSocket
from sparrow.server.ssrs import RoutePort, RoutePortSettings
from sparrow.tables.accepted import TABLES
from sparrow.tables.gate import TableGate

if TYPE_CHECKING:
    from collections.abc import Collection

    from sparrow.config.fields import Endpoint
    from sparrow.config.model import Config, SsrsConfig
    from sparrow.keeping.charge import Charge
    from sparrow.knowing.feeding import LiveTables
    from sparrow.lore import LoadedLore
    from sparrow.values.name import Name
    from sparrow.view import View

_log = logging.getLogger(__name__)

_THREADS = 4
"""Threads: one builds tables, and what watches, switches or remembers does not wait for it."""
_HANDOVER_S = 30.0
"""Seconds for which the server whose place we take may keep the address of HTTP."""
_FOLD_S = 30.0
"""Seconds between two times that the counters of the dead are added up."""


class Daemon:
    """The one that knows. Everything in it happens in one event loop."""

    def __init__(self, charge: Charge) -> None:
        """Take a charge; `run` does the work."""
        self._charge = charge
        self._publisher = Publisher(charge.run_dir)
        state_dir = Path(charge.layout.state_dir)
        self._sites = Sites(state_dir, self._publisher, self._heed_sites)
        self._gate = TableGate(state_dir / TABLES, self._sites.teller.tell, time.time)
        self._overview = Overview(charge.layout, charge.run_dir)
        self._hung_up = asyncio.Event()
        self._stop = asyncio.Event()
        self._tether = Tether(charge, self._stop.set)
        self._watched: set[int] = set()
        self._feeds = Feeds(
            state_dir / FEEDS,
            self._stop.is_set,
            self._reload_live,
            charge.run_dir / ASKED_SOCKET,
        )
        self._library = Library()
        self._damper = Damper(state_dir / HELD, time.time, self._reload_held)
        self._lore_files = LoreFiles(self._library, charge.layout.state_dir, self._reload_lore)
        self._reloader = Reloader(
            Surroundings(
                charge=charge,
                publisher=self._publisher,
                overview=self._overview,
                gate=self._gate,
                live_tables=self._list_live_tables,
                read_lore=self._read_lore,
                return_to_feeds=lambda config: self._feeds.return_to(config.feeds),
                damper=self._damper,
                is_stopping=self._stop.is_set,
                conditions=lambda: self._sites.conditions,
                on_first=lambda view: self._sites.configure(view.config),
                on_view=self._take_up,
            )
        )
        self._mender = Mender(self._publisher, self._overview, self._reloader.alone)
        self._tables = Tables(
            self._reloader,
            lambda: self._sites.conditions if self._sites.have_looked else None,
            self._sites.teller.tell,
            self._feeds,
        )
        commands = Commands(
            self._reloader,
            self._publisher,
            (self._sites, self._tables),
            self._overview,
            self._describe,
        )
        self._control = ControlSocket(charge.run_dir / CONTROL_SOCKET, commands.execute)
        self._route_port: RoutePort | None = None
        self._is_open = False
        self._has_confirmed = False

    async def run(self) -> None:
        """Publish, then serve questions until told to end. Raises `InputError`, `FatalError`.

        Where the keeper has been ready before, what is wrong with the configuration
        is no reason to end: the last plan is served, and a reload may mend it.
        """
        # For what takes long, or waits for a disk. Made by name, since asyncio would import
        # this late, when the account that we became may not be able to read Python's files.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "work"))
        self._hear()
        if not self._charge.is_successor:
            self._control.start()
        work = asyncio.create_task(self._work())
        end = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((work, end), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
        finally:
            work.cancel()
            end.cancel()
            with suppress(asyncio.CancelledError, InputError, FatalError):
                await work
            await self._control.stop()

    async def _work(self) -> None:
        sites = asyncio.create_task(self._sites.run(self._reloader.alone))
        try:
            await self._serve(sites)
        finally:
            sites.cancel()
            with suppress(asyncio.CancelledError):
                await sites

    async def _serve(self, sites: asyncio.Task[None]) -> None:
        if not self._charge.is_successor:  # until our tables are read its words are its own
            self._sites.begin()
        await self._reloader.begin()
        if self._charge.is_successor:
            self._control.start()
        self._is_open = True
        self._confirm()
        async with asyncio.TaskGroup() as group:
            group.create_task(_await(sites))
            group.create_task(self._heed_hangups())
            for what, run in (
                ("the first plan", self._reloader.persist),
                ("tables", self._tables.run),
                ("live sources", self._feeds.run),
                ("what is known of addresses", self._lore_files.run),
                ("hysteresis", self._damper.run),
                ("the route port", self._serve_route_port),
                ("HTTP", self._serve_http),
                ("counters", self._fold),
                ("the plan on the disk", self._mender.run),
            ):
                group.create_task(go_on(what, run))

    def _take_up(self, view: View) -> None:
        """Take notice of a view that is served."""
        self._sites.configure(view.config)
        self._tables.configure(view.config)
        self._lore_files.configure(view.config)
        self._damper.take_up(view)
        self._feeds.drop_others(view.config.feeds)
        if self._is_open:
            self._confirm()

    def _read_lore(self, config: Config) -> LoadedLore:
        return self._library.load(config, self._charge.layout.state_dir, time.time())

    def _list_live_tables(self, config: Config, of_files: Collection[str]) -> LiveTables:
        keeps = config.ranking.use_local_pref
        return self._feeds.tables_by_view(config.feeds, of_files, keeps_local_pref=keeps)

    async def _reload_held(self) -> None:
        await self._reloader.reload_held()

    async def _reload_lore(self) -> None:
        try:
            await self._reloader.reload_lore()
        except InputError:
            # A file that is wrong keeps no override from ending: nothing is read for that.
            await self._reloader.reload_held()
            raise

    async def _reload_live(self) -> None:
        await self._reloader.reload_live()

    def _heed_sites(self) -> None:
        self._tables.notice_sites()

    def _confirm(self) -> None:
        """Tell the keeper, once, that what is configured is served, if it is.

        Where it is only not written yet, the last plan is as good as may be.
        """
        live = self._reloader.live
        if self._has_confirmed or not (live or self._reloader.is_waiting):
            return
        self._has_confirmed = True
        self._tether.confirm(f"serial {live.view.serial}" if live else "with the last plan")

    def _hear(self) -> None:
        """Hear signals and the keeper; a SIGHUP that waited arrives now."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up.set)
        signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        self._watch()

    def _watch(self) -> None:
        """Watch the keeper and the end. A successor gets its files from the workers."""
        loop = asyncio.get_running_loop()
        files = self._tether.filenos if self._tether.has_keeper else {self._finish_fd}
        for fileno in files - self._watched:
            loop.add_reader(fileno, self._heed, fileno)
        self._watched = files

    @property
    def _finish_fd(self) -> int:
        return self._charge.estate.finish_read_fd

    def _heed(self, fileno: int) -> None:
        asyncio.get_running_loop().remove_reader(fileno)
        self._watched.discard(fileno)
        self._tether.heed(fileno)
        if not self._stop.is_set():
            self._watch()

    async def _serve_route_port(self) -> None:
        held = self._charge.estate.route_port
        live = await self._reloader.wait_loaded()
        config = live.view.config.ssrs
        if config is None or held is None:
            return
        self._route_port = RoutePort(live, _route_port_settings(config))
        _log.info("answering the route port on %s", held.endpoint)
        with socket.socket(fileno=os.dup(held.fd)) as listener:
            await self._route_port.serve([listener])

    async def _serve_http(self) -> None:
        """Serve the pages that are configured at the start; DNS goes on without them."""
        config = (await self._reloader.wait_loaded()).view.config
        if config.http is None:
            return
        try:
            from sparrow.server.http import HttpPort, HttpSources  # noqa: PLC0415  (10 MiB, 0.2 s)
        except (ImportError, OSError) as error:  # the account may not be able to read it
            _log.error("no HTTP listener: it cannot be loaded: %s", error)
            return
        port = HttpPort(config.http.listen, HttpSources(self._describe, self._find_zone))
        await port.serve(_HANDOVER_S)

    def _find_zone(self) -> tuple[Endpoint, Name] | None:
        """Give where DNS is served, and a zone that is."""
        live = self._reloader.live
        zones = live.view.authority.zones.zones if live else ()
        served = self._charge.layout.dns
        return (served[0], next(iter(zones))) if served and zones else None

    async def _fold(self) -> None:
        while True:
            self._overview.fold()
            await asyncio.sleep(_FOLD_S)

    async def _heed_hangups(self) -> None:
        """Reload at SIGHUP; several that come before a reload begins are one."""
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            try:
                await self._reloader.reload()
            except InputError:
                pass  # said in the log where it was decided
            except Exception:  # noqa: BLE001 (the outermost loop; what is served is whole)
                _log.exception("a reload failed inside")

    def _describe(self) -> dict[str, Any]:
        """Give the object of the command `status`."""
        layout, keeper, live = (
            self._charge.layout,
            self._overview.load_keeper(),
            self._reloader.live,
        )
        counters, workers = self._overview.read(live.site_names if live else ())
        has_keeper = self._tether.has_keeper
        process = Process(
            version=sparrow.__version__,
            pid=self._charge.keeper_pid if has_keeper else os.getpid(),
            daemon_pid=os.getpid(),
            keeper_pid=self._charge.keeper_pid if has_keeper else None,
            started_at_s=keeper.get("started_at", 0.0),
            config_path=layout.config_path,
            state_dir=layout.state_dir,
            listen=tuple(map(str, layout.dns)),
            route_port=str(layout.route_port) if layout.route_port else None,
            route_port_counters=self._route_port.snapshot() if self._route_port else {},
            last_reload=self._reloader.last_report,
            plan=self._publisher.present(),
            workers=tuple(workers),
            feeds=self._feeds.describe(),
        )
        found = self._sites.describe()
        table = self._gate.describe()
        held = table.pop("held")
        failover = replace(found, mode=self._tables.mode, table=table, held=held)
        return build_status(process, live.view if live else None, counters, failover)


async def _await(task: asyncio.Task[None]) -> None:
    await task


def _route_port_settings(config: SsrsConfig) -> RoutePortSettings:
    return RoutePortSettings(
        hostname=config.hostname or socket.gethostname().partition(".")[0],
        password=config.password,
        max_connections=config.connections,
        max_per_address=config.per_address,
        idle_s=config.idle_s,
    )


def main(arguments: list[str]) -> int:
    """Be the daemon of a keeper's charge, the one argument; give the exit code."""
    return run(decode_charge(arguments[0]))


def run(charge: Charge) -> int:
    """Be the daemon of a charge; give the exit code."""
    start_log(charge.layout.log_format, charge.layout.log_level)
    for encoding in ("utf-8-sig", "ascii"):
        codecs.lookup(encoding)  # now, as the account may not be able to read Python's files
    become(charge.layout.user)

    async def serve() -> None:
        await Daemon(charge).run()

    try:
        asyncio.run(serve())
    except (InputError, FatalError) as error:
        for line in str(error).splitlines():
            _log.error("%s", line)
        return error.exit_code
    return 0
