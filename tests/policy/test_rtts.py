"""Round-trip times of every address, beside a search prefix by prefix."""

from __future__ import annotations

from random import Random

import pytest

from sparrow.policy.rtts import build_rtts
from sparrow.sources.rtt import Rtts, RttTable, parse_rtts
from sparrow.values.address import BITS, FAMILIES, IPV4, IPV6, Prefix, parse_address, parse_prefix

SITES = ("au", "nl", "us")


def random_prefix(rng: Random, family: int) -> Prefix:
    """Give a prefix that is likely to be near others: inside 10.0.0.0/8 or 2001::/16."""
    lead = 10 << 24 if family == IPV4 else 0x2001 << 112
    length = rng.choice([0, 8, 9, 10, 11, 12, 24, BITS[family]])
    spare = BITS[family] - length
    number = (lead | rng.randrange(16) << (BITS[family] - 12)) >> spare << spare
    return Prefix(number.to_bytes(BITS[family] // 8, "big"), length)


def random_table(rng: Random) -> RttTable:
    prefixes = {
        random_prefix(rng, rng.choice(FAMILIES)): tuple(
            rng.choice([None, float(rng.randrange(4))]) for _ in SITES
        )
        for _ in range(rng.randrange(40))
    }
    return RttTable(SITES, prefixes, {})


def search(table: RttTable, address: bytes) -> Rtts:
    """Give for each site the time of the longest prefix around an address that has one."""
    around = sorted(
        (prefix for prefix in table.prefixes if prefix.contains(address)),
        key=lambda prefix: -prefix.length,
    )
    figures = [table.prefixes[prefix] for prefix in around]
    return tuple(
        next((each[site] for each in figures if each[site] is not None), None)
        for site in range(len(SITES))
    )


@pytest.mark.parametrize("seed", range(60))
def test_each_site_has_the_time_of_its_most_specific_prefix(seed: int) -> None:
    rng = Random(seed)
    table = random_table(rng)
    layer = build_rtts(table)
    assert not layer.is_marked
    for family in FAMILIES:
        blocks = [prefix for prefix in table.prefixes if prefix.family == family]
        size = BITS[family] // 8
        edges = {
            int.from_bytes(block.network, "big") + offset
            for block in blocks
            for offset in (-1, 0, 1, (1 << (BITS[family] - block.length)))
        }
        top = (1 << BITS[family]) - 1
        for address in [0, top, rng.randint(0, top), *edges]:
            if 0 <= address <= top:
                wanted = search(table, address.to_bytes(size, "big"))
                assert wanted == layer.find(family, address)


def test_a_block_has_the_times_of_the_one_around_it_for_other_sites() -> None:
    lines = ["10.0.0.0/8,au,100", "10.0.0.0/8,nl,9", "10.1.0.0/16,nl,7", "10.1.2.0/24,us,50"]
    layer = build_rtts(parse_rtts(lines, "r.csv", SITES))
    found = [
        layer.find(IPV4, int.from_bytes(parse_address(text), "big"))
        for text in ("9.0.0.0", "10.0.0.0", "10.1.0.1", "10.1.2.3", "11.0.0.0")
    ]
    nothing = (None, None, None)
    assert [nothing, (100, 9, None), (100, 7, None), (100, 7, 50), nothing] == found


def test_special_blocks_are_addresses_like_others() -> None:
    layer = build_rtts(RttTable(SITES, {parse_prefix("::/0"): (1.0, None, None)}, {}))
    assert (1.0, None, None) == layer.find(IPV6, int.from_bytes(parse_address("fe80::1"), "big"))
    assert (1.0, None, None) == layer.find(IPV6, int.from_bytes(parse_address("2002::1"), "big"))
    assert (None, None, None) == layer.find(IPV4, 0)


def test_there_may_be_more_figures_than_a_marked_map_has_codes() -> None:
    count = 70_000
    prefixes = {
        Prefix((number << 8).to_bytes(4, "big"), 24): (float(number), None, None)
        for number in range(count)
    }
    layer = build_rtts(RttTable(SITES, prefixes, {}))
    assert (float(count - 1), None, None) == layer.find(IPV4, (count - 1) << 8)
    assert count + 1 == len(layer.values)
