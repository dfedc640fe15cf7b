"""Distances from every address, beside a look-up of its place."""

from __future__ import annotations

from array import array
from random import Random

import pytest

from sparrow.geo.countries import WORDS, Provenance, Stretches
from sparrow.geo.places import Place, PlaceTable, places_of
from sparrow.geo.stored import load_countries
from sparrow.policy.centres import CENTRES
from sparrow.policy.distance import great_circle_km
from sparrow.policy.places import build_places, distances_of, location_of
from sparrow.values.address import FAMILIES, IPV4, IPV6, parse_address

SYDNEY, AMSTERDAM = (-33.87, 151.21), (52.37, 4.9)
ORIGIN = Provenance("a test", "2026-01-31", "")
PLACES = (
    Place(),
    Place("NL"),
    Place("AU"),
    Place("XX"),
    Place("NL", (53.2, 6.5)),
    Place("", (53.2, 6.5)),
    Place("AU", (0.0, 0.0)),
)
TOP = {IPV4: 2**32 - 1, IPV6: 2**64 - 1}


def random_stretches(rng: Random, family: int) -> Stretches:
    """Give up to 40 stretches, of which neighbours may be equal."""
    edges = [rng.randint(1, TOP[family]) for _ in range(rng.randint(0, 38))]
    starts = array(WORDS[family], sorted({0, *edges}))
    return Stretches(starts, array("I", [rng.randrange(len(PLACES)) for _ in starts]))


@pytest.mark.parametrize("seed", range(30))
def test_every_address_has_the_distances_of_its_place(seed: int) -> None:
    rng = Random(seed)
    table = PlaceTable(ORIGIN, PLACES, *(random_stretches(rng, each) for each in FAMILIES))
    locations = [
        rng.choice([None, SYDNEY, AMSTERDAM, (0.0, 0.0)]) for _ in range(rng.randint(0, 4))
    ]
    layer = build_places(table, locations)
    assert not layer.is_marked
    for family, size in ((IPV4, 4), (IPV6, 16)):
        step = 1 if family == IPV4 else 2**64
        edges = [start * step for start in table.of_family(family).starts]
        near = [edge + off for edge in edges for off in (-1, 0, 1, step - 1, step)]
        top = 2 ** (8 * size) - 1
        for address in [top, rng.randint(0, top), *(each for each in near if 0 <= each <= top)]:
            place = table.place_of(address.to_bytes(size, "big"))
            wanted = tuple(
                None if start is None or end is None else great_circle_km(start, end)
                for end in locations
                for start in (place.location or CENTRES.get(place.country),)
            )
            assert wanted == layer.find(family, address)


@pytest.mark.parametrize("family", FAMILIES)
def test_neighbours_of_equal_distance_are_joined(family: int) -> None:
    stretches = {
        each: Stretches(array(WORDS[each], [0, 10, 20, 30]), array("B", [4, 5, 0, 3]))
        for each in FAMILIES
    }
    layer = build_places(PlaceTable(ORIGIN, PLACES, *stretches.values()), [SYDNEY])
    assert [0, 20 << (0 if family == IPV4 else 64)] == list(layer.of_family(family).starts)


def test_a_place_without_coordinates_is_the_centre_of_its_country() -> None:
    assert CENTRES["NL"] == location_of(Place("NL"))
    assert (1.0, 2.0) == location_of(Place("NL", (1.0, 2.0)))
    assert location_of(Place("XX")) is None
    assert (None, None) == distances_of(Place(), (SYDNEY, AMSTERDAM))
    assert (None, 0.0) == distances_of(Place("", AMSTERDAM), (None, AMSTERDAM))


def test_the_countries_of_the_program_are_places() -> None:
    countries = load_countries()
    table = places_of(countries)
    layer = build_places(table, (AMSTERDAM, None))
    for text in ("8.8.8.8", "193.0.0.1", "2001:4860::1", "2a00::1", "0.0.0.0", "::"):
        address = parse_address(text)
        country = countries.country_of(address) or ""
        assert Place(country) == table.place_of(address)
        family = IPV4 if len(address) == 4 else IPV6
        wanted = distances_of(Place(country), (AMSTERDAM, None))
        assert wanted == layer.find(family, int.from_bytes(address, "big"))
    assert len(layer.v4.starts) <= len(countries.v4)
