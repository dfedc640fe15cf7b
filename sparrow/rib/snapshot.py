"""A whole routing table as flat arrays.

Law: a snapshot never changes once it is built, its rows are strictly ascending
by (network, length), and each distinct route is in it once. A million prefixes
take nine bytes each, so two of them (the old and the next) fit beside each
other. Start from `Snapshot`; `SnapshotBuilder` makes one from rows in any order.

The arrays could be written to by force; nobody does. Who reads them iterates
`FamilyTable.rows`.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import repeat
from operator import lshift, or_
from typing import TYPE_CHECKING

from sparrow.rib.route import Route, build_origin_route
from sparrow.rib.twin import IS_PURE, native
from sparrow.values.address import BITS, FAMILIES, IPV4, IPV6, Prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_ROW_BITS = 32
"""A row number has 32 bits, as the items of `array("I")`."""
_WORDS = {IPV4: ("I", 1), IPV6: ("Q", 2)}
"""Array type and number of the words that make one network."""


@dataclass(frozen=True, slots=True)
class FamilyTable:
    """All prefixes of one address family, with the number of the route to each."""

    family: int
    """4 or 6."""
    networks: tuple[array[int], ...]
    """IPv4: one `array("I")`. IPv6: the high and the low 64 bits, two `array("Q")`."""
    lengths: array[int]
    """`array("B")`: prefix lengths, row by row."""
    routes: array[int]
    """`array("I")`: indices into `Snapshot.routes`, row by row."""

    def __len__(self) -> int:
        """Count the prefixes."""
        return len(self.lengths)

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """Give (network as an integer, length, route index) in ascending order."""
        return zip(self._network_numbers(), self.lengths, self.routes, strict=True)

    def _network_numbers(self) -> Iterable[int]:
        if self.family == IPV4:
            return self.networks[0]
        high, low = self.networks
        return map(or_, map(lshift, high, repeat(64)), low)

    def packed(self) -> bytes:
        """Give all networks in network byte order, one behind the other."""
        code, words = _WORDS[self.family]
        joined = array(code, bytes(len(self) * BITS[self.family] // 8))
        for place, column in enumerate(self.networks):
            joined[place::words] = column
        return _swap_on_little_endian(joined).tobytes()

    def part(self, start: int, stop: int) -> FamilyTable:
        """Give rows `start` to `stop - 1` as a table of their own."""
        return FamilyTable(
            self.family,
            tuple(column[start:stop] for column in self.networks),
            self.lengths[start:stop],
            self.routes[start:stop],
        )

    def pick(self, rows: Sequence[int]) -> FamilyTable:
        """Give the table of these rows, which ascend; the table itself if that is all."""
        if len(rows) == len(self):
            return self
        return FamilyTable(
            self.family,
            tuple(_pick(column, rows) for column in self.networks),
            _pick(self.lengths, rows),
            _pick(self.routes, rows),
        )

    def drop(self, rows: Sequence[int]) -> FamilyTable:
        """Give the table without these rows, which ascend; the table itself without any."""
        if not rows:
            return self
        return FamilyTable(
            self.family,
            tuple(_drop(column, rows) for column in self.networks),
            _drop(self.lengths, rows),
            _drop(self.routes, rows),
        )

    @property
    def has_default(self) -> bool:
        """Whether it has a default route, which is the first row then."""
        return len(self) > 0 and not self.lengths[0]

    def without_default(self) -> FamilyTable:
        """Give the table without a default route; the table itself where it has none."""
        return self.part(1, len(self)) if self.has_default else self

    def key(self, row: int) -> tuple[int, ...]:
        """Give what rows are sorted by: the words of the network, and the length."""
        return (*(column[row] for column in self.networks), self.lengths[row])

    def rows_inside(self, block: Prefix) -> range:
        """Give the rows whose prefixes are `block` or lie in it."""
        words, bits = len(self.networks), BITS[self.family]
        network = int.from_bytes(block.network, "big")
        last = network | (1 << bits - block.length) - 1
        first_key, last_key = (_split(number, bits // words, words) for number in (network, last))
        start = self.row_behind((*first_key, block.length - 1), 0, len(self))
        return range(start, self.row_behind((*last_key, bits), start, len(self)))

    def row_behind(self, key: tuple[int, ...], start: int, stop: int) -> int:
        """Give the first of rows `start` to `stop` whose key is above `key`, else `stop`."""
        for column, word in zip((*self.networks, self.lengths), key, strict=True):
            start, stop = (
                bisect_left(column, word, start, stop),
                bisect_right(column, word, start, stop),
            )
        return stop


def _split(number: int, bits: int, words: int) -> tuple[int, ...]:
    """Give a number in words of so many bits, the highest first."""
    return tuple(number >> bits * place & (1 << bits) - 1 for place in reversed(range(words)))


def pick(column: array[int], rows: array[int], *, is_pure: bool = IS_PURE) -> array[int]:
    """Give the items of these rows, an `array("I")`, as an array of the column's type."""
    return _pick(column, rows) if is_pure else native.pick(column, rows)


