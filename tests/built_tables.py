"""A snapshot made of prefixes and routes one by one, as tests write them down."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from sparrow.rib.snapshot import SnapshotBuilder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot
    from sparrow.values.address import Prefix


def build_snapshot(entries: Iterable[tuple[Prefix, Route]]) -> Snapshot:
    """Build a table from prefixes and routes in any order; the last of a prefix counts."""
    builder = SnapshotBuilder()
    for prefix, route in entries:
        number = array("I", (builder.number(route),))
        builder.extend(prefix.family, prefix.network, bytes((prefix.length,)), number)
    return builder.build().snapshot
