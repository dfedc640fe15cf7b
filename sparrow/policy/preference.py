"""From a route to its home site, and from a home site to the order of failover.

Law: both are functions of the route and of the configured sites alone. The
home of a route is the site that owns the leftmost AS number of its path that
belongs to any site; multi-origins and AS_SETs count in written order. Start
from `HomeFinder`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparrow.policy.site import SiteSet
    from sparrow.rib.route import Route


@dataclass(frozen=True, slots=True)
class Home:
    """The site of a route, and the AS number that named it."""

    site: int
    """Number of the site."""
    asn: int | None
    """AS number of the path that belongs to the site; None where none did."""


@dataclass(frozen=True, slots=True)
class HomeFinder:
    """Finds the site that an AS number belongs to."""

    firsts: tuple[int, ...]
    """Lowest AS number of each range, ascending; ranges do not overlap."""
    owners: tuple[tuple[int, int], ...]
    """Highest AS number and site number of the same range."""
    self_site: int
    """Site of a route that names none."""

    def owner(self, asn: int) -> int | None:
        """Give the number of the site that owns `asn`, if any does."""
        index = bisect_right(self.firsts, asn) - 1
        if index < 0:
            return None
        last, site = self.owners[index]
        return site if asn <= last else None

    def home(self, route: Route | None) -> Home:
        """Give the home of `route`; None is "no route"."""
        for asn in route.path if route else ():
            site = self.owner(asn)
            if site is not None:
                return Home(site, asn)
        return Home(self.self_site, None)

    def site_of(self, route: Route) -> int:
        """Give the site of the home of `route`."""
        site = self.named_site(route)
        return self.self_site if site is None else site

    def named_site(self, route: Route) -> int | None:
        """Give the site that `route` names: for the 100,000 routes of a table, so in haste."""
        if isinstance(route.steps, int):
            return self.owner(route.steps)
        for hop in route.steps:
            for asn in hop.asns:
                index = bisect_right(self.firsts, asn) - 1
                if index >= 0 and asn <= self.owners[index][0]:
                    return self.owners[index][1]
        return None


def build_finder(site_set: SiteSet) -> HomeFinder:
    """Sort the AS ranges of all sites; they must not overlap."""
    ranges = sorted(
        (asns.first, asns.last, number)
        for number, site in enumerate(site_set.sites)
        for asns in site.asns
    )
    return HomeFinder(
        firsts=tuple(first for first, _, _ in ranges),
        owners=tuple((last, number) for _, last, number in ranges),
        self_site=site_set.self_site,
    )


def failover_order(site_set: SiteSet, home: int) -> tuple[int, ...]:
    """Give every site once: `home`, its fallback list, `self`, the rest as configured."""
    fallback = site_set.sites[home].fallback
    return tuple(dict.fromkeys((home, *fallback, site_set.self_site, *range(len(site_set.sites)))))
