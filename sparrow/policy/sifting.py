"""Whole tables without the routes that a source should not have.

Law: what is left is a function of the table and the limits; a table with nothing to leave
out is given back as it is, and what two tables have in common is judged once. Start from
`TableSieve`.
"""

from __future__ import annotations

from array import array
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from sparrow.policy.sanity import Limits, Reason, judge_route
from sparrow.policy.special import ORDINARY_BLOCKS, SPECIAL_BLOCKS
from sparrow.rib.coded import RouteCodes
from sparrow.rib.snapshot import EMPTY, Snapshot, pick
from sparrow.values.address import IPV4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sparrow.rib.snapshot import FamilyTable
    from sparrow.values.address import Prefix

_OCTETS = bytes(range(256))


class TableSieve:
    """Sifts the tables of one source, one after the other. For one thread at a time."""

    def __init__(self, limits: Limits) -> None:
        """Keep to `limits`."""
        self._limits = limits
        self._reasons = RouteCodes(partial(judge_route, limits=limits), None)
        self._refused: dict[Reason, int] = {}
        self._last = (EMPTY, EMPTY)

    @property
    def refused(self) -> Mapping[Reason, int]:
        """Count what was left out of the last table, by reason."""
        return self._refused

    def sift(self, snapshot: Snapshot) -> Snapshot:
        """Give a table without what is refused; of too many prefixes the first ones stay."""
        if snapshot is not self._last[0]:
            self._last = (snapshot, self._sift(snapshot))
        return self._last[1]

    def _sift(self, snapshot: Snapshot) -> Snapshot:
        codes = self._reasons.find(snapshot.routes)
        self._refused = {}
        v4 = self._sift_family(snapshot.v4, codes, 0)
        v6 = self._sift_family(snapshot.v6, codes, len(v4))
        if v4 is snapshot.v4 and v6 is snapshot.v6:
            return snapshot
        return Snapshot(v4, v6, snapshot.routes)

    def _sift_family(self, table: FamilyTable, codes: array[int], before: int) -> FamilyTable:
        """Sift a table behind which `before` prefixes count already; `codes` are of its routes."""
        bad = dict(chain(self._bad_routes(table, codes), self._bad_prefixes(table)))
        most = self._limits.max_prefixes
        left = len(table) - len(bad)
        if most is not None and before + left > most:
            excess = before + left - most
            for row in reversed(range(len(table))):
                if excess and row not in bad:
                    bad[row] = Reason.MAX_PREFIXES
                    excess -= 1
        for reason in bad.values():
            self._refused[reason] = self._refused.get(reason, 0) + 1
        if not bad:
            return table
        return table.drop(sorted(bad))

    def _bad_routes(self, table: FamilyTable, codes: array[int]) -> Iterator[tuple[int, Reason]]:
        """Give the rows whose route is refused."""
        reasons = self._reasons.values
        if len(reasons) > 1:
            marks = pick(array("B", codes), table.routes).tobytes()
            for mark, reason in enumerate(reasons):
                if reason is not None:
                    yield from ((row, reason) for row in _find_each(marks, mark))

    def _bad_prefixes(self, table: FamilyTable) -> Iterator[tuple[int, Reason]]:
        """Give the rows whose prefix is refused, as `judge_prefix` does; the last word counts."""
        limits = self._limits
        most = limits.max_length_v4 if table.family == IPV4 else limits.max_length_v6
        # One pass in C over a million lengths, and one step in Python for each that is too long.
        marks = table.lengths.tobytes().translate(bytes(length > most for length in _OCTETS))
        yield from ((row, Reason.TOO_LONG) for row in _find_each(marks, 1))
        if not limits.takes_martians:
            ordinary = set(_rows_inside(table, ORDINARY_BLOCKS[table.family]))
            for row in _rows_inside(table, SPECIAL_BLOCKS[table.family]):
                if row not in ordinary:
                    yield row, Reason.MARTIAN
        if not limits.takes_default and table.has_default:
            yield 0, Reason.DEFAULT_ROUTE


def _find_each(marks: bytes, mark: int) -> Iterator[int]:
    """Give the places of an octet."""
    place = marks.find(mark)
    while place >= 0:
        yield place
        place = marks.find(mark, place + 1)


def _rows_inside(table: FamilyTable, blocks: Sequence[Prefix]) -> Iterator[int]:
    """Give the rows whose prefixes lie in blocks."""
    for block in blocks:
        yield from table.rows_inside(block)
