"""What would move, from what checks say and operators have ordered now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from running import Home

from sparrow.errors import InputError
from sparrow.health.site import FamilyHealth, SiteHealth
from sparrow.knowing.supposing import Present, simulate
from sparrow.policy.orders import Order, Orders
from sparrow.policy.outcome import Action
from sparrow.policy.shift import ClassKey
from sparrow.staging import Staging, stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = 1000.0
NL_FAILED = {"nl": SiteHealth(v4=FamilyHealth(is_up=False))}
US_DOWN = Orders((Order("us", Action.DOWN, "alice", "works", NOW, NOW),))


@pytest.fixture
def present(tmp_path: Path, free_port: Callable[[], int]) -> Callable[..., Present]:
    view = stage(Staging(str(Home(tmp_path, free_port()).config))).view

    def make(orders: Orders = Orders(), **more: Any) -> Present:  # noqa: B008 (it is a value)
        return Present(view.authority.steering, view.tables.snapshot, orders, NOW, **more)

    return make


def moves(arguments: dict[str, list[str]], present: Present) -> list[tuple[str, str, int]]:
    """Give what moves of the answers with IPv4 addresses for the service `default`."""
    v4 = simulate(arguments, present)["families"][0]
    return [
        (move["from"], move["to"], move["answers"])
        for move in v4["moves"]
        if "default" in move["services"]
    ]


def test_a_site_that_fails_is_no_target(present: Callable[..., Present]) -> None:
    assert [("au", "nl", 0)] == moves({"down": ["au"]}, present())
    assert [("au", "us", 0)] == moves({"down": ["au"]}, present(health=NL_FAILED))


def test_what_is_ordered_already_is_where_it_begins(present: Callable[..., Present]) -> None:
    asked = {"up": ["us"], "down": ["nl"]}
    assert {("nl", "au", 0), ("nl", "us", 0)} == set(moves(asked, present(US_DOWN)))


def test_answers_are_counted_by_class(present: Callable[..., Present]) -> None:
    counts = {
        ClassKey("default", 4, ("au", "nl", "us")): 30,
        ClassKey("default", 4, ("nl", "au", "us")): 70,
    }
    found = present(counts=counts)
    assert [("au", "nl", 30)] == moves({"down": ["au"]}, found)
    assert 100 == simulate({"down": ["au"]}, found)["families"][0]["answers"]


def test_where_nothing_is_steered_nothing_can_be_told(present: Callable[..., Present]) -> None:
    nothing = Present(None, present().snapshot, Orders(), NOW)
    with pytest.raises(InputError, match="nothing is steered here"):
        simulate({"down": ["au"]}, nothing)
