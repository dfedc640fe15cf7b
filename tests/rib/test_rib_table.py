from __future__ import annotations

from random import Random
from typing import Any

import pytest
from built_tables import build_snapshot
from hypothesis import given
from listed_tables import longest_match, prefixes, random_table, tables

from sparrow.rib.delta import diff
from sparrow.rib.route import Route, parse_route
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.table import Rib, build_rib
from sparrow.values.address import Prefix, parse_address, parse_prefix


def rib_of(*lines: str) -> Rib:
    pairs = [line.split(None, 1) for line in lines]
    return build_rib(build_snapshot((parse_prefix(p), parse_route(r)) for p, r in pairs))


def find(rib: Rib, address: str) -> str | None:
    found = rib.find(parse_address(address))
    return found and f"{found[0]} {found[1]}"


def test_most_specific_prefix_is_found() -> None:
    rib = rib_of("0.0.0.0/0 1", "10.0.0.0/8 2", "10.1.0.0/16 3 4", "10.1.2.3/32 5_6")
    assert "10.1.2.3/32 5_6" == find(rib, "10.1.2.3")
    assert "10.1.0.0/16 3 4" == find(rib, "10.1.2.4")
    assert "10.0.0.0/8 2" == find(rib, "10.255.255.255")
    assert "0.0.0.0/0 1" == find(rib, "11.0.0.0")
    assert 4 == len(rib)


def test_nothing_is_found_outside_every_prefix_and_in_an_empty_table() -> None:
    assert None is find(rib_of("10.0.0.0/8 1"), "11.0.0.0")
    assert None is find(rib_of("10.0.0.0/8 1"), "2001:db8::1")
    assert None is find(Rib(), "10.0.0.0")
    assert 0 == len(Rib())


def test_parent_whose_halves_are_both_announced_is_never_found() -> None:
    rib = rib_of("10.0.0.0/8 1", "10.0.0.0/9 2", "10.128.0.0/9 3")
    assert ["10.0.0.0/9 2", "10.128.0.0/9 3"] == [find(rib, "10.0.0.0"), find(rib, "10.255.0.0")]


def test_families_never_mix_although_their_octets_are_alike() -> None:
    rib = rib_of("32.1.13.184/32 4", "2001:db8::/32 6", "10.0.0.0/8 4", "a00::/8 6")
    assert "32.1.13.184/32 4" == find(rib, "32.1.13.184")
    assert "2001:db8::/32 6" == find(rib, "2001:db8::184")
    assert "10.0.0.0/8 4" == find(rib, "10.1.1.1")
    assert "a00::/8 6" == find(rib, "a01:101::")
    assert None is rib.get(parse_prefix("2001:db8::/33"))


@pytest.mark.parametrize(
    "address",
    ["10.1", "10.1.2.3", "2001:db8::1", 167772161, b"", b"10.1.2.3", bytes(5), bytearray(4), None],
)
def test_what_is_not_a_packed_address_is_refused(address: Any) -> None:
    with pytest.raises(ValueError, match="4 or 16 octets"):
        rib_of("0.0.0.0/0 1", "::/0 1").find(address)


def test_get_is_exact() -> None:
    rib = rib_of("10.0.0.0/8 1", "10.1.0.0/16 2", "192.0.2.1/32 3")
    assert parse_route("1") == rib.get(parse_prefix("10.0.0.0/8"))
    assert None is rib.get(parse_prefix("10.0.0.0/9"))
    assert None is rib.get(parse_prefix("10.0.0.0/7"))
    assert None is rib.get(Prefix(parse_address("10.5.6.7"), 8))
    assert None is rib.get(Prefix(parse_address("192.0.2.1"), 40))


def test_delta_that_starts_from_another_table_is_refused_and_changes_nothing() -> None:
    rib = rib_of("10.0.0.0/8 1", "11.0.0.0/8 1")
    delta = diff(EMPTY, build_snapshot([(parse_prefix("12.0.0.0/8"), parse_route("1"))]))
    with pytest.raises(ValueError, match="starts from 0 prefixes, here are 2"):
        rib.apply(delta)
    assert (2, None) == (len(rib), find(rib, "12.0.0.1"))


def test_withdrawn_prefix_uncovers_the_one_around_it() -> None:
    rib = rib_of("10.0.0.0/8 1", "10.1.0.0/16 2")
    old = build_snapshot(
        [
            (parse_prefix("10.0.0.0/8"), parse_route("1")),
            (parse_prefix("10.1.0.0/16"), parse_route("2")),
        ]
    )
    new = build_snapshot([(parse_prefix("10.0.0.0/8"), parse_route("1"))])
    rib.apply(diff(old, new))
    assert ("10.0.0.0/8 1", 1) == (find(rib, "10.1.2.3"), len(rib))


@given(tables(), prefixes())
def test_every_find_is_the_longest_match_of_a_scan(
    table: dict[Prefix, Route], place: Prefix
) -> None:
    rib = build_rib(build_snapshot(table.items()))
    for prefix in (*table, place):
        last = bytes(255 if octet == 0 else octet for octet in prefix.network)
        for address in (prefix.network, last):
            assert longest_match(table, address) == rib.find(address)


def test_a_table_that_lives_through_many_deltas_equals_a_fresh_one() -> None:
    random = Random(3)
    table: dict[Prefix, Route] = {}
    snapshot = EMPTY
    rib = Rib()
    for _ in range(40):
        for prefix in random.sample(sorted(table), len(table) // 3):
            del table[prefix]
        table |= random_table(random, 200)
        following = build_snapshot(table.items())
        rib.apply(diff(snapshot, following))
        snapshot = following
        assert len(table) == len(rib)
        for prefix in random.sample(sorted(table), 50):
            assert longest_match(table, prefix.network) == rib.find(prefix.network)
    assert table == {prefix: rib.get(prefix) for prefix in table}
    rib.apply(diff(snapshot, EMPTY))
    assert (0, None) == (len(rib), rib.find(bytes(4)))
