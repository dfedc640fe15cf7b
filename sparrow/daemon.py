"""The daemon: opens the sockets, serves, reloads as one transaction, drains and stops.

Law: a reload that is refused changes nothing; one that is taken builds
everything aside and then swaps one reference. Start from `Daemon`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import sparrow
from sparrow.account import change_account, find_account
from sparrow.config.load import load_config
from sparrow.config.locate import find_folders
from sparrow.control.protocol import Request, problem_to_json
from sparrow.control.requests import parse_addresses
from sparrow.control.status import Process, ReloadReport
from sparrow.errors import InputError
from sparrow.folders import claim_run_dir, load_cookie_secrets
from sparrow.live import Live
from sparrow.rib.delta import Delta, diff
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.table import Rib
from sparrow.server.control import ControlSocket
from sparrow.server.exchange import Exchange
from sparrow.server.sockets import SPARE_FILES, DnsSockets, allow_files, open_listeners, open_tcp
from sparrow.server.ssrs import RoutePort, RoutePortSettings
from sparrow.server.tcp import TcpServer
from sparrow.server.udp import UdpServer
from sparrow.staging import Staged, Staging, stage
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sparrow.config.model import Config, SsrsConfig
    from sparrow.errors import Problem
    from sparrow.folders import RunDir
    from sparrow.view import View

_log = logging.getLogger(__name__)

_FIXED_SETTINGS = ("listen", "workers", "run_dir", "state_dir", "user", "cookie_secret")
"""Settings of `server` that are taken up at the start and not by a reload."""
_LOOK_UPS = 50
"""Addresses looked up between two turns of the event loop: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Premises:
    """What a daemon holds from its start to its end."""

    config: Config
    """The configuration that it was started with."""
    run_dir: RunDir
    """Its run directory, locked."""
    dns: tuple[DnsSockets, ...]
    """Sockets of DNS; none without zones."""
    route_port: socket.socket | None
    """Listening socket of the route port; None where none is configured."""
    secret_path: str
    """File of the cookie secrets."""
    started_at_s: float
    """Unix time."""


def enter_premises(config_path: str) -> Premises:
    """Lock the run directory, open the sockets, and become the configured user.

    Raises `InputError` or `FatalError`; what was opened goes with the process.
    """
    config = load_config(config_path).config
    _allow_connections(config)
    account = find_account(config.server.user)
    owner = (account.pw_uid, account.pw_gid) if account else None
    folders = find_folders(config.server, config_path, os.environ, os.getuid())
    run_dir = claim_run_dir(folders.run_dir, owner)
    load_cookie_secrets(folders.cookie_secret, owner)  # made now, while it can be
    dns = open_listeners(config.server.listen) if config.zones else ()
    route_port = open_tcp(config.ssrs.listen) if config.ssrs else None
    if account:
        unreadable = change_account(account)
        _log.info("running as %s, who must be able to read every file", account.pw_name)
        if unreadable:
            what = "%s cannot read %s: install Python and sparrow where that user can"
            _log.warning(what, account.pw_name, unreadable[0])
    return Premises(config, run_dir, dns, route_port, folders.cookie_secret, time.time())


def _allow_connections(config: Config) -> None:
    """Have room for every connection that is allowed, or say that there is none."""
    route_port = config.ssrs.connections if config.ssrs else 0
    needed = config.server.tcp.connections + route_port + SPARE_FILES
    allowed = allow_files(needed)
    if allowed < needed:
        _log.warning(
            "this process may open %d files, and %d may be needed: raise the hard limit of open "
            "files (LimitNOFILE= in systemd), or lower server.tcp.connections",
            *(allowed, needed),
        )


