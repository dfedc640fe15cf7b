"""A table while a source lists it.

Law: rows come in any order and are sorted once; each distinct path is decoded once.
Start from `Listing`.
"""

from __future__ import annotations

import gc
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sparrow.rib.route import Route
from sparrow.rib.snapshot import SnapshotBuilder
from sparrow.sources.aspath import PathOctets
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.feeds.gobgppaths import Listed, Row
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


class _Numbers(dict[bytes, int]):
    """The route numbers of the paths met so far; a path that is new is decoded."""

    def __init__(self, builder: SnapshotBuilder) -> None:
        super().__init__()
        self._number = builder.number
        self._hops = PathOctets(4).hops

    def __missing__(self, path: bytes) -> int:
        hops = self._hops(path)
        if not hops:
            raise ValueError("an AS path without an AS number")
        number = self[path] = self._number(Route(hops))
        return number


class Listing:
    """Collects rows. For one thread."""

    def __init__(self, known: Iterable[Route] = ()) -> None:
        """Share routes with `known`, those of the table before."""
        self._builder = SnapshotBuilder(known)
        self._numbers = _Numbers(self._builder)
        self._columns = {each: (bytearray(), bytearray(), array("I")) for each in FAMILIES}

    def add(self, row: Row) -> None:
        """Take a row that has a route."""
        if row.route is None:
            raise ValueError("a listed prefix has a route")
        self._put(row.family, row.network, row.length, self._builder.number(row.route))

    def add_listed(self, family: int, listed: Listed) -> None:
        """Take a row as a message has it. Raises `ValueError` where its path is of no use."""
        network, length, path = listed
        self._put(family, network, length, self._numbers[path])

    def _put(self, family: int, network: bytes, length: int, number: int) -> None:
        networks, lengths, routes = self._columns[family]
        networks += network
        lengths.append(length)
        routes.append(number)

    def build(self) -> Snapshot:
        """Give the table."""
        for family, (networks, lengths, routes) in self._columns.items():
            self._builder.extend(family, bytes(networks), bytes(lengths), routes)
        return self._builder.build().snapshot
