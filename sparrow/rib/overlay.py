"""Several tables as one.

Law: of a prefix in several tables the last one's route counts. Routes are numbered in the
order of the tables, so that a table on top which only adds routes moves no number. Start
from `overlay`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from sparrow.rib.snapshot import EMPTY, FamilyTable, Snapshot, pick
from sparrow.rib.twin import IS_PURE, native
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.rib.route import Route


def overlay(tables: Sequence[Snapshot], *, is_pure: bool = IS_PURE) -> Snapshot:
    """Lay tables over each other, the last one on top; one alone is given as it is."""
    filled = [table for table in tables if len(table)]
    if len(filled) < 2:
        return filled[0] if filled else EMPTY
    return number_overlay(filled, is_pure=is_pure)[0]


def number_overlay(
    tables: Sequence[Snapshot], *, is_pure: bool = IS_PURE
) -> tuple[Snapshot, list[array[int]]]:
    """Lay tables over each other, and give the number that each route of each table has then."""
    merge = _merge if is_pure else native.lay_over
    numbers: dict[Route, int] = {}
    by_table = []
    merged = {family: EMPTY.family(family) for family in FAMILIES}
    for table in tables:
        by_route = array("I", [numbers.setdefault(route, len(numbers)) for route in table.routes])
        by_table.append(by_route)
        for family, below in merged.items():
            rows = table.family(family)
            routes = pick(by_route, rows.routes, is_pure=is_pure)
            above = FamilyTable(family, rows.networks, rows.lengths, routes)
            kept = merge(below, above)
            columns = [
                pick(low + high, kept, is_pure=is_pure)
                for low, high in zip(_columns(below), _columns(above), strict=True)
            ]
            merged[family] = FamilyTable(family, tuple(columns[:-2]), *columns[-2:])
    v4, v6 = merged.values()
    return Snapshot(v4, v6, tuple(numbers)), by_table


def _columns(table: FamilyTable) -> tuple[array[int], ...]:
    return (*table.networks, table.lengths, table.routes)


def _merge(below: FamilyTable, above: FamilyTable) -> array[int]:
    """Give the rows that stay; those of `above` are counted behind those of `below`."""
    places = {(network, length): row for row, (network, length, _) in enumerate(below.rows())}
    for row, (network, length, _) in enumerate(above.rows(), len(below)):
        places[network, length] = row
    return array("I", [places[key] for key in sorted(places)])
