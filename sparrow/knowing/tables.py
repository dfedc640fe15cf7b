"""Route files that change by themselves, by the hand of a script, or with the sites that are up.

Law: a table is read again when its files have changed and are whole, and the rest of the
configuration is not; a link is swapped by the same code as `sparrow failover once`. Start
from `Tables`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError, Problem, UnwrittenError
from sparrow.knowing.persisting import go_on
from sparrow.tables.asking import parse_decision
from sparrow.tables.gate import Action
from sparrow.tables.switching import apply_mode, decide_mode
from sparrow.tables.watch import RouteWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sparrow.config.model import Config
    from sparrow.control.protocol import Request
    from sparrow.knowing.feeding import Feeds
    from sparrow.knowing.reloading import Reloader
    from sparrow.policy.modes import ModeChoice
    from sparrow.policy.outcome import Conditions
    from sparrow.tables.gate import Decision

_log = logging.getLogger(__name__)

_LOOK_S = 0.1
"""Seconds between two looks whether the first rounds of the checks have ended."""
_RETRY_S = 5.0
"""Seconds until a link that could not be swapped, or a table that is sound but could not be
published, is tried again."""


class Tables:
    """Follows route files and the modes of failover. For one event loop."""

    def __init__(
        self,
        reloader: Reloader,
        conditions: Callable[[], Conditions | None],
        tell: Callable[[str, Mapping[str, Any]], None],
        feeds: Feeds,
    ) -> None:
        """`tell` hears of modes that come into force, and of live sources that are let go.

        `conditions` gives how the sites stand; None while that is not known of all of them.
        """
        self._reloader = reloader
        self._conditions = conditions
        self._tell = tell
        self._feeds = feeds
        self._config: Config | None = None
        self._choice: ModeChoice | None = None
        self._has_changed = asyncio.Event()
        self._has_moved = asyncio.Event()
        self._watch = RouteWatch(self._has_changed.set)

    @property
    def mode(self) -> str | None:
        """Key of the mode in force; None without modes."""
        return self._choice.mode.key if self._choice else None

    def configure(self, config: Config) -> None:
        """Follow the files and modes of a configuration from now on."""
        self._config = config
        self._watch.follow(route.file for route in config.route_files)
        self.notice_sites()

    def notice_sites(self) -> None:
        """Look again which mode is to be in force."""
        self._has_moved.set()

    async def run(self) -> None:
        """Watch, read and switch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(go_on("the watch of route files", self._watch.run))
            group.create_task(self._heed_files())
            group.create_task(self._heed_sites())

    async def _heed_files(self) -> None:
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            try:
                await self._reloader.reload_tables()
            except UnwrittenError:
                asyncio.get_running_loop().call_later(_RETRY_S, self._has_changed.set)
            except InputError:
                pass  # said in the log where it was decided
            except Exception:  # noqa: BLE001 (the outermost loop; what is served is whole)
                _log.exception("tables could not be read again")

    async def _heed_sites(self) -> None:
        while True:
            await self._has_moved.wait()
            self._has_moved.clear()
            try:
                await self._switch()
            except InputError as error:
                _log.error("the mode is not switched, trying again: %s", error)
                asyncio.get_running_loop().call_later(_RETRY_S, self._has_moved.set)
            except Exception:  # noqa: BLE001 (the outermost loop; what is served is whole)
                _log.exception("the mode could not be switched")

    async def _switch(self) -> None:
        """Have the link lead to the file for the sites that are up; the watch does the rest."""
        config = self._config
        if config is None or config.failover.link is None:
            self._choice = None
            return
        conditions = self._conditions()
        if conditions is None:  # what is only supposed to be up is no reason to swap a link
            asyncio.get_running_loop().call_later(_LOOK_S, self._has_moved.set)
            return
        choice = decide_mode(config, conditions)
        if choice is None or choice == self._choice:
            return
        applied = await asyncio.to_thread(apply_mode, choice, config.failover.link)
        self._choice = choice
        if applied.swap.is_needed:
            self._tell("mode", {"to": choice.mode.key, "reason": str(choice)})
            self._has_changed.set()

    # What is asked.

    async def compare(self, _: Request) -> Mapping[str, Any]:
        """Do the command `routes_diff`. Raises `InputError`."""
        return await self._reloader.compare_held()

    async def approve(self, request: Request) -> Mapping[str, Any]:
        """Do the command `routes_approve`. Raises `InputError`."""
        decision = parse_decision(Action.APPROVE, request.arguments, request.uid)
        source = self._find_source(decision)
        if source is None:
            return await self._reloader.reload_tables(decision)
        return await self._let_go(source, decision)

    def _find_source(self, decision: Decision) -> str | None:
        """Give the live source whose withdrawals are to be let go; None where a table is meant.

        Raises `InputError` where several might be meant.
        """
        standings = self._feeds.standings()
        if decision.name is not None:
            return decision.name if decision.name in standings else None
        if self._reloader.holds_table:
            return None
        frozen = [name for name, standing in standings.items() if standing.is_frozen]
        if len(frozen) > 1:
            names = ", ".join(map(repr, frozen))
            raise InputError(
                [Problem(f"several live sources are frozen, name one of them: {names}")]
            )
        return frozen[0] if frozen else None

    async def _let_go(self, source: str, decision: Decision) -> Mapping[str, Any]:
        """Carry out what a live source withdrew. Raises `InputError`."""
        count = await asyncio.to_thread(self._feeds.let_go, source)
        if not count:
            raise InputError(
                [Problem(f"of {source} nothing is withheld, so nothing can be let go")]
            )
        fields = {"source": source, "prefixes": count}
        self._tell("withdrawals_approved", {**fields, "by": decision.by, "reason": decision.reason})
        result = await self._reloader.reload_live(is_asked=True)
        await asyncio.to_thread(self._feeds.store)
        if result is None:
            raise InputError([Problem("no table is served yet; the first one is without them")])
        return result

    async def roll_back(self, request: Request) -> Mapping[str, Any]:
        """Do the command `routes_rollback`. Raises `InputError`."""
        decision = parse_decision(Action.ROLL_BACK, request.arguments, request.uid)
        return await self._reloader.reload_tables(decision)
