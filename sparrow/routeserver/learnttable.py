"""What was learnt from a route server, for as long as it counts.

Law: pure; a route counts for the block that was asked about and no further: within a learnt
prefix that is longer than the block, for the prefix. So no client is answered by the route of
another block, of which the route server would say something else. Start from `LearntTable`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

from sparrow.policy.unknown import UNKNOWN_LENGTHS
from sparrow.rib.route import build_origin_route
from sparrow.rib.snapshot import SnapshotBuilder
from sparrow.values.address import Prefix, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot
    from sparrow.routeserver.server import Learnt

NO_ROUTE = build_origin_route(0)
"""What stands for no route, and for one with an empty path: AS 0, which RFC 7607 keeps out of
every path, so that no site has it and `self` answers."""

MAX_LEARNT = 100_000
"""Routes that are held; beyond these the one that was learnt first is forgotten. Our own choice:
as many blocks as have resolvers that ask one name server within an hour."""


class LearntTable:
    """Routes by prefix, each until its time is over. For one thread."""

    def __init__(self, keep_s: float, limit: int = MAX_LEARNT) -> None:
        """Keep a route for `keep_s` seconds."""
        self._keep_s = keep_s
        self._limit = limit
        # In the order in which they were learnt, so that those whose time is over come first.
        self._routes: dict[Prefix, tuple[Route, float]] = {}
        self._lengths: Counter[tuple[int, int]] = Counter()

    def __len__(self) -> int:
        return len(self._routes)

    def count(self, family: int) -> int:
        """Count the prefixes of family 4 or 6."""
        found = self._lengths.items()
        return sum(count for (each, _), count in found if each == family)

    def restore(self, entries: Iterable[tuple[Prefix, Route]], learnt_at_s: float) -> None:
        """Take routes that were learnt at a time before."""
        for prefix, route in entries:
            self._put(prefix, route, learnt_at_s + self._keep_s)

    def learn(self, address: bytes, learnt: Learnt, now_s: float) -> Prefix:
        """Take what was learnt of a packed address; give the prefix that it counts for."""
        family = 4 if len(address) == 4 else 6
        length = UNKNOWN_LENGTHS[family]
        if learnt.prefix is not None:
            length = max(length, learnt.prefix.length)
        prefix = Prefix(truncate(address, length), length)
        self._put(prefix, learnt.path or NO_ROUTE, now_s + self._keep_s)
        return prefix

    def _put(self, prefix: Prefix, route: Route, until_s: float) -> None:
        self._forget(prefix)
        while len(self._routes) >= self._limit:
            self._forget(next(iter(self._routes)))
        self._routes[prefix] = route, until_s
        self._lengths[prefix.family, prefix.length] += 1

    def _forget(self, prefix: Prefix) -> None:
        if self._routes.pop(prefix, None) is not None:
            key = prefix.family, prefix.length
            self._lengths[key] -= 1
            if not self._lengths[key]:
                del self._lengths[key]

    def has(self, address: bytes) -> bool:
        """Tell whether a route covers a packed address."""
        family = 4 if len(address) == 4 else 6
        return any(
            Prefix(truncate(address, length), length) in self._routes
            for each, length in self._lengths
            if each == family
        )

    def expire(self, now_s: float) -> int:
        """Forget the routes whose time is over; count them."""
        over: list[Prefix] = []
        for prefix, (_, until_s) in self._routes.items():
            if until_s > now_s:
                break
            over.append(prefix)
        for prefix in over:
            self._forget(prefix)
        return len(over)

    def build(self) -> Snapshot:
        """Give the table."""
        builder = SnapshotBuilder()
        for prefix, (route, _) in self._routes.items():
            number = array("I", (builder.number(route),))
            builder.extend(prefix.family, prefix.network, bytes((prefix.length,)), number)
        return builder.build().snapshot
