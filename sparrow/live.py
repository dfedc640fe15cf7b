"""The state that a running daemon has published, and what is asked of it.

Law: the published view is one reference, taken once per question and swapped by
`Live.publish` alone; the RIB beside it is changed in place and read by look-ups
only. DNS is answered by others, from the plan. Start from `Live`.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import sparrow
from sparrow.control.explain import Case, explain, explanation_facts, render_explanation
from sparrow.control.lookup import look_up
from sparrow.control.requests import parse_case
from sparrow.dns.rrset import RRType
from sparrow.errors import InputError, Problem
from sparrow.values.address import IPV4, Prefix, family_of, parse_address, render_address
from sparrow.values.name import Name, render_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sparrow.control.explain import Served
    from sparrow.dns.respond import Authority
    from sparrow.policy.outcome import Conditions
    from sparrow.rib.route import Route
    from sparrow.rib.table import Rib
    from sparrow.view import View

_NO_ROUTER_ID = parse_address("127.0.0.1")


class Live:
    """Serves the route port and look-ups from the view that is published.

    The daemon's loop writes; the shells of the same loop read.
    """

    def __init__(self, view: View, rib: Rib) -> None:
        """Publish `view`; `rib` holds, or will soon hold, the same table."""
        self.view = view
        """What is served."""
        self.rib = rib
        """The table of `view`, for longest match."""

    def publish(self, view: View) -> None:
        """Answer from `view` from now on."""
        self.view = view

    def site_name(self, number: int) -> str:
        """Give the name of a site of the published view."""
        site_set = self.view.site_set
        return site_set.sites[number].name if site_set else str(number)

    # What the control socket asks.

    @property
    def site_names(self) -> tuple[str, ...]:
        """Names of the sites of the published view."""
        site_set = self.view.site_set
        return tuple(site.name for site in site_set.sites) if site_set else ()

    def look_up(self, addresses: Iterable[bytes], conditions: Conditions) -> list[dict[str, Any]]:
        """Give the rows of the command `lookup` for some packed addresses.

        `conditions` are how the sites stand.
        """
        steering = self._authority(conditions).steering
        return [asdict(look_up(each, self.rib, steering)) for each in addresses]

    def explain_case(
        self, arguments: Mapping[str, Any], served: Served | None, conditions: Conditions
    ) -> dict[str, Any]:
        """Give the object of the command `explain`, from the plan that is served.

        `conditions` are how the sites stand. Raises `InputError`.
        """
        authority = self._authority(conditions)
        found = explain(authority, self.rib, parse_case(arguments), served, self.view)
        return {"lines": render_explanation(found), "facts": explanation_facts(found)}

    def _authority(self, conditions: Conditions) -> Authority:
        """Give what the published view answers from as the sites stand now."""
        authority = self.view.authority
        if authority.steering is None:
            return authority
        return replace(authority, steering=replace(authority.steering, conditions=conditions))

    # What the route port asks: `sparrow.ssrs.source.RouteSource`.

    @property
    def version(self) -> str:
        """Version of the program."""
        return sparrow.__version__

    @property
    def router_id(self) -> bytes:
        """Packed IPv4 address that stands for us: the first VIP of the site `self`."""
        site_set = self.view.site_set
        vips = site_set.sites[site_set.self_site].vips if site_set else ()
        return next((vip for vip in vips if family_of(vip) == IPV4), _NO_ROUTER_ID)

    @property
    def loaded_at(self) -> float:
        """Unix time at which the tables that serve were read."""
        return self.view.loaded_at_s

    def find(self, address: bytes) -> tuple[Prefix, Route] | None:
        """Give the most specific route that covers a packed address; None without one."""
        return self.rib.find(address)

    def get(self, prefix: Prefix) -> Route | None:
        """Give the route of exactly this prefix; None without one."""
        return self.rib.get(prefix)

    def rows(self, family: int) -> Iterator[tuple[Prefix, Route]]:
        """Go through the table of a family as it is now, sorted by network, then length."""
        snapshot = self.view.tables.snapshot
        size = 4 if family == IPV4 else 16
        for network, length, number in snapshot.family(family).rows():
            yield Prefix(network.to_bytes(size, "big"), length), snapshot.routes[number]

    def count(self, family: int) -> int:
        """Tell how many prefixes the table of a family has."""
        return len(self.view.tables.snapshot.family(family))

    def sites(self) -> Iterator[str]:
        """Describe the sites, one line each."""
        site_set = self.view.site_set
        for number, site in enumerate(site_set.sites if site_set else ()):
            parts = [
                site.name,
                " ".join(f"AS{asns}" for asns in site.asns) or "no AS",
                " ".join(map(render_address, site.vips)) or "no address",
            ]
            if site.fallback:
                parts.append("fallback " + " ".join(map(self.site_name, site.fallback)))
            if site_set and number == site_set.self_site:
                parts.append("self")
            yield ", ".join(parts)

    def explain(self, name: Name, address: bytes) -> list[str]:
        """Describe how a query for A of `name` from `address` is answered.

        Raises `InputError` for a name in no zone.
        """
        authority = self.view.authority
        if authority.zones.find(name) is None:
            raise InputError([Problem(f"{render_name(name)} is in no zone that is served here")])
        case = Case(name, RRType.A, address)
        return render_explanation(explain(authority, self.rib, case, view=self.view))
