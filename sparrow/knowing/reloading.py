"""From files to what the workers serve, at the start and again at each change.

Law: one change at a time; it builds everything aside, publishes it, and comes to its end
when the workers serve it. One that is refused changes nothing. Start from `Reloader`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sparrow.control.protocol import problem_to_json
from sparrow.control.status import ReloadReport
from sparrow.errors import InputError, Problem, UnwrittenError
from sparrow.folders import load_cookie_secrets
from sparrow.keeping.configured import build_limits, build_pdns, count_workers, has_default_listen
from sparrow.keeping.memory import give_back
from sparrow.live import Live
from sparrow.lore import renew_overrides
from sparrow.policy.configured import build_site_set
from sparrow.policy.knowledge import Lore
from sparrow.policy.survey import Survey
from sparrow.rib.delta import Delta, diff
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.stack import Stacks
from sparrow.rib.table import Rib
from sparrow.staging import Staged, Staging, draw_preferred, restage_tables, stage
from sparrow.tables.gate import build_candidate
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from sparrow.config.model import Config
    from sparrow.keeping.charge import Charge
    from sparrow.keeping.overview import Overview
    from sparrow.keeping.publishing import Publisher
    from sparrow.knowing.damping import Damper
    from sparrow.knowing.feeding import LiveTables
    from sparrow.lore import LoadedLore
    from sparrow.policy.outcome import Conditions
    from sparrow.policy.site import SiteSet
    from sparrow.policy.steering import AddressMap
    from sparrow.rib.snapshot import Snapshot
    from sparrow.sources.files import Loaded
    from sparrow.tables.gate import Admitted, Candidate, Decision, TableGate
    from sparrow.view import View

_log = logging.getLogger(__name__)

_FIXED_SETTINGS = ("run_dir", "state_dir", "user", "cookie_secret")
"""Settings of `server` that are taken up at the start and not by a reload."""
_TAKE_UP_S = 10.0
"""Seconds for the workers to serve what was published; they look 20 times a second."""
_TAKE_UP_PAUSE_S = 0.01
_PERSIST_S = 5.0
"""Seconds until a first plan that could not be written is tried again; twice as many each time."""
_LONGEST_PERSIST_S = 60.0
_LIVE = "live tables"
_EVERYTHING = "everything"
"""What a reload that was asked for reads."""


@dataclass(frozen=True, slots=True)
class _Errand:
    """What a change is for."""

    what: str
    """What is read, or looked at again; what is refused of it stands until it is not."""
    is_asked: bool = False
    """Whether somebody waits to hear of it."""
    is_quiet: bool = False
    """Whether it comes every few seconds, and is worth no line in the log."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a reloader works with."""

    charge: Charge
    """What the keeper told the daemon."""
    publisher: Publisher
    """Where views are published."""
    overview: Overview
    """Who serves."""
    gate: TableGate
    """What every table of files passes."""
    live_tables: Callable[[Config, Collection[str]], LiveTables]
    """Gives the tables of live sources as they are, and is told which views have files;
    called in the thread that reads."""
    read_lore: Callable[[Config], LoadedLore]
    """Gives what else is known of addresses; called there, raises `InputError`."""
    return_to_feeds: Callable[[Config], None]
    """Has live sources of no other configuration followed any more, and their tables taken up
    again; called in a thread where something else was refused."""
    damper: Damper
    """What holds back what routes would move."""
    is_stopping: Callable[[], bool]
    """Whether nobody waits for tables any more."""
    conditions: Callable[[], Conditions]
    """Gives how the sites stand."""
    on_first: Callable[[View], None]
    """Told of the first view before it is served, so that how its sites stand is known."""
    on_view: Callable[[View], None]
    """Told of each view that is served from now on."""


