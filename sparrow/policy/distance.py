"""How far a client's country, or the client, is from a site.

Law: distance is along the great circle, on a sphere; a country counts by the centre of
its population. Start from `country_distance_km`.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import TypeAlias

from sparrow.policy.centres import CENTRES

Location: TypeAlias = tuple[float, float]
"""Latitude, north positive, and longitude, east positive, in degrees."""

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG). The sphere is wrong by 0.6 % at most."""


def great_circle_km(start: Location, end: Location) -> float:
    """Give the kilometres between two places, by the haversine formula, which is good near 0."""
    latitude, other_latitude = radians(start[0]), radians(end[0])
    half_north = (other_latitude - latitude) / 2
    half_east = radians(end[1] - start[1]) / 2
    chord = sin(half_north) ** 2 + cos(latitude) * cos(other_latitude) * sin(half_east) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(chord, 1.0)))


def country_distance_km(country: str, location: Location) -> float | None:
    """Give the kilometres from a country's centre to a place.

    `country` is a code of ISO 3166-1 alpha-2 in capitals; None for one that is unknown.
    """
    centre = CENTRES.get(country)
    return None if centre is None else great_circle_km(centre, location)
