"""How far every address is from each site.

Law: where a client's place or a site's is unknown, so is the distance. Start from
`build_places`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, TypeAlias

from sparrow.policy.centres import CENTRES
from sparrow.policy.distance import great_circle_km
from sparrow.policy.intervals import Intervals
from sparrow.policy.layer import Layer
from sparrow.policy.starts import Starts, WideStarts
from sparrow.values.address import BITS, FAMILIES, IPV4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.geo.places import Place, PlaceTable
    from sparrow.policy.distance import Location

Distances: TypeAlias = "tuple[float | None, ...]"
"""Kilometres to each site, by number; None where they are unknown."""


def location_of(place: Place) -> Location | None:
    """Give where a place is: itself, else the centre of its country; None where unknown."""
    return CENTRES.get(place.country) if place.location is None else place.location


def distances_of(place: Place, locations: Sequence[Location | None]) -> Distances:
    """Give the kilometres from a place to those of sites, which may be unknown."""
    start = location_of(place)
    return tuple(
        None if start is None or end is None else great_circle_km(start, end) for end in locations
    )


def build_places(table: PlaceTable, locations: Sequence[Location | None]) -> Layer[Distances]:
    """Give the distances from every address to sites at `locations`, in their order."""
    codes: dict[Distances, int] = {}
    labels = array("I")
    for place in table.places:
        labels.append(codes.setdefault(distances_of(place, locations), len(codes)))
    v4, v6 = (_build_intervals(family, table).relabel(labels) for family in FAMILIES)
    return Layer(v4, v6, tuple(codes))


def _build_intervals(family: int, table: PlaceTable) -> Intervals:
    """Give the stretches of a family as intervals of addresses, with numbers of places."""
    stretches = table.of_family(family)
    starts: Starts = stretches.starts
    if family != IPV4:
        starts = WideStarts(stretches.starts, array("Q", bytes(8 * len(stretches))))
    return Intervals(BITS[family], starts, array("I", stretches.numbers))
