"""Routes as Zebra 0.93 prints them.

Law: a line is text without its end; a table is given line by line and never
built whole. Start from `render_entry` and `render_table`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sparrow.values.address import IPV4, render_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.rib.route import Hop, Route
    from sparrow.ssrs.source import RouteSource
    from sparrow.values.address import Prefix

NOT_IN_TABLE = "% Network not in table"

_NETWORK_WIDTH = 17
"""Columns of a network in a table; a longer one breaks the line (Zebra 0.93)."""

_NOWHERE = {4: "0.0.0.0", 6: "::"}  # noqa: S104 (the next hop of a sourced route, not a listener)
"""Next hop and peer of a route that no neighbour sent."""


def render_path(route: Route) -> str:
    """Give an AS path as BGP prints it: sets, and networks of several origins, in braces."""
    return " ".join(map(_render_hop, route.hops))


def _render_hop(hop: Hop) -> str:
    return str(hop) if len(hop.asns) == 1 else "{" + ",".join(map(str, hop.asns)) + "}"


def render_entry(prefix: Prefix, route: Route, source: RouteSource) -> tuple[str, ...]:
    """Give the lines of `show ip bgp ADDRESS` for a route that was found."""
    nowhere = _NOWHERE[prefix.family]
    return (
        f"BGP routing table entry for {prefix}",
        "Paths: (1 available, best #1, table Default-IP-Routing-Table)",
        "  Not advertised to any peer",
        f"  {render_path(route)}",
        f"    {nowhere} from {nowhere} ({render_address(source.router_id)})",
        "      Origin incomplete, localpref 100, valid, sourced, best",
        # Zebra prints ctime's own line feed and then its line end: an empty line to most readers.
        f"      Last update: {render_time(source.loaded_at)}\n",
    )


def render_time(unix_s: float) -> str:
    """Give a time as C's ctime does, in local time, without its line feed."""
    return datetime.fromtimestamp(unix_s, tz=UTC).astimezone().ctime()


def render_table(family: int, source: RouteSource) -> Iterator[str]:
    """Give the lines of `show ip bgp`, each made when it is asked for."""
    count = 0
    for count, (prefix, route) in enumerate(source.rows(family), 1):
        if count == 1:
            yield from _render_head(source)
        yield from _render_row(prefix, route)
    yield from ("", f"Total number of prefixes {count}") if count else ("No BGP network exists",)


def _render_head(source: RouteSource) -> tuple[str, ...]:
    return (
        f"BGP table version is 0, local router ID is {render_address(source.router_id)}",
        "Status codes: s suppressed, d damped, h history, * valid, > best, i - internal",
        "Origin codes: i - IGP, e - EGP, ? - incomplete",
        "",
        "   Network          Next Hop            Metric LocPrf Weight Path",
    )


def _render_row(prefix: Prefix, route: Route) -> tuple[str, ...]:
    network = _render_network(prefix)
    hop = f"{_NOWHERE[prefix.family]:<16}"
    tail = f"{hop}{'':10}{'':7}{0:7} {render_path(route)} ?"
    if len(network) >= _NETWORK_WIDTH:
        return (f"*> {network}", f"{'':20}{tail}")
    return (f"*> {network:<{_NETWORK_WIDTH}}{tail}",)


def _render_network(prefix: Prefix) -> str:
    """Leave the length out where the address says it: class A, B, C, and 0.0.0.0 (Zebra)."""
    if prefix.family == IPV4 and prefix.length == _classful_length(prefix):
        return render_address(prefix.network)
    return str(prefix)


def _classful_length(prefix: Prefix) -> int | None:
    first = prefix.network[0]
    if not any(prefix.network):
        return prefix.length
    return next((length for end, length in ((128, 8), (192, 16), (224, 24)) if first < end), None)
