"""Distances on the globe, and the centres of countries."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.policy.centres import CENTRES
from sparrow.policy.distance import EARTH_RADIUS_KM, country_distance_km, great_circle_km

LONDON, PARIS, NEW_YORK, SYDNEY = (51.5, -0.12), (48.86, 2.35), (40.71, -74.0), (-33.87, 151.21)
HALF_AROUND = EARTH_RADIUS_KM * 3.141592653589793

places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("start", "end", "kilometres"),
    [(LONDON, PARIS, 343), (LONDON, NEW_YORK, 5570), (NEW_YORK, SYDNEY, 15988)],
)
def test_known_distances(
    start: tuple[float, float], end: tuple[float, float], kilometres: float
) -> None:
    assert pytest.approx(kilometres, rel=0.005) == great_circle_km(start, end)


def test_a_degree_of_latitude_is_111_kilometres_everywhere() -> None:
    for latitude in (-90, -1, 0, 45, 89):
        kilometres = great_circle_km((latitude, 7), (latitude + 1, 7))
        assert pytest.approx(111.195, abs=0.001) == kilometres


def test_the_way_across_the_date_line_is_short() -> None:
    assert pytest.approx(111.195 * 2, abs=0.01) == great_circle_km((0, 179), (0, -179))


@given(places)
def test_a_place_is_at_no_distance_from_itself_and_farthest_from_its_antipode(
    place: tuple[float, float],
) -> None:
    latitude, longitude = place
    assert 0 == great_circle_km(place, place)
    away = great_circle_km(
        place, (-latitude, longitude - 180 if longitude > 0 else longitude + 180)
    )
    assert pytest.approx(HALF_AROUND, rel=1e-6) == away


@given(places, places)
def test_distance_is_the_same_both_ways_and_never_over_half_around(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    assert pytest.approx(great_circle_km(end, start)) == great_circle_km(start, end)
    assert 0 <= great_circle_km(start, end) <= HALF_AROUND


def test_a_country_counts_by_its_centre() -> None:
    assert great_circle_km(CENTRES["FR"], LONDON) == country_distance_km("FR", LONDON)


@pytest.mark.parametrize("country", ["", "ZZ", "fr", "FRA"])
def test_an_unknown_country_has_no_distance(country: str) -> None:
    assert None is country_distance_km(country, LONDON)


def test_every_centre_is_a_place_on_the_globe_under_a_code_of_two_capitals() -> None:
    assert 250 <= len(CENTRES)
    for code, (latitude, longitude) in CENTRES.items():
        assert re.fullmatch("[A-Z]{2}", code)
        assert -90 <= latitude <= 90, code
        assert -180 <= longitude <= 180, code


# South, west, north, east of what a country's centre must be in.
CONTINENTS = {
    (35, -11, 67, 42): "AL AT BA BE BG BY CH CZ DE DK EE ES FI FR GB GR HR HU IE IT LT LU LV MD "
    "ME MK MT NL NO PL PT RO RS SE SI SK UA UK XK",
    (-35, -18, 37, 52): "AO BF BI BJ BW CD CF CG CI CM DJ DZ EG ER ET GA GH GM GN GQ GW KE KM LR "
    "LS LY MA MG ML MR MW MZ NA NE NG RW SD SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW",
    (-38, -82, 13, -34): "AR BO BR CL CO EC GF GY PE PY SR UY VE",
    (7, -119, 50, -59): "AG AI AW BB BS BZ CA CR CU DM DO GD GP GT HN HT JM KN LC MQ MS MX NI PA "
    "PR SV TC TT US VC VG VI",
    (-11, 34, 52, 145): "AE AF AM AZ BD BH BN BT CN GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ "
    "LA LB LK MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TW UZ VN YE",
    (-45, 110, 16, 181): "AU FJ GU KI MH NC NR NZ PG PW SB TV VU",
}


@pytest.mark.parametrize("bounds", CONTINENTS)
def test_centres_lie_on_their_continents(bounds: tuple[int, int, int, int]) -> None:
    south, west, north, east = bounds
    outside = {
        code: CENTRES[code]
        for code in CONTINENTS[bounds].split()
        if not (south <= CENTRES[code][0] <= north and west <= CENTRES[code][1] <= east)
    }
    assert {} == outside


CAPITALS = {
    "AT": (48.2, 16.4), "BD": (23.8, 90.4), "BE": (50.8, 4.4), "BG": (42.7, 23.3),
    "CR": (9.9, -84.1), "CU": (23.1, -82.4), "CZ": (50.1, 14.4), "DK": (55.7, 12.6),
    "EE": (59.4, 24.8), "GE": (41.7, 44.8), "GT": (14.6, -90.5), "HU": (47.5, 19.1),
    "IE": (53.3, -6.3), "IL": (31.8, 35.2), "IS": (64.1, -21.9), "JM": (18.0, -76.8),
    "KR": (37.6, 127.0), "LB": (33.9, 35.5), "LK": (6.9, 79.9), "LT": (54.7, 25.3),
    "MD": (47.0, 28.9), "MU": (-20.2, 57.5), "NL": (52.4, 4.9), "PR": (18.5, -66.1),
    "PT": (38.7, -9.1), "RS": (44.8, 20.5), "RW": (-1.9, 30.1), "SI": (46.1, 14.5),
    "SV": (13.7, -89.2), "TN": (36.8, 10.2), "TW": (25.0, 121.5), "UY": (-34.9, -56.2),
}  # fmt: skip


@pytest.mark.parametrize("country", CAPITALS)
def test_centres_of_small_countries_are_near_their_capitals(country: str) -> None:
    distance = country_distance_km(country, CAPITALS[country])
    assert distance is not None
    assert distance < 320
