"""What operators have ordered for sites, and which of it is in force at a moment.

Law: a value; time is an argument, in Unix seconds. Of a site at most one order has begun
and at most one is planned, and the one that began last counts, alone, until it ends.
Start from `Orders`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sparrow.policy.outcome import Action

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Order:
    """What one operator has ordered for one site."""

    site: str
    """Name of the site; it may have left the configuration since."""
    action: Action
    """What was ordered; AUTO ends the order before it."""
    by: str
    """Who gave it."""
    reason: str
    """Why, in their words."""
    given_at_s: float
    """Unix time at which it was given."""
    starts_at_s: float
    """Unix time from which on it holds; that of giving where it was not planned."""
    ends_at_s: float | None = None
    """Unix time at which it ends by itself; None for never."""

    @property
    def is_planned(self) -> bool:
        """Whether it was to begin later than it was given."""
        return self.starts_at_s > self.given_at_s

    def has_begun(self, now_s: float) -> bool:
        """Tell whether it has begun.

        One that was not planned has, whatever the clock says: a clock that is set back, or
        wrong after the start of the machine, takes no order out of force.
        """
        return not self.is_planned or self.starts_at_s <= now_s

    def holds(self, now_s: float) -> bool:
        """Tell whether it has begun and has not ended."""
        return self.has_begun(now_s) and (self.ends_at_s is None or now_s < self.ends_at_s)


@dataclass(frozen=True, slots=True)
class Orders:
    """All orders at one time."""

    all: tuple[Order, ...] = ()
    """Sorted by site; of a site those that began when they were given come first."""

    def of(self, site: str) -> tuple[Order, ...]:
        """Give those for a site; the last that has begun is the one that counts."""
        return tuple(order for order in self.all if order.site == site)

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites that have one, sorted."""
        return tuple(dict.fromkeys(order.site for order in self.all))

    def in_force(self, site: str, now_s: float) -> Order | None:
        """Give the order that holds for a site; None where health decides."""
        begun = [order for order in self.of(site) if order.has_begun(now_s)]
        if not begun or not begun[-1].holds(now_s) or begun[-1].action is Action.AUTO:
            return None
        return begun[-1]

    def planned(self, site: str, now_s: float) -> Order | None:
        """Give the next order of a site that is still to begin."""
        return next((order for order in self.of(site) if not order.has_begun(now_s)), None)

    def action(self, site: str, now_s: float) -> Action:
        """Give what is in force for a site."""
        order = self.in_force(site, now_s)
        return order.action if order else Action.AUTO

    def next_change_at(self, site: str, now_s: float) -> float | None:
        """Give when another action comes into force for a site; None where none is planned."""
        present = self.action(site, now_s)
        changes = (
            moment
            for moment in _moments(self.of(site), now_s)
            if self.action(site, moment) is not present
        )
        return next(changes, None)

    def wake_at(self, now_s: float) -> float | None:
        """Give when the next order of any site begins or ends; None for never."""
        return next(iter(_moments(self.all, now_s)), None)

    def give(self, order: Order) -> Orders:
        """Give the orders with one more.

        What is in force for the site gives way to an order that begins at once, and
        what was planned to one that is planned; an AUTO that begins at once takes
        both away. What is over by then is left out.
        """
        settled, _ = self.settle(order.given_at_s)
        if order.action is Action.AUTO and not order.is_planned:
            return Orders(tuple(each for each in settled.all if each.site != order.site))
        kept = (
            each
            for each in settled.all
            if each.site != order.site or each.has_begun(order.given_at_s) is order.is_planned
        )
        return _sorted([*kept, order])

    def settle(self, now_s: float) -> tuple[Orders, tuple[Order, ...]]:
        """Give what is left of the orders at a moment, and those that are over.

        Over is what has ended, and what was in force when the next of its site began.
        """
        over = tuple(order for order in self.all if self._is_over(order, now_s))
        return Orders(tuple(order for order in self.all if order not in over)), over

    def _is_over(self, order: Order, now_s: float) -> bool:
        return order.has_begun(now_s) and self.in_force(order.site, now_s) != order


def _moments(orders: Iterable[Order], now_s: float) -> list[float]:
    """Give the starts and ends that are still to come, in order."""
    found = {moment for each in orders for moment in (each.starts_at_s, each.ends_at_s)}
    return sorted(moment for moment in found if moment is not None and moment > now_s)


def _sorted(orders: Iterable[Order]) -> Orders:
    # Not by start alone, as the clock may be set back between two orders: a planned one that
    # has begun counts, since whatever is ordered at once after its start takes it away.
    def key(order: Order) -> tuple[str, bool, float]:
        return order.site, order.is_planned, order.starts_at_s

    return Orders(tuple(sorted(orders, key=key)))


def order_row(order: Order) -> dict[str, Any]:
    """Give an order as an object of JSON; `parse_orders` reads it."""
    return asdict(order) | {"action": order.action.value}


def render_orders(orders: Orders) -> dict[str, Any]:
    """Give the tree of orders that is kept on disk."""
    return {"version": 1, "orders": [order_row(order) for order in orders.all]}


def parse_orders(tree: Any) -> Orders:
    """Read a tree of orders. Raises `ValueError` with what is wrong with it."""
    if not isinstance(tree, dict) or tree.get("version") != 1:
        raise ValueError("it is no object of version 1")
    rows = tree.get("orders")
    if not isinstance(rows, list):
        raise ValueError("orders is no list")  # noqa: TRY004 (one error for all that is wrong)
    return _sorted(_parse_order(row) for row in rows)


_FIELDS: dict[str, tuple[type, ...]] = {
    "site": (str,),
    "action": (str,),
    "by": (str,),
    "reason": (str,),
    "given_at_s": (int, float),
    "starts_at_s": (int, float),
    "ends_at_s": (int, float, type(None)),
}
"""What a row of an order has."""
_MAX_TIME_S = 1e11
"""Unix time in the year 5138: an order has no later one, and what is far beyond is no date."""


def _parse_order(row: Any) -> Order:
    if not isinstance(row, dict) or row.keys() != _FIELDS.keys():
        raise ValueError(f"an order is an object of {', '.join(_FIELDS)}")
    for name, types in _FIELDS.items():
        value = row[name]
        is_sound = isinstance(value, types) and not isinstance(value, bool)
        if not is_sound or (isinstance(value, int | float) and not 0 <= value <= _MAX_TIME_S):
            raise ValueError(f"{name} of an order is not what it should be")
    return Order(**row | {"action": Action(row["action"])})
