"""What moves between two tables: from which site to which, whose, and how much.

Law: a function of the two tables and the sites alone; addresses are counted as in
`sparrow.policy.moves`, and a prefix moves where its first address does. Start from
`diff_tables`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.policy.intervals import sweep_plain
from sparrow.policy.moves import Move, cover, list_moves
from sparrow.policy.steering import build_base_map
from sparrow.rib.delta import diff
from sparrow.rib.snapshot import FamilyTable
from sparrow.values.address import BITS, FAMILIES, IPV4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sparrow.policy.site import SiteSet
    from sparrow.policy.starts import Starts
    from sparrow.policy.steering import AddressMap
    from sparrow.rib.delta import Delta
    from sparrow.rib.snapshot import Snapshot

_TOP_ORIGINS = 20
"""Origins that are listed; the rest is small and long."""


@dataclass(frozen=True, slots=True)
class PairMove:
    """What moves from one site to another."""

    before: str
    """Name of the site that it leaves."""
    after: str
    """Name of the site that it goes to."""
    addresses: int
    """Addresses that move."""
    prefixes: int
    """Prefixes of either table whose first address moves."""


@dataclass(frozen=True, slots=True)
class OriginMove:
    """What moves of one network."""

    asn: int | None
    """AS that originates the longer of the prefixes that the two tables have; None for none."""
    addresses: int
    """Its addresses that move."""


@dataclass(frozen=True, slots=True)
class FamilyDiff:
    """What differs between two tables in one family."""

    family: int
    """4 or 6."""
    addresses: int
    """Addresses that a route of either table matches."""
    prefixes: int
    """Distinct prefixes of both tables."""
    announced: int
    """Prefixes that only the new table has."""
    withdrawn: int
    """Prefixes that only the old table has."""
    rerouted: int
    """Prefixes of both tables, with different routes."""
    pairs: tuple[PairMove, ...]
    """What moves, the largest part of the address space first."""
    origins: tuple[OriginMove, ...]
    """Whose addresses move: the networks with the most, the most first."""

    @property
    def moved(self) -> int:
        """Count the addresses that move."""
        return sum(pair.addresses for pair in self.pairs)


def diff_tables(
    old: Snapshot,
    new: Snapshot,
    site_set: SiteSet | None,
    maps: tuple[AddressMap, AddressMap] | None = None,
) -> tuple[FamilyDiff, FamilyDiff]:
    """Compare two tables as the same sites see them; without sites nothing moves.

    `maps` have the site that each address prefers by either table; None where the route
    alone tells it.
    """
    delta = diff(old, new)
    moves: dict[int, list[Move]] = {family: [] for family in FAMILIES}
    names: list[str] = []
    if site_set is not None:
        before, after = maps or (build_base_map(site_set, old), build_base_map(site_set, new))
        names = [site.name for site in site_set.sites]
        for family in FAMILIES:
            moves[family] += list_moves(before.of_family(family), after.of_family(family))
    sides = [_Sides(family, old, new, delta) for family in FAMILIES]
    v4, v6 = (_diff_family(each, moves[each.family], names) for each in sides)
    return v4, v6


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both tables of a family, and their difference."""

    family: int
    whole_old: Snapshot
    whole_new: Snapshot
    delta: Delta

    @property
    def old(self) -> FamilyTable:
        return self.whole_old.family(self.family)

    @property
    def new(self) -> FamilyTable:
        return self.whole_new.family(self.family)

    @property
    def withdrawn(self) -> FamilyTable:
        return self.delta.withdrawn.family(self.family)


def _diff_family(sides: _Sides, moves: Sequence[Move], names: Sequence[str]) -> FamilyDiff:
    withdrawn = len(sides.withdrawn)
    announced = len(sides.new) - len(sides.old) + withdrawn
    return FamilyDiff(
        family=sides.family,
        addresses=cover(sides.old, sides.new).size,
        prefixes=len(sides.new) + withdrawn,
        announced=announced,
        withdrawn=withdrawn,
        rerouted=len(sides.delta.announced.family(sides.family)) - announced,
        pairs=tuple(_list_pairs(sides, moves, names)),
        origins=tuple(_list_origins(sides, moves)),
    )


