"""What a table keeps of what its source withdraws; time is a number here."""

from __future__ import annotations

import random

from sparrow.feeds.feedtable import FeedTable, Limits
from sparrow.feeds.gobgppaths import Row
from sparrow.feeds.listing import Listing
from sparrow.rib.route import parse_route
from sparrow.rib.snapshot import Snapshot
from sparrow.values.address import parse_prefix

LIMITS = Limits(share=0.1, quiet_s=30.0)
PREFIXES = [f"20.0.{number}.0/24" for number in range(200)]


def row(prefix: str, route: str | None) -> Row:
    parsed = parse_prefix(prefix)
    path = None if route is None else parse_route(route)
    return Row(parsed.family, parsed.network, parsed.length, path)


def build(routes: dict[str, str]) -> Snapshot:
    listing = Listing()
    for prefix, route in routes.items():
        listing.add(row(prefix, route))
    return listing.build()


def read(table: FeedTable | Snapshot) -> dict[str, str]:
    snapshot = table if isinstance(table, Snapshot) else table.fold()
    return {str(prefix): str(route) for prefix, route in snapshot.entries()}


FULL = dict.fromkeys(PREFIXES, "1 2")


def test_random_changes_give_what_a_dictionary_gives() -> None:
    seed = random.Random(7)
    table, expected = FeedTable(Limits(share=None)), {}
    prefixes = [*PREFIXES[:40], "20.0.0.0/8", "20.0.0.0/16", "0.0.0.0/0", "::/0", "2001:db8::/32"]
    prefixes += ["2001:db8::/48", "2001:db8:0:1::/64", "ffff::/16", "255.255.255.255/32"]
    for step in range(3000):
        prefix = seed.choice(prefixes)
        route = seed.choice([None, "1", "2 3", "4 5 6"])
        has_changed = expected.get(prefix) != route
        assert has_changed == table.apply([row(prefix, route)], float(step))
        expected.pop(prefix, None)
        if route is not None:
            expected[prefix] = route
        assert len(expected) == len(table)
        if step % 50 == 0:
            assert expected == read(table)
    assert expected == read(table)
    assert read(build(expected)) == read(table)
    assert list(build(expected).entries()) == list(table.fold().entries())


def test_up_to_the_limit_withdrawals_are_carried_out() -> None:
    table = FeedTable(LIMITS, build(FULL))
    table.apply([row(prefix, None) for prefix in PREFIXES[:20]], 0.0)
    assert dict.fromkeys(PREFIXES[20:], "1 2") == read(table)
    assert not table.is_withholding


def test_one_more_within_a_minute_takes_them_all_back() -> None:
    table = FeedTable(LIMITS, build(FULL))
    table.apply([row(prefix, None) for prefix in PREFIXES[:20]], 0.0)
    table.apply([row(PREFIXES[20], None)], 59.0)
    assert FULL == read(table)
    assert (True, True, 21) == (table.is_withholding, table.is_frozen, table.withheld)
    table.apply([row(prefix, None) for prefix in PREFIXES[21:]], 60.0)
    assert FULL == read(table)
    assert not table.tick(10_000.0, is_up=True)
    assert FULL == read(table)


def test_one_more_after_a_minute_is_carried_out() -> None:
    table = FeedTable(LIMITS, build(FULL))
    table.apply([row(prefix, None) for prefix in PREFIXES[:20]], 0.0)
    table.tick(60.0, is_up=True)
    table.apply([row(PREFIXES[20], None)], 60.0)
    assert dict.fromkeys(PREFIXES[21:], "1 2") == read(table)


def test_a_frozen_table_takes_news_and_thaws_when_most_is_back() -> None:
    table = FeedTable(LIMITS, build(FULL))
    table.apply([row(prefix, None) for prefix in PREFIXES], 0.0)
    table.apply([row(prefix, "9") for prefix in PREFIXES[:190]], 10.0)
    assert not table.is_frozen
    assert not table.tick(39.0, is_up=True), "it is not quiet yet"
    assert {**FULL, **dict.fromkeys(PREFIXES[:190], "9")} == read(table)
    assert not table.tick(41.0, is_up=False), "nobody feeds it"
    assert not table.tick(42.0, is_up=True), "it was down a second ago"
    assert table.tick(71.0, is_up=True)
    assert dict.fromkeys(PREFIXES[:190], "9") == read(table)


def test_what_is_withheld_can_be_let_go_by_hand() -> None:
    table = FeedTable(LIMITS, build(FULL))
    table.apply([row(prefix, None) for prefix in PREFIXES[:150]], 0.0)
    assert table.is_frozen
    assert 150 == table.let_go()
    assert dict.fromkeys(PREFIXES[150:], "1 2") == read(table)
    assert (50, 0, False) == (len(table), table.withheld, table.is_withholding)
    assert 0 == table.let_go()
    table.apply([row(prefix, None) for prefix in PREFIXES[150:]], 1.0)
    assert dict.fromkeys(PREFIXES[150:], "1 2") == read(table), "the limit holds again"


def test_without_a_limit_a_source_may_withdraw_everything() -> None:
    table = FeedTable(Limits(share=None), build(FULL))
    table.apply([row(prefix, None) for prefix in PREFIXES], 0.0)
    assert {} == read(table)


def test_what_a_new_list_lacks_is_withheld_for_a_while() -> None:
    table = FeedTable(LIMITS, build(FULL))
    table.apply([row(PREFIXES[0], None)], 0.0)
    listed = {**dict.fromkeys(PREFIXES[5:], "1 2"), PREFIXES[7]: "3"}
    assert 1 == table.replace(build(listed), 1.0)
    assert {**FULL, PREFIXES[7]: "3"} == read(table)
    assert table.tick(31.0, is_up=True)
    assert listed == read(table)


def test_an_empty_table_takes_a_list_as_it_is() -> None:
    table = FeedTable(LIMITS)
    assert 200 == table.replace(build(FULL), 0.0)
    assert FULL == read(table)
    assert not table.is_withholding


def test_a_comparison_repairs_what_nobody_spoke_of() -> None:
    table = FeedTable(LIMITS, build(FULL))
    table.watch_changes()
    table.apply([row(PREFIXES[0], "5")], 0.0)
    listed = {**FULL, PREFIXES[1]: "6", "20.1.0.0/16": "7"}
    del listed[PREFIXES[2]]
    assert 3 == table.repair(build(listed), 1.0)
    assert {**listed, PREFIXES[0]: "5"} == read(table)
    table.watch_changes()
    assert 0 == table.repair(build({**listed, PREFIXES[0]: "5"}), 2.0)


def test_routes_that_nobody_has_any_more_are_dropped() -> None:
    table = FeedTable(Limits(share=None), build({"20.0.0.0/8": "1"}))
    for number in range(30_000):
        table.apply([row("20.0.0.0/8", f"7 {number + 1}")], 0.0)
        if number % 5000 == 0:
            table.fold()
    assert {"20.0.0.0/8": "7 30000"} == read(table)
    assert len(table.fold().routes) < 15_000
