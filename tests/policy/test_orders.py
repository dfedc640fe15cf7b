"""Orders: what is in force when, what supersedes what, and what outlives a restart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.policy.orders import Order, Orders, order_row, parse_orders, render_orders
from sparrow.policy.outcome import Action

AUTO, UP, DRAIN, DOWN = Action.AUTO, Action.UP, Action.DRAIN, Action.DOWN
NOW = 1000.0


def order(
    action: Action, at: float = NOW, start: float | None = None, end: float | None = None
) -> Order:
    """Give an order for `au`, given at `at`."""
    return Order("au", action, "alice, uid 1000", "works", at, at if start is None else start, end)


def orders(*given_in_turn: Order) -> Orders:
    found = Orders()
    for each in given_in_turn:
        found = found.give(each)
    return found


def actions(found: Orders, *moments: float) -> list[Action]:
    return [found.action("au", moment) for moment in moments]


def test_without_an_order_health_decides() -> None:
    assert [AUTO] == actions(Orders(), NOW)
    assert (None, None) == (Orders().in_force("au", NOW), Orders().next_change_at("au", NOW))


def test_an_order_is_in_force_from_its_giving_for_its_site_alone() -> None:
    found = orders(order(DRAIN))
    assert [DRAIN, DRAIN] == actions(found, NOW, NOW + 1e9)
    assert AUTO is found.action("nl", NOW)
    assert ("au",) == found.sites


def test_an_order_ends_by_itself() -> None:
    found = orders(order(DOWN, end=1100))
    assert [DOWN, DOWN, AUTO, AUTO] == actions(found, NOW, 1099.9, 1100, 2000)
    assert 1100 == found.next_change_at("au", NOW)


def test_a_planned_order_leaves_the_one_in_force_until_it_starts_and_then_takes_its_place() -> None:
    found = orders(order(DRAIN, end=5000), order(DOWN, start=2000, end=3000))
    assert [DRAIN, DRAIN, DOWN, AUTO, AUTO] == actions(found, NOW, 1999, 2000, 3000, 4000)
    assert [2000, 3000, None] == [found.next_change_at("au", at) for at in (NOW, 2000, 3000)]
    planned = found.planned("au", NOW)
    assert planned is not None
    assert DOWN is planned.action


def test_an_order_supersedes_what_is_in_force_and_leaves_what_is_planned() -> None:
    found = orders(order(DRAIN), order(UP, start=2000), order(DOWN, at=1500))
    assert [DOWN, DOWN, UP] == actions(found, 1500, 1999, 2000)
    assert 2 == len(found.all)


def test_a_planned_order_supersedes_the_one_that_was_planned() -> None:
    found = orders(order(DRAIN, start=2000), order(DOWN, start=3000))
    assert [AUTO, AUTO, DOWN] == actions(found, NOW, 2000, 3000)


def test_an_order_that_is_given_after_a_planned_one_began_supersedes_it() -> None:
    found = orders(order(DRAIN, start=2000), order(UP, at=2500))
    assert [UP] == actions(found, 2500)
    assert 1 == len(found.all)


def test_auto_removes_what_is_in_force_and_what_is_planned() -> None:
    both = (order(DRAIN), order(DOWN, start=2000))
    assert Orders() == orders(*both, order(AUTO, at=1500))


def test_auto_of_one_site_leaves_the_others() -> None:
    other = replace(order(DOWN), site="nl")
    assert orders(other) == orders(order(DRAIN), other, order(AUTO))


def test_a_planned_auto_ends_an_order_at_its_start() -> None:
    found = orders(order(DRAIN), order(AUTO, start=2000))
    assert [DRAIN, AUTO] == actions(found, 1999, 2000)
    assert 2000 == found.next_change_at("au", NOW)
    assert Orders() == found.settle(2000)[0]


def test_a_change_to_the_same_action_is_none() -> None:
    found = orders(order(DRAIN, end=5000), order(DRAIN, start=2000, end=3000))
    assert 3000 == found.next_change_at("au", NOW)
    assert 2000 == found.wake_at(NOW)


def test_what_is_over_is_what_ended_and_what_was_superseded() -> None:
    first, second = order(DRAIN, end=5000), order(DOWN, start=2000, end=3000)
    found = orders(first, second)
    assert (found, ()) == found.settle(1999)
    assert (orders(second), (first,)) == found.settle(2000)
    assert (Orders(), (second,)) == orders(second).settle(3000)


def test_a_clock_that_is_set_back_takes_no_order_out_of_force() -> None:
    found = orders(order(DOWN))
    assert [DOWN] == actions(found, 0)
    assert [UP] == actions(found.give(order(UP, at=500)), 500)
    later = found.give(order(DRAIN, at=500, start=600))
    assert [DOWN, DRAIN] == actions(later, 500, 600)
    assert 1 == len(later.settle(600)[0].all)


MOMENTS = st.integers(0, 20).map(float)


@st.composite
def given_orders(draw: st.DrawFn) -> Order:
    at = draw(MOMENTS)
    start = max(at, draw(MOMENTS))
    end = draw(st.none() | st.integers(1, 10).map(lambda length: start + length))
    return order(draw(st.sampled_from(Action)), at, start, end)


@given(st.lists(given_orders(), max_size=6), MOMENTS)
def test_settling_changes_nothing_from_then_on_and_leaves_two_at_most(
    several: list[Order], now: float
) -> None:
    found = orders(*sorted(several, key=lambda each: each.given_at_s))
    now += 20  # no order is given before the moment that is asked for
    settled, over = found.settle(now)
    later = [now + step / 2 for step in range(80)]
    assert actions(found, *later) == actions(settled, *later)
    assert len(found.all) == len(settled.all) + len(over)
    assert 2 >= len(found.all)


@given(st.lists(given_orders(), max_size=6), MOMENTS)
def test_nothing_changes_before_the_next_change_and_then_it_does(
    several: list[Order], now: float
) -> None:
    found = orders(*sorted(several, key=lambda each: each.given_at_s))
    change = found.next_change_at("au", now)
    present = found.action("au", now)
    until = now + 60 if change is None else change
    moments = [now + step / 2 for step in range(120) if now + step / 2 < until]
    assert {present} >= set(actions(found, *moments))
    assert change is None or found.action("au", change) is not present


@given(st.lists(given_orders(), max_size=6))
def test_what_is_rendered_is_parsed_to_the_same(several: list[Order]) -> None:
    found = orders(*several)
    assert found == parse_orders(json.loads(json.dumps(render_orders(found))))


ROW = order_row(order(DRAIN))
DAMAGED: dict[str, Any] = {
    "nothing": None,
    "list": [],
    "no version": {"orders": []},
    "another version": {"version": 2, "orders": []},
    "no orders": {"version": 1},
    "an order that is none": {"version": 1, "orders": [1]},
    "a field too few": {"version": 1, "orders": [{"site": "au"}]},
    "a field too many": {"version": 1, "orders": [ROW | {"x": 1}]},
    "a number for a name": {"version": 1, "orders": [ROW | {"site": 1}]},
    "text for a time": {"version": 1, "orders": [ROW | {"starts_at_s": "now"}]},
    "a boolean for a time": {"version": 1, "orders": [ROW | {"starts_at_s": True}]},
    "a time that is none": {"version": 1, "orders": [ROW | {"ends_at_s": float("nan")}]},
    "a time before there was any": {"version": 1, "orders": [ROW | {"starts_at_s": -1e18}]},
    "a time after there is any": {"version": 1, "orders": [ROW | {"ends_at_s": 1e18}]},
    "a time too long to count": {"version": 1, "orders": [ROW | {"given_at_s": 10**400}]},
    "an action that is none": {"version": 1, "orders": [ROW | {"action": "halt"}]},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_tree_is_refused(case: str) -> None:
    with pytest.raises(ValueError):
        parse_orders(DAMAGED[case])