class Reloader:
    """Builds what is served and has it served. Everything but the work happens in one loop."""

    def __init__(self, surroundings: Surroundings) -> None:
        """Nothing is read before `begin`."""
        self._around = surroundings
        self._first_config: Config | None = None
        self._admitted: Admitted | None = None
        self._files: Loaded | None = None
        self._stale: frozenset[str] = frozenset()
        self._stacks = Stacks()
        self._survey: Survey | None = None
        self._errand = _Errand(_EVERYTHING)
        self._refusals: dict[str, ReloadReport] = {}
        self.alone = self._lock = asyncio.Lock()
        """Held by who publishes."""
        self._is_loaded = asyncio.Event()
        self.live: Live | None = None
        """What is served and can be looked up; None before the first tables are read."""
        self.last_report: ReloadReport | None = None
        """How the last attempt ended; None before the first that failed or was asked for."""
        self.is_waiting = False
        """Whether there is a last plan to serve, and the first one could not be written."""

    async def settle(self) -> Live | None:
        """Wait until no change is being made, and give what is served."""
        async with self._lock:
            return self.live

    async def wait_loaded(self) -> Live:
        """Wait for the first view."""
        await self._is_loaded.wait()
        assert self.live is not None  # noqa: S101  (for the type checker: it is set before)
        return self.live

    # The first state.

    async def begin(self) -> None:
        """Build the first view, publish it, and fill the RIB behind it.

        Raises `InputError`, but where the keeper has been ready before, or a first plan that
        is sound cannot be written: then the last plan is served, and a reload may mend it.
        """
        async with self._lock:
            try:
                staging = self._staging(None)
                staged = await asyncio.to_thread(self._build, None, lambda: stage(staging))
                await self._publish_first(staged.view)
                await self._commit()
            except InputError as error:
                charge, has_plan = self._around.charge, self._around.publisher.present() is not None
                is_unwritten = isinstance(error, UnwrittenError) and has_plan
                self.is_waiting = is_unwritten and not charge.is_successor
                if not charge.was_ready and not self.is_waiting:
                    raise
                self.last_report = ReloadReport(time.time(), error.problems)
                _log.error("what is configured cannot be served, the last plan is served on:")
                log_each(logging.ERROR, error.problems)
                return
            await self._serve(staged)

    async def persist(self) -> None:
        """Try again what could not be written at the start, until there is a view."""
        pause_s = _PERSIST_S
        while self.is_waiting and self.live is None:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PERSIST_S)
            if self.live is None:
                with suppress(InputError):  # said in the log where it was decided
                    await self.reload()

    async def _serve(self, staged: Staged) -> None:
        """Answer questions from the first view there is."""
        log_each(logging.WARNING, staged.warnings)
        rib = Rib()
        delta = await asyncio.to_thread(diff, EMPTY, staged.view.tables.snapshot)
        await asyncio.to_thread(rib.apply, delta)
        del delta
        await asyncio.to_thread(give_back)
        self._first_config = staged.view.config
        self.live = Live(staged.view, rib)
        self._is_loaded.set()
        self._around.on_view(staged.view)
        self._warn_of_restart(staged.view.config)

    async def _publish_first(self, view: View) -> None:
        self._around.on_first(view)
        await self._publish(view)

    async def _publish(self, view: View) -> None:
        """Have the workers serve a view. Raises `InputError`; then they go on as before."""
        limits, conditions = build_limits(view.config.server.tcp), self._around.conditions()
        publish = self._around.publisher.publish
        generation = await asyncio.to_thread(publish, view.authority, limits, conditions)
        deadline = time.monotonic() + _TAKE_UP_S
        while not self._around.overview.serves(generation):
            if time.monotonic() > deadline:
                _log.warning("generation %d is not served by every worker yet", generation)
                return
            await asyncio.sleep(_TAKE_UP_PAUSE_S)

    # Later ones.

    async def reload(self) -> dict[str, Any]:
        """Read everything again and serve it, or raise `InputError` and go on as before.

        Gives the object that `docs/control.md` describes.
        """
        async with self._lock:
            old = self.live.view if self.live else None
            self._errand = _Errand(_EVERYTHING, is_asked=True)
            return await self._change(old, lambda: stage(self._staging(old)))

    async def reload_tables(self, decision: Decision | None = None) -> dict[str, Any]:
        """Have the tables alone served as they are now, or as an operator decided.

        All else stays as it is served, also where its files have changed, but for overrides
        that have ended. Raises `InputError`, before the first view as well.
        """
        async with self._lock:
            if self.live is None:
                raise InputError([Problem("no table is served yet")])
            old = self.live.view
            staging = replace(self._staging(old, decision), read_lore=partial(_keep_lore, old))
            self._errand = _Errand("tables", is_asked=decision is not None)
            return await self._change(old, lambda: restage_tables(old, staging))

    async def reload_live(self, *, is_asked: bool = False) -> dict[str, Any] | None:
        """Have the tables of live sources served as they are now; files stay as they are served.

        None where nothing is live. Raises `InputError`.
        """
        async with self._lock:
            if self.live is None or not self.live.view.config.feeds:
                return None
            return await self._restage(_Errand(_LIVE, is_asked=is_asked, is_quiet=True))

    async def reload_lore(self) -> dict[str, Any] | None:
        """Have what else is known of addresses read again; tables stay as they are served.

        None before the first view. Raises `InputError`.
        """
        async with self._lock:
            return await self._restage(_Errand("lore"))

    async def reload_held(self) -> dict[str, Any] | None:
        """Have what hysteresis holds looked through; no file is read. Raises `InputError`."""
        async with self._lock:
            return await self._restage(_Errand("held", is_quiet=True))

    async def _restage(self, errand: _Errand) -> dict[str, Any] | None:
        """Change what is no file of routes; None before the first view."""
        if self.live is None or self._files is None:
            return None
        old, files = self.live.view, replace(self._files, warnings=())
        staging = replace(self._staging(old), read_tables=partial(self._lay_over, files))
        if errand.what != "lore":  # a file of lore that is wrong keeps no route from counting
            staging = replace(staging, read_lore=partial(_keep_lore, old))
        self._admitted, self._errand = None, errand
        return await self._change(old, lambda: restage_tables(old, staging))

    def _lay_over(self, files: Loaded, config: Config) -> Loaded:
        """Lay the tables of live sources over those of files; in the thread that reads."""
        self._stale = frozenset()
        if not config.feeds:
            return files
        live = self._around.live_tables(config, files.views)
        self._stale = live.stale
        return files.with_live(live.views, self._stacks)

    async def _change(self, old: View | None, build: Callable[[], Staged]) -> dict[str, Any]:
        try:
            staged = await asyncio.to_thread(self._build, old, build)
            if self.live and old:
                delta = await self._replace(self.live, old, staged)
            else:
                await self._publish_first(staged.view)
                delta = await asyncio.to_thread(diff, EMPTY, staged.view.tables.snapshot)
                await self._serve(staged)
            await self._commit()
            if not self._errand.is_quiet:  # live tables change every few seconds, and by little
                await asyncio.to_thread(give_back)
        except InputError as error:
            self._report(error.problems)
            serial = f"serial {old.serial}" if old else "the last plan"
            _log.error("reload refused, %s is served on:", serial)
            log_each(logging.ERROR, error.problems)
            if old and self._errand.what != _LIVE:  # else who asked for it tries again
                await asyncio.to_thread(self._around.return_to_feeds, old.config)
            raise
        is_taken = self.live is not None and self.live.view is not old
        if self._errand.what in self._refusals or (is_taken and not self._errand.is_quiet):
            self._report(())
        return self._describe(old, staged, delta)

    def _report(self, problems: tuple[Problem, ...]) -> None:
        """Remember how an attempt ended.

        What is read by itself and is sound says nothing of anything else that was refused
        before, of a configuration for one.
        """
        report = ReloadReport(time.time(), problems)
        self._refusals.pop(self._errand.what, None)
        if problems:
            self._refusals[self._errand.what] = report
        elif self._errand.what == _EVERYTHING:
            self._refusals.clear()
        self.last_report = next(reversed(self._refusals.values()), report)

    async def _replace(self, live: Live, old: View, staged: Staged) -> Delta:
        """Publish a view in the place of another; where nothing differs the serial stays."""
        new = staged.view
        delta = await asyncio.to_thread(diff, old.tables.snapshot, new.tables.snapshot)
        is_same = delta.is_empty and await asyncio.to_thread(_know_the_same, old, new)
        if is_same and not self._errand.is_asked:
            return delta  # files were touched, and nobody waits to hear of it
        if is_same and _serves_the_same(old, new):
            new = replace(new, serial=old.serial, published_at_s=old.published_at_s)
        else:
            await self._publish(new)
        await asyncio.to_thread(live.rib.apply, delta)
        log_each(logging.WARNING, staged.warnings)
        live.publish(new)
        self._around.on_view(new)
        return delta

    def _staging(self, view: View | None, decision: Decision | None = None) -> Staging:
        """Say how to build the view behind `view`, or the first one."""
        layout = self._around.charge.layout

        def read_tables(config: Config) -> Loaded:
            files = self._admit(self._build_candidate(config, view), decision)
            return self._lay_over(files, config)

        return Staging(
            config_path=layout.config_path,
            cookie_secrets=lambda _: load_cookie_secrets(layout.secret_path, None),
            progress=self._go_on_unless_stopping,
            previous=view.tables.snapshot if view else EMPTY,
            serial=view.serial + 1 if view else 1,
            read_tables=read_tables,
            read_lore=self._around.read_lore,
            list_stale=lambda: self._stale,
            survey=self._survey_of,
        )

    def _survey_of(self, site_set: SiteSet) -> Survey:
        """Give the survey of the last time, where it is of the same sites."""
        if self._survey is None or self._survey.site_set != site_set:
            self._survey = Survey(site_set)
        return self._survey

    def _build_candidate(self, config: Config, view: View | None) -> Candidate:
        site_set = build_site_set(config)

        def draw(tables: Loaded) -> AddressMap:
            assert site_set is not None  # noqa: S101  (without sites nobody asks)
            return draw_preferred(config, site_set, self._find_lore(config), tables)

        serving = self._files if view else None
        return build_candidate(config, site_set, serving, self._go_on_unless_stopping, draw)

    def _find_lore(self, config: Config) -> Lore:
        """Give what else is known of addresses; nothing where that cannot be read."""
        try:
            return self._around.read_lore(config).lore
        except InputError:
            return Lore()  # said where it is read to be served, which refuses it all

    def _admit(self, candidate: Candidate, decision: Decision | None) -> Loaded:
        """Have the gate decide which table serves; in the thread that reads."""
        self._admitted = self._around.gate.admit(candidate, decision)
        return self._admitted.loaded

    def _build(self, old: View | None, build: Callable[[], Staged]) -> Staged:
        """Build the view behind another, with the doubts of the gate; in the thread that reads."""
        staged = build()
        view = self._around.damper.apply(old, staged.view, is_asked=self._errand.is_asked)
        doubts = self._admitted.warnings if self._admitted else ()
        return Staged(view, staged.warnings + doubts)

    async def _commit(self) -> None:
        """Have the gate and the damper remember what serves by now."""
        if self.live:
            await asyncio.to_thread(self._around.damper.store, self.live.view.held)
        if self._admitted:
            self._files = self._admitted.loaded
            await self._around.gate.commit(self._admitted)

    @property
    def holds_table(self) -> bool:
        """Whether a table of files waits for an operator."""
        return self._around.gate.held is not None

    async def compare_held(self) -> dict[str, Any]:
        """Give the object of the command `routes_diff`. Raises `InputError`."""
        async with self._lock:
            if self.live is None:
                raise InputError([Problem("no table is served yet")])
            candidate = self._build_candidate(self.live.view.config, self.live.view)
            return await asyncio.to_thread(self._around.gate.diff, candidate)

    def _go_on_unless_stopping(self, *_: int) -> None:
        """Break off reading tables, in the thread that does, when nobody waits for them."""
        if self._around.is_stopping():
            raise asyncio.CancelledError

    # What is told of a change.

    def _describe(self, old: View | None, staged: Staged, delta: Delta) -> dict[str, Any]:
        withdrawn = len(delta.withdrawn)
        announced = delta.size_after - delta.size_before + withdrawn
        rerouted = len(delta.announced) - announced
        zones = _differing_zones(old, staged.view)
        serial = self.live.view.serial if self.live else staged.view.serial
        is_taken = self.live is not None and self.live.view is not old
        _log.log(
            logging.INFO if is_taken and not self._errand.is_quiet else logging.DEBUG,
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
        layout, before = self._around.charge.layout, self._first_config or config
        has_dns = bool(layout.dns)
        is_same = layout.dns == config.server.listen
        if layout.is_default_listen and has_default_listen(config):
            is_same = True  # but for what this machine has no address for
        names = ["server.listen"] if has_dns and not is_same else []
        names += ["server.workers"] if layout.workers != count_workers(config) else []
        names += [
            f"server.{name}"
            for name in _FIXED_SETTINGS
            if getattr(before.server, name) != getattr(config.server, name)
        ]
        if has_dns != bool(config.zones):
            names.append("zones (the first one, or the last)")
        port = config.ssrs.listen if config.ssrs else None
        names += ["http"] if before.http != config.http else []
        names += ["pdns"] if layout.pdns != build_pdns(config) else []
        return names + (["ssrs"] if before.ssrs != config.ssrs or port != layout.route_port else [])


def _keep_lore(old: View, config: Config) -> LoadedLore:
    """Give what a view knows of addresses, without the overrides that have ended."""
    return renew_overrides(old.lore, config, time.time())


def log_each(level: int, problems: Iterable[Problem]) -> None:
    """Write a line for each problem."""
    for problem in problems:
        _log.log(level, "%s", problem)


def _know_the_same(old: View, new: View) -> bool:
    """Tell whether two views that have the same table in all know the same of every site."""
    before, after = old.tables, new.tables
    return (
        (old.lore.lore, old.stale, old.held.wishes, before.views.keys())
        == (new.lore.lore, new.stale, new.held.wishes, after.views.keys())
        and _is_same_table(before.common, after.common)
        and all(_is_same_table(table, after.views[name]) for name, table in before.views.items())
    )


def _is_same_table(old: Snapshot, new: Snapshot) -> bool:
    return old is new or diff(old, new).is_empty


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
