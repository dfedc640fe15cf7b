"""How every site stands, from checks and orders together, kept in the answers.

Law: what changes reaches the answers by outcome words, in the turn of the event loop in
which it is heard; maps follow when the state has lasted. Start from `Standings`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.errors import InputError
from sparrow.policy.outcome import ALL_SERVING, Action, Condition, Conditions, Standing, stand
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sparrow.health.site import FamilyHealth, SiteHealth
    from sparrow.keeping.publishing import Publisher
    from sparrow.policy.orders import Order, Orders

_log = logging.getLogger(__name__)

_TICK_S = 0.5
"""Seconds between two looks at the clock, by which TTLs count down."""
_AHEAD_S = 2 * _TICK_S
"""Seconds by which what is planned counts as nearer than it is: as near as it will be at the
next look, though that be late, so that no answer that is given until then is kept too long."""


def build_conditions(
    sites: Iterable[str], health: Mapping[str, SiteHealth], orders: Orders, now_s: float
) -> Conditions:
    """Give how sites stand for both families; what has no health counts as up."""
    return {site: _conditions(site, health.get(site), orders, now_s) for site in sites}


def _conditions(
    site: str, health: SiteHealth | None, orders: Orders, now_s: float
) -> tuple[Condition, Condition]:
    action = orders.action(site, now_s)
    change_at_s = orders.next_change_at(site, now_s)
    planned_in_s = None if change_at_s is None else max(change_at_s - now_s - _AHEAD_S, 0.0)
    v4, v6 = (_condition(action, each, planned_in_s) for each in _families(health))
    return v4, v6


def _families(health: SiteHealth | None) -> tuple[FamilyHealth | None, FamilyHealth | None]:
    return (health.v4, health.v6) if health else (None, None)


def _condition(
    action: Action, health: FamilyHealth | None, planned_in_s: float | None
) -> Condition:
    standing = stand(action, is_up=health is None or health.is_up)
    heeds_health = action in (Action.AUTO, Action.DRAIN)
    change_in_s = health.change_in_s if health and heeds_health else None
    return Condition(standing, change_in_s, planned_in_s)


class Standings:
    """How the sites stand. For one event loop, in which everything here is called."""

    def __init__(
        self,
        publisher: Publisher,
        health: Callable[[], Mapping[str, SiteHealth]],
        orders: Callable[[], Orders],
        tell: Callable[[str, Mapping[str, object]], None],
        on_change: Callable[[], None],
    ) -> None:
        """Nothing is known before `refresh`; `tell` hears of standings that become others.

        So does `on_change`, once for all of them.
        """
        self._publisher = publisher
        self._health = health
        self._orders = orders
        self._tell = tell
        self._on_change = on_change
        self._remap_after_s: float | None = None
        self._families: Mapping[str, frozenset[int]] = {}
        self._lasting_since_s = time.monotonic()
        self._is_tried = False
        self._is_known = False
        self._problem = self._map_problem = ""
        self._moved = asyncio.Event()
        self.transitions: Counter[tuple[str, int]] = Counter()
        """How often the standing of each site and family changed since the start."""
        self.conditions: Conditions = ALL_SERVING
        """How the sites stand now, by name."""

    def configure(self, remap_after_s: float, families: Mapping[str, frozenset[int]]) -> None:
        """Take a configuration: how long a state has to last for wide scopes, and who has what.

        `families` are those that each site has addresses of, by its name. How long the state
        has lasted is not forgotten: tables may change more often than that.
        """
        self._remap_after_s = remap_after_s
        self._families = families
        self._is_tried = False

    def refresh(self) -> None:
        """Have the answers follow what checks and orders say now.

        What is found at the start is how things were before, and nothing to tell of.
        """
        health, orders, now_s = self._health(), self._orders(), time.time()
        names = dict.fromkeys((*health, *orders.sites))
        before, after = self.conditions, build_conditions(names, health, orders, now_s)
        self.conditions = after
        self._write(after)
        if self._is_known:
            changes = tuple(find_changes(before, after))
            for change in changes:
                if change.family in self._families.get(change.site, FAMILIES):
                    order = orders.in_force(change.site, now_s)
                    self.transitions[change.site, change.family] += 1
                    self._tell("site", _describe(change, health, order))
            if changes:
                self._on_change()
        self._is_known = True

    def _write(self, conditions: Conditions) -> None:
        try:
            written = self._publisher.write(conditions)
        except InputError as error:
            if str(error) != self._problem:
                _log.error("answers do not follow the sites: %s", error)
            self._problem = str(error)
            return
        self._problem = ""
        if written.has_moved:
            self._lasting_since_s = time.monotonic()
            self._is_tried = False
            self._moved.set()

    async def run(self, alone: asyncio.Lock) -> None:
        """Follow the clock, and let the maps follow, until cancelled.

        `alone` is held while maps are published; the clock waits for nobody who holds it.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_clock())
            group.create_task(self._follow_state(alone))

    async def _follow_clock(self) -> None:
        while True:
            self.refresh()
            await asyncio.sleep(_TICK_S)

    async def _follow_state(self, alone: asyncio.Lock) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._moved.wait()
            self._moved.clear()
            async with alone:
                await self._remap()

    async def _remap(self) -> None:
        """Widen scopes when the state has lasted; narrow them again when it changes."""
        is_lasting = self._is_lasting()
        if is_lasting is self._publisher.is_coarse:
            return
        if is_lasting:
            # Tried once for each state and each publication; one that comes meanwhile begins anew.
            self._is_tried = True
        try:
            step = self._publisher.coarsen if is_lasting else self._publisher.refine
            await asyncio.to_thread(step)
        except InputError as error:
            if str(error) != self._map_problem:  # it is tried again every second
                _log.error("scopes stay as they are: %s", error)
            self._map_problem = str(error)
        else:
            self._map_problem = ""

    def _is_lasting(self) -> bool:
        """Tell whether a state that is not the ordinary one has lasted long enough."""
        if self._is_tried:
            return self._publisher.is_coarse
        if self._remap_after_s is None or not any(find_changes(ALL_SERVING, self.conditions)):
            return False
        return time.monotonic() - self._lasting_since_s >= self._remap_after_s


@dataclass(frozen=True, slots=True)
class Change:
    """A site that stands otherwise than before, for one family."""

    site: str
    """Its name."""
    family: int
    """4 or 6."""
    before: Standing
    """How it stood."""
    after: Standing
    """How it stands."""


def find_changes(before: Conditions, after: Conditions) -> Iterator[Change]:
    """Give every standing that differs between two states."""
    serving = (Condition(), Condition())
    for site in dict.fromkeys((*before, *after)):
        pairs = zip(before.get(site, serving), after.get(site, serving), strict=True)
        for family, (old, new) in zip(FAMILIES, pairs, strict=True):
            if old.standing is not new.standing:
                yield Change(site, family, old.standing, new.standing)


def _describe(
    change: Change, health: Mapping[str, SiteHealth], order: Order | None
) -> dict[str, object]:
    """Give what is told of a change."""
    of_family = _families(health.get(change.site))[FAMILIES.index(change.family)]
    why = [order.reason] if order else []
    why += [of_family.why] if of_family and of_family.why else []
    return {
        "site": change.site,
        "family": change.family,
        "from": change.before.value,
        "to": change.after.value,
        "by": order.by if order else None,
        "reason": "; ".join(why) or None,
    }
