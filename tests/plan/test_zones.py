"""The zones of a plan: what was encoded is decoded, and nothing else is taken."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from random_plans import full_authority, random_authority, random_zone

from sparrow.dns.zone import ZoneSet
from sparrow.plan.format import PlanError
from sparrow.plan.zones import decode_zones, encode_zones
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from sparrow.dns.zone import Zone

SERVICES = ("default", "mail", "service0", "service1", "service2")
NUMBERS = {name: number for number, name in enumerate(SERVICES)}


def round_trip(zone_set: ZoneSet) -> ZoneSet:
    return decode_zones(encode_zones(zone_set, NUMBERS), SERVICES)


def some_zone() -> Zone:
    return random_zone(Random(1), parse_name("example."), ["default"])


@pytest.mark.parametrize("seed", range(30))
def test_random_zones_are_decoded_as_they_were(seed: int) -> None:
    zones = random_authority(seed).zones
    assert zones == round_trip(zones)


def test_zones_with_everything_are_decoded_as_they_were() -> None:
    zones = full_authority().zones
    assert zones == round_trip(zones)


def test_no_zones_are_decoded_as_none() -> None:
    assert ZoneSet({}) == round_trip(ZoneSet({}))


def test_zones_that_are_cut_anywhere_are_refused() -> None:
    octets = encode_zones(ZoneSet({(b"example",): some_zone()}), NUMBERS)
    for size in range(len(octets)):
        with pytest.raises(PlanError):
            decode_zones(octets[:size], SERVICES)


def test_octets_behind_the_zones_are_refused() -> None:
    with pytest.raises(PlanError, match="followed by something else"):
        decode_zones(encode_zones(ZoneSet({}), NUMBERS) + b"\0", SERVICES)


def test_a_service_that_is_not_there_is_refused() -> None:
    octets = encode_zones(full_authority().zones, NUMBERS)
    with pytest.raises(PlanError, match="malformed"):
        decode_zones(octets, SERVICES[:1])


def test_a_zone_without_its_apex_is_refused() -> None:
    octets = bytes.fromhex("01000000 016100 01000000 016200 000000")
    with pytest.raises(PlanError, match="start of authority"):
        decode_zones(octets, SERVICES)


def test_damaged_zones_are_refused_or_decoded_but_raise_nothing_else() -> None:
    rng = Random(7)
    octets = bytearray(encode_zones(ZoneSet({(b"example",): some_zone()}), NUMBERS))
    refused = 0
    for _ in range(3000):
        damaged = bytearray(octets)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            decode_zones(bytes(damaged), SERVICES)
        except PlanError:
            refused += 1
    assert 0 < refused < 3000
