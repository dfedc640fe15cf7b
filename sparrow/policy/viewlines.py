"""A table that names the nearest site of every prefix, made of what several sites see.

Law: an address has the site that the ranking gives it first, and a line only if a view has
a route to it; no table with fewer lines says the same. Start from `list_nearest`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from sparrow.policy.aggregate import aggregate_map
from sparrow.policy.intervals import SPECIAL, WRAPPED, Intervals, sweep_plain
from sparrow.policy.moves import walk
from sparrow.policy.starts import build_starts
from sparrow.rib.route import build_origin_route
from sparrow.values.address import BITS, FAMILIES, Prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sparrow.policy.chart import Chart
    from sparrow.policy.ranking import Rules
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import FamilyTable, Snapshot


def list_nearest(
    chart: Chart, rules: Rules, union: Snapshot, asns: Sequence[int]
) -> Iterator[tuple[Prefix, Route]]:
    """Give the lines, IPv4 first, ascending.

    `chart` is of the views whose routes are in `union`; `asns` has for each site the AS
    number that stands for it.
    """
    ranked = chart.rank(range(len(asns)), rules)
    nearest = ranked.draw([order[0] for order in ranked.orders])
    routes = [build_origin_route(asn) for asn in asns]
    for family in FAMILIES:
        octets = BITS[family] // 8
        covered = _cover(nearest.of_family(family), union.family(family))
        for network, length, site in aggregate_map(covered):
            yield Prefix(network.to_bytes(octets, "big"), length), routes[site]


def _cover(nearest: Intervals, table: FamilyTable) -> Intervals:
    """Give 1 plus the site where a route matches, else 0.

    A special-purpose block that a route covers has a line for whoever asks from there; one
    that wraps IPv4 needs none.
    """
    routes = max(table.routes, default=-1) + 1
    routed = sweep_plain(table, array("I", (1,)) * routes, 0)
    starts: list[int] = []
    codes = array("I")
    for start, _, code, is_routed in walk(nearest, routed, is_whole=True):
        found = 1 + (code & SPECIAL - 1) if is_routed and not code & WRAPPED else 0
        if not codes or codes[-1] != found:
            starts.append(start)
            codes.append(found)
    return Intervals(nearest.bits, build_starts(nearest.bits, starts), codes)
