"""What moves between two tables."""

from __future__ import annotations

from random import Random

import pytest
from threesites import SITE_SET, table

from sparrow.policy.moves import cover
from sparrow.policy.steering import build_base_map
from sparrow.policy.tablediff import (
    FamilyDiff,
    OriginMove,
    PairMove,
    describe_diff,
    diff_tables,
)

OLD = """
20.0.0.0/8 1
20.1.0.0/16 2 7
20.2.0.0/16 2
21.0.0.0/16 3 9
2a00::/16 2
"""
NEW = """
20.0.0.0/8 1
20.1.0.0/16 3 7
21.0.0.0/16 3 9
21.0.1.0/24 2 8_6
2a00::/16 2
"""


def test_moves_are_counted_by_sites_and_by_origin() -> None:
    v4, v6 = diff_tables(table(OLD), table(NEW), SITE_SET)
    expected = FamilyDiff(
        family=4,
        addresses=2**24 + 2**16,
        prefixes=5,
        announced=1,
        withdrawn=1,
        rerouted=1,
        pairs=(
            PairMove("nl", "us", 2**16, 1),
            PairMove("nl", "au", 2**16, 1),
            PairMove("us", "nl", 2**8, 1),
        ),
        origins=(OriginMove(7, 2**16), OriginMove(2, 2**16), OriginMove(8, 2**8)),
    )
    assert expected == v4
    assert FamilyDiff(6, 2**112, 1, 0, 0, 0, (), ()) == v6


def test_a_prefix_moves_where_its_first_address_does() -> None:
    v4, _ = diff_tables(table("20.0.0.0/8 1"), table("20.0.0.0/8 1; 20.0.0.0/24 2"), SITE_SET)
    assert (PairMove("au", "nl", 256, 2),) == v4.pairs


def test_an_address_without_a_route_belongs_to_self_and_to_no_network() -> None:
    v4, _ = diff_tables(table(""), table("20.0.0.0/8 1; 21.0.0.0/8 2 64999"), SITE_SET)
    assert (PairMove("au", "nl", 2**24, 1),) == v4.pairs
    assert (OriginMove(64999, 2**24),) == v4.origins


def test_tables_that_are_equal_move_nothing() -> None:
    v4, v6 = diff_tables(table(OLD), table(OLD), SITE_SET)
    assert [0, 0, 0, 0] == [v4.moved, v4.announced, v4.withdrawn, v4.rerouted]
    assert ((), ()) == (v6.pairs, v6.origins)


def test_without_sites_prefixes_are_compared() -> None:
    v4, _ = diff_tables(table(OLD), table(NEW), None)
    assert (1, 1, 1, ()) == (v4.announced, v4.withdrawn, v4.rerouted, v4.pairs)


def draw(rng: Random) -> str:
    lines = []
    for _ in range(rng.randrange(1, 60)):
        length = rng.choice((6, 8, 12, 16, 20, 24))
        base = rng.randrange(16, 20) << 24 | rng.randrange(4) << 16 | rng.randrange(4) << 8
        base = base >> 32 - length << 32 - length
        text = ".".join(map(str, base.to_bytes(4, "big")))
        lines.append(f"{text}/{length} {rng.randrange(1, 5)} {rng.randrange(90, 95)}")
    return "\n".join({line.split()[0]: line for line in lines}.values())


@pytest.mark.parametrize("seed", range(5))
def test_random_tables_agree_with_a_look_at_every_24(seed: int) -> None:
    rng = Random(seed)
    old, new = table(draw(rng)), table(draw(rng))
    before, after = (build_base_map(SITE_SET, each).v4 for each in (old, new))
    moved: dict[tuple[str, str], int] = {}
    names = [site.name for site in SITE_SET.sites]
    for address in range(16 << 24, 20 << 24, 256):
        pair = tuple(names[each.find(address).class_number] for each in (before, after))
        if pair[0] != pair[1]:
            moved[pair] = moved.get(pair, 0) + 256
    v4, _ = diff_tables(old, new, SITE_SET)
    assert moved == {(pair.before, pair.after): pair.addresses for pair in v4.pairs}
    assert v4.moved == sum(origin.addresses for origin in v4.origins)
    assert cover(old.v4, new.v4).size == v4.addresses
    firsts = {prefix for each in (old, new) for prefix, _ in each.entries()}
    at = [int.from_bytes(prefix.network, "big") for prefix in firsts]
    moving = sum(before.find(each).code != after.find(each).code for each in at)
    assert (len(firsts), moving) == (v4.prefixes, sum(pair.prefixes for pair in v4.pairs))


def test_a_difference_is_described_in_shares() -> None:
    found = describe_diff(diff_tables(table(OLD), table(NEW), SITE_SET))["v4"]
    assert 3 == len(found["pairs"])
    assert {"before": "nl", "after": "us", "share": 2**16 / (2**24 + 2**16), "prefixes": 1} == (
        found["pairs"][0]
    )
    assert {"asn": 8, "share": 2**8 / (2**24 + 2**16)} == found["origins"][2]
    assert (2 * 2**16 + 2**8) / (2**24 + 2**16) == found["moved"]
