"""The longest match in flat arrays, against the trie."""

from __future__ import annotations

from random import Random

import pytest
from built_tables import build_snapshot

from sparrow.rib.match import find_longest
from sparrow.rib.route import parse_route
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.table import build_rib
from sparrow.values.address import BITS, FAMILIES, Prefix, parse_address, parse_prefix, truncate


def random_prefix(rng: Random, family: int) -> Prefix:
    length = rng.choice((0, 1, 3, BITS[family] - 1, BITS[family], rng.randrange(BITS[family])))
    # Few bits are set, so that prefixes lie inside each other.
    network = rng.choice((0, 1, 2, 5)) << rng.randrange(BITS[family] - 3)
    return Prefix(truncate(network.to_bytes(BITS[family] // 8, "big"), length), length)


@pytest.mark.parametrize("seed", range(30))
def test_the_match_is_that_of_the_trie(seed: int) -> None:
    rng = Random(seed)
    entries = [
        (random_prefix(rng, family), parse_route(str(number + 1)))
        for family in FAMILIES
        for number in range(rng.randrange(60))
    ]
    snapshot = build_snapshot(entries)
    rib = build_rib(snapshot)
    for family in FAMILIES:
        for _ in range(60):
            address = random_prefix(rng, family).network
            assert rib.find(address) == find_longest(snapshot, address)


def test_shorter_prefixes_than_are_wanted_do_not_match() -> None:
    route = parse_route("1")
    snapshot = build_snapshot([(parse_prefix("0.0.0.0/0"), route)])
    address = parse_address("192.0.2.1")
    assert (parse_prefix("0.0.0.0/0"), route) == find_longest(snapshot, address)
    assert find_longest(snapshot, address, least=1) is None


def test_an_empty_table_has_no_match() -> None:
    assert find_longest(EMPTY, parse_address("2001:db8::1")) is None
