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
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sparrow
from sparrow.account import become
from sparrow.control.protocol import Request, problem_to_json
from sparrow.control.requests import parse_addresses
from sparrow.control.status import Process, ReloadReport, build_status
from sparrow.errors import FatalError, InputError, Problem
from sparrow.folders import CONTROL_SOCKET, load_cookie_secrets
from sparrow.keeping.charge import decode_charge
from sparrow.keeping.configured import build_limits, count_workers
from sparrow.keeping.overview import Overview
from sparrow.keeping.publishing import Publisher
from sparrow.keeping.tether import Tether
from sparrow.live import Live
from sparrow.logs import start_log
from sparrow.rib.delta import Delta, diff
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.table import Rib
from sparrow.server.control import ControlSocket
from sparrow.server.ssrs import RoutePort, RoutePortSettings
from sparrow.staging import Staged, Staging, stage
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sparrow.config.model import Config, SsrsConfig
    from sparrow.keeping.charge import Charge
    from sparrow.view import View

_log = logging.getLogger(__name__)

_FIXED_SETTINGS = ("run_dir", "state_dir", "user", "cookie_secret")
"""Settings of `server` that are taken up at the start and not by a reload."""
_LOOK_UPS = 50
"""Addresses looked up between two turns of the event loop: some milliseconds."""
_TAKE_UP_S = 10.0
"""Seconds for the workers to serve what was published; they look 20 times a second."""
_TAKE_UP_PAUSE_S = 0.01
_FOLD_S = 30.0
"""Seconds between two times that the counters of the dead are added up."""


