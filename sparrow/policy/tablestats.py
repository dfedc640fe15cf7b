"""What is in a table: how many prefixes, how long, whose, and which site has how much.

Law: a function of the table and the sites alone; addresses are counted as in
`sparrow.policy.moves`, each for its longest prefix. Start from `count_table`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.policy.atlas import code_rows
from sparrow.policy.intervals import WRAPPED, sweep_plain
from sparrow.policy.moves import COUNTED, sweep_routed, walk
from sparrow.policy.preference import build_finder
from sparrow.policy.sanity import count_hops
from sparrow.rib.snapshot import EMPTY
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from sparrow.policy.intervals import Intervals
    from sparrow.policy.site import SiteSet
    from sparrow.policy.steering import AddressMap
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import FamilyTable, Snapshot

_TOP_ORIGINS = 20
"""Origins that are listed; the rest is small and long."""


@dataclass(frozen=True, slots=True)
class OriginCount:
    """What one network originates."""

    asn: int
    """Its AS number; the first one where several announce a prefix."""
    addresses: int
    """Addresses whose longest prefix it originates."""
    prefixes: int
    """Its prefixes."""


@dataclass(frozen=True, slots=True)
class SiteCount:
    """What one site has."""

    name: str
    """Name of the site."""
    is_named: bool
    """Whether an AS number of the path named it, or all that is known of addresses was gone by;
    else it is `self`, for want of another."""
    addresses: int
    """Addresses with a route that have it."""
    prefixes: int
    """Prefixes whose first address has it."""


@dataclass(frozen=True, slots=True)
class FamilyStats:
    """What a table has of one family."""

    family: int
    """4 or 6."""
    prefixes: int
    """Its prefixes."""
    routes: int
    """Distinct routes that they have."""
    addresses: int
    """Addresses that a route matches."""
    space: int
    """Addresses that could have a route; special-purpose ones are left out."""
    lengths: tuple[tuple[int, int], ...]
    """(length, prefixes that have it), ascending."""
    hops: tuple[tuple[int, int], ...]
    """(hops of the path, prepended ones once; prefixes that have as many), ascending."""
    origin_count: int
    """Distinct networks that originate prefixes."""
    origins: tuple[OriginCount, ...]
    """Those with the most addresses, the most first."""
    sites: tuple[SiteCount, ...]
    """In configured order, routes that name no site behind them; empty without sites."""


def count_table(
    snapshot: Snapshot, site_set: SiteSet | None, preferred: AddressMap | None = None
) -> tuple[FamilyStats, FamilyStats]:
    """Count what a table has of IPv4 and of IPv6.

    `preferred` has the number of the site that each address prefers; without it that is the
    one that AS numbers of paths name.
    """
    v4, v6 = (_count_family(snapshot, family, site_set, preferred) for family in FAMILIES)
    return v4, v6


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many addresses and prefixes each route has."""

    routes: Sequence[Route]
    addresses: Sequence[int]
    prefixes: Counter[int]

    def fold(self, key: Callable[[Route], Hashable]) -> dict[Any, tuple[int, int]]:
        """Add up the addresses and the prefixes of routes that have prefixes, by a key."""
        found: dict[Any, tuple[int, int]] = {}
        for number, prefixes in self.prefixes.items():
            name = key(self.routes[number])
            others, more = found.get(name, (0, 0))
            found[name] = others + self.addresses[number], more + prefixes
        return found


def _count_family(
    snapshot: Snapshot, family: int, site_set: SiteSet | None, preferred: AddressMap | None
) -> FamilyStats:
    table = snapshot.family(family)
    addresses = _count_addresses(table, len(snapshot.routes))
    counts = _Counts(snapshot.routes, addresses, Counter(table.routes))
    origins = [OriginCount(asn, *each) for asn, each in counts.fold(_origin).items()]
    origins.sort(key=lambda each: (-each.addresses, -each.prefixes, each.asn))
    sites: list[SiteCount] = []
    if site_set and preferred:
        sites = _count_preferred(table, preferred.of_family(family), site_set)
    elif site_set:
        sites = _count_sites(counts, site_set)
    return FamilyStats(
        family=family,
        prefixes=len(table),
        routes=len(counts.prefixes),
        addresses=sum(addresses),
        space=_count_space(family),
        lengths=tuple(sorted(Counter(table.lengths).items())),
        hops=tuple((hops, each[1]) for hops, each in sorted(counts.fold(count_hops).items())),
        origin_count=len(origins),
        origins=tuple(origins[:_TOP_ORIGINS]),
        sites=tuple(sites),
    )


def _origin(route: Route) -> int:
    return route.origins[0]


def _count_addresses(table: FamilyTable, routes: int) -> list[int]:
    """Give for each route how many addresses have it."""
    found = [0] * (routes + 1)
    by_route = sweep_plain(table, array("I", range(1, routes + 1)), 0)
    for start, end, number, is_counted in walk(by_route, sweep_routed(table), is_whole=True):
        if is_counted == 1:
            found[number] += end - start
    return found[1:]


def _count_space(family: int) -> int:
    """Count the addresses that would be counted if a route matched all."""
    bare = sweep_routed(EMPTY.family(family))
    stretches = walk(bare, bare, is_whole=True)
    return sum(end - start for start, end, code, _ in stretches if code <= COUNTED)


def _count_sites(counts: _Counts, site_set: SiteSet) -> list[SiteCount]:
    finder = build_finder(site_set)

    def find_home(route: Route) -> tuple[bool, int]:
        home = finder.home(route)
        return home.asn is None, home.site

    found = counts.fold(find_home)
    keys = [(False, number) for number in range(len(site_set.sites))]
    return [
        SiteCount(site_set.sites[key[1]].name, not key[0], *found.get(key, (0, 0)))
        for key in (*keys, (True, site_set.self_site))
    ]


def _count_preferred(
    table: FamilyTable, preferred: Intervals, site_set: SiteSet
) -> list[SiteCount]:
    addresses: Counter[int] = Counter()
    for start, end, code, is_counted in walk(preferred, sweep_routed(table), is_whole=True):
        if is_counted == 1 and code <= COUNTED:
            addresses[code] += end - start
    codes = code_rows(preferred, table)
    prefixes = Counter(code & COUNTED for code in codes if not code & WRAPPED)
    return [
        SiteCount(site.name, True, addresses[number], prefixes[number])
        for number, site in enumerate(site_set.sites)
    ]


def describe_stats(stats: Sequence[FamilyStats]) -> dict[str, Any]:
    """Give the object that `sparrow routes stats --json` prints, by `v4` and `v6`.

    Shares of origins and sites are of the addresses that a route matches.
    """
    return {f"v{each.family}": _describe_family(each) for each in stats}


def _describe_family(each: FamilyStats) -> dict[str, Any]:
    whole = each.addresses or 1
    return {
        "prefixes": each.prefixes,
        "routes": each.routes,
        "covered": each.addresses / each.space,
        "lengths": {str(length): count for length, count in each.lengths},
        "hops": {str(hops): count for hops, count in each.hops},
        "networks": each.origin_count,
        "origins": [
            {"asn": row.asn, "share": row.addresses / whole, "prefixes": row.prefixes}
            for row in each.origins
        ],
        "sites": [
            {
                "site": row.name,
                "named": row.is_named,
                "share": row.addresses / whole,
                "prefixes": row.prefixes,
            }
            for row in each.sites
        ],
    }
