"""One route for each prefix, out of what the neighbours of one vantage point say.

Law: the choice is a function of the set of paths; their order, and how a dump or several
of them split them, make no difference. Start from `PathChooser`.

Of the paths to a prefix that are sane and, with a neighbour given, that neighbour's:

    1. those that the router marked as its choice, where it marked any;
    2. those to the origin that most paths lead to;
    3. the shortest, where prepended AS numbers count once and a set is one;
    4. that of the neighbour with the lowest address, IPv4 before IPv6;
    5. the one that is lowest, AS number by AS number.

With a neighbour given its own path counts, so step 1 is left out. Local preference plays
no part: the neighbours of a collector set it for themselves, each in its own way. Where it
is kept, the route that is chosen has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sparrow.policy.sanity import Reason, Sieve, count_hops, judge_prefix, judge_route
from sparrow.rib.valued import ValuedRoutes
from sparrow.sources.entry import PeerPath
from sparrow.values.address import Prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.rib.route import Route
    from sparrow.sources.entry import Entry, Peer
    from sparrow.values.peer import PeerChoice

_MAX_KNOWN = 2**18
"""Routes whose worth is held at once."""


class _Worth(NamedTuple):
    """What the choice needs to know of a route. A tuple, as one is made for each path."""

    route: Route
    """The route; held so that its identity stays its own."""
    reason: Reason | None
    """Why it is refused; None where it is not."""
    origins: tuple[int, ...]
    """Its last hop."""
    hops: int
    """Its hops, prepended ones once."""


class _Tally(NamedTuple):
    """The paths to one origin of a prefix: how many, and the best of them."""

    paths: int
    hops: int
    peer: Peer | None
    route: Route
    is_marked: bool


class PathChooser:
    """Takes entries in any order, then gives the choice for each prefix."""

    def __init__(
        self, sieve: Sieve, peer: PeerChoice | None = None, *, keeps_local_pref: bool = False
    ) -> None:
        """Let `sieve` judge and count; `peer` is whose paths alone are meant, None for all."""
        self._valued = ValuedRoutes() if keeps_local_pref else None
        self.sieve = sieve
        """What judges, and what it refused so far."""
        self.peer = peer
        """Whose paths alone count; None for all."""
        self._worths: dict[int, _Worth] = {}
        # Where one path is all, it stands for its tally: a table of one neighbour has a
        # million prefixes, and takes half the memory so.
        self._tallies: dict[bytes, tuple[_Tally, ...] | PeerPath] = {}
        self.paths = 0
        """Paths taken so far, those of other neighbours and those refused included."""

    def __len__(self) -> int:
        """Count the prefixes that have a path."""
        return len(self._tallies)

    def take(self, entry: Entry) -> None:
        """Take the paths of an entry."""
        paths = entry.paths
        self.paths += len(paths)
        if self._valued is not None:
            value = self._valued.value
            paths = tuple(path._replace(route=value(path.route, path.local_pref)) for path in paths)
        if self.peer is not None:
            paths = tuple(path for path in paths if _is_of(path.peer, self.peer))
            if not paths:
                return
        reason = judge_prefix(entry.prefix, self.sieve.limits)
        if reason is not None:
            self.sieve.refuse(reason, len(paths))
            return
        key = entry.prefix.network + bytes((entry.prefix.length,))
        before = self._tallies.get(key)
        if before is None:
            if not self.sieve.has_room(len(self._tallies)):
                return
            if len(paths) == 1:
                self._take_first(key, paths[0])
                return
        tallies = {tally.route.origins: tally for tally in self._list_tallies(before)}
        self._count(paths, tallies)
        if tallies:
            self._tallies[key] = tuple(tallies.values())

    def _take_first(self, key: bytes, path: PeerPath) -> None:
        """Take the first path to a prefix, which may stay the only one."""
        reason = self._worth_of(path.route).reason
        if reason is None:
            self._tallies[key] = path
        else:
            self.sieve.refuse(reason)

    def _list_tallies(self, found: tuple[_Tally, ...] | PeerPath | None) -> tuple[_Tally, ...]:
        """Give the tallies of a prefix so far."""
        if isinstance(found, PeerPath):
            hops = self._worth_of(found.route).hops
            is_marked = bool(found.is_best) and self.peer is None
            return (_Tally(1, hops, found.peer, found.route, is_marked),)
        return found or ()

    def choices(self) -> Iterator[tuple[Prefix, Route]]:
        """Give every prefix with its route, IPv4 first, ascending."""
        for key in sorted(self._tallies, key=lambda key: (len(key), key)):
            found = self._tallies[key]
            best = found if isinstance(found, PeerPath) else min(found, key=_order)
            yield Prefix(key[:-1], key[-1]), best.route

    def _count(self, paths: tuple[PeerPath, ...], tallies: dict[tuple[int, ...], _Tally]) -> None:
        """Add paths to the tallies of their prefix: all of marked paths, or all of others."""
        is_marked = any(tally.is_marked for tally in tallies.values())
        for path in paths:
            route = path.route
            _, reason, origins, hops = self._worth_of(route)
            if reason is not None:
                self.sieve.refuse(reason)
                continue
            if path.is_best and self.peer is None and not is_marked:
                tallies.clear()
                is_marked = True
            elif is_marked and not path.is_best:
                continue
            tally = tallies.get(origins)
            if tally is None:
                tallies[origins] = _Tally(1, hops, path.peer, route, is_marked)
            elif hops < tally.hops or (hops == tally.hops and _is_before(path, tally)):
                tallies[origins] = _Tally(tally.paths + 1, hops, path.peer, route, is_marked)
            else:
                tallies[origins] = _Tally(tally.paths + 1, *tally[1:])

    def _worth_of(self, route: Route) -> _Worth:
        return self._worths.get(id(route)) or self._weigh(route)

    def _weigh(self, route: Route) -> _Worth:
        if len(self._worths) >= _MAX_KNOWN:
            self._worths.clear()
        reason = judge_route(route, self.sieve.limits)
        worth = self._worths[id(route)] = _Worth(route, reason, route.origins, count_hops(route))
        return worth


def _is_of(peer: Peer | None, choice: PeerChoice) -> bool:
    return peer is not None and choice.matches(peer.address, peer.asn)


def _is_before(path: PeerPath, tally: _Tally) -> bool:
    """Tell which of two paths of one length is better: by their neighbours, then by path."""
    if path.route is tally.route and path.peer is tally.peer:
        return False
    ours, theirs = _order_peer(path.peer), _order_peer(tally.peer)
    return ours < theirs or (ours == theirs and path.route.path < tally.route.path)


def _order_peer(peer: Peer | None) -> tuple[int, bytes]:
    """Give the order of neighbours: IPv4, then IPv6, then those without an address."""
    address = peer.address if peer is not None else None
    return (len(address), address) if address else (17, b"")


def _order(tally: _Tally) -> tuple[int, int, tuple[int, bytes], tuple[int, ...]]:
    return -tally.paths, tally.hops, _order_peer(tally.peer), tally.route.path
