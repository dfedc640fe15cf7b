"""The gate that every route table passes before it serves.

Law: one table at a time passes; what is refused, held or rolled back leaves what serves as
it is, and what an operator decided outlives every restart. Start from `TableGate`.

A change has two halves: `admit` reads files and decides, in a thread; when what it gave is
served, `commit` remembers it and tells of it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError, Problem
from sparrow.policy.guards import list_broken
from sparrow.policy.modes import Mode
from sparrow.policy.tablediff import describe_diff, diff_tables
from sparrow.rib.snapshot import EMPTY
from sparrow.sources.configured import list_route_files
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.tables.accepted import AcceptedTables
from sparrow.tables.contents import Reading
from sparrow.tables.judging import Examination, Question, examine
from sparrow.tables.rows import describe_held, describe_state
from sparrow.tables.scrutiny import scrutinize
from sparrow.tables.state import State, name_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sparrow.config.guarding import GuardsConfig
    from sparrow.config.model import Config
    from sparrow.policy.site import SiteSet
    from sparrow.rib.snapshot import Snapshot
    from sparrow.sources.files import Loaded
    from sparrow.tables.contents import Progress
    from sparrow.tables.scrutiny import Draw
    from sparrow.tables.state import Content

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Route files that want to serve, and what is to be known to judge them."""

    routes: tuple[RouteFile, ...]
    """The files in configured order."""
    modes: tuple[Mode, ...]
    """The modes of failover; () without any."""
    guards: GuardsConfig
    """What a table must fulfil."""
    site_set: SiteSet | None
    """The sites; None without any."""
    serving: Loaded | None = None
    """What serves now; None before the first table."""
    progress: Progress | None = None
    """Told the octets read so far, and in all."""
    draw: Draw | None = None
    """Gives the number of the site that each address prefers by some tables, and by all else
    that is known; None where routes alone tell it."""


def build_candidate(
    config: Config,
    site_set: SiteSet | None,
    serving: Loaded | None = None,
    progress: Progress | None = None,
    draw: Draw | None = None,
) -> Candidate:
    """Give what a configuration wants to serve."""
    return Candidate(
        routes=list_route_files(config),
        modes=list_modes(config),
        guards=config.guards,
        site_set=site_set,
        serving=serving,
        progress=progress,
        draw=draw,
    )


def list_modes(config: Config) -> tuple[Mode, ...]:
    """Give the configured modes of failover."""
    return tuple(Mode(each.key, each.sites, each.file) for each in config.failover.modes)


class Action(Enum):
    """What an operator decides about tables."""

    APPROVE = "approve"
    """What is held serves."""
    ROLL_BACK = "roll back"
    """What served before in the mode that is in force serves again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator decided."""

    action: Action
    """What is to be done."""
    by: str
    """Who decided."""
    reason: str
    """Why."""
    name: str | None = None
    """The table that is meant to be approved; None for whichever is held."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is to serve."""

    loaded: Loaded
    """The table."""
    is_held: bool
    """Whether something else waits for an operator."""
    warnings: tuple[Problem, ...]
    """Why it waits, or what guards would say of what serves."""
    state: State
    """What is to be remembered once the table serves."""
    events: tuple[tuple[str, Mapping[str, Any]], ...]
    """What is to be told then: event and fields."""


