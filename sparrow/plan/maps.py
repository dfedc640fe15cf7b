"""Address maps as map files.

Law: a map file depends on its map and its serial alone. Start from `encode_map`.

Half a million intervals are written at each change of routes, so they are moved
as arrays; only what fills the index sees each interval.
"""

from __future__ import annotations

from array import array
from itertools import repeat
from typing import TYPE_CHECKING

from sparrow.plan.format import (
    INDEX_BITS,
    MAP_MAGIC,
    V6_FIRST,
    V6_INDEX_SHIFT,
    MapSection,
    encode_file,
)
from sparrow.plan.octets import encode_items
from sparrow.policy.intervals import SPECIAL, WRAPPED, Intervals
from sparrow.policy.starts import build_starts, split_columns
from sparrow.policy.steering import AddressMap
from sparrow.rib.twin import IS_PURE, native
from sparrow.values.address import BITS, IPV4, IPV6

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_INDEX_ITEMS = (1 << INDEX_BITS) + 1
_V4_INDEX_SHIFT = BITS[IPV4] - INDEX_BITS


def merge_map(address_map: AddressMap, stands_for: Sequence[int]) -> AddressMap | None:
    """Give a map in which `stands_for[number]` takes the place of each class.

    Where that is one class for every address, nothing else tells addresses apart either.
    None where no address would have a shorter scope.
    """
    codes = {*address_map.v4.codes, *address_map.v6.codes} - {WRAPPED}
    used = {code & SPECIAL - 1 for code in codes}
    left = {stands_for[number] for number in used}
    if len(left) > 1:
        return address_map.project(stands_for) if len(left) < len(used) else None
    if len(address_map.v4.starts) == len(address_map.v6.starts) == 1:
        return None
    code = array("I", left)
    v4 = Intervals(BITS[IPV4], array("I", (0,)), code)
    return AddressMap(v4, Intervals(BITS[IPV6], build_starts(BITS[IPV6], (0,)), code))


def encode_map(address_map: AddressMap, serial: int, *, is_pure: bool = IS_PURE) -> bytes:
    """Give the map file of an address map."""
    v4 = _encode_v4(address_map.v4, is_pure=is_pure)
    v6 = _encode_v6(address_map.v6, is_pure=is_pure)
    return encode_file(MAP_MAGIC, serial, {**v4, **v6})


def _encode_v4(intervals: Intervals, *, is_pure: bool) -> dict[int, bytes]:
    # A word is two halves of 32 bits, the lower one first.
    (starts,) = split_columns(intervals.starts)
    words = array("I", bytes(8 * len(starts)))
    words[0::2] = intervals.codes
    words[1::2] = starts
    if is_pure:
        index = _build_index(start >> _V4_INDEX_SHIFT for start in starts)
    else:
        index = native.build_index(starts, 0, _V4_INDEX_SHIFT, _INDEX_ITEMS)
    return {MapSection.V4_WORDS: encode_items(words), MapSection.V4_INDEX: encode_items(index)}


def _encode_v6(intervals: Intervals, *, is_pure: bool) -> dict[int, bytes]:
    highs, lows = split_columns(intervals.starts)
    if is_pure:
        index = _build_index((start - V6_FIRST) >> V6_INDEX_SHIFT for start in intervals.starts)
    else:
        # A block of the index is larger than 64 bits, so the upper halves tell.
        index = native.build_index(highs, V6_FIRST >> 64, V6_INDEX_SHIFT - 64, _INDEX_ITEMS)
    return {
        MapSection.V6_HIGH: encode_items(highs),
        MapSection.V6_LOW: encode_items(lows),
        MapSection.V6_CODES: encode_items(intervals.codes),
        MapSection.V6_INDEX: encode_items(index),
    }


def _build_index(blocks: Iterable[int]) -> array[int]:
    """Give for each block of addresses, and the one behind the last, the starts below it.

    `blocks` are the block numbers of the starts, ascending; they may lie outside the
    blocks that there are.
    """
    index = array("I")
    count = 0
    for count, block in enumerate(blocks):
        # No start lay in the blocks from here to this one's, which begins it.
        if block >= len(index):
            index.extend(repeat(count, min(block + 1, _INDEX_ITEMS) - len(index)))
    index.extend(repeat(count + 1, _INDEX_ITEMS - len(index)))
    return index
