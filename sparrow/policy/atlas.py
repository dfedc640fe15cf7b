"""Layers laid over each other: all that is known of every address, at once.

Law: addresses of which every layer says the same are one *cell*, wherever they lie; so
whatever is to be decided of addresses is decided once for each cell. Two full tables with
the countries have a million stretches of addresses, and some ten thousand cells. Start from
`lay_over`.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.policy.intervals import Intervals
from sparrow.policy.starts import build_starts, join_columns, split_columns
from sparrow.policy.steering import AddressMap
from sparrow.rib.snapshot import pick
from sparrow.rib.twin import IS_PURE, native
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.policy.layer import Layer
    from sparrow.rib.snapshot import FamilyTable


@dataclass(frozen=True, slots=True)
class Atlas:
    """The cells of both families. Only read once made."""

    v4: Intervals
    """IPv4; the code of an interval is the number of its cell."""
    v6: Intervals
    """IPv6; its cells are numbered behind those of IPv4."""
    columns: tuple[array[int], ...]
    """By layer: the code that it has in each cell, `array("I")`."""

    @property
    def cells(self) -> int:
        """Count the cells."""
        return len(self.columns[0])

    def draw(self, labels: Sequence[int], *, is_pure: bool = IS_PURE) -> AddressMap:
        """Give the map whose codes are `labels[cell]`, flags and all."""
        return AddressMap(
            self.v4.relabel(labels, is_pure=is_pure), self.v6.relabel(labels, is_pure=is_pure)
        )


def lay_over(layers: Sequence[Layer[Any]], *, is_pure: bool = IS_PURE) -> Atlas:
    """Lay layers over each other; there is at least one."""
    (v4, columns), (v6, others) = (
        lay_maps([layer.of_family(family) for layer in layers], is_pure=is_pure)
        for family in FAMILIES
    )
    first = len(columns[0])
    moved = array("I", (code + first for code in v6.codes))
    joined = tuple(of_v4 + of_v6 for of_v4, of_v6 in zip(columns, others, strict=True))
    return Atlas(v4, Intervals(v6.bits, v6.starts, moved), joined)


def lay_maps(
    maps: Sequence[Intervals], *, is_pure: bool = IS_PURE
) -> tuple[Intervals, list[array[int]]]:
    """Lay maps of one family over each other; there is at least one.

    Gives a map whose codes are numbers of cells, and for each map the code of every cell.
    """
    bits = maps[0].bits
    cells = Intervals(bits, build_starts(bits, (0,)), array("I", (0,)))
    columns: list[array[int]] = []
    for each in maps:
        cells, pairs = combine(cells, each, is_pure=is_pure)
        before, codes = _split_pairs(pairs)
        columns = [*(pick(column, before, is_pure=is_pure) for column in columns), codes]
    return cells, columns


def combine(
    one: Intervals, other: Intervals, *, is_pure: bool = IS_PURE
) -> tuple[Intervals, array[int]]:
    """Lay two maps of one family over each other.

    Gives a map whose codes are numbers of pairs of codes; and the pairs, `array("Q")`, the
    code of `one` in the upper half, in the order in which they come.
    """
    if is_pure:
        return _combine_purely(one, other)
    columns, codes, pairs = native.combine(
        split_columns(one.starts), one.codes, split_columns(other.starts), other.codes
    )
    return Intervals(one.bits, join_columns(columns), codes), pairs


def _combine_purely(one: Intervals, other: Intervals) -> tuple[Intervals, array[int]]:
    numbers: dict[int, int] = {}
    starts: list[int] = []
    codes = array("I")
    at = beside = 0
    while at < len(one.starts) and beside < len(other.starts):
        number = numbers.setdefault(one.codes[at] << 32 | other.codes[beside], len(numbers))
        if not codes or codes[-1] != number:
            starts.append(max(one.starts[at], other.starts[beside]))
            codes.append(number)
        ends = _end(one, at), _end(other, beside)
        at += ends[0] <= ends[1]
        beside += ends[1] <= ends[0]
    return Intervals(one.bits, build_starts(one.bits, starts), codes), array("Q", numbers)


def code_rows(cells: Intervals, table: FamilyTable, *, is_pure: bool = IS_PURE) -> array[int]:
    """Give for each row of a table the code of its first address, `array("I")`."""
    if not is_pure:
        return native.code_rows(split_columns(cells.starts), cells.codes, table)
    return array("I", (cells.find(network).code for network, _, _ in table.rows()))


def _end(intervals: Intervals, place: int) -> int:
    is_last = place + 1 == len(intervals.starts)
    return 1 << intervals.bits if is_last else intervals.starts[place + 1]


def _split_pairs(pairs: array[int]) -> tuple[array[int], array[int]]:
    """Give the upper and the lower halves of 64-bit numbers."""
    halves = array("I", pairs.tobytes())
    upper = 1 if sys.byteorder == "little" else 0
    return halves[upper::2], halves[1 - upper :: 2]