def _pick(column: array[int], rows: Sequence[int]) -> array[int]:
    return array(column.typecode, map(column.__getitem__, rows))


def _drop(column: array[int], rows: Sequence[int]) -> array[int]:
    """Copy what lies between the rows."""
    kept = array(column.typecode)
    start = 0
    for row in rows:
        kept.extend(column[start:row])
        start = row + 1
    kept.extend(column[start:])
    return kept


def _swap_on_little_endian(words: array[int]) -> array[int]:
    """Turn words between the machine's byte order and the network's, in place."""
    if sys.byteorder == "little":
        words.byteswap()
    return words


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One whole routing table, both families."""

    v4: FamilyTable
    """IPv4 prefixes."""
    v6: FamilyTable
    """IPv6 prefixes."""
    routes: tuple[Route, ...]
    """Each distinct route once, in order of first appearance."""

    def __len__(self) -> int:
        """Count the prefixes of both families."""
        return len(self.v4) + len(self.v6)

    def family(self, family: int) -> FamilyTable:
        """Give the table of family 4 or 6."""
        return self.v4 if family == IPV4 else self.v6

    def entries(self) -> Iterator[tuple[Prefix, Route]]:
        """Give every prefix with its route, IPv4 first, ascending: objects, so not fast."""
        for family in FAMILIES:
            size = BITS[family] // 8
            for network, length, route in self.family(family).rows():
                yield Prefix(network.to_bytes(size, "big"), length), self.routes[route]


def _empty_table(family: int) -> FamilyTable:
    code, words = _WORDS[family]
    return FamilyTable(family, tuple(array(code) for _ in range(words)), array("B"), array("I"))


EMPTY = Snapshot(_empty_table(IPV4), _empty_table(IPV6), ())
"""The table without a prefix: what every first load is compared with."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows whose prefix had come before: the later row was kept."""

    later: array[int]
    """`array("I")`: builder's row numbers, ascending."""
    earlier: array[int]
    """`array("I")`: beside each, the nearest row before it with the same prefix."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a builder made of its rows."""

    snapshot: Snapshot
    """The table, each prefix with the last route that was given for it."""
    repeats: Mapping[int, Repeats]
    """By family; rows are counted per family in the order in which they came."""


@dataclass(slots=True)
class _Rows:
    """Rows of one family as they come; written by `SnapshotBuilder` alone."""

    family: int
    words: array[int]
    lengths: array[int] = field(default_factory=lambda: array("B"))
    routes: array[int] = field(default_factory=lambda: array("I"))
    last: bytes = b""
    is_ascending: bool = True


class SnapshotBuilder:
    """Collects rows in the order in which they are read, then builds once.

    Rows that come in ascending order, as tables are published, cost no sort.
    """

    def __init__(self, known: Iterable[Route] = (), *, is_pure: bool = IS_PURE) -> None:
        """Start empty; a route equal to one of `known` is held as that very object.

        Give the routes of the table that is to be replaced, and a reload holds
        no second copy of them.
        """
        self._is_pure = is_pure
        self._known = {_key_of(route): route for route in known}
        self._numbers: dict[Route | int, int] = {}
        self._rows = {family: _Rows(family, array(code)) for family, (code, _) in _WORDS.items()}

    def number(self, route: Route) -> int:
        """Give the index that `route` has in the snapshot to be."""
        return self._numbers.setdefault(_key_of(route), len(self._numbers))

    def number_origin(self, asn: int) -> int:
        """Give the index of the route that is one AS number: 100,000 times, so it costs little."""
        return self._numbers.setdefault(asn, len(self._numbers))

    def count(self, family: int) -> int:
        """Count the rows of a family so far: the number of the next one."""
        return len(self._rows[family].lengths)

    def extend(self, family: int, networks: bytes, lengths: bytes, routes: array[int]) -> None:
        """Take rows: packed networks end to end, a length octet and a route number for each.

        Bits behind each length must be zero. Raises `ValueError` where the
        three do not hold the same number of rows.
        """
        size = BITS[family] // 8
        if not len(networks) == size * len(lengths) == size * len(routes):
            raise ValueError("networks, lengths and routes hold different numbers of rows")
        if not lengths:
            return
        rows = self._rows[family]
        rows.is_ascending = (
            rows.is_ascending
            and rows.last < networks[:size] + lengths[:1]
            and (_is_ascending if self._is_pure else native.is_ascending)(networks, lengths)
        )
        rows.last = networks[-size:] + lengths[-1:]
        rows.words.extend(_swap_on_little_endian(array(rows.words.typecode, networks)))
        rows.lengths.frombytes(lengths)
        rows.routes.extend(routes)

    def build(self) -> Built:
        """Build the table; of several rows with one prefix the last one counts."""
        tables = {
            family: _settle(rows, is_pure=self._is_pure) for family, rows in self._rows.items()
        }
        known = self._known
        routes = tuple(
            [known.get(key) or _route_of(key) for key in self._numbers]
            if known
            else map(_route_of, self._numbers)
        )
        snapshot = Snapshot(tables[IPV4][0], tables[IPV6][0], routes)
        return Built(snapshot, {family: tables[family][1] for family in FAMILIES})


