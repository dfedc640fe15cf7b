"""The orders on disk: what one writes the other reads, and damage takes nothing away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sparrow.errors import InputError
from sparrow.keeping.orders import OrderBook
from sparrow.policy.orders import Order, Orders
from sparrow.policy.outcome import Action

if TYPE_CHECKING:
    from pathlib import Path

DRAIN = Order("au", Action.DRAIN, "alice", "works", 1000, 1000)
DOWN = Order("nl", Action.DOWN, "bob", "fire", 1001, 1001)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.json"


def test_there_are_no_orders_before_the_first(path: Path) -> None:
    book = OrderBook(path)
    assert (False, Orders(), None) == (book.refresh(), book.orders, book.problem)


def test_an_order_outlives_the_process(path: Path) -> None:
    OrderBook(path).change(lambda orders: orders.give(DRAIN))
    book = OrderBook(path)
    assert (True, (DRAIN,)) == (book.refresh(), book.orders.all)
    assert not book.refresh()


def test_two_writers_lose_nothing_of_each_other(path: Path) -> None:
    first, second = OrderBook(path), OrderBook(path)
    first.refresh()
    second.refresh()
    first.change(lambda orders: orders.give(DRAIN))
    second.change(lambda orders: orders.give(DOWN))
    assert first.refresh()
    assert (DRAIN, DOWN) == first.orders.all


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1, "orders": [{}]}'])
def test_a_damaged_file_leaves_what_was_known_in_force_and_takes_no_order(
    path: Path, text: str
) -> None:
    book = OrderBook(path)
    book.change(lambda orders: orders.give(DRAIN))
    book.refresh()
    path.write_text(text)
    assert (False, (DRAIN,)) == (book.refresh(), book.orders.all)
    assert "mend or remove it" in (book.problem or "")
    with pytest.raises(InputError, match="mend or remove it"):
        book.change(lambda orders: orders.give(DOWN))
    assert text == path.read_text()
    path.unlink()
    assert (True, Orders(), None) == (book.refresh(), book.orders, book.problem)


def test_an_order_that_cannot_be_kept_is_refused(path: Path) -> None:
    book = OrderBook(path / "orders.json")
    path.write_text("no folder")
    with pytest.raises(InputError, match="cannot be kept, so it is not taken") as refused:
        book.change(lambda orders: orders.give(DRAIN))
    assert [str(path / "orders.json")] == [problem.file for problem in refused.value.problems]
