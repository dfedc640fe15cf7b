"""What was learnt, for as long as it counts."""

from __future__ import annotations

import pytest

from sparrow.rib.route import parse_route
from sparrow.routeserver.learnttable import LearntTable
from sparrow.routeserver.server import Learnt
from sparrow.values.address import parse_address, parse_prefix

KEEP_S = 100.0


def learnt(prefix: str | None, path: str | None = None) -> Learnt:
    return Learnt(parse_prefix(prefix) if prefix else None, parse_route(path) if path else None)


def routes_of(table: LearntTable) -> dict[str, str]:
    return {str(prefix): str(route) for prefix, route in table.build().entries()}


@pytest.mark.parametrize(
    ("address", "found", "expected"),
    [
        ("10.1.2.3", learnt("10.0.0.0/8", "7 8"), {"10.1.2.0/24": "7 8"}),
        ("10.1.2.3", learnt("0.0.0.0/0", "7"), {"10.1.2.0/24": "7"}),
        ("10.1.2.3", learnt("10.1.2.0/24", "7"), {"10.1.2.0/24": "7"}),
        ("10.1.2.3", learnt("10.1.2.0/25", "7"), {"10.1.2.0/25": "7"}),
        ("10.1.2.3", learnt("10.1.2.3/32", "7"), {"10.1.2.3/32": "7"}),
        ("10.1.2.3", learnt(None), {"10.1.2.0/24": "0"}),
        ("10.1.2.3", learnt("10.1.2.0/26"), {"10.1.2.0/26": "0"}),
        ("2001:db8:0:1234::1", learnt("2001:db8::/32", "7"), {"2001:db8:0:1200::/56": "7"}),
        ("2001:db8::1", learnt("2001:db8::/64", "7 8,9"), {"2001:db8::/64": "7 8,9"}),
        ("2001:db8::1", learnt(None), {"2001:db8::/56": "0"}),
    ],
)
def test_a_route_counts_for_the_block_that_was_asked_about(
    address: str, found: Learnt, expected: dict[str, str]
) -> None:
    table = LearntTable(KEEP_S)
    prefix = table.learn(parse_address(address), found, 0.0)
    assert [str(prefix)] == list(expected)
    assert expected == routes_of(table)


def test_what_is_covered_is_known() -> None:
    table = LearntTable(KEEP_S)
    table.learn(parse_address("10.1.2.3"), learnt("10.1.2.0/25", "7"), 0.0)
    table.learn(parse_address("2001:db8::1"), learnt("2001:db8::/32", "7"), 0.0)
    known = {"10.1.2.3", "10.1.2.127", "2001:db8:0:ff::1"}
    for address in (*known, "10.1.2.128", "10.1.3.3", "2001:db8:0:100::1", "::ffff:10.1.2.3"):
        assert (address in known) == table.has(parse_address(address))
    assert (1, 1, 2) == (table.count(4), table.count(6), len(table))


def test_a_route_counts_for_its_time() -> None:
    table = LearntTable(KEEP_S)
    address = parse_address("10.1.2.3")
    table.learn(address, learnt("10.0.0.0/8", "7"), 1000.0)
    assert (0, True) == (table.expire(1099.9), table.has(address))
    assert (1, False) == (table.expire(1100.0), table.has(address))
    assert {} == routes_of(table)
    assert (0, 0) == (len(table), table.count(4))


def test_what_is_learnt_again_counts_anew() -> None:
    table = LearntTable(KEEP_S)
    first, second = parse_address("10.1.2.3"), parse_address("10.1.3.3")
    table.learn(first, learnt("10.0.0.0/8", "7"), 0.0)
    table.learn(second, learnt("10.0.0.0/8", "7"), 10.0)
    table.learn(first, learnt("10.0.0.0/8", "8"), 50.0)
    assert 1 == table.expire(120.0)
    assert {"10.1.2.0/24": "8"} == routes_of(table)
    assert 1 == table.expire(150.0)


def test_beyond_the_limit_the_oldest_is_forgotten() -> None:
    table = LearntTable(KEEP_S, limit=3)
    for number in range(5):
        table.learn(bytes((10, 0, number, 1)), learnt("10.0.0.0/8", "7"), float(number))
    assert ["10.0.2.0/24", "10.0.3.0/24", "10.0.4.0/24"] == sorted(routes_of(table))
    assert 3 == table.count(4)


def test_what_was_stored_counts_from_when_it_was() -> None:
    table = LearntTable(KEEP_S)
    entries = [
        (parse_prefix("10.1.2.0/24"), parse_route("7")),
        (parse_prefix("::/56"), parse_route("0")),
    ]
    table.restore(entries, 1000.0)
    assert {"10.1.2.0/24": "7", "::/56": "0"} == routes_of(table)
    assert (0, 2) == (table.expire(1099.0), table.expire(1100.0))
