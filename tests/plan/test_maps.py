"""Map files: every address has the code and the scope that the map gives it."""

from __future__ import annotations

import struct
from bisect import bisect_left
from random import Random
from typing import TYPE_CHECKING

import pytest
from mutations import mutate
from planreading import read_sections
from random_plans import random_map

from sparrow.plan.format import (
    HEADER,
    INDEX_BITS,
    MAP_MAGIC,
    V6_FIRST,
    V6_INDEX_SHIFT,
    MapSection,
    PlanError,
    decode_file,
)
from sparrow.plan.maps import encode_map
from sparrow.plan.plan import PlanFile
from sparrow.plan.verifymap import verify_map
from sparrow.policy.intervals import Intervals, sweep
from sparrow.policy.steering import AddressMap

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = 1 << INDEX_BITS
EMPTY = AddressMap(sweep(4, (), (), 0), sweep(6, (), (), 0))


def words(code: str, octets: bytes) -> tuple[int, ...]:
    """Give the numbers of a section; `code` as in `struct`."""
    return struct.unpack(f"<{len(octets) // struct.calcsize('<' + code)}{code}", octets)


def read_map(address_map: AddressMap) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Give (start, code) of the intervals of both families, as the file has them."""
    found = read_sections(MAP_MAGIC, encode_map(address_map, 1))
    v4 = [(word >> 32, word & 0xFFFFFFFF) for word in words("Q", found[MapSection.V4_WORDS])]
    high = words("Q", found[MapSection.V6_HIGH])
    low = words("Q", found[MapSection.V6_LOW])
    codes = words("I", found[MapSection.V6_CODES])
    v6 = [(h << 64 | lo, code) for h, lo, code in zip(high, low, codes, strict=True)]
    return v4, v6


def read_index(address_map: AddressMap, section: MapSection) -> tuple[int, ...]:
    return words("I", read_sections(MAP_MAGIC, encode_map(address_map, 1))[section])


def pairs(intervals: Intervals) -> list[tuple[int, int]]:
    return list(zip(intervals.starts, intervals.codes, strict=True))


def counts_below(starts: Sequence[int], bounds: Sequence[int]) -> tuple[int, ...]:
    return tuple(bisect_left(starts, bound) for bound in bounds)


@pytest.mark.parametrize("seed", range(20))
def test_a_map_file_has_every_interval(seed: int) -> None:
    address_map = random_map(Random(seed), 4)
    assert (pairs(address_map.v4), pairs(address_map.v6)) == read_map(address_map)


def test_the_map_of_no_routes_has_what_the_registries_say() -> None:
    assert (pairs(EMPTY.v4), pairs(EMPTY.v6)) == read_map(EMPTY)


@pytest.mark.parametrize("seed", range(4))
def test_both_indices_count_the_starts_below_each_block(seed: int) -> None:
    address_map = random_map(Random(seed), 3)
    v4 = [block << (32 - INDEX_BITS) for block in range(BLOCKS + 1)]
    v6 = [V6_FIRST + (block << V6_INDEX_SHIFT) for block in range(BLOCKS + 1)]
    expected = counts_below(address_map.v4.starts, v4), counts_below(address_map.v6.starts, v6)
    assert expected == (
        read_index(address_map, MapSection.V4_INDEX),
        read_index(address_map, MapSection.V6_INDEX),
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_index_leads_to_the_interval_of_an_address(seed: int) -> None:
    rng = Random(seed)
    address_map = random_map(rng, 3)
    starts = list(address_map.v4.starts)
    index = read_index(address_map, MapSection.V4_INDEX)
    near = [start + step for start in starts for step in (-1, 0, 1)]
    for address in (*near, *(rng.getrandbits(32) for _ in range(200))):
        if not 0 <= address < 1 << 32:
            continue
        first, last = max(index[address >> 14], 1) - 1, index[(address >> 14) + 1] - 1
        bucket = [number for number in range(first, last + 1) if starts[number] <= address]
        expected = max(number for number, start in enumerate(starts) if start <= address)
        assert expected == bucket[-1]


def test_a_file_differs_from_that_of_another_serial_in_the_serial_alone() -> None:
    one, two = encode_map(EMPTY, 1), encode_map(EMPTY, 2**40)
    assert (1, 2**40) == (HEADER.unpack_from(one)[4], HEADER.unpack_from(two)[4])
    assert one[: HEADER.size - 8] == two[: HEADER.size - 8]
    assert one[HEADER.size :] == two[HEADER.size :]


@pytest.mark.parametrize("seed", range(40))
def test_files_are_the_same_natively_and_purely(seed: int) -> None:
    address_map = random_map(Random(seed), 8)
    for each in (address_map, EMPTY):
        assert encode_map(each, 7, is_pure=True) == encode_map(each, 7, is_pure=False)


def verdict(octets: bytes, *, is_pure: bool) -> str | int:
    """Give the class count of a map file, or why it is refused."""
    try:
        file = PlanFile("map-1-0", "", memoryview(octets), decode_file(MAP_MAGIC, octets))
        return verify_map(file, is_pure=is_pure).class_count
    except PlanError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_files_are_judged_alike_natively_and_purely(seed: int) -> None:
    rng = Random(seed)
    whole = encode_map(random_map(rng, 8), 7)
    assert isinstance(verdict(whole, is_pure=False), int)
    for octets in (whole, *(mutate(rng, whole, MAP_MAGIC) for _ in range(5))):
        assert verdict(octets, is_pure=True) == verdict(octets, is_pure=False)
