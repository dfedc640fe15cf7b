"""A table while a source lists it.

Law: rows come in any order and are sorted once; each distinct route is numbered once.
Start from `Listing`.
"""

from __future__ import annotations

import gc
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sparrow.rib.snapshot import SnapshotBuilder
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.feeds.gobgppaths import Row
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Have no garbage collected meanwhile: nothing that is listed is, and looking costs a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Listing:
    """Collects rows. For one thread."""

    def __init__(self, known: Iterable[Route] = ()) -> None:
        """Share routes with `known`, those of the table before."""
        self._builder = SnapshotBuilder(known)
        # By identity, as decoders give equal paths as one object and hashing one takes longer
        # than all else; the objects are held, so that no other gets the place of one.
        self._numbers: dict[int, tuple[int, Route]] = {}
        self._columns = {each: (bytearray(), bytearray(), array("I")) for each in FAMILIES}

    def add(self, row: Row) -> None:
        """Take a row that has a route."""
        route = row.route
        if route is None:
            raise ValueError("a listed prefix has a route")
        found = self._numbers.get(id(route))
        if found is None:
            found = self._numbers[id(route)] = (self._builder.number(route), route)
        networks, lengths, routes = self._columns[row.family]
        networks += row.network
        lengths.append(row.length)
        routes.append(found[0])

    def build(self) -> Snapshot:
        """Give the table."""
        for family, (networks, lengths, routes) in self._columns.items():
            self._builder.extend(family, bytes(networks), bytes(lengths), routes)
        return self._builder.build().snapshot