def _list_pairs(sides: _Sides, moves: Sequence[Move], names: Sequence[str]) -> Iterator[PairMove]:
    addresses: Counter[tuple[int, int]] = Counter()
    prefixes: Counter[tuple[int, int]] = Counter()
    counted = [_RowCount(table) for table in (sides.new, sides.withdrawn)]
    for move in moves:
        pair = move.before, move.after
        addresses[pair] += move.size
        prefixes[pair] += sum(each.count(move.start, move.end) for each in counted)
    for (before, after), size in addresses.most_common():
        yield PairMove(names[before], names[after], size, prefixes[before, after])


class _RowCount:
    """Counts the prefixes of a table that begin in stretches, which are asked for in order."""

    def __init__(self, table: FamilyTable) -> None:
        self._table = table
        self._place = 0

    def count(self, start: int, end: int) -> int:
        first = self._find(start, self._place)
        self._place = self._find(end, first)
        return self._place - first

    def _find(self, address: int, start: int) -> int:
        """Give the first row from `start` on whose network is `address` or above it."""
        table = self._table
        if table.family == IPV4:
            return bisect_left(table.networks[0], address, start)
        if address >> BITS[table.family]:
            return len(table)
        return table.row_behind((address >> 64, address & 2**64 - 1, -1), start, len(table))


def _list_origins(sides: _Sides, moves: Sequence[Move]) -> list[OriginMove]:
    if not moves:
        return []
    found: Counter[int | None] = Counter()
    old = _RowMap(sides.old, sides.whole_old)
    new = _RowMap(sides.new, sides.whole_new)
    for move in moves:
        place, at, other = move.start, old.find(move.start), new.find(move.start)
        while place < move.end:
            ours, theirs = old.starts[at + 1], new.starts[other + 1]
            end = min(ours, theirs, move.end)
            row, row_behind = old.codes[at], new.codes[other]
            # Millions of times, so there is no object for a stretch.
            if old.lengths[row] >= new.lengths[row_behind]:
                found[old.asns[row]] += end - place
            else:
                found[new.asns[row_behind]] += end - place
            at += ours == end
            other += theirs == end
            place = end
    return [OriginMove(asn, size) for asn, size in found.most_common(_TOP_ORIGINS)]


class _RowMap:
    """The longest match of every address of a table, in stretches."""

    def __init__(self, table: FamilyTable, snapshot: Snapshot) -> None:
        starts, self.codes = _sweep_rows(table)
        self.starts = [*starts, 1 << BITS[table.family]]
        self.lengths = array("h", (-1,)) + array("h", table.lengths)
        origins = [route.origins[0] for route in snapshot.routes]
        self.asns: list[int | None] = [None, *map(origins.__getitem__, table.routes)]

    def find(self, address: int) -> int:
        """Give the number of the stretch around an address."""
        return bisect_right(self.starts, address) - 1


def _sweep_rows(table: FamilyTable) -> tuple[Starts, array[int]]:
    """Give starts and codes of the stretches: 1 plus the row's number, 0 for no match."""
    count = len(table)
    numbered = FamilyTable(table.family, table.networks, table.lengths, array("I", range(count)))
    swept = sweep_plain(numbered, array("I", range(1, count + 1)), 0)
    return swept.starts, swept.codes


def describe_diff(diffs: Sequence[FamilyDiff]) -> dict[str, Any]:
    """Give the object of JSON that `docs/control.md` has for `routes diff`, by `v4` and `v6`.

    Addresses are shares of the address space that is counted: IPv6 has too many to count
    in a number that every reader of JSON keeps.
    """
    return {f"v{each.family}": _describe_family(each) for each in diffs}


def _describe_family(each: FamilyDiff) -> Mapping[str, Any]:
    whole = each.addresses or 1
    return {
        "prefixes": each.prefixes,
        "announced": each.announced,
        "withdrawn": each.withdrawn,
        "rerouted": each.rerouted,
        "moved": each.moved / whole,
        "pairs": [
            {
                "before": pair.before,
                "after": pair.after,
                "share": pair.addresses / whole,
                "prefixes": pair.prefixes,
            }
            for pair in each.pairs
        ],
        "origins": [
            {"asn": origin.asn, "share": origin.addresses / whole} for origin in each.origins
        ],
    }
