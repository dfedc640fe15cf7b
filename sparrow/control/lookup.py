"""An address looked up: its route, and the site that answers it.

Law: a look-up reads the RIB and the published view, and changes neither. Start
from `look_up`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sparrow.policy.preferring import Ground, prefer
from sparrow.policy.special import unwrap
from sparrow.policy.steering import Client, subnet_of
from sparrow.values.address import FAMILIES, render_address

if TYPE_CHECKING:
    from sparrow.policy.steering import Choice, Steering
    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix

DEFAULT_SERVICE = "default"


class RouteFinder(Protocol):
    """Whatever finds the most specific route to an address: the RIB."""

    def find(self, address: bytes) -> tuple[Prefix, Route] | None:
        """Give the longest matching prefix with its route; None without a match."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of an address: the row that `docs/control.md` describes."""

    address: str
    """The address that was looked up."""
    prefix: str | None
    """Longest matching prefix; None without a match."""
    route: str | None
    """The AS part of its line, as a route file has it."""
    asn: int | None
    """The origin; of several, the first."""
    path: tuple[int | tuple[int, ...], ...] | None
    """Hops, nearest first; several AS numbers for a multi-origin or an AS_SET."""
    origins: tuple[int, ...] | None
    """Every origin."""
    site: str | None
    """Site that answers for the service `default`; None where no site has that service."""
    vips: tuple[str, ...] | None
    """The addresses that are given, IPv4 first."""
    scope: int | None
    """Bits of the largest block around the address with the same answers of both families."""
    basis: str | None = None
    """In words, what the site rests on where it is no route to this very address: an override,
    distance or time, or the IPv4 address that is wrapped; None where a route matches or nothing
    is known."""

    @property
    def is_known(self) -> bool:
        """Tell whether anything tells a site for the address."""
        return self.prefix is not None or self.basis is not None

    def render(self) -> str:
        """Give one line: `PREFIX AS`, and behind tabs the site and its VIPs.

        Without a match it begins with `ADDRESS -`, and that is all of it where nothing is
        known; else site, VIPs and what that rests on follow behind tabs.
        """
        if not self.is_known:
            return f"{self.address} -"
        route = f"{self.prefix or self.address} {self.route or '-'}"
        if self.site is None or self.vips is None:
            return route
        basis = (self.basis,) if self.basis is not None else ()
        return "\t".join((route, self.site, " ".join(self.vips), *basis))


def look_up(address: bytes, rib: RouteFinder, steering: Steering | None) -> Found:
    """Look one packed address up."""
    match = rib.find(address)
    prefix, route = match or (None, None)
    has_site = steering and DEFAULT_SERVICE in steering.services
    site, vips, scope = _place(address, steering) if steering and has_site else (None, None, None)
    basis = None
    if steering and has_site and match is None:
        basis = _find_basis(address, rib, steering, site)
    return Found(
        address=render_address(address),
        prefix=str(prefix) if prefix else None,
        route=str(route) if route else None,
        asn=route.origins[0] if route else None,
        path=_list_hops(route) if route else None,
        origins=route.origins if route else None,
        site=site,
        vips=vips,
        scope=scope,
        basis=basis,
    )


def _list_hops(route: Route) -> tuple[int | tuple[int, ...], ...]:
    return tuple(hop.asns[0] if len(hop.asns) == 1 else hop.asns for hop in route.hops)


def _place(address: bytes, steering: Steering) -> tuple[str | None, tuple[str, ...], int]:
    """Find the site as a query from `address` would, and the scope as its subnet would.

    The addresses are those that queries for both families get. Where they come from
    different sites, as one is down for one family, the site is that of IPv4.
    """
    by_source = [_choose(steering, family, Client(address)) for family in FAMILIES]
    sites = [choice.site for choice in by_source if choice.site is not None]
    name = steering.site_names[sites[0]] if sites else None
    vips = tuple(render_address(vip) for choice in by_source for vip in choice.vips)
    whole = Client(address, subnet_of(address, len(address) * 8))
    scope = max(_choose(steering, family, whole).scope for family in FAMILIES)
    return name, vips, scope


def _find_basis(
    address: bytes, rib: RouteFinder, steering: Steering, site: str | None
) -> str | None:
    """Say what the site of an address without a route rests on; None for nothing."""
    inner, offset = unwrap(address)
    rank = _render_rank(inner, steering, site)
    if not offset:
        return rank
    wrapped = f"as {render_address(inner)}, which it wraps"
    if rank is not None:
        return f"{wrapped}: {rank}"
    return wrapped if rib.find(inner) else None


def _render_rank(address: bytes, steering: Steering, site: str | None) -> str | None:
    """Say what puts a site first for an address; None where sites are not ranked for it."""
    ranking, site_set = steering.ranking, steering.site_set
    if ranking is None:
        return None
    eligible = sorted(steering.services[DEFAULT_SERVICE].vips)
    known = ranking.knowledge.find(address)
    found = prefer(known, eligible, ranking.rules, site_set.self_site)
    if found.override is not None:
        words = f"override: {ranking.knowledge.lore.override_titles[found.override]}"
    elif found.ground in {Ground.VIEWS, Ground.NEARNESS}:
        words = f"by {found.places[0].step.value}"
    else:
        return None
    first = site_set.sites[found.sites[0]].name
    return words if site == first else f"{words}; in place of {first}"


def _choose(steering: Steering, family: int, client: Client) -> Choice:
    return steering.choose(DEFAULT_SERVICE, family, client)
