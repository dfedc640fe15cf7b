"""What is in a table, counted."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest
from slowmap import SlowMap, random_rows
from threesites import SITE_SET, table

from sparrow.policy.steering import build_base_map
from sparrow.policy.tablestats import (
    FamilyStats,
    OriginCount,
    SiteCount,
    count_table,
    describe_stats,
)
from sparrow.values.address import BITS, FAMILIES

if TYPE_CHECKING:
    from sparrow.rib.snapshot import Snapshot

TABLE = """
20.0.0.0/8 1
20.1.0.0/16 3 7
20.1.1.0/24 9 9 8_6
21.0.0.0/16 3 7
2a00::/16 2
"""
SPECIAL_V4 = 3 * 2**24 + 2**22 + 2**16 + 2**20 + 2**16 + 2**17 + 2**29 + 4 * 2**8 + 1 - 2
"""Addresses of the blocks that `sparrow.policy.special` lists for IPv4."""


def test_prefixes_are_counted_by_length_hops_origin_and_site() -> None:
    v4, _ = count_table(table(TABLE), SITE_SET)
    expected = FamilyStats(
        family=4,
        prefixes=4,
        routes=3,
        addresses=2**24 + 2**16,
        space=2**32 - SPECIAL_V4,
        lengths=((8, 1), (16, 2), (24, 1)),
        hops=((1, 1), (2, 3)),
        origin_count=3,
        origins=(
            OriginCount(1, 2**24 - 2**16, 1),
            OriginCount(7, 2 * 2**16 - 2**8, 2),
            OriginCount(8, 2**8, 1),
        ),
        sites=(
            SiteCount("au", True, 2**24 - 2**16, 1),
            SiteCount("nl", True, 0, 0),
            SiteCount("us", True, 2 * 2**16 - 2**8, 2),
            SiteCount("au", False, 2**8, 1),
        ),
    )
    assert expected == v4


def test_without_sites_none_are_counted() -> None:
    assert [(), ()] == [each.sites for each in count_table(table(TABLE), None)]


def test_a_table_without_a_prefix_has_nothing() -> None:
    v4, v6 = count_table(table(""), SITE_SET)
    assert (0, 0, (), ()) == (v4.prefixes, v4.addresses, v4.lengths, v6.origins)
    assert 0 == describe_stats((v4, v6))["v4"]["covered"]


def test_a_default_route_covers_all_that_is_counted() -> None:
    for each in count_table(table("0.0.0.0/0 1; ::/0 1"), None):
        assert each.space == each.addresses
        assert {"asn": 1, "share": 1.0, "prefixes": 1} == (
            describe_stats((each,))[f"v{each.family}"]["origins"][0]
        )


def random_table(rng: Random) -> tuple[Snapshot, dict[int, SlowMap]]:
    maps = {family: SlowMap(family, random_rows(rng, family, 3)) for family in FAMILIES}
    lines = []
    for family, slow in maps.items():
        for network, length, route in slow.rows:
            octets = network.to_bytes(BITS[family] // 8, "big")
            groups = (
                octets if family == 4 else [octets[at : at + 2].hex() for at in range(0, 16, 2)]
            )
            lines.append(f"{('.:'[family == 6]).join(map(str, groups))}/{length} 9 {route + 1}")
    return table("\n".join(lines)), maps


@pytest.mark.parametrize("seed", range(40))
def test_addresses_are_counted_as_a_search_of_every_stretch_finds_them(seed: int) -> None:
    snapshot, maps = random_table(Random(seed))
    for each in count_table(snapshot, SITE_SET):
        slow = maps[each.family]
        points = [0, *slow.points, 1 << BITS[each.family]]
        found = [0, 0, 0]
        for start, end in pairwise(points):
            is_wrapped, is_special, route = slow.find(start) if end > start else (True, True, None)
            if route is not None and not is_special and not is_wrapped:
                found[route] += end - start
        assert sum(found) == each.addresses
        assert found == [site.addresses for site in each.sites[:3]]


def test_shares_are_of_the_addresses_that_a_route_matches() -> None:
    found = describe_stats(count_table(table(TABLE), SITE_SET))["v4"]
    assert {"8": 1, "16": 2, "24": 1} == found["lengths"]
    assert {"asn": 8, "share": 2**8 / (2**24 + 2**16), "prefixes": 1} == found["origins"][2]
    assert {"site": "au", "named": False, "share": 2**8 / (2**24 + 2**16), "prefixes": 1} == (
        found["sites"][3]
    )


def test_with_a_map_of_sites_addresses_and_prefixes_are_counted_by_it() -> None:
    preferred = build_base_map(SITE_SET, table("20.0.0.0/9 3; 20.128.0.0/9 2; 21.0.0.0/8 2"))
    v4, _ = count_table(table(TABLE), SITE_SET, preferred)
    expected = (
        SiteCount("au", True, 0, 0),
        SiteCount("nl", True, 2**23 + 2**16, 1),
        SiteCount("us", True, 2**23, 3),
    )
    assert expected == v4.sites