class Daemon:
    """The one that knows. Everything in it happens in one event loop."""

    def __init__(self, charge: Charge) -> None:
        """Take a charge; `run` does the work."""
        self._charge = charge
        self._live: Live | None = None
        self._first_config: Config | None = None
        self._publisher = Publisher(charge.run_dir)
        self._overview = Overview(charge.layout, charge.run_dir)
        self._last_reload: ReloadReport | None = None
        self._reloading = asyncio.Lock()
        self._is_loaded = asyncio.Event()
        self._hung_up = asyncio.Event()
        self._stop = asyncio.Event()
        self._tether = Tether(charge, self._stop.set)
        self._watched: set[int] = set()
        self._control = ControlSocket(charge.run_dir / CONTROL_SOCKET, self._execute)
        self._route_port: RoutePort | None = None

    async def run(self) -> None:
        """Publish, then serve questions until told to end. Raises `InputError`, `FatalError`.

        Where the keeper has been ready before, what is wrong with the configuration
        is no reason to end: the last plan is served, and a reload may mend it.
        """
        # One thread for what takes long. Made by name, since asyncio would import this
        # late, when the account that we became may not be able to read Python's files.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1, "staging"))
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
        await self._begin()
        if self._charge.is_successor:
            self._control.start()
        self._confirm()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._serve_route_port())
            group.create_task(self._heed_hangups())
            group.create_task(self._fold())

    def _confirm(self) -> None:
        """Tell the keeper that what is configured is served, if it is."""
        if self._live:
            self._tether.confirm(f"serial {self._live.view.serial}")

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

    # The first state.

    async def _begin(self) -> None:
        """Build the first view, publish it, and fill the RIB behind it."""
        async with self._reloading:
            try:
                staged = await asyncio.to_thread(stage, self._staging(None))
                await self._publish(staged.view)
            except InputError as error:
                self._refuse_start(error)
                return
            await self._serve(staged)

    async def _serve(self, staged: Staged) -> None:
        """Answer questions from the first view there is."""
        _log_each(logging.WARNING, staged.warnings)
        rib = Rib()
        delta = await asyncio.to_thread(diff, EMPTY, staged.view.tables.snapshot)
        await asyncio.to_thread(rib.apply, delta)
        self._first_config = staged.view.config
        self._live = Live(staged.view, rib)
        self._is_loaded.set()
        self._warn_of_restart(staged.view.config)

    def _refuse_start(self, error: InputError) -> None:
        """Go on without a view, where the workers have a plan; raise `error` otherwise."""
        if not self._charge.was_ready:
            raise error
        self._last_reload = ReloadReport(time.time(), error.problems)
        _log.error("the configuration is refused, the last plan is served on:")
        _log_each(logging.ERROR, error.problems)

    async def _publish(self, view: View) -> None:
        """Have the workers serve a view. Raises `InputError`; then they go on as before."""
        limits = build_limits(view.config.server.tcp)
        generation = await asyncio.to_thread(self._publisher.publish, view.authority, limits)
        deadline = time.monotonic() + _TAKE_UP_S
        while not self._overview.serves(generation):
            if time.monotonic() > deadline:
                _log.warning("generation %d is not served by every worker yet", generation)
                return
            await asyncio.sleep(_TAKE_UP_PAUSE_S)

    async def _serve_route_port(self) -> None:
        held = self._charge.estate.route_port
        await self._is_loaded.wait()
        live = self._live
        config = live.view.config.ssrs if live else None
        if config is None or held is None or live is None:
            return
        self._route_port = RoutePort(live, _route_port_settings(config))
        _log.info("answering the route port on %s", held.endpoint)
        with socket.socket(fileno=os.dup(held.fd)) as listener:
            await self._route_port.serve([listener])

    async def _fold(self) -> None:
        while True:
            self._overview.fold()
            await asyncio.sleep(_FOLD_S)

    # Reload.

    def _staging(self, view: View | None) -> Staging:
        """Say how to build the view behind `view`, or the first one."""
        secret_path = self._charge.layout.secret_path
        return Staging(
            config_path=self._charge.layout.config_path,
            cookie_secrets=lambda _: load_cookie_secrets(secret_path, None),
            progress=self._go_on_unless_stopping,
            previous=view.tables.snapshot if view else EMPTY,
            serial=view.serial + 1 if view else 1,
        )

    def _go_on_unless_stopping(self, *_: int) -> None:
        """Break off reading tables, in the thread that does, when nobody waits for them."""
        if self._stop.is_set():
            raise asyncio.CancelledError

    async def _heed_hangups(self) -> None:
        """Reload at SIGHUP; several that come before a reload begins are one."""
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            try:
                await self.reload()
            except InputError:
                pass  # said in the log where it was decided
            except Exception:  # noqa: BLE001 (the outermost loop; what is served is whole)
                _log.exception("a reload failed inside")

    async def reload(self) -> dict[str, Any]:
        """Read everything again and serve it, or raise `InputError` and go on as before.

        Gives the object that `docs/control.md` describes. One reload runs at a time.
        """
        async with self._reloading:
            old = self._live.view if self._live else None
            try:
                staged = await asyncio.to_thread(stage, self._staging(old))
                if self._live and old:
                    delta = await self._replace(self._live, old, staged)
                else:
                    await self._publish(staged.view)
                    delta = await asyncio.to_thread(diff, EMPTY, staged.view.tables.snapshot)
                    await self._serve(staged)
                    self._confirm()
            except InputError as error:
                self._last_reload = ReloadReport(time.time(), error.problems)
                serial = f"serial {old.serial}" if old else "the last plan"
                _log.error("reload refused, %s is served on:", serial)
                _log_each(logging.ERROR, error.problems)
                raise
            self._last_reload = ReloadReport(time.time(), ())
            return self._describe_reload(old, staged, delta)

    async def _replace(self, live: Live, old: View, staged: Staged) -> Delta:
        """Publish a view in the place of another; where nothing differs the serial stays."""
        new = staged.view
        delta = await asyncio.to_thread(diff, old.tables.snapshot, new.tables.snapshot)
        if delta.is_empty and _serves_the_same(old, new):
            new = replace(new, serial=old.serial, published_at_s=old.published_at_s)
        else:
            await self._publish(new)
        await asyncio.to_thread(live.rib.apply, delta)
        _log_each(logging.WARNING, staged.warnings)
        live.publish(new)
        return delta

    def _describe_reload(self, old: View | None, staged: Staged, delta: Delta) -> dict[str, Any]:
        withdrawn = len(delta.withdrawn)
        announced = delta.size_after - delta.size_before + withdrawn
        rerouted = len(delta.announced) - announced
        zones = _differing_zones(old, staged.view)
        serial = self._live.view.serial if self._live else staged.view.serial
        _log.info(
            "reloaded, serial %d: %d prefixes announced, %d withdrawn, %d rerouted; "
            "zones changed: %s",
            *(serial, announced, withdrawn, rerouted, ", ".join(zones) or "none"),
        )
        return {
            "serial": serial,
            "changed": {
                "announced": announced,
                "withdrawn": withdrawn,
                "rerouted": rerouted,
                "zones": zones,
            },
            "warnings": [problem_to_json(problem) for problem in staged.warnings],
            "needs_restart": self._warn_of_restart(staged.view.config),
        }

    def _warn_of_restart(self, config: Config) -> list[str]:
        """Name the settings that differ from those in force and that a reload does not take up."""
        names = self._differing_settings(config)
        for setting in names:
            _log.warning("%s differs from what is in force: it needs a restart", setting)
        return names

    def _differing_settings(self, config: Config) -> list[str]:
        layout, before = self._charge.layout, self._first_config or config
        has_dns = bool(layout.dns)
        names = ["server.listen"] if has_dns and layout.dns != config.server.listen else []
        names += ["server.workers"] if layout.workers != count_workers(config) else []
        names += [
            f"server.{name}"
            for name in _FIXED_SETTINGS
            if getattr(before.server, name) != getattr(config.server, name)
        ]
        if has_dns != bool(config.zones):
            names.append("zones (the first one, or the last)")
        port = config.ssrs.listen if config.ssrs else None
        return names + (["ssrs"] if before.ssrs != config.ssrs or port != layout.route_port else [])

    # The control socket.

    async def _execute(self, request: Request) -> Mapping[str, Any]:
        """Do what a client of the control socket asks for. Raises `InputError`."""
        if request.command == "reload":
            return await self.reload()
        if request.command == "status":
            return self._describe()
        live = await self._await_tables()
        if request.command == "lookup":
            return await _look_up(live, parse_addresses(request.arguments))
        return live.explain_case(request.arguments, await asyncio.to_thread(self._publisher.open))

    async def _await_tables(self) -> Live:
        """Give what answers look-ups, once the first tables are read. Raises `InputError`."""
        async with self._reloading:
            pass
        if self._live is None:
            what = "nothing was read yet, as the configuration is refused; see `sparrow status`"
            raise InputError([Problem(what)])
        return self._live

    def _describe(self) -> dict[str, Any]:
        """Give the object of the command `status`."""
        layout, keeper = self._charge.layout, self._overview.load_keeper()
        view = self._live.view if self._live else None
        counters, workers = self._overview.read(self._live.site_names if self._live else ())
        has_keeper = self._tether.has_keeper
        process = Process(
            version=sparrow.__version__,
            pid=self._charge.keeper_pid if has_keeper else os.getpid(),
            daemon_pid=os.getpid(),
            keeper_pid=self._charge.keeper_pid if has_keeper else None,
            started_at_s=keeper.get("started_at", 0.0),
            config_path=layout.config_path,
            listen=tuple(map(str, layout.dns)),
            route_port=str(layout.route_port) if layout.route_port else None,
            route_port_counters=self._route_port.snapshot() if self._route_port else {},
            last_reload=self._last_reload,
            plan=self._publisher.present(),
            workers=tuple(workers),
        )
        return build_status(process, view, counters)


