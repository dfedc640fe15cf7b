"""The table of a live source, which a dying source cannot empty.

Law: flat arrays, and what changed since they were built; what is withdrawn is withheld, so
that its last route goes on to count, while more is gone than `Limits` allow. Time is an
argument. Start from `FeedTable`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sparrow.rib.delta import diff
from sparrow.rib.folding import GONE, find_route, fold, number_rows
from sparrow.rib.snapshot import EMPTY, Snapshot
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sparrow.feeds.gobgppaths import Row
    from sparrow.rib.route import Route

_FEWEST = 10
"""Withdrawals that are always allowed: shares of tables of some lines mean nothing."""
_WINDOW_S = 60.0
"""The limit is one per minute."""
_CHURN = 10
"""Times `quiet_s` after which what comes back is the churn of every day."""
_SPARE_ROUTES = 10_000
"""Routes without a prefix that are not yet worth a walk over the whole table."""

Key = tuple[int, int]
"""Family; and network as an integer, with the length in the lowest octet."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When withdrawals are withheld."""

    share: float | None = 0.1
    """Part of the table that may go within a minute; None for all of it."""
    quiet_s: float = 30.0
    """Seconds in which nothing comes back before what is withheld is let go."""


class FeedTable:
    """The prefixes of a source. Whoever uses it from several threads holds a lock."""

    def __init__(self, limits: Limits, snapshot: Snapshot = EMPTY) -> None:
        """Start with a table that was known before."""
        self._limits = limits
        self._withheld: dict[Key, Route] = {}
        self._recent: dict[Key, tuple[float, Route]] = {}
        self._touched: set[Key] | None = None
        self._returned_at_s = self._bad_until_s = 0.0
        self.is_withholding = False
        """Whether withdrawals are not carried out for now."""
        self._take(snapshot)

    def _take(self, snapshot: Snapshot) -> None:
        self._base = snapshot
        self._routes = list(snapshot.routes)
        self._numbers = {route: number for number, route in enumerate(self._routes)}
        self._changes: dict[int, dict[int, int]] = {family: {} for family in FAMILIES}
        self._size = len(snapshot)
        self._packed = len(self._routes)

    def __len__(self) -> int:
        """Count the prefixes that count, those whose withdrawal is withheld included."""
        return self._size

    @property
    def withheld(self) -> int:
        """Count the prefixes that the source has not, and that count all the same."""
        return len(self._withheld)

    # What a source says.

    def apply(self, rows: Iterable[Row], now_s: float) -> int:
        """Take what a source says, in its order; count what that changes."""
        return sum(self._apply(row, now_s) for row in rows)

    def _apply(self, row: Row, now_s: float) -> bool:
        key = (row.family, int.from_bytes(row.network, "big") << 8 | row.length)
        if self._touched is not None:
            self._touched.add(key)
        if row.route is None:
            return self._withdraw(key, now_s)
        return self._announce(key, row.route, now_s)

    def _announce(self, key: Key, route: Route, now_s: float) -> bool:
        self._recent.pop(key, None)
        if self._withheld.pop(key, None) is not None:
            self._returned_at_s = now_s
        before, number = self._find(key), self._number(route)
        if before == number:
            return False
        self._size += before == GONE
        self._changes[key[0]][key[1]] = number
        return True

    def _withdraw(self, key: Key, now_s: float) -> bool:
        before = self._find(key)
        if before == GONE:
            return False
        route = self._routes[before]
        if self.is_withholding:
            self._withheld.setdefault(key, route)
            return False
        self._drop(key)
        self._recent[key] = (now_s, route)
        if self._limits.share is not None and not self._allows(len(self._recent), self._size):
            self.withhold(now_s)
        return True

    def _drop(self, key: Key) -> None:
        self._changes[key[0]][key[1]] = GONE
        self._size -= 1

    def _allows(self, gone: int, left: int) -> bool:
        """Tell whether so many may go of a table of which so many are left."""
        share = self._limits.share
        return share is None or gone <= max(_FEWEST, share * (gone + left))

    def replace(self, snapshot: Snapshot, now_s: float) -> int:
        """Take a whole new table; count what that changes.

        What it lacks is withheld, until it comes or nothing has come for a while: a source
        that has just started lacks most, and has it soon.
        """
        if not self._size:
            self._take(snapshot)
            return self._size
        delta = diff(self.fold(), snapshot)
        changes = 0
        for key, route in _rows(delta.announced):
            changes += self._announce(key, route, now_s)
        self.withhold(now_s)
        for key, _ in _rows(delta.withdrawn):
            self._withdraw(key, now_s)
        return changes

    # Withholding.

    def withhold(self, now_s: float) -> None:
        """Carry out no withdrawal from now on, and take back those of the last minute."""
        self._expire(now_s)
        for key, (_, route) in self._recent.items():
            self._changes[key[0]][key[1]] = self._number(route)
            self._size += 1
            self._withheld[key] = route
        self._recent.clear()
        self.is_withholding = True
        self._returned_at_s = self._bad_until_s = now_s

    def tick(self, now_s: float, *, is_up: bool) -> bool:
        """Let time pass; tell whether that changed anything.

        What is withheld is let go when the source is up, no more is gone than is allowed,
        and nothing of it has come back for a while, or something comes back all the time.
        """
        self._expire(now_s)
        if not self.is_withholding:
            return False
        if not is_up or self.is_frozen:
            self._bad_until_s = now_s
            return False
        quiet_s = self._limits.quiet_s
        is_quiet = now_s - max(self._returned_at_s, self._bad_until_s) >= quiet_s
        if not is_quiet and now_s - self._bad_until_s < _CHURN * quiet_s:
            return False
        return bool(self.let_go())

    def let_go(self) -> int:
        """Carry out what is withheld, whatever the limits say; count it."""
        count = len(self._withheld)
        for key in self._withheld:
            self._drop(key)
        self._withheld.clear()
        self.is_withholding = False
        return count

    @property
    def is_frozen(self) -> bool:
        """Whether more is gone than is allowed, so that time alone lets nothing go."""
        count = len(self._withheld)
        return not self._allows(count, self._size - count)

    def _expire(self, now_s: float) -> None:
        while self._recent:
            key = next(iter(self._recent))
            if now_s - self._recent[key][0] < _WINDOW_S:
                return
            del self._recent[key]

    # Comparing with what a source lists anew.

    def watch_changes(self) -> None:
        """Remember from now on what the source speaks of."""
        self._touched = set()

    def repair(self, listed: Snapshot, now_s: float) -> int:
        """Make right what differs from a list made since `watch_changes`; count it.

        What the source spoke of meanwhile is left out, as the list may be older than that.
        """
        touched, self._touched = self._touched or set(), None
        delta = diff(self.fold(), listed)
        count = 0
        for key, route in _rows(delta.announced):
            if key not in touched:
                count += self._announce(key, route, now_s)
        for key, _ in _rows(delta.withdrawn):
            if key not in touched and key not in self._withheld:
                count += self._withdraw(key, now_s) or key in self._withheld
        return count

    # Flat arrays.

    def fold(self) -> Snapshot:
        """Give the table as it is."""
        if any(self._changes.values()):
            tables = [fold(self._base.family(each), self._changes[each]) for each in FAMILIES]
            self._base = Snapshot(tables[0], tables[1], tuple(self._routes))
            self._changes = {family: {} for family in FAMILIES}
            if len(self._routes) > 2 * self._packed + _SPARE_ROUTES:
                self._take(_pack(self._base))
        return self._base

    def _number(self, route: Route) -> int:
        number = self._numbers.setdefault(route, len(self._routes))
        if number == len(self._routes):
            self._routes.append(route)
        return number

    def _find(self, key: Key) -> int:
        """Give the number of the route to a prefix, or `GONE`."""
        family, number = key
        found = self._changes[family].get(number)
        return find_route(self._base.family(family), number) if found is None else found


def _pack(snapshot: Snapshot) -> Snapshot:
    """Drop the routes that no prefix has."""
    used = sorted({*snapshot.v4.routes, *snapshot.v6.routes})
    number_of: Callable[[int], int] = dict(zip(used, range(len(used)), strict=True)).__getitem__
    v4, v6 = (
        replace(table, routes=array("I", map(number_of, table.routes)))
        for table in (snapshot.v4, snapshot.v6)
    )
    return Snapshot(v4, v6, tuple(map(snapshot.routes.__getitem__, used)))


def _rows(snapshot: Snapshot) -> Iterator[tuple[Key, Route]]:
    for family in FAMILIES:
        for prefix, route in number_rows(snapshot.family(family)):
            yield (family, prefix), snapshot.routes[route]
