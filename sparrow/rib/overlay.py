"""Several tables as one.

Law: of a prefix in several tables the last one's route counts. Start from `overlay`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from sparrow.rib.snapshot import EMPTY, SnapshotBuilder
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.rib.snapshot import Snapshot


def overlay(tables: Sequence[Snapshot]) -> Snapshot:
    """Lay tables over each other, the last one on top; one alone is given as it is."""
    filled = [table for table in tables if len(table)]
    if len(filled) < 2:
        return filled[0] if filled else EMPTY
    builder = SnapshotBuilder()
    for table in filled:
        numbers = array("I", map(builder.number, table.routes))
        for family in FAMILIES:
            rows = table.family(family)
            routes = array("I", map(numbers.__getitem__, rows.routes))
            builder.extend(family, rows.packed(), rows.lengths.tobytes(), routes)
    return builder.build().snapshot
