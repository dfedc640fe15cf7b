"""How every site stands, from checks and orders together, kept in the answers.

Law: what changes reaches the answers by outcome words, in the turn of the event loop in
which it is heard; maps follow when the state has lasted. Start from `Standings`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from sparrow.errors import InputError
from sparrow.policy.outcome import ALL_SERVING, Action, Condition, Conditions, Standing, stand
from sparrow.values.address import FAMILIES, IPV4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sparrow.health.site import FamilyHealth, SiteHealth
    from sparrow.policy.orders import Orders

_log = logging.getLogger(__name__)

_TICK_S = 1.0
"""Seconds between two looks at the clock: TTLs count down in seconds, and so do orders."""


class Board(Protocol):
    """Where conditions go: the plan that is served."""

    def write(self, conditions: Conditions) -> None:
        """Have the answers follow. Cheap where nothing differs; never raises."""

    def coarsen(self) -> bool:
        """Give the maps the widest scopes that the conditions allow; tell whether that changed.

        Raises `InputError` where it cannot be published.
        """


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
    planned_in_s = None if change_at_s is None else change_at_s - now_s
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
        board: Board,
        health: Callable[[], Mapping[str, SiteHealth]],
        orders: Callable[[], Orders],
        tell: Callable[[str, Mapping[str, object]], None],
    ) -> None:
        """`tell` is told of each site whose standing becomes another."""
        self._board = board
        self._health = health
        self._orders = orders
        self._tell = tell
        self._sites: tuple[str, ...] = ()
        self._remap_after_s: float | None = None
        self._lasting_since_s = time.monotonic()
        self._is_coarse = False
        self.conditions: Conditions = ALL_SERVING
        """How the sites stand now, by name."""

    def configure(self, sites: Iterable[str], remap_after_s: float) -> None:
        """Take the sites of a configuration; `remap_after_s` is how long a state has to last."""
        self._sites = tuple(sites)
        self._remap_after_s = remap_after_s
        self.refresh()

    def refresh(self) -> None:
        """Have the answers follow what checks and orders say now."""
        health, orders = self._health(), self._orders()
        sites = dict.fromkeys((*self._sites, *health, *orders.sites))
        before, after = self.conditions, build_conditions(sites, health, orders, time.time())
        self.conditions = after
        self._board.write(after)
        if _standings(before) != _standings(after):
            self._lasting_since_s = time.monotonic()
            self._is_coarse = False
            self._tell_changes(before, after)

    def _tell_changes(self, before: Conditions, after: Conditions) -> None:
        now_s, health, orders = time.time(), self._health(), self._orders()
        for site, of_families in after.items():
            order = orders.in_force(site, now_s)
            families = zip(FAMILIES, of_families, strict=True)
            for family, condition in families:
                was = _find(before, site, family).standing
                if condition.standing is was:
                    continue
                of_site = health.get(site)
                why = _families(of_site)[family != IPV4]
                self._tell(
                    "site",
                    {
                        "site": site,
                        "family": family,
                        "from": was.value,
                        "to": condition.standing.value,
                        "reason": (why.why if why else "") or (order.reason if order else ""),
                        "by": order.by if order else None,
                    },
                )

    async def run(self) -> None:
        """Follow the clock, until cancelled."""
        while True:
            await asyncio.sleep(_TICK_S)
            self.refresh()
            if self._is_lasting():
                self._is_coarse = True
                try:
                    await asyncio.to_thread(self._board.coarsen)
                except InputError as error:
                    _log.error("scopes stay narrow: %s", error)

    def _is_lasting(self) -> bool:
        """Tell whether a state that is not the ordinary one has lasted long enough."""
        if self._is_coarse or self._remap_after_s is None:
            return False
        lasted_s = time.monotonic() - self._lasting_since_s
        return lasted_s >= self._remap_after_s and any(
            condition.standing is not Standing.SERVING
            for of_families in self.conditions.values()
            for condition in of_families
        )


def _find(conditions: Conditions, site: str, family: int) -> Condition:
    found = conditions.get(site)
    return found[family != IPV4] if found else Condition()


def _standings(conditions: Conditions) -> dict[tuple[str, int], Standing]:
    """Give every standing but the ordinary one."""
    return {
        (site, family): condition.standing
        for site, of_families in conditions.items()
        for family, condition in zip(FAMILIES, of_families, strict=True)
        if condition.standing is not Standing.SERVING
    }
