"""The address map: every address of a family in sorted intervals of one code.

Law: neighbours never have equal codes, so the scope read off an interval's
edges is the largest block around an address that has one answer. Intervals, not
trie leaves: the real tables make 420 thousand intervals of IPv4 and 142
thousand of IPv6, but 3.8 million IPv6 leaves. Start from `sweep` and
`Intervals.find`.

A code is a class number; `SPECIAL` marks a special-purpose block, where the
class counts for a query's source address and a client subnet counts for
nothing; `WRAPPED` marks a block that wraps IPv4 addresses, which are looked up
as such.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, islice
from typing import TYPE_CHECKING

from sparrow.policy.special import ORDINARY_BLOCKS, SPECIAL_BLOCKS, WRAPPINGS
from sparrow.policy.starts import build_starts, join_columns, split_columns
from sparrow.rib.twin import IS_PURE, native
from sparrow.values.address import BITS, IPV6

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sparrow.policy.starts import Starts
    from sparrow.rib.snapshot import FamilyTable
    from sparrow.values.address import Prefix

SPECIAL = 1 << 16
"""Flag beside a class number, which has 16 bits."""
WRAPPED = 1 << 17
"""Code of its own, without a class."""


class _Kind(IntEnum):
    ORDINARY = 0
    SPECIAL = 1
    WRAPPED = 2


@dataclass(frozen=True, slots=True)
class Leaf:
    """What the map knows of an address."""

    code: int
    """Class number, with `SPECIAL` where the block is special."""
    scope: int
    """Bits of the largest block around the address that has this code alone."""

    @property
    def class_number(self) -> int:
        """The class, flag removed."""
        return self.code & (SPECIAL - 1)

    @property
    def is_special(self) -> bool:
        """Tell whether a client subnet here says nothing of where the client is."""
        return bool(self.code & SPECIAL)


@dataclass(frozen=True, slots=True)
class Intervals:
    """The map of one family. Written once by `sweep` or `project`, then only read."""

    bits: int
    """Bits of an address: 32 or 128."""
    starts: Starts
    """First address of each interval as an int, ascending, the first one 0."""
    codes: array[int]
    """Code of each interval; never equal to its neighbour's."""

    def find(self, address: int) -> Leaf:
        """Give code and scope of an address."""
        index = bisect_right(self.starts, address) - 1
        start, end = self._edges(index)
        return Leaf(self.codes[index], scope_of(address, start, end, self.bits))

    def edges(self, address: int) -> tuple[int, int]:
        """Give the first address of the interval around `address`, and the first behind it."""
        return self._edges(bisect_right(self.starts, address) - 1)

    def stretches(self) -> Iterator[tuple[int, int, int]]:
        """Give (first address, first behind it, code) of every interval, ascending."""
        ends = chain(islice(self.starts, 1, None), (1 << self.bits,))
        return zip(self.starts, ends, self.codes, strict=True)

    def _edges(self, index: int) -> tuple[int, int]:
        has_next = index + 1 < len(self.starts)
        return self.starts[index], self.starts[index + 1] if has_next else 1 << self.bits

    def project(self, classes: Sequence[int], *, is_pure: bool = IS_PURE) -> Intervals:
        """Give the map with every class number replaced by `classes[number]`.

        Neighbours that become equal are joined.
        """
        if not is_pure:
            columns, codes = native.project(split_columns(self.starts), self.codes, classes)
            return Intervals(self.bits, join_columns(columns), codes)
        out = _Joiner(self.bits)
        for start, code in zip(self.starts, self.codes, strict=True):
            number = code & (SPECIAL - 1)
            is_wrapped = code & WRAPPED
            out.add(start, code if is_wrapped else classes[number] | code & SPECIAL)
        return out.finish()

    def relabel(self, labels: Sequence[int], *, is_pure: bool = IS_PURE) -> Intervals:
        """Give the map with every code replaced by `labels[code]`, flags and all.

        Neighbours that become equal are joined.
        """
        if not is_pure:
            columns, codes = native.relabel(split_columns(self.starts), self.codes, labels)
            return Intervals(self.bits, join_columns(columns), codes)
        out = _Joiner(self.bits)
        for start, code in zip(self.starts, self.codes, strict=True):
            out.add(start, labels[code])
        return out.finish()


def scope_of(address: int, start: int, end: int, bits: int) -> int:
    """Give the length of the largest aligned block around `address` in [start, end).

    The block must leave out start - 1 and end, so it must be longer than the
    bits that `address` shares with either (RFC 7871 section 7.2.1: the scope
    covers no address that is answered otherwise).
    """
    below = bits - (address ^ (start - 1)).bit_length() + 1 if start else 0
    above = bits - (address ^ end).bit_length() + 1 if end >> bits == 0 else 0
    return max(below, above)


