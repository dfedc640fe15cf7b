"""What operators order, taken in, kept, and told of when it begins and ends.

Law: an order is in force when it is on disk and not before; what cannot be kept is refused.
Start from `OrderDesk`.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.control.ordering import (
    check_site,
    name_giver,
    order_fields,
    parse_draft,
    plan_order,
)
from sparrow.errors import InputError
from sparrow.policy.outcome import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sparrow.control.ordering import OrderDraft
    from sparrow.keeping.orders import OrderBook
    from sparrow.keeping.telling import Teller
    from sparrow.policy.orders import Order, Orders

_log = logging.getLogger(__name__)

_LOOK_S = 1.0
"""Seconds between two looks at the clock, which may be set, and at the file of orders."""


@dataclass(frozen=True, slots=True)
class OrderEnds:
    """Whom an order concerns."""

    site_names: Callable[[], Sequence[str]]
    """Gives the names of the sites that are configured now."""
    on_change: Callable[[], None]
    """Told that another order is in force, or planned, than before."""
    resume: Callable[[str], None]
    """Told that a site goes back to what its checks say, by an operator's word."""


class OrderDesk:
    """Takes orders. Everything but the writing happens in one event loop."""

    def __init__(
        self, book: OrderBook, teller: Teller, ends: OrderEnds, clock: Callable[[], float]
    ) -> None:
        """Read what is on disk; `clock` gives Unix seconds."""
        self._book = book
        self._teller = teller
        self._ends = ends
        self._clock = clock
        self._lock = asyncio.Lock()
        # A thread of its own: tables that are being read keep no order waiting.
        self._disk = ThreadPoolExecutor(1, "orders")
        self._failed: tuple[Order, ...] = ()
        book.refresh()
        self._in_force = _begun(book.orders, clock())
        self._stands = self._all_stands()

    @property
    def orders(self) -> Orders:
        """The orders, in force or not."""
        return self._book.orders

    @property
    def problem(self) -> str | None:
        """Why the orders on disk cannot be read at present; None where they can."""
        return self._book.problem

    def look(self) -> None:
        """Take what is on disk now; `on_change` hears of it in `run`."""
        self._book.refresh()

    async def give(self, arguments: Mapping[str, Any], uid: int | None) -> dict[str, Any]:
        """Do the command `site` of `docs/control.md`. Raises `InputError`.

        `uid` is the user that the kernel says asks.
        """
        draft = parse_draft(arguments)
        self._check_site(draft)
        giver = name_giver(draft.by, uid)
        async with self._lock:
            now_s = self._clock()
            order, row = plan_order(self.orders, draft, giver, now_s)
            if not draft.is_dry:
                await self._keep(lambda orders: orders.give(order))
                self._take_up(order)
        return row

    def _check_site(self, draft: OrderDraft) -> None:
        """Refuse an unknown site, but where an order for one that is gone is to be removed."""
        has_order = draft.site in self.orders.sites
        if not (has_order and draft.action is Action.AUTO):
            check_site(draft.site, self._ends.site_names())

    async def _keep(self, change: Callable[[Orders], Orders]) -> None:
        """Write what becomes of the orders. Raises `InputError`."""
        await asyncio.get_running_loop().run_in_executor(self._disk, self._book.change, change)

    def _take_up(self, order: Order) -> None:
        """Put an order that is on disk in force."""
        self._book.refresh()
        self._teller.tell("order", order_fields(order))
        self._in_force = _in_force(self.orders, self._clock())
        self._stands = self._all_stands()
        if order.action is Action.AUTO and not order.is_planned:
            self._ends.resume(order.site)
        self._ends.on_change()

    async def run(self) -> None:
        """Heed the clock and the file until cancelled: orders begin and end, others write."""
        while True:
            async with self._lock:
                await self._settle()
            await asyncio.sleep(self._pause_s())

    def close(self) -> None:
        """End the thread that writes; no order is taken from then on."""
        self._disk.shutdown(wait=False)

    def _pause_s(self) -> float:
        now_s = self._clock()
        wake_at_s = self.orders.wake_at(now_s)
        return _LOOK_S if wake_at_s is None else min(wake_at_s - now_s, _LOOK_S)

    async def _settle(self) -> None:
        """Tell of what began and ended, and take what is over off the disk."""
        self._book.refresh()
        now_s = self._clock()
        before, self._in_force = self._in_force, _in_force(self.orders, now_s)
        for site in sorted(before.keys() | self._in_force.keys()):
            self._tell_change(before.get(site), self._in_force.get(site))
        if (stands := self._all_stands()) != self._stands:
            self._stands = stands
            self._ends.on_change()
        await self._clear(now_s)

    def _tell_change(self, before: Order | None, after: Order | None) -> None:
        if before == after:
            return
        if after is None and before is not None:
            self._teller.tell("order_ended", order_fields(before))
        elif after is not None and after.is_planned:
            self._teller.tell("order_began", order_fields(after))

    async def _clear(self, now_s: float) -> None:
        """Take what is over off the disk; where that fails, once, it does no harm there."""
        _, over = self.orders.settle(now_s)
        if not over or over == self._failed:
            return
        try:
            await self._keep(lambda orders: orders.settle(now_s)[0])
        except InputError as error:
            self._failed = over
            _log.warning("orders that are over stay on disk: %s", error)
        self._book.refresh()

    def _all_stands(self) -> dict[str, tuple[Action, float | None]]:
        now_s, orders = self._clock(), self.orders
        return {
            site: (orders.action(site, now_s), orders.next_change_at(site, now_s))
            for site in orders.sites
        }


def _in_force(orders: Orders, now_s: float) -> dict[str, Order]:
    found = ((site, orders.in_force(site, now_s)) for site in orders.sites)
    return {site: order for site, order in found if order is not None}


def _begun(orders: Orders, now_s: float) -> dict[str, Order]:
    """Give what was in force last, though it may have ended while nobody was there to tell."""
    return {
        order.site: order
        for order in orders.all
        if order.has_begun(now_s) and order.action is not Action.AUTO
    }
