"""What would move if an operator ordered something, before anybody does.

Law: what is supposed is an order like any other, so what is told is what would be. Start
from `simulate`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sparrow.control.ordering import parse_supposed
from sparrow.errors import InputError, Problem
from sparrow.knowing.standing import build_conditions
from sparrow.policy.orders import Order, Orders
from sparrow.policy.shift import shift_row, simulate_shift

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparrow.health.site import SiteHealth
    from sparrow.policy.outcome import Action
    from sparrow.policy.shift import ClassKey
    from sparrow.policy.steering import Steering
    from sparrow.rib.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Present:
    """How things stand now."""

    steering: Steering | None
    """The maps; None where nothing is steered. Its conditions do not matter."""
    snapshot: Snapshot
    """The route tables."""
    orders: Orders
    """What operators have ordered."""
    now_s: float
    """Unix time."""
    health: Mapping[str, SiteHealth] = field(default_factory=dict)
    """What checks say, by site; a site that is missing is up."""
    counts: Mapping[ClassKey, int] = field(default_factory=dict)
    """Steered answers so far, by class."""


def simulate(arguments: Mapping[str, Any], present: Present) -> dict[str, Any]:
    """Do the command `simulate` of `docs/control.md`. Raises `InputError`.

    At full tables it takes some seconds.
    """
    if present.steering is None:
        raise InputError([Problem("nothing is steered here: no site, or no zone, is configured")])
    names = [site.name for site in present.steering.site_set.sites]
    supposed = parse_supposed(arguments, names)
    orders = _suppose(present.orders, supposed, present.now_s)
    before, after = (
        build_conditions(names, present.health, each, present.now_s)
        for each in (present.orders, orders)
    )
    steering = replace(present.steering, conditions=before)
    return shift_row(simulate_shift(steering, present.snapshot, after, present.counts))


def _suppose(orders: Orders, supposed: Mapping[str, Action], now_s: float) -> Orders:
    for site, action in supposed.items():
        orders = orders.give(Order(site, action, "", "supposed", now_s, now_s))
    return orders