class _Joiner:
    """Collects boundaries in ascending order and leaves out those that change nothing."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.starts: list[int] = []
        self.codes = array("I")

    def add(self, start: int, code: int) -> None:
        starts, codes = self.starts, self.codes
        if starts and starts[-1] == start:
            # A longer prefix at the same address takes the place of the shorter.
            starts.pop()
            codes.pop()
        if not codes or codes[-1] != code:
            starts.append(start)
            codes.append(code)

    def finish(self) -> Intervals:
        """Give the map."""
        return Intervals(self.bits, build_starts(self.bits, self.starts), self.codes)


def _marks(family: int) -> list[tuple[int, int, _Kind]]:
    """Give the blocks that need no route to be told apart: (network, length, kind)."""
    wrapped = [wrapping.block for wrapping in WRAPPINGS] if family == IPV6 else []
    kinds: tuple[tuple[Sequence[Prefix], _Kind], ...] = (
        (SPECIAL_BLOCKS[family], _Kind.SPECIAL),
        (ORDINARY_BLOCKS[family], _Kind.ORDINARY),
        (wrapped, _Kind.WRAPPED),
    )
    return sorted(
        (
            (int.from_bytes(block.network, "big"), block.length, kind)
            for blocks, kind in kinds
            for block in blocks
        ),
        key=lambda mark: mark[:2],
    )


def sweep(
    family: int, rows: Iterable[tuple[int, int, int]], codes: Sequence[int], default: int
) -> Intervals:
    """Make the map of a table, most specific prefix first.

    `rows` are (network, length, index), sorted and without duplicates;
    `codes[index]` is the class of a row, `default` the class of an address
    without one. A special block is marked but where a route at least as long
    lies inside it; a block that wraps IPv4 takes no route of the table.
    """
    run = _Sweep(BITS[family], default)
    marks = _marks(family)
    bound = marks[0][0]
    wrapped_end = -1
    for network, length, index in rows:
        if network >= bound:
            while marks and marks[0][:2] <= (network, length):
                wrapped_end = max(wrapped_end, run.mark(marks.pop(0)))
            bound = marks[0][0] if marks else 1 << BITS[family]
        if network >= wrapped_end:
            run.push(network, length, codes[index])
    for mark in marks:
        run.mark(mark)
    return run.finish()


def sweep_table(
    table: FamilyTable, codes: Sequence[int], default: int, *, is_pure: bool = IS_PURE
) -> Intervals:
    """Make the map of a whole table: what `sweep` makes of its rows."""
    if is_pure:
        return sweep(table.family, table.rows(), codes, default)
    columns, swept = native.sweep(table, codes, default, _marks(table.family))
    return Intervals(BITS[table.family], join_columns(columns), swept)


def sweep_plain(
    table: FamilyTable, codes: Sequence[int], default: int, *, is_pure: bool = IS_PURE
) -> Intervals:
    """Make the map of a table in which no block is marked, and codes are any 32 bits."""
    if is_pure:
        run = _Sweep(BITS[table.family], default)
        for network, length, index in table.rows():
            run.push(network, length, codes[index])
        return run.finish()
    columns, swept = native.sweep(table, codes, default, [])
    return Intervals(BITS[table.family], join_columns(columns), swept)


class _Sweep:
    """The blocks that are open at the present address, shortest first."""

    def __init__(self, bits: int, default: int) -> None:
        self.bits = bits
        self.out = _Joiner(bits)
        self.ends = [1 << bits]
        self.open_codes = [default]
        self.out.add(0, default)

    def push(self, network: int, length: int, code: int) -> None:
        """Open the block `network/length`, closing those that ended before it."""
        ends = self.ends
        if ends[-1] <= network:
            self.close(network)
        ends.append(network + (1 << (self.bits - length)))
        self.open_codes.append(code)
        self.out.add(network, code)

    def close(self, network: int) -> None:
        """Close every block that ends at or before `network`."""
        ends, codes = self.ends, self.open_codes
        while ends[-1] <= network:
            end = ends.pop()
            codes.pop()
            if ends[-1] > end:
                self.out.add(end, codes[-1])

    def mark(self, mark: tuple[int, int, _Kind]) -> int:
        """Open a marked block; give the end of one that takes no routes, else -1.

        A row of the same block is to be pushed behind it, and so hides it.
        """
        network, length, kind = mark
        if kind is _Kind.WRAPPED:
            self.push(network, length, WRAPPED)
            return self.ends[-1]
        self.close(network)
        around = self.open_codes[-1] & ~SPECIAL
        self.push(network, length, around | SPECIAL if kind is _Kind.SPECIAL else around)
        return -1

    def finish(self) -> Intervals:
        """Close what ends before the family does, and give the map."""
        self.close((1 << self.bits) - 1)
        return self.out.finish()
