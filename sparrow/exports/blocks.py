"""Stretches of addresses as CIDR blocks: the fewest that do not overlap.

Law: blocks are disjoint and ascending, so a reader that takes the first match, one that
takes the longest, and one that makes a scope of what it found all read the same map.
Start from `Partition`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from sparrow.exports.places import WRAPPED_PLACE
from sparrow.policy.special import WRAPPINGS
from sparrow.values.address import BITS, FAMILIES, render_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sparrow.exports.places import Place, SiteMap
    from sparrow.values.address import Prefix

Label = TypeVar("Label")


class Block(NamedTuple, Generic[Label]):
    """A CIDR block, and what is said of it."""

    network: int
    """First address."""
    length: int
    """Leading bits that count."""
    label: Label
    """What the format says of its addresses."""


def cover(start: int, end: int, bits: int) -> Iterator[tuple[int, int]]:
    """Give the fewest disjoint blocks that make up [start, end), as (network, length)."""
    while start < end:
        # A block is aligned, so its size is a power of two that divides its start, and ends
        # within the stretch.
        aligned = (start & -start).bit_length() - 1 if start else bits
        width = min(aligned, (end - start).bit_length() - 1)
        yield start, bits - width
        start += 1 << width


def count_blocks(start: int, end: int) -> int:
    """Count the blocks of `cover` without making them."""
    # Below and above the most aligned address inside, blocks are the ones in the distance.
    middle = end >> (start ^ end).bit_length() - 1 << (start ^ end).bit_length() - 1
    return (middle - start).bit_count() + (end - middle).bit_count()


def render_block(network: int, length: int, family: int) -> str:
    """Give a block as `network/length`."""
    return f"{render_address(network.to_bytes(BITS[family] // 8, 'big'))}/{length}"


class Partition(Generic[Label]):
    """Client addresses parted by what a format says of them. Read-only."""

    def __init__(
        self,
        site_map: SiteMap,
        label_of: Callable[[Place], Label],
        holes: Sequence[Prefix] = (),
    ) -> None:
        """Part the addresses of a map; blocks that touch one of `holes` (IPv6) are left out there.

        `label_of` gives None for what the format does not mention.
        """
        self._site_map = site_map
        labels = [label_of(place) for place in site_map.places]
        self.labels: tuple[Label, ...] = tuple(dict.fromkeys(labels))
        """Every label once."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        self._groups = tuple(numbers[label] for label in labels)
        self._holes = sorted(map(_edges, holes))
        self.counts: Counter[Label] = Counter()
        """Blocks by label, both families."""
        for family in FAMILIES:
            for start, end, group in self._spans(family):
                self.counts[self.labels[group]] += count_blocks(start, end)

    @property
    def widest(self) -> Label:
        """The label with the most blocks: what a format with a default leaves to that."""
        return max(self.labels, key=lambda label: self.counts[label])

    def blocks(self, family: int) -> Iterator[Block[Label]]:
        """Give the blocks of a family, ascending; those that wrap IPv4 are none of them."""
        for start, end, group in self._spans(family):
            label = self.labels[group]
            for network, length in cover(start, end, BITS[family]):
                yield Block(network, length, label)

    def blocks_of(self, label: Label, family: int) -> Iterator[Block[Label]]:
        """Give the blocks of a family that have a label, ascending."""
        wanted = self.labels.index(label)
        for start, end, group in self._spans(family):
            if group == wanted:
                for network, length in cover(start, end, BITS[family]):
                    yield Block(network, length, label)

    def wrapping_blocks(self, label: Label) -> Iterator[Block[Label]]:
        """Give the blocks that wrap IPv4, all with one label, where the map has them."""
        if self._site_map.has_wrapped:
            for wrapping in WRAPPINGS:
                network = int.from_bytes(wrapping.block.network, "big")
                yield Block(network, wrapping.block.length, label)

    def _spans(self, family: int) -> Iterator[tuple[int, int, int]]:
        """Give (start, end, group) of stretches whose labels differ, without the holes."""
        holes = self._holes if BITS[family] == BITS[FAMILIES[-1]] else []
        begin, stop, present = 0, 0, WRAPPED_PLACE
        for start, end, place in self._site_map.stretches(family):
            group = self._groups[place] if place != WRAPPED_PLACE else WRAPPED_PLACE
            if group != present:
                if present != WRAPPED_PLACE:
                    yield from _cut(begin, stop, present, holes)
                begin, present = start, group
            stop = end
        if present != WRAPPED_PLACE:
            yield from _cut(begin, stop, present, holes)


def _edges(block: Prefix) -> tuple[int, int]:
    start = int.from_bytes(block.network, "big")
    return start, start + (1 << len(block.network) * 8 - block.length)


def _cut(
    start: int, end: int, group: int, holes: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, int]]:
    """Give what is left of a stretch outside of ascending holes."""
    for hole_start, hole_end in holes:
        if hole_start < end and start < hole_end:
            if start < hole_start:
                yield start, hole_start, group
            start = hole_end
    if start < end:
        yield start, end, group
