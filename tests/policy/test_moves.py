"""Where maps differ, against one address after the other."""

from __future__ import annotations

from array import array
from random import Random

import pytest
from threesites import table

from sparrow.policy.intervals import SPECIAL, Intervals
from sparrow.policy.moves import Move, cover, list_moves

BITS = 12


def draw_map(rng: Random, count: int) -> Intervals:
    starts = [0, *sorted(rng.sample(range(1, 1 << BITS), count))]
    codes = [rng.randrange(3)]
    for _ in starts[1:]:
        codes.append(rng.choice([code for code in (0, 1, 2, SPECIAL) if code != codes[-1]]))
    return Intervals(BITS, starts, array("I", codes))


def vary(rng: Random, old: Intervals, changes: int) -> Intervals:
    """Give another code to a few intervals; neighbours are joined."""
    codes = array("I", old.codes)
    for place in rng.sample(range(len(codes)), changes):
        codes[place] = rng.randrange(3)
    kept = [n for n in range(len(codes)) if n == 0 or codes[n] != codes[n - 1]]
    return Intervals(BITS, [old.starts[n] for n in kept], array("I", [codes[n] for n in kept]))


def spell(address_map: Intervals) -> list[int]:
    return [address_map.find(address).code for address in range(1 << BITS)]


@pytest.mark.parametrize("seed", range(12))
def test_every_address_that_moves_is_in_one_stretch(seed: int) -> None:
    rng = Random(seed)
    old = draw_map(rng, rng.choice([1, 60, 1500, 3000]))
    changes = rng.choice([0, 1, min(20, len(old.codes))])
    new = vary(rng, old, changes) if seed % 3 else draw_map(rng, 900)
    pairs = zip(spell(old), spell(new), strict=True)
    expected = [
        (address, before, after)
        for address, (before, after) in enumerate(pairs)
        if before != after and SPECIAL not in (before & SPECIAL, after & SPECIAL)
    ]
    found = [
        (address, move.before, move.after)
        for move in list_moves(old, new)
        for address in range(move.start, move.end)
    ]
    assert expected == found


def test_coverage_counts_each_address_of_either_table_once() -> None:
    old, new = (
        table("20.0.0.0/8 1; 20.1.0.0/16 2; 22.0.0.0/8 1"),
        table("21.0.0.0/8 1; 20.0.0.0/9 2"),
    )
    found = cover(old.v4, new.v4)
    assert ([20 << 24], [23 << 24]) == (found.starts, found.ends)


def test_special_purpose_blocks_are_not_counted() -> None:
    everything = table("0.0.0.0/0 1")
    special = 2**24 * (1 + 1 + 1 + 16 + 16) + 2**22 + 2 * 2**16 + 2**20 + 2**17 + 4 * 256 + 1 - 2
    assert 2**32 - special == cover(everything.v4, everything.v4).size


def test_without_routes_of_length_0_the_rest_is_counted() -> None:
    old, new = table("0.0.0.0/0 1; 20.0.0.0/8 1"), table("20.0.0.0/9 1; 30.0.0.0/8 1")
    found = cover(old.v4, new.v4, has_default=False)
    assert ([20 << 24, 30 << 24], [21 << 24, 31 << 24]) == (found.starts, found.ends)


def test_an_overlap_is_cut_at_both_ends() -> None:
    found = cover(table("20.0.0.0/8 1; 22.0.0.0/8 1").v4, table("").v4)
    moves = [Move(0, (20 << 24) + 5, 0, 1), Move((20 << 24) + 7, (22 << 24) + 3, 0, 1)]
    assert 5 + 2**24 - 7 + 3 == found.overlap(moves)
