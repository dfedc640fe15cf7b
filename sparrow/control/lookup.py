"""An address looked up: its route, and the site that answers it.

Law: a look-up reads the RIB and the published view, and changes neither. Start
from `look_up`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

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

    def render(self) -> str:
        """Give one line: `PREFIX AS`, and behind tabs the site and its VIPs.

        Without a match the line is `ADDRESS -`.
        """
        if self.prefix is None:
            return f"{self.address} -"
        route = f"{self.prefix} {self.route}"
        if self.site is None or self.vips is None:
            return route
        return "\t".join((route, self.site, " ".join(self.vips)))


def look_up(address: bytes, rib: RouteFinder, steering: Steering | None) -> Found:
    """Look one packed address up."""
    match = rib.find(address)
    prefix, route = match or (None, None)
    has_site = steering and DEFAULT_SERVICE in steering.services
    site, vips, scope = _place(address, steering) if steering and has_site else (None, None, None)
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


def _choose(steering: Steering, family: int, client: Client) -> Choice:
    return steering.choose(DEFAULT_SERVICE, family, client)
