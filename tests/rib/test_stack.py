"""Tables laid over each other again and again, beside the same from nothing each time."""

from __future__ import annotations

from random import Random

import pytest
from built_tables import build_snapshot
from listed_tables import ROUTES, random_prefix, random_table

from sparrow.rib.coded import RouteCodes
from sparrow.rib.overlay import overlay
from sparrow.rib.route import Route, parse_route
from sparrow.rib.snapshot import EMPTY, Snapshot, SnapshotBuilder
from sparrow.rib.stack import Stack, Stacks
from sparrow.values.address import parse_prefix

BOTH_WAYS = pytest.mark.parametrize("is_pure", [True, False], ids=["pure", "native"])


class Source:
    """A table that changes, whose routes keep their numbers as those of a live source do."""

    def __init__(self, random: Random, size: int) -> None:
        self.random = random
        self.table = random_table(random, size)
        self.routes: dict[Route, int] = {}

    def change(self, count: int) -> None:
        """Announce and withdraw some prefixes, some by routes that nobody else has."""
        random = self.random
        for _ in range(count):
            prefix = random.choice([*self.table, random_prefix(random, random.choice((4, 6)))])
            new = parse_route(f"{random.choice((65, 66))} {random.randrange(1, 50)}")
            if random.random() < 0.3:
                self.table.pop(prefix, None)
            else:
                self.table[prefix] = random.choice((*ROUTES, new))

    def snapshot(self) -> Snapshot:
        for route in self.table.values():
            self.routes.setdefault(route, len(self.routes))
        built = build_snapshot(self.table.items())
        moved = SnapshotBuilder()
        for route in self.routes:
            moved.number(route)
        for table in (built.v4, built.v6):
            numbers = type(table.routes)("I", (self.routes[built.routes[n]] for n in table.routes))
            moved.extend(table.family, table.packed(), table.lengths.tobytes(), numbers)
        return moved.build().snapshot


@BOTH_WAYS
@pytest.mark.parametrize("seed", range(30))
def test_after_each_change_it_is_what_the_tables_are_laid_over_each_other(
    seed: int, *, is_pure: bool
) -> None:
    random, stack = Random(seed), Stack(is_pure=is_pure)
    sources = [Source(random, random.choice((0, 3, 200))) for _ in range(random.randint(1, 4))]
    for _ in range(12):
        for source in random.sample(sources, random.randint(0, len(sources))):
            source.change(random.choice((1, 1, 5, 40)))
        if random.random() < 0.1:
            sources[0] = Source(random, 50)
        tables = [source.snapshot() for source in sources]
        found = stack.lay(tables)
        assert list(overlay(tables).entries()) == list(found.entries())
        assert len(found.routes) == len(set(found.routes))


def test_a_change_leaves_all_other_routes_under_their_numbers() -> None:
    stack, rows = Stack(), [(f"20.{n}.0.0/16", str(n + 1)) for n in range(100)]
    below, above = list_table(rows), list_table([("20.0.0.0/8", "7")])
    before = stack.lay([below, above])
    after = stack.lay([below, list_table([("20.0.0.0/8", "7"), ("20.3.0.0/16", "8 9")])])
    assert before.routes == after.routes[:-1]
    assert parse_route("8 9") == after.routes[-1]


def test_a_route_that_another_table_has_already_is_not_there_twice() -> None:
    stack, below = Stack(), list_table([("20.0.0.0/8", "7"), ("20.2.0.0/16", "8")])
    stack.lay([below, list_table([("20.1.0.0/16", "9")])])
    found = stack.lay([below, list_table([("20.1.0.0/16", "9"), ("20.3.0.0/16", "8")])])
    assert 3 == len(found.routes)


def test_tables_that_are_the_same_are_given_as_the_same() -> None:
    stack, tables = Stack(), [list_table([("20.0.0.0/8", "7")]), list_table([("::/3", "8")])]
    assert stack.lay(tables) is stack.lay([*tables, EMPTY])
    assert tables[0] is stack.lay(tables[:1])
    assert EMPTY is stack.lay([])


def test_very_many_changes_are_worked_in_as_well() -> None:
    rows = [(f"20.{n >> 8}.{n & 255}.0/24", "7") for n in range(12_000)]
    stack, below = Stack(), list_table(rows)
    stack.lay([below, list_table([("30.0.0.0/8", "8")])])
    above = list_table([("30.0.0.0/8", "8"), *((prefix, "9") for prefix, _ in rows)])
    assert list(overlay([below, above]).entries()) == list(stack.lay([below, above]).entries())


def test_stacks_are_apart_and_those_not_named_are_forgotten() -> None:
    stacks = Stacks()
    one, two = list_table([("20.0.0.0/8", "7")]), list_table([("30.0.0.0/8", "8")])
    first, second = stacks.lay("a", [one, two]), stacks.lay("b", [two, one])
    assert first is stacks.lay("a", [one, two])
    stacks.keep(["b", "c"])
    assert first is not stacks.lay("a", [one, two])
    assert second is stacks.lay("b", [two, one])


def list_table(rows: list[tuple[str, str]]) -> Snapshot:
    return build_snapshot((parse_prefix(prefix), parse_route(route)) for prefix, route in rows)


# What each route has.


def test_each_route_is_asked_about_once_while_tables_follow_each_other() -> None:
    asked: list[Route] = []

    def count_path(route: Route) -> int:
        asked.append(route)
        return len(route.path)

    codes = RouteCodes(count_path, 2)
    one, two = ROUTES[:3], ROUTES[:5]
    assert [1, 1, 0] == list(codes.find(one))
    first = codes.find(two)
    assert [1, 1, 0, 0, 0] == list(first)
    assert (2, 1) == codes.values
    assert list(two) == asked
    assert first is codes.find(two)
    assert [0, 1] == list(codes.find((ROUTES[2], ROUTES[0])))
    assert [1, 1, 0, 0, 0] == list(first)


@pytest.mark.parametrize("seed", range(20))
def test_codes_are_those_of_a_fresh_start(seed: int) -> None:
    random = Random(seed)
    codes = RouteCodes(hash_path, 0)
    routes: tuple[Route, ...] = ()
    for _ in range(20):
        if random.random() < 0.3:
            routes = tuple(random.sample(ROUTES, random.randint(0, len(ROUTES))))
        else:
            routes += tuple(random.choices(ROUTES, k=random.randint(0, 3)))
        fresh = RouteCodes(hash_path, 0)
        assert (fresh.find(routes), fresh.values) == (codes.find(routes), codes.values)


def hash_path(route: Route) -> int:
    return sum(route.path) % 3
