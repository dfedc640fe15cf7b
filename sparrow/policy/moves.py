"""Where two address maps differ, and how much address space a table speaks of.

Law: every address is counted once, special-purpose blocks and those that wrap IPv4 are
counted not at all, and what is equal in both maps costs a comparison of arrays. Start from
`list_moves`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.policy.intervals import SPECIAL, Intervals, sweep_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.rib.snapshot import FamilyTable

_BLOCK = 1024
"""Most intervals compared at once."""
_LEAST = 16
"""Fewest intervals compared at once; fewer are passed one by one."""
COUNTED = SPECIAL - 1
"""Codes up to this one are classes without a flag."""


@dataclass(frozen=True, slots=True)
class Move:
    """A stretch of addresses that one map gives to another class than the other does."""

    start: int
    """First address, as a number."""
    end: int
    """First address behind it."""
    before: int
    """Class in the old map."""
    after: int
    """Class in the new one."""

    @property
    def size(self) -> int:
        """Count its addresses."""
        return self.end - self.start


def list_moves(old: Intervals, new: Intervals) -> Iterator[Move]:
    """Give the stretches of a family whose class differs, ascending; each lies in one class."""
    for start, end, before, after in walk(old, new):
        if before != after and before <= COUNTED and after <= COUNTED:
            yield Move(start, end, before, after)


def walk(
    old: Intervals, new: Intervals, *, is_whole: bool = False
) -> Iterator[tuple[int, int, int, int]]:
    """Give (start, end, old code, new code) of stretches of two maps of a family, ascending.

    Unless `is_whole`, much of what is equal in both maps is left out.
    """
    starts, others = old.starts, new.starts
    at = other = place = 0
    count, other_count = len(starts), len(others)
    top = 1 << old.bits
    while place < top:
        code, other_code = old.codes[at], new.codes[other]
        if not is_whole and code == other_code and starts[at] == others[other]:
            # The last of the equal ones may end at different places.
            step = max(_count_equal(old, new, at, other) - 1, 0)
            at, other = at + step, other + step
            place = starts[at]
            code = other_code = old.codes[at]
        end = starts[at + 1] if at + 1 < count else top
        other_end = others[other + 1] if other + 1 < other_count else top
        stop = min(end, other_end)
        yield place, stop, code, other_code
        at += end == stop
        other += other_end == stop
        place = stop


def _count_equal(old: Intervals, new: Intervals, at: int, other: int) -> int:
    """Count intervals from here on that are equal in both; a few at the end may be left out."""
    step, size = 0, _BLOCK
    while size >= _LEAST:
        ours, theirs = slice(at + step, at + step + size), slice(other + step, other + step + size)
        if (
            min(len(old.starts) - at, len(new.starts) - other) >= step + size
            and old.codes[ours] == new.codes[theirs]
            and old.starts[ours] == new.starts[theirs]
        ):
            step += size
        else:
            size //= 4
    return step


@dataclass(frozen=True, slots=True)
class Coverage:
    """The addresses that some routes speak of, as stretches."""

    starts: list[int]
    """First address of each stretch, ascending."""
    ends: list[int]
    """Beside each, the first address behind it; stretches neither meet nor overlap."""

    @property
    def size(self) -> int:
        """Count the addresses."""
        return sum(self.ends) - sum(self.starts)

    def overlap(self, moves: Iterable[Move]) -> int:
        """Count the addresses of `moves` that are among these."""
        total = 0
        for move in moves:
            place = max(bisect_right(self.starts, move.start) - 1, 0)
            while place < len(self.starts) and self.starts[place] < move.end:
                first = max(self.starts[place], move.start)
                total += max(min(self.ends[place], move.end) - first, 0)
                place += 1
        return total


def cover(old: FamilyTable, new: FamilyTable, *, has_default: bool = True) -> Coverage:
    """Give the addresses that a route of either table matches, each once.

    Without `has_default` the routes of length 0 are left out.
    """
    maps = [sweep_routed(table, has_default=has_default) for table in (old, new)]
    starts: list[int] = []
    ends: list[int] = []
    for start, end, *codes in walk(*maps, is_whole=True):
        if 1 in codes and all(code <= COUNTED for code in codes):
            if ends and ends[-1] == start:
                ends[-1] = end
            else:
                starts.append(start)
                ends.append(end)
    return Coverage(starts, ends)


def sweep_routed(table: FamilyTable, *, has_default: bool = True) -> Intervals:
    """Make the map that says 1 where a route matches and 0 elsewhere."""
    counted = table if has_default else table.without_default()
    routes = max(counted.routes, default=-1) + 1
    return sweep_table(counted, array("I", (1,)) * routes, 0)