class TableGate:
    """Decides which table serves. `admit` runs in a thread, the rest in one event loop."""

    def __init__(
        self,
        folder: Path,
        journal: Callable[[str, Mapping[str, Any]], None],
        clock: Callable[[], float],
    ) -> None:
        """Remember in `folder`; `journal` is told of events, `clock` gives Unix seconds."""
        self._accepted = AcceptedTables(folder)
        self._contents = self._accepted.contents
        self._journal = journal
        self._clock = clock
        self._is_fresh = True
        self._state = self._stored = State()
        self._serving: str | None = None

    def admit(self, candidate: Candidate, decision: Decision | None = None) -> Admitted:
        """Decide about the files as they are, or do what an operator decided.

        Raises `InputError` where files cannot be read, or what was decided cannot be done;
        then nothing has changed.
        """
        state = self._load_state().keep_modes(mode.key for mode in candidate.modes)
        if decision is None:
            return self._judge(state, candidate)
        if decision.action is Action.APPROVE:
            return self._approve(state, candidate, decision)
        return self._roll_back(state, candidate, decision)

    async def commit(self, admitted: Admitted) -> None:
        """Remember what serves by now, and tell of it."""
        await asyncio.to_thread(self._store, admitted.state)
        self._state = admitted.state
        self._serving = admitted.state.present.name if admitted.state.present else None
        for event, fields in admitted.events:
            self._journal(event, fields)

    def describe(self) -> dict[str, Any]:
        """Give the object that `docs/control.md` has for tables in the status."""
        return describe_state(self._state)

    @property
    def held(self) -> dict[str, Any] | None:
        """Give what is held, as in the status; None for nothing."""
        return describe_held(self._state.held) if self._state.held else None

    def diff(self, candidate: Candidate) -> dict[str, Any]:
        """Give the object of the command `routes_diff`: what the held table would move.

        Takes a thread for seconds. Raises `InputError` where nothing is held.
        """
        state = self._load_state()
        if state.held is None or candidate.serving is None:
            raise InputError([Problem("no table is held, so there is nothing to compare")])
        serving, draw = candidate.serving, candidate.draw
        self._contents.check(state.held.files)
        held = self._contents.load(state.held.files, Reading(serving.snapshot))
        maps = (draw(serving), draw(held)) if draw and candidate.site_set else None
        return {
            "serial": state.present.serial if state.present else 0,
            "held": describe_held(state.held),
            **describe_diff(diff_tables(serving.snapshot, held.snapshot, candidate.site_set, maps)),
        }

    # What files ask for.

    def _judge(self, state: State, candidate: Candidate) -> Admitted:
        files = self._take(candidate)
        state = state.forget_refused(files)
        examination = examine(state, files)
        loaded = self._read(files, candidate)
        reasons = self._find_reasons(state, examination, candidate, loaded)
        before = examination.fallback
        if reasons and before is not None and self._is_at_hand(before):
            after = state.hold(files, reasons, self._clock()).accept(before, self._clock())
            return self._hold(state, after, self._read(before, candidate))
        after = state.accept(files, self._clock()).release()
        warnings = tuple(Problem(f"guards: {reason}") for reason in reasons)
        return Admitted(loaded, False, warnings, after, _events_of(state, after, loaded))

    def _hold(self, before: State, after: State, loaded: Loaded) -> Admitted:
        """Serve what was accepted for the mode that is in force, and let the files wait."""
        reasons = after.held.reasons if after.held else ()
        what = (
            "a new table is held, so the accepted one serves: see `sparrow routes diff`, "
            f"and `sparrow routes approve` to let it through: {'; '.join(reasons)}"
        )
        events = _events_of(before, after, loaded)
        return Admitted(loaded, True, (Problem(what),), after, events)

    def _find_reasons(
        self, state: State, examination: Examination, candidate: Candidate, loaded: Loaded
    ) -> tuple[str, ...]:
        """Say in sentences why files should not serve."""
        guards, baseline = candidate.guards, examination.baseline
        if not candidate.routes:
            return ()  # guards are for files
        if examination.question is Question.NONE:
            return ()
        if examination.question is Question.REFUSED:
            was_told = state.held and state.held.name == name_table(examination.files)
            return state.held.reasons if state.held and was_told else ("it was rolled back",)
        old = None
        has_relative = guards.max_shrink is not None or guards.max_moved is not None
        if has_relative and baseline is not None and self._is_at_hand(baseline):
            old = self._read(baseline, candidate)
        scope, draw = examination.scope, candidate.draw
        scrutiny = scrutinize(old, loaded, candidate.site_set, scope, draw)
        return tuple(broken.what for broken in list_broken(guards, scrutiny))

    def _is_at_hand(self, files: tuple[Content, ...]) -> bool:
        """Tell whether an accepted table can still be read, to be compared or to serve.

        One that cannot, after a disk was full for one, holds nothing back: something has
        to serve.
        """
        if name_table(files) == self._serving:
            return True
        try:
            self._contents.check(files)
        except InputError as error:
            _log.error("the table that was accepted is lost, so guards can only warn: %s", error)
            return False
        return True

    # What operators ask for.

    def _approve(self, state: State, candidate: Candidate, decision: Decision) -> Admitted:
        held = state.held
        if held is None:
            raise InputError([Problem("no table is held, so there is nothing to approve")])
        if decision.name not in {None, held.name}:
            what = f"{decision.name} is not held: the files changed since, and {held.name} is held"
            raise InputError([Problem(what)])
        self._check_routes(held.files, candidate)
        self._contents.check(held.files)
        loaded = self._read(held.files, candidate)
        after = state.allow(held.files).accept(held.files, self._clock()).release()
        event = "table_approved", _decided(after, decision)
        return Admitted(loaded, False, (), after, (event, *_events_of(state, after, loaded)))

    def _roll_back(self, state: State, candidate: Candidate, decision: Decision) -> Admitted:
        present, back = state.present, state.way_back
        if present is None or back is None:
            what = "there is no table to return to: none served before in the mode in force"
            raise InputError([Problem(what)])
        self._check_routes(back.files, candidate)
        self._contents.check(back.files)
        loaded = self._read(back.files, candidate)
        now_s = self._clock()
        reason = f"it was rolled back by {decision.by}: {decision.reason}"
        after = state.roll_back(now_s).hold(present.files, (reason,), now_s)
        events = (
            ("table_rolled_back", _decided(after, decision)),
            *_events_of(state, after, loaded),
        )
        return Admitted(loaded, True, (), after, events)

    def _check_routes(self, files: tuple[Content, ...], candidate: Candidate) -> None:
        wanted = [(file.path, file.kind) for file in candidate.routes]
        if [(content.path, content.format) for content in files] != wanted:
            what = "that table is of other route files than are configured now"
            raise InputError([Problem(what)])

    # Files and copies.

    def _take(self, candidate: Candidate) -> tuple[Content, ...]:
        """Read every file once. Raises `InputError` with all that is wrong in any."""
        keys = {os.path.realpath(mode.path): mode.key for mode in reversed(candidate.modes)}
        try:
            return tuple(
                # Once resolved: a link that is swapped now would give one mode's file
                # the contents of another's.
                self._contents.take(file, source := os.path.realpath(file.path), keys.get(source))
                for file in candidate.routes
            )
        except (OSError, ValueError) as error:
            load_snapshot(candidate.routes)  # it has words for every way to be unreadable
            what = f"a route file was exchanged while it was read: {error}"
            raise InputError([Problem(what)]) from None

    def _read(self, files: tuple[Content, ...], candidate: Candidate) -> Loaded:
        """Give the table of files, which is at hand where it serves."""
        serving = candidate.serving
        if serving and name_table(files) == self._serving:
            pairs = zip(serving.files, files, strict=True)
            return replace(serving, files=tuple(replace(f, mtime_s=c.mtime_s) for f, c in pairs))
        previous: Snapshot = serving.snapshot if serving else EMPTY
        return self._contents.load(files, Reading(previous, candidate.progress))

    def _load_state(self) -> State:
        """Give what is remembered: on disk at first, and here from then on."""
        if self._is_fresh:
            try:
                self._state = self._accepted.load()
            except InputError as error:
                _log.error("%s", error)
            self._is_fresh = False
            self._stored = self._state
        return self._state

    def _store(self, state: State) -> None:
        if state == self._stored:
            return
        try:
            self._accepted.store(state)
        except OSError as error:
            _log.error("what serves is not remembered for the next start: %s", error)
        else:
            self._stored = state


def _decided(after: State, decision: Decision) -> Mapping[str, Any]:
    serial = after.present.serial if after.present else 0
    return {"serial": serial, "by": decision.by, "reason": decision.reason}


def _events_of(
    before: State, after: State, loaded: Loaded
) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Give what is told of a step: a table that serves, and one that is held, if they are new."""
    events: list[tuple[str, Mapping[str, Any]]] = []
    present, held = after.present, after.held
    if present and (before.present is None or before.present.serial != present.serial):
        fields = {
            "serial": present.serial,
            "mode": present.mode,
            "v4": len(loaded.snapshot.v4),
            "v6": len(loaded.snapshot.v6),
        }
        events.append(("table_accepted", fields))
    if held and (before.held is None or before.held != held):
        reasons = "; ".join(held.reasons)
        events.append(("table_held", {"table": held.name, "reason": reasons}))
    return tuple(events)
