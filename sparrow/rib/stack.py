"""Several tables as one, again and again, while one or another of them changes by little.

Law: it gives what `overlay` gives of the tables, but that routes may be numbered otherwise,
and that some may be there which no prefix has any more. Start from `Stack`.
"""

from __future__ import annotations

from array import array
from itertools import compress, count
from typing import TYPE_CHECKING

from sparrow.rib.delta import compare_by_place
from sparrow.rib.folding import GONE, find_route, fold, number_rows
from sparrow.rib.overlay import number_overlay
from sparrow.rib.snapshot import EMPTY, Snapshot
from sparrow.rib.twin import IS_PURE
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import FamilyTable

_MOST = 10_000
"""Prefixes that are worked in one by one; beyond that it takes less to begin anew."""


class Stack:
    """Lays tables over each other, one state of them after the other. For one thread at a time.

    A change costs what it changes and a copy of the arrays, as long as each table has the
    routes that it had, under their numbers, and maybe some more behind them. Four octets are
    kept for each route of each table, and eight for each of the whole.
    """

    def __init__(self, *, is_pure: bool = IS_PURE) -> None:
        """Start with nothing."""
        self._is_pure = is_pure
        self._forget()

    def _forget(self) -> None:
        self._tables: list[Snapshot] = []
        self._whole = EMPTY
        self._numbers: list[array[int]] = []
        self._hashes = array("q")

    def lay(self, tables: Sequence[Snapshot]) -> Snapshot:
        """Give tables as one, the last one on top; one alone is given as it is."""
        filled = [table for table in tables if len(table)]
        if len(filled) < 2:
            self._forget()
            return filled[0] if filled else EMPTY
        if not (self._is_followed_by(filled) and self._step(filled)):
            self._whole, self._numbers = number_overlay(filled, is_pure=self._is_pure)
            self._hashes = array("q", map(hash, self._whole.routes))
        self._tables = filled
        return self._whole

    def _is_followed_by(self, tables: Sequence[Snapshot]) -> bool:
        """Tell whether each table has the routes that it had, under their numbers."""
        return len(tables) == len(self._tables) and all(
            new.routes is old.routes or new.routes[: len(old.routes)] == old.routes
            for old, new in zip(self._tables, tables, strict=True)
        )

    def _step(self, tables: Sequence[Snapshot]) -> bool:
        """Work in what is new; False, with nothing worked in, where that is too much."""
        changed = self._list_changed(tables)
        if sum(map(len, changed.values())) > _MOST:
            return False
        if not any(changed.values()):
            return True
        routes = self._number_routes(tables)
        v4, v6 = (
            fold(self._whole.family(family), dict(self._find_tops(tables, family, prefixes)))
            for family, prefixes in changed.items()
        )
        self._whole = Snapshot(v4, v6, routes)
        return True

    def _list_changed(self, tables: Sequence[Snapshot]) -> dict[int, set[int]]:
        """Give by family the prefixes of which a table says something else than before."""
        changed: dict[int, set[int]] = {family: set() for family in FAMILIES}
        for old, new in zip(self._tables, tables, strict=True):
            if old is new:
                continue
            gone, come = compare_by_place(old, new, is_pure=self._is_pure)
            for family, prefixes in changed.items():
                prefixes.update(_list_prefixes(old.family(family), gone[family]))
                prefixes.update(_list_prefixes(new.family(family), come[family]))
        return changed

    def _number_routes(self, tables: Sequence[Snapshot]) -> tuple[Route, ...]:
        """Give the routes of the whole; those that are new in a table have a number then."""
        new = [
            table.routes[len(numbers) :]
            for table, numbers in zip(tables, self._numbers, strict=True)
        ]
        numbers = self._find_equal({route for routes in new for route in routes})
        known = len(self._whole.routes)
        more: list[Route] = []
        for place, routes in enumerate(new):
            for route in routes:
                if numbers.setdefault(route, known + len(more)) == known + len(more):
                    more.append(route)
            if routes:
                of_new = array("I", map(numbers.__getitem__, routes))
                self._numbers[place] = self._numbers[place] + of_new
        self._hashes.extend(map(hash, more))
        return (*self._whole.routes, *more) if more else self._whole.routes

    def _find_equal(self, routes: set[Route]) -> dict[Route, int]:
        """Give the numbers of those routes that the whole has.

        To find a few among 100,000 by their hashes costs less than to keep a dictionary of all.
        """
        wanted = set(map(hash, routes))
        places = compress(count(), map(wanted.__contains__, self._hashes))
        found = ((self._whole.routes[place], place) for place in places)
        return {route: place for route, place in found if route in routes}

    def _find_tops(
        self, tables: Sequence[Snapshot], family: int, prefixes: Iterable[int]
    ) -> Iterator[tuple[int, int]]:
        """Give each prefix with the number of the route that counts, or `GONE`."""
        from_top = [
            (table.family(family), numbers)
            for table, numbers in zip(reversed(tables), reversed(self._numbers), strict=True)
        ]
        for prefix in prefixes:
            found = ((find_route(table, prefix), numbers) for table, numbers in from_top)
            yield prefix, next((numbers[at] for at, numbers in found if at != GONE), GONE)


class Stacks:
    """Stacks by name. For one thread at a time."""

    def __init__(self) -> None:
        """Start without one."""
        self._stacks: dict[Hashable, Stack] = {}

    def lay(self, name: Hashable, tables: Sequence[Snapshot]) -> Snapshot:
        """Lay the tables of this name over each other."""
        return self._stacks.setdefault(name, Stack()).lay(tables)

    def keep(self, names: Iterable[Hashable]) -> None:
        """Forget all others."""
        self._stacks = {name: self._stacks[name] for name in names if name in self._stacks}


def _list_prefixes(table: FamilyTable, rows: array[int]) -> Iterator[int]:
    return (prefix for prefix, _ in number_rows(table.pick(rows)))
