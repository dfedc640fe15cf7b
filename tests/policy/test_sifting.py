"""Whole tables sifted: as the judgement of each row has it."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest
from built_tables import build_snapshot
from slowmap import random_rows
from threesites import table

from sparrow.policy.sanity import Limits, Reason, judge_prefix, judge_route
from sparrow.policy.sifting import TableSieve
from sparrow.rib.route import parse_route
from sparrow.values.address import BITS, FAMILIES, Prefix
from sparrow.values.asn import AsnRange

if TYPE_CHECKING:
    from sparrow.rib.snapshot import Snapshot

ROUTES = [*map(parse_route, ("7 8", "0 8", "7 64500", "7 64600 8", "9", "1 2 3 4"))]
ALL_LIMITS = [
    Limits(),
    Limits(max_length_v4=32, max_length_v6=128),
    Limits(takes_default=True, takes_martians=True),
    Limits(takes_reserved=True, own_asns=(AsnRange(64600, 64600),), max_hops=3),
]


def random_table(rng: Random) -> Snapshot:
    return build_snapshot(
        (Prefix(network.to_bytes(BITS[family] // 8, "big"), length), ROUTES[route])
        for family in FAMILIES
        for network, length, route in random_rows(rng, family, len(ROUTES))
    )


@pytest.mark.parametrize("limits", ALL_LIMITS)
@pytest.mark.parametrize("seed", range(40))
def test_what_stays_is_what_each_row_is_judged_to_be(seed: int, limits: Limits) -> None:
    sieve, rng = TableSieve(limits), Random(seed)
    for snapshot in (random_table(rng), random_table(rng)):
        reasons = [
            judge_prefix(prefix, limits) or judge_route(route, limits)
            for prefix, route in snapshot.entries()
        ]
        sifted = sieve.sift(snapshot)
        stays = [each for each, why in zip(snapshot.entries(), reasons, strict=True) if not why]
        assert stays == list(sifted.entries())
        assert Counter(filter(None, reasons)) == sieve.refused
        assert (sifted is snapshot) is not any(reasons)


def test_of_too_many_prefixes_the_first_ones_stay() -> None:
    sieve = TableSieve(Limits(max_prefixes=3))
    whole = table("1.0.0.0/8 7; 2.0.0.0/30 7; 3.0.0.0/8 7; 2600::/16 7; 2601::/16 7; 2602::/16 7")
    assert ["1.0.0.0/8", "3.0.0.0/8", "2600::/16"] == [
        str(prefix) for prefix, _ in sieve.sift(whole).entries()
    ]
    assert {Reason.TOO_LONG: 1, Reason.MAX_PREFIXES: 2} == sieve.refused


def test_each_table_is_counted_anew() -> None:
    sieve = TableSieve(Limits())
    bad, good = table("1.0.0.0/8 0; 2.0.0.0/8 7"), table("1.0.0.0/8 7; 2.0.0.0/8 8")
    assert 1 == len(sieve.sift(bad))
    assert {Reason.ZERO_ASN: 1} == sieve.refused
    assert good is sieve.sift(good)
    assert {} == sieve.refused


def test_a_table_that_is_the_same_gives_the_same() -> None:
    sieve = TableSieve(Limits())
    bad = table("1.0.0.0/8 0; 2.0.0.0/8 7")
    assert sieve.sift(bad) is sieve.sift(bad)
    assert {Reason.ZERO_ASN: 1} == sieve.refused