async def _look_up(live: Live, addresses: list[bytes]) -> dict[str, Any]:
    """Give the object of the command `lookup`, with turns for everybody else in between."""
    rows: list[dict[str, Any]] = []
    for start in range(0, len(addresses), _LOOK_UPS):
        rows += live.look_up(addresses[start : start + _LOOK_UPS])
        await asyncio.sleep(0)
    return {"rows": rows}


def _route_port_settings(config: SsrsConfig) -> RoutePortSettings:
    return RoutePortSettings(
        hostname=config.hostname or socket.gethostname().partition(".")[0],
        password=config.password,
        max_connections=config.connections,
        max_per_address=config.per_address,
        idle_s=config.idle_s,
    )


def _log_each(level: int, problems: Iterable[Problem]) -> None:
    for problem in problems:
        _log.log(level, "%s", problem)


def _serves_the_same(old: View, new: View) -> bool:
    return (
        old.config == new.config
        and old.authority.zones == new.authority.zones
        and old.authority.identity == new.authority.identity
    )


def _differing_zones(old: View | None, new: View) -> list[str]:
    """Name the zones that came, went, or have other contents."""
    before, after = old.authority.zones.zones if old else {}, new.authority.zones.zones
    names = sorted(before.keys() | after.keys())
    return [render_name(name) for name in names if before.get(name) != after.get(name)]


def main(arguments: list[str]) -> int:
    """Be the daemon of a keeper's charge; give the exit code."""
    charge = decode_charge(arguments[0])
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
