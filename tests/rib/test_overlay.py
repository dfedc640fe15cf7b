"""Tables laid over each other, beside dictionaries."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from built_tables import build_snapshot
from hypothesis import given
from listed_tables import random_table, tables

from sparrow.rib.overlay import overlay
from sparrow.rib.route import parse_route
from sparrow.rib.snapshot import EMPTY
from sparrow.values.address import parse_prefix

if TYPE_CHECKING:
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot
    from sparrow.values.address import Prefix

BOTH_WAYS = pytest.mark.parametrize("is_pure", [True, False], ids=["pure", "native"])


def lay(layers: list[dict[Prefix, Route]]) -> Snapshot:
    """Lay tables over each other both ways, and check the result against dictionaries."""
    snapshots = [build_snapshot(layer.items()) for layer in layers]
    found = overlay(snapshots, is_pure=False)
    assert found == overlay(snapshots, is_pure=True)
    expected: dict[Prefix, Route] = {}
    for layer in layers:
        expected |= layer
    assert list(build_snapshot(expected.items()).entries()) == list(found.entries())
    assert len(found.routes) == len(set(found.routes))
    return found


@given(tables(), tables(), tables())
def test_of_a_prefix_the_last_table_counts(
    first: dict[Prefix, Route], second: dict[Prefix, Route], third: dict[Prefix, Route]
) -> None:
    lay([first, second, third])


def test_tables_of_many_prefixes_are_merged() -> None:
    random = Random(3)
    below, above = random_table(random, 5000), random_table(random, 3000)
    above |= {prefix: parse_route("7") for prefix in random.sample(sorted(below), 500)}
    lay([below, above])
    lay([above, below])


@BOTH_WAYS
def test_a_table_alone_is_given_as_it_is(*, is_pure: bool) -> None:
    table = build_snapshot([(parse_prefix("20.0.0.0/8"), parse_route("1"))])
    assert table is overlay([EMPTY, table], is_pure=is_pure)
    assert EMPTY is overlay([], is_pure=is_pure)


def test_a_table_on_top_that_adds_a_route_moves_no_number() -> None:
    below = build_snapshot([(parse_prefix("20.0.0.0/8"), parse_route("1"))])
    rows = [(parse_prefix("21.0.0.0/8"), parse_route("2"))]
    before = overlay([below, build_snapshot(rows)])
    after = overlay(
        [below, build_snapshot([*rows, (parse_prefix("19.0.0.0/8"), parse_route("3"))])]
    )
    assert before.routes == after.routes[:2]
