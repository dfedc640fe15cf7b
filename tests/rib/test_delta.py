from __future__ import annotations

from random import Random

from built_tables import build_snapshot
from hypothesis import given
from listed_tables import ROUTES, random_prefix, random_table, tables

from sparrow.rib.delta import diff
from sparrow.rib.route import Route, parse_route
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.table import build_rib
from sparrow.values.address import Prefix, parse_prefix


def expected_delta(
    old: dict[Prefix, Route], new: dict[Prefix, Route]
) -> tuple[dict[Prefix, Route], dict[Prefix, Route]]:
    gone = {prefix: route for prefix, route in old.items() if prefix not in new}
    come = {prefix: route for prefix, route in new.items() if old.get(prefix) != route}
    return gone, come


def assert_delta(old: dict[Prefix, Route], new: dict[Prefix, Route]) -> None:
    """Compare the delta of two tables with that of the dictionaries, and apply it."""
    before, after = build_snapshot(old.items()), build_snapshot(new.items())
    delta = diff(before, after, is_pure=False)
    assert diff(before, after, is_pure=True) == delta
    assert expected_delta(old, new) == (
        dict(delta.withdrawn.entries()),
        dict(delta.announced.entries()),
    )
    assert (len(old), len(new)) == (delta.size_before, delta.size_after)
    assert (old == new) == delta.is_empty
    rib = build_rib(before)
    rib.apply(delta)
    fresh = build_rib(after)
    assert (len(fresh), new) == (len(rib), {prefix: rib.get(prefix) for prefix in new})
    assert {None} >= {rib.get(prefix) for prefix in old.keys() - new.keys()}
    for prefix in (*old, *new):
        assert fresh.find(prefix.network) == rib.find(prefix.network)


@given(tables(), tables())
def test_delta_of_two_tables_turns_one_into_the_other(
    old: dict[Prefix, Route], new: dict[Prefix, Route]
) -> None:
    assert_delta(old, new)


def test_few_changes_in_a_table_of_many_blocks_are_found() -> None:
    random = Random(7)
    old = random_table(random, 20_000)
    new = dict(old)
    for prefix in random.sample(sorted(old), 30):
        del new[prefix]
    for prefix in random.sample(sorted(new), 30):
        new[prefix] = random.choice(ROUTES)
    for _ in range(30):
        new[random_prefix(random, random.choice((4, 6)))] = random.choice(ROUTES)
    assert_delta(old, new)
    assert_delta(new, old)


def test_tables_that_share_nothing_and_differ_in_size_are_compared() -> None:
    random = Random(8)
    large = random_table(random, 10_000)
    small = random_table(random, 10)
    assert_delta(large, small)
    assert_delta(small, large)
    assert_delta({}, large)
    assert_delta(large, {})


def test_routes_are_compared_by_value_and_not_by_number() -> None:
    first, second = parse_prefix("10.0.0.0/8"), parse_prefix("11.0.0.0/8")
    old = build_snapshot([(first, parse_route("1")), (second, parse_route("2"))])
    new = build_snapshot([(second, parse_route("2")), (first, parse_route("1"))])
    assert old.routes != new.routes
    assert diff(old, new).is_empty


def test_equal_routes_that_are_other_objects_are_no_difference() -> None:
    random = Random(10)
    for count in (100, 12_000):  # those that differ are looked at one by one, or all at once
        routes = {prefix: str(route) for prefix, route in random_table(random, count).items()}
        changed = random.choice(sorted(routes))
        old = {prefix: parse_route(text) for prefix, text in routes.items()}
        new = {prefix: parse_route(text) for prefix, text in {**routes, changed: "7 8 9"}.items()}
        new = dict(sorted(new.items(), reverse=True))
        assert_delta(old, new)


def test_from_nothing_the_whole_table_is_announced_without_a_copy() -> None:
    new = build_snapshot(random_table(Random(9), 100).items())
    delta = diff(EMPTY, new)
    assert new == delta.announced
    assert new.v4 is delta.announced.v4
    assert 0 == len(delta.withdrawn)
