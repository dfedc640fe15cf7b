"""The sites as the daemon keeps them: checks, orders, standings, and who is told of them.

Law: what is known of a site outlives the daemon, in the state directory; until it is known
anew, what was known last counts. Start from `Sites`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from sparrow.control.sites import CheckState, Failover, FamilyState, SiteState, build_site_rows
from sparrow.errors import InputError
from sparrow.health.aims import aim_sites
from sparrow.health.schedule import Monitor
from sparrow.health.spawning import Programs
from sparrow.keeping.journal import JOURNAL, Journal
from sparrow.keeping.orders import ORDERS, OrderBook
from sparrow.keeping.statefile import load_json, store_json
from sparrow.keeping.telling import Program, Teller
from sparrow.knowing.ordering import OrderDesk, OrderEnds
from sparrow.knowing.persisting import go_on
from sparrow.knowing.standing import Standings
from sparrow.knowing.supposing import Present
from sparrow.policy.outcome import Condition
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sparrow.config.model import Config
    from sparrow.control.protocol import Request
    from sparrow.health.report import ProbeRow, Transition
    from sparrow.health.site import FamilyHealth, SiteHealth
    from sparrow.keeping.publishing import Publisher
    from sparrow.policy.orders import Order
    from sparrow.policy.outcome import Conditions
    from sparrow.policy.shift import ClassKey
    from sparrow.view import View

_log = logging.getLogger(__name__)

HEALTH = "health.json"
"""Name in the state directory of what checks found."""


class Sites:
    """All that moves answers between reloads. For one event loop."""

    def __init__(
        self, state_dir: Path, publisher: Publisher, on_change: Callable[[], None]
    ) -> None:
        """Read what was known last; `begin` has the answers follow it.

        `on_change` hears when a site has come to stand otherwise.
        """
        self._publisher = publisher
        self._health_path = state_dir / HEALTH
        self._programs = Programs()
        self._journal = Journal(state_dir / JOURNAL)
        self.teller = Teller(self._journal, self._programs.run, time.time)
        """Tells people."""
        self._monitor = Monitor(
            self._heed_checks,
            lambda tree: store_json(self._health_path, tree),
            _load_health(self._health_path),
            programs=self._programs,
        )
        ends = OrderEnds(lambda: self._names, self._heed_orders, self._resume)
        self._desk = OrderDesk(OrderBook(state_dir / ORDERS), self.teller, ends, time.time)
        self._standings = Standings(
            publisher,
            self._monitor.states,
            lambda: self._desk.orders,
            self.teller.tell,
            on_change,
        )
        self._is_followed = asyncio.Event()
        self._has_looked = False
        self._has_program = False
        self._names: tuple[str, ...] = ()
        self._families: Mapping[str, frozenset[int]] = {}

    @property
    def conditions(self) -> Conditions:
        """How the sites stand now."""
        return self._standings.conditions

    @property
    def have_looked(self) -> bool:
        """Tell whether every check of the first configuration has ended a round.

        Until then some sites are up because nobody knows better.
        """
        self._has_looked = self._has_looked or self._monitor.has_looked
        return self._has_looked

    def begin(self) -> None:
        """Have the plan that is there answer as the sites stand; its sites can be ordered about."""
        self._standings.refresh()
        self._names = self._publisher.list_sites()
        self._is_followed.set()

    def configure(self, config: Config) -> None:
        """Check the sites of a configuration from now on, and tell whom it names."""
        sites = aim_sites(config)
        self._desk.look()
        if not self._monitor.is_configured:
            # Another daemon may have gone on while our tables were read.
            self._monitor.recall(_load_health(self._health_path))
        self._names = tuple(site.name for site in config.sites)
        self._families = {site.name: site.families for site in sites}
        notify = config.notify
        self._has_program = notify is not None
        self.teller.configure(Program(notify.command, notify.timeout_s) if notify else None)
        self._standings.configure(config.failover.remap_after_s, self._families)
        self._monitor.configure(sites)
        self._standings.refresh()
        self._is_followed.set()

    async def run(self, alone: asyncio.Lock) -> None:
        """Follow checks, orders and the clock until cancelled; `alone` is for who publishes.

        Answers are left alone until `begin` or `configure`: those of a server whose place we
        take are its own.
        """
        try:
            await self._is_followed.wait()
            async with asyncio.TaskGroup() as group:
                group.create_task(go_on("orders", self._desk.run))
                group.create_task(go_on("sites", lambda: self._standings.run(alone)))
                group.create_task(go_on("notices", self.teller.run))
        finally:
            await self._monitor.stop()
            self._desk.close()
            self._programs.close()
            self._journal.close()

    # What is heard.

    def _heed_checks(self, transitions: Sequence[Transition]) -> None:
        for each in transitions:
            order = self._desk.orders.in_force(each.site, time.time())
            if order:  # otherwise its standing changes with it, and that is told
                self.teller.tell("health", _describe_transition(each, order))
        self._standings.refresh()

    def _heed_orders(self) -> None:
        self._standings.refresh()

    def _resume(self, site: str) -> None:
        if site in self._families:
            self._monitor.resume(site)

    # What is asked.

    async def give_order(self, request: Request) -> Mapping[str, Any]:
        """Do the command `site`. Raises `InputError`."""
        return await self._desk.give(request.arguments, request.uid)

    def list_rows(self) -> dict[str, Any]:
        """Give the object of the command `sites`."""
        return {"sites": build_site_rows(self.describe(), {})}

    def take_stock(self, view: View, counts: Mapping[ClassKey, int]) -> Present:
        """Give how things stand now, to suppose orders; `counts` are answers by class."""
        return Present(
            steering=view.authority.steering,
            snapshot=view.tables.snapshot,
            orders=self._desk.orders,
            now_s=time.time(),
            health=self._monitor.states(),
            counts=counts,
        )

    def describe(self) -> Failover:
        """Give all that moves answers, for the status."""
        health, rows = self._monitor.states(), self._monitor.rows()
        return Failover(
            sites=tuple(self._describe_site(name, health.get(name), rows) for name in self._names),
            orders=self._desk.orders,
            now_s=time.time(),
            orders_problem=self._desk.problem,
            health_problem=self._monitor.problem,
            journal=self._journal.snapshot(),
            notify=self.teller.snapshot() if self._has_program else {},
        )

    def _describe_site(
        self, name: str, health: SiteHealth | None, rows: Sequence[ProbeRow]
    ) -> SiteState:
        v4, v6 = (
            self._describe_family(name, family, each)
            for family, each in zip(
                FAMILIES, (health.v4, health.v6) if health else (None, None), strict=True
            )
        )
        return SiteState(
            name, v4=v4, v6=v6, checks=tuple(map(_describe_check, _rows_of(name, rows)))
        )

    def _describe_family(
        self, name: str, family: int, health: FamilyHealth | None
    ) -> FamilyState | None:
        if family not in self._families.get(name, ()):
            return None
        found = self.conditions.get(name)
        condition = found[FAMILIES.index(family)] if found else Condition()
        return FamilyState(
            standing=condition.standing,
            is_up=health is None or health.is_up,
            is_degraded=health is not None and health.is_degraded,
            why=health.why if health else "",
            transitions=self._standings.transitions[name, family],
        )


def _describe_transition(transition: Transition, order: Order) -> dict[str, Any]:
    """Give what is told of checks that change nothing, as an order goes before them."""
    return {
        "site": transition.site,
        "family": transition.family,
        "to": "up" if transition.is_up else "down",
        "order": order.action.value,
        "reason": transition.why or None,
    }


def _rows_of(name: str, rows: Sequence[ProbeRow]) -> list[ProbeRow]:
    return [row for row in rows if name in row.sites]


def _describe_check(row: ProbeRow) -> CheckState:
    return CheckState(row.check, row.verdict.value, row.is_degraded, row.words, row.took_s)


def _load_health(path: Path) -> object:
    """Read what checks found last; what cannot be read is found anew."""
    try:
        return load_json(path)
    except InputError:
        return None