def hold_signals() -> None:
    """Choose what signals do before the event loop is there to hear them.

    SIGHUP waits until a reload is possible (the kernel keeps a blocked signal);
    SIGTERM and SIGINT end the process, in order and with exit code 0.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def _leave(*_: object) -> NoReturn:
    _log.info("stopped before anything was served")
    raise SystemExit(0)


class Daemon:
    """One running server. Everything in it happens in one event loop."""

    def __init__(self, config_path: str, progress: Callable[[int, int], None] | None) -> None:
        """Open, lock, and build the first view. Raises `InputError` or `FatalError`."""
        self._config_path = config_path
        self._premises = enter_premises(config_path)
        staged = stage(self._staging(progress=progress))
        _log_each(logging.WARNING, staged.warnings)
        self._live = Live(staged.view, Rib())
        self._exchange = Exchange(self._live.respond, self._live.counters)
        self._last_reload: ReloadReport | None = None
        self._reloading = asyncio.Lock()
        self._hung_up = asyncio.Event()
        self._stop = asyncio.Event()
        self._tcp: TcpServer | None = None
        self._route_port: RoutePort | None = None

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain and return."""
        self._hear_signals()
        # One thread for what takes long. Made by name, since asyncio would import this
        # late, when the account that we became may not be able to read Python's files.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1, "staging"))
        udp = [UdpServer(each.udp, self._exchange) for each in self._premises.dns]
        listeners = [each.tcp for each in self._premises.dns]
        self._tcp = TcpServer(listeners, self._exchange, self._premises.config.server.tcp)
        if self._premises.dns:
            _log.info("answering DNS on %s", ", ".join(self._listen_texts()))
        control = ControlSocket(self._premises.run_dir.control_socket, self._execute)
        try:
            await self._fill_rib()
            control.start()
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._serve_route_port()),
                    group.create_task(self._heed_hangups()),
                ]
                _log.info("ready, serial %d, pid %d", self._live.view.serial, os.getpid())
                await self._stop.wait()
                _log.info("stopping: answering what has arrived")
                for task in tasks:
                    task.cancel()
        finally:
            await control.stop()
            for server in udp:
                server.close()
            await self._tcp.drain()
        _log.info("stopped")

    def _hear_signals(self) -> None:
        """Take the signals over from `hold_signals`; a SIGHUP that waited arrives now."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    async def _fill_rib(self) -> None:
        """Put the first table into the RIB, behind the answers that are given already."""
        async with self._reloading:
            delta = await asyncio.to_thread(diff, EMPTY, self._live.view.tables.snapshot)
            await asyncio.to_thread(self._live.rib.apply, delta)

    async def _serve_route_port(self) -> None:
        config, listener = self._premises.config.ssrs, self._premises.route_port
        if config is None or listener is None:
            return
        self._route_port = RoutePort(self._live, _route_port_settings(config))
        _log.info("answering the route port on %s", config.listen)
        with listener:
            await self._route_port.serve([listener])

    # Reload.

    def _staging(
        self, *, progress: Callable[[int, int], None] | None = None, view: View | None = None
    ) -> Staging:
        """Say how to build the view behind `view`, or the first one."""
        secret_path = self._premises.secret_path
        return Staging(
            config_path=self._config_path,
            cookie_secrets=lambda _: load_cookie_secrets(secret_path, None),
            progress=progress,
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
            old = self._live.view
            try:
                staging = self._staging(view=old, progress=self._go_on_unless_stopping)
                staged = await asyncio.to_thread(stage, staging)
            except InputError as error:
                self._last_reload = ReloadReport(time.time(), error.problems)
                _log.error("reload refused, serial %d is served on:", old.serial)
                _log_each(logging.ERROR, error.problems)
                raise
            new = staged.view
            delta = await asyncio.to_thread(diff, old.tables.snapshot, new.tables.snapshot)
            await asyncio.to_thread(self._live.rib.apply, delta)
            self._publish(old, staged, delta)
            self._last_reload = ReloadReport(time.time(), ())
            return self._describe_reload(old, staged, delta)

    def _publish(self, old: View, staged: Staged, delta: Delta) -> None:
        """Swap the view; where nothing differs the serial stays what it was."""
        new = staged.view
        _log_each(logging.WARNING, staged.warnings)
        if delta.is_empty and _serves_the_same(old, new):
            new = replace(new, serial=old.serial, published_at_s=old.published_at_s)
        self._live.publish(new)
        _allow_connections(new.config)
        if self._tcp:
            self._tcp.limits = new.config.server.tcp

    def _describe_reload(self, old: View, staged: Staged, delta: Delta) -> dict[str, Any]:
        withdrawn = len(delta.withdrawn)
        announced = delta.size_after - delta.size_before + withdrawn
        rerouted = len(delta.announced) - announced
        zones = _differing_zones(old, staged.view)
        serial = self._live.view.serial
        _log.info(
            "reloaded, serial %d: %d prefixes announced, %d withdrawn, %d rerouted; "
            "zones changed: %s",
            *(serial, announced, withdrawn, rerouted, ", ".join(zones) or "none"),
        )
        needs_restart = self._differing_settings(staged.view.config)
        for setting in needs_restart:
            _log.warning("%s differs from what is in force: it needs a restart", setting)
        return {
            "serial": serial,
            "changed": {
                "announced": announced,
                "withdrawn": withdrawn,
                "rerouted": rerouted,
                "zones": zones,
            },
            "warnings": [problem_to_json(problem) for problem in staged.warnings],
            "needs_restart": needs_restart,
        }

    def _differing_settings(self, config: Config) -> list[str]:
        """Name the settings that a reload does not take up and that differ from those in force."""
        before = self._premises.config
        names = [
            f"server.{name}"
            for name in _FIXED_SETTINGS
            if getattr(before.server, name) != getattr(config.server, name)
        ]
        if bool(before.zones) != bool(config.zones):
            names.append("zones (the first one, or the last)")
        return names + (["ssrs"] if before.ssrs != config.ssrs else [])

    # The control socket.

    async def _execute(self, request: Request) -> Mapping[str, Any]:
        """Do what a client of the control socket asks for. Raises `InputError`."""
        if request.command == "reload":
            return await self.reload()
        if request.command == "lookup":
            return await self._look_up(parse_addresses(request.arguments))
        if request.command == "explain":
            return self._live.explain_case(request.arguments)
        return self._live.status(self._describe_process())

    async def _look_up(self, addresses: list[bytes]) -> dict[str, Any]:
        """Give the object of the command `lookup`, with turns for everybody else in between."""
        rows: list[dict[str, Any]] = []
        for start in range(0, len(addresses), _LOOK_UPS):
            rows += self._live.look_up(addresses[start : start + _LOOK_UPS])
            await asyncio.sleep(0)
        return {"rows": rows}

    def _describe_process(self) -> Process:
        ssrs = self._premises.config.ssrs
        return Process(
            version=sparrow.__version__,
            pid=os.getpid(),
            started_at_s=self._premises.started_at_s,
            listen=self._listen_texts(),
            route_port=str(ssrs.listen) if ssrs else None,
            route_port_counters=self._route_port.snapshot() if self._route_port else {},
            last_reload=self._last_reload,
        )

    def _listen_texts(self) -> tuple[str, ...]:
        return tuple(str(each.endpoint) for each in self._premises.dns)


def _route_port_settings(config: SsrsConfig) -> RoutePortSettings:
    return RoutePortSettings(
        hostname=config.hostname or socket.gethostname().partition(".")[0],
        password=config.password,
        max_connections=config.connections,
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


def _differing_zones(old: View, new: View) -> list[str]:
    """Name the zones that came, went, or have other contents."""
    before, after = old.authority.zones.zones, new.authority.zones.zones
    names = sorted(before.keys() | after.keys())
    return [render_name(name) for name in names if before.get(name) != after.get(name)]