def _key_of(route: Route) -> Route | int:
    """Give what a route is found by: most are one AS number, which is hashed 10 times faster."""
    return route.steps if isinstance(route.steps, int) else route


def _route_of(key: Route | int) -> Route:
    return build_origin_route(key) if isinstance(key, int) else key


def _is_ascending(networks: bytes, lengths: bytes) -> bool:
    """Tell whether rows are strictly ascending by (network, length).

    Every row is a lane of one large integer: a guard octet, the network, the
    length. Row n + 1 less row n less one leaves the guard's top bit standing in
    its lane just where row n + 1 is above row n, and never borrows from the next
    lane. That is 20 times faster than comparing row by row.
    """
    count = len(lengths)
    size = len(networks) // count
    lane = 1 + size + 1
    lanes = bytearray(lane * count)
    for octet in range(size):
        lanes[1 + octet :: lane] = networks[octet::size]
    lanes[1 + size :: lane] = lengths
    guards = int.from_bytes((b"\x80" + bytes(lane - 1)) * (count - 1), "big")
    ones = int.from_bytes((bytes(lane - 1) + b"\x01") * (count - 1), "big")
    rows = int.from_bytes(lanes[:-lane], "big")
    next_rows = int.from_bytes(lanes[lane:], "big")
    return (next_rows | guards) - rows - ones & guards == guards


def _settle(rows: _Rows, *, is_pure: bool) -> tuple[FamilyTable, Repeats]:
    """Make the sorted table of rows, and tell which of them were replaced."""
    words = _WORDS[rows.family][1]
    networks = tuple(rows.words[place::words] for place in range(words))
    table = FamilyTable(rows.family, networks, rows.lengths, rows.routes)
    if rows.is_ascending:
        return table, Repeats(array("I"), array("I"))
    kept, replaced = (_sort if is_pure else native.settle)(table)
    columns = (*networks, rows.lengths, rows.routes)
    *networks_kept, lengths, routes = (pick(column, kept, is_pure=is_pure) for column in columns)
    return FamilyTable(rows.family, tuple(networks_kept), lengths, routes), _repeats(replaced)


def _sort(table: FamilyTable) -> tuple[array[int], array[int]]:
    """Give the rows that stay, in order, and pairs of those that go and the next of their prefix.

    A pair is an integer of 64 bits, the later row in the upper half.
    """
    # One integer holds a row's key above its number, so that sorting needs no key
    # function and equal prefixes stay in the order in which they came.
    order = [
        ((network << 8 | length) << _ROW_BITS) | row
        for row, (network, length, _) in enumerate(table.rows())
    ]
    order.sort()
    kept, replaced = array("I"), array("Q")
    row_mask = (1 << _ROW_BITS) - 1
    for this, following in zip(order, [*order[1:], -1], strict=True):
        if this >> _ROW_BITS == following >> _ROW_BITS:
            replaced.append((following & row_mask) << _ROW_BITS | this & row_mask)
        else:
            kept.append(this & row_mask)
    return kept, replaced


def _repeats(pairs: Iterable[int]) -> Repeats:
    """Sort pairs of row numbers, the later one in the upper half of each integer."""
    row_mask = (1 << _ROW_BITS) - 1
    ordered = sorted(pairs)
    return Repeats(
        array("I", [pair >> _ROW_BITS for pair in ordered]),
        array("I", [pair & row_mask for pair in ordered]),
    )
