"""The address map by brute force: every rule as its definition says it, no sweep.

A point is where the answer may change: the first address of a block, and the
first behind it. Between two points it cannot.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sparrow.policy.special import ORDINARY_BLOCKS, SPECIAL_BLOCKS, WRAPPINGS
from sparrow.values.address import BITS, IPV4, IPV6, Prefix, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

Row = tuple[int, int, int]

_NEAR = {
    IPV4: ("0.0.0.0/0", "255.255.255.255/32", "8.0.0.0/6", "192.0.0.8/29", "1.2.3.0/24"),
    IPV6: ("::/0", "2001::/16", "2000::/3", "64:ff9b::/32", "2002:100::/24", "::fffe:0:0/95"),
}


def block_of(prefix: Prefix) -> tuple[int, int]:
    """Give network and length as numbers."""
    return int.from_bytes(prefix.network, "big"), prefix.length


SPECIAL = {family: [*map(block_of, blocks)] for family, blocks in SPECIAL_BLOCKS.items()}
ORDINARY = {family: [*map(block_of, blocks)] for family, blocks in ORDINARY_BLOCKS.items()}
WRAPPED = {IPV4: [], IPV6: [block_of(wrapping.block) for wrapping in WRAPPINGS]}


@dataclass
class SlowMap:
    """A table, searched line by line."""

    family: int
    rows: list[Row]
    known: dict[int, tuple[bool, bool, int | None]] = field(default_factory=dict)

    def find(self, address: int) -> tuple[bool, bool, int | None]:
        """Tell whether `address` is wrapped and is special; give the index of its route."""
        if address not in self.known:
            self.known[address] = self._search(address)
        return self.known[address]

    def _search(self, address: int) -> tuple[bool, bool, int | None]:
        if self._longest(address, WRAPPED[self.family]) >= 0:
            return True, False, None
        length = self._longest(address, [row[:2] for row in self.rows])
        routes = [row[2] for row in self.rows if row[1] == length and self._holds(row, address)]
        special = self._longest(address, SPECIAL[self.family])
        is_ordinary = self._longest(address, ORDINARY[self.family]) >= 0
        return False, special > length and not is_ordinary, routes[0] if routes else None

    def _holds(self, block: tuple[int, ...], address: int) -> bool:
        spare = BITS[self.family] - block[1]
        return address >> spare == block[0] >> spare

    def _longest(self, address: int, blocks: Iterable[tuple[int, int]]) -> int:
        return max((block[1] for block in blocks if self._holds(block, address)), default=-1)

    @cached_property
    def points(self) -> list[int]:
        """Addresses at which an answer may begin, ascending."""
        family = self.family
        tables = (self.rows, SPECIAL[family], ORDINARY[family], WRAPPED[family])
        blocks = [block[:2] for table in tables for block in table]
        bits = BITS[family]
        ends = [network + (1 << (bits - length)) for network, length in blocks]
        starts = [network for network, _ in blocks]
        return sorted({point for point in (*starts, *ends) if point >> bits == 0})

    def scope(self, address: int, answer: Callable[[int], object]) -> int:
        """Give the length of the largest block around `address` that has one answer."""
        bits = BITS[self.family]
        for length in range(bits + 1):
            spare = bits - length
            first = address >> spare << spare
            inside = self.points[
                bisect_right(self.points, first) : bisect_left(self.points, first + (1 << spare))
            ]
            if {answer(address)} == {answer(point) for point in (first, *inside)}:
                return length
        raise AssertionError("one address has one answer")

    def probes(self, rng: Random, count: int) -> list[int]:
        """Give `count` addresses: of edges, beside edges, and anywhere."""
        top = (1 << BITS[self.family]) - 1
        near = [point + step for point in self.points for step in (-1, 0, 1)]
        edges = [0, top, *(address for address in near if 0 <= address <= top)]
        some = rng.sample(edges, min(count, len(edges)))
        anywhere = [rng.randint(0, top) for _ in range(count // 5)]
        inside = [self.rows[0][0] | rng.getrandbits(8)] if self.rows else []
        return [*some, *anywhere, *inside]


def random_rows(rng: Random, family: int, routes: int) -> list[Row]:
    """Make up to 40 rows that nest in, cover and touch one another and the marked blocks."""
    bits = BITS[family]
    marked = (*SPECIAL[family], *ORDINARY[family], *WRAPPED[family])
    anchors = [*marked, *(block_of(parse_prefix(text)) for text in _NEAR[family])]
    blocks: dict[tuple[int, int], int] = {}
    for _ in range(rng.randint(0, 40)):
        network, length = rng.choice([*anchors, *blocks])
        length = min(bits, max(0, length + rng.choice((-8, -1, 0, 0, 1, 1, 2, 3, 8, 40))))
        network ^= rng.choice((0, 0, 1, 1, 3)) << (bits - length)
        network = network % (1 << bits) >> (bits - length) << (bits - length)
        blocks[network, length] = rng.randrange(routes)
    return [(network, length, route) for (network, length), route in sorted(blocks.items())]
