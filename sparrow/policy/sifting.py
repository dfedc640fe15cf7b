"""Whole tables without the routes that a source should not have.

Law: what is left is a function of the table and the limits; a table with nothing to leave
out is given back as it is, and what two tables have in common is judged once. Start from
`TableSieve`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from sparrow.policy.sanity import Limits, Reason, judge_route
from sparrow.policy.special import ORDINARY_BLOCKS, SPECIAL_BLOCKS
from sparrow.rib.snapshot import Snapshot
from sparrow.values.address import IPV4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import FamilyTable
    from sparrow.values.address import Prefix

_OCTETS = bytes(range(256))


class TableSieve:
    """Sifts the tables of one source, one after the other. For one thread at a time."""

    def __init__(self, limits: Limits) -> None:
        """Keep to `limits`."""
        self._limits = limits
        self._routes: tuple[Route, ...] = ()
        self._reasons: dict[int, Reason] = {}
        self._refused: dict[Reason, int] = {}

    @property
    def refused(self) -> Mapping[Reason, int]:
        """Count what was left out of the last table, by reason."""
        return self._refused

    def sift(self, snapshot: Snapshot) -> Snapshot:
        """Give a table without what is refused; of too many prefixes the first ones stay."""
        self._judge_routes(snapshot.routes)
        self._refused = {}
        v4 = self._sift_family(snapshot.v4, 0)
        v6 = self._sift_family(snapshot.v6, len(v4))
        if v4 is snapshot.v4 and v6 is snapshot.v6:
            return snapshot
        return Snapshot(v4, v6, snapshot.routes)

    def _judge_routes(self, routes: tuple[Route, ...]) -> None:
        """Judge the routes that the last table had not under the same numbers."""
        known = self._routes
        same = len(known)
        # Routes are added at the end mostly, and the comparison of equal objects is quick.
        if routes[:same] != known:
            same, self._reasons = 0, {}
        for number in range(same, len(routes)):
            reason = judge_route(routes[number], self._limits)
            if reason is not None:
                self._reasons[number] = reason
        self._routes = routes

    def _sift_family(self, table: FamilyTable, before: int) -> FamilyTable:
        """Sift a table behind which `before` prefixes count already."""
        bad = dict(chain(self._bad_routes(table), self._bad_prefixes(table)))
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

    def _bad_routes(self, table: FamilyTable) -> Iterator[tuple[int, Reason]]:
        reasons = self._reasons
        if reasons:
            for row, number in enumerate(table.routes):
                if number in reasons:
                    yield row, reasons[number]

    def _bad_prefixes(self, table: FamilyTable) -> Iterator[tuple[int, Reason]]:
        """Give the rows whose prefix is refused, as `judge_prefix` does; the last word counts."""
        limits = self._limits
        most = limits.max_length_v4 if table.family == IPV4 else limits.max_length_v6
        # One pass in C over a million lengths, and one step in Python for each that is too long.
        marks = table.lengths.tobytes().translate(bytes(length > most for length in _OCTETS))
        row = marks.find(1)
        while row >= 0:
            yield row, Reason.TOO_LONG
            row = marks.find(1, row + 1)
        if not limits.takes_martians:
            ordinary = set(_rows_inside(table, ORDINARY_BLOCKS[table.family]))
            for row in _rows_inside(table, SPECIAL_BLOCKS[table.family]):
                if row not in ordinary:
                    yield row, Reason.MARTIAN
        if not limits.takes_default and len(table) and not table.lengths[0]:
            yield 0, Reason.DEFAULT_ROUTE


def _rows_inside(table: FamilyTable, blocks: Sequence[Prefix]) -> Iterator[int]:
    """Give the rows whose prefixes lie in blocks."""
    for block in blocks:
        yield from table.rows_inside(block)
