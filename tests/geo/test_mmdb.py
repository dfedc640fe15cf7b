"""Databases in MaxMind's format: the same places as their own library gives, address by address."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING, Any

import maxminddb
import pytest
from mmdbmaking import Form, make_mmdb

from sparrow.errors import InputError
from sparrow.geo.mmdb import decode_mmdb
from sparrow.geo.places import Place
from sparrow.policy.special import unwrap
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from pathlib import Path

FILE = "a.mmdb"
GRONINGEN = {
    "city": {"names": {"en": "Groningen", "nl": "Groningen"}},
    "country": {"iso_code": "NL"},
    "location": {"latitude": 53.2194, "longitude": 6.5665, "accuracy_radius": 20},
}
NETHERLANDS = {
    "country": {"iso_code": "NL"},
    "location": {"latitude": 52.3824, "longitude": 4.8995},
}
CONTENTS: list[tuple[Any, Place]] = [
    (GRONINGEN, Place("NL", (53.2, 6.6))),
    (NETHERLANDS, Place("NL")),
    ({"country": {"iso_code": "AU"}}, Place("AU")),
    ({"registered_country": {"iso_code": "AU"}, "traits": {}}, Place("AU")),
    ({"country": "BR"}, Place("BR")),
    ({"country": "Brazil", "country_code": "BR"}, Place("BR")),
    (
        {"city": "x", "country_code": "NL", "latitude": 53.2, "longitude": 6.6},
        Place("NL", (53.2, 6.6)),
    ),
    ({"location": {"latitude": -1, "longitude": 2.25}}, Place("", (-1.0, 2.2))),
    ({**GRONINGEN, "city": {}, "subdivisions": ["x"]}, Place("NL", (53.2, 6.6))),
    ({**GRONINGEN, "location": {"latitude": 91.0, "longitude": 6.0}}, Place("NL")),
    ({**GRONINGEN, "location": {"latitude": float("nan"), "longitude": 6.0}}, Place("NL")),
    ({**GRONINGEN, "location": {"latitude": 53.0}}, Place("NL")),
    ({**GRONINGEN, "location": "here"}, Place("NL")),
    ({"country": {"iso_code": "nl"}}, Place()),
    ({"country": {"iso_code": 7}}, Place()),
    ({"country": 7}, Place()),
    ("a text", Place()),
    ({}, Place()),
]
V4, V6 = ("10.0.0.0", "10.128.0.0", "11.0.0.0"), ("2a00::", "2a00:8000::", "2a01::", "4000::")


@pytest.mark.parametrize(("content", "place"), CONTENTS)
def test_a_record_tells_a_place(content: Any, place: Place) -> None:
    octets = make_mmdb({"192.0.2.0/24": content, "2001:db8::/32": content, "1.0.0.0/8": GRONINGEN})
    table = decode_mmdb(octets, FILE)
    for text in ("192.0.2.1", "2001:db8::1"):
        assert place == table.place_of(parse_address(text))
    assert Place() == table.place_of(parse_address("192.0.3.0"))


def test_a_database_says_where_it_comes_from() -> None:
    found = decode_mmdb(make_mmdb({"::/0": GRONINGEN}), FILE).provenance
    assert ("A-Test", "2026-01-31", "") == (found.source, found.date, found.licence)


def random_networks(rng: Random, ip_version: int) -> dict[str, Any]:
    """Give networks that nest and touch each other."""
    networks = {}
    for _ in range(rng.randint(0, 30)):
        if ip_version == 4 or rng.random() < 0.5:
            text, length = rng.choice(V4), rng.choice([6, 7, 8, 9, 10, 24, 32])
            size = 32
        else:
            text, length = rng.choice(V6), rng.choice([3, 15, 16, 17, 48, 63, 64])
            size = 128
        number = int(ip_address(text)) | rng.getrandbits(size) >> rng.choice([8, 10, 60, 66])
        network = ip_address((number >> size - length << size - length).to_bytes(size // 8, "big"))
        networks[f"{network}/{length}"] = rng.choice(CONTENTS)[0]
    return networks


@pytest.mark.parametrize("seed", range(60))
def test_every_address_is_where_the_library_finds_it(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    form = Form(rng.choice([24, 28, 32]), rng.choice([4, 6, 6]), rng.random() < 0.5)
    networks = {"1.0.0.0/8": GRONINGEN, **random_networks(rng, form.ip_version)}
    path = tmp_path / FILE
    path.write_bytes(make_mmdb(networks, form))
    table = decode_mmdb(path.read_bytes(), FILE)
    places = {repr(content): place for content, place in CONTENTS}
    with maxminddb.open_database(path) as reader:
        for address in some_addresses(rng, networks, form):
            content = reader.get(ip_address(address))
            wanted = Place() if content is None else places[repr(content)]
            assert wanted == table.place_of(address), ip_address(address)


def some_addresses(rng: Random, networks: dict[str, Any], form: Form) -> list[bytes]:
    """Give addresses at the edges of networks and elsewhere; of IPv6 the first of a /64."""
    found = [rng.randbytes(4) for _ in range(10)]
    found += [rng.randbytes(8) + bytes(8) for _ in range(10)]
    for text in networks:
        network, _, length = text.partition("/")
        packed = ip_address(network).packed
        bits = len(packed) * 8
        unit = 1 if bits == 32 else 1 << 64
        first = int.from_bytes(packed, "big")
        for number in (first - unit, first, first + unit, first + (1 << bits - int(length))):
            if 0 <= number < 1 << bits:
                found.append(number.to_bytes(bits // 8, "big"))
    return [
        address
        for address in found
        if len(address) == 4 or (form.ip_version == 6 and unwrap(address)[1] == 0)
    ]


def test_blocks_that_wrap_ipv4_addresses_are_not_unrolled() -> None:
    networks = {f"{number}.0.0.0/8": CONTENTS[number % 3][0] for number in range(1, 200)}
    table = decode_mmdb(make_mmdb(networks | {"2a00::/16": GRONINGEN}), FILE)
    assert 201 == len(table.v4)
    assert 3 == len(table.v6)


def test_of_what_is_finer_than_64_bits_the_first_address_counts() -> None:
    networks = {"2a00::/64": GRONINGEN, "2a00::8000:0:0:0/65": {}, "2a00::/127": NETHERLANDS}
    table = decode_mmdb(make_mmdb(networks), FILE)
    for text in ("2a00::", "2a00::8", "2a00::8000:0:0:0"):
        assert Place("NL") == table.place_of(parse_address(text))
    assert Place() == table.place_of(parse_address("2a00:0:0:1::"))


def test_a_database_of_ipv4_alone_knows_nothing_of_ipv6() -> None:
    table = decode_mmdb(make_mmdb({"0.0.0.0/0": GRONINGEN}, Form(ip_version=4)), FILE)
    assert Place("NL", (53.2, 6.6)) == table.place_of(parse_address("192.0.2.1"))
    assert Place() == table.place_of(parse_address("2a00::"))


@pytest.mark.parametrize("content", [{"site": "nl"}, "text", {}])
def test_a_database_that_tells_no_places_is_refused(content: Any) -> None:
    with pytest.raises(InputError, match=r"a\.mmdb: this database tells neither countries nor pl"):
        decode_mmdb(make_mmdb({"::/0": content}), FILE)


def test_nodes_in_circles_are_refused() -> None:
    octets = make_mmdb({"2a00::/64": GRONINGEN})
    circle = bytes(6) + octets[6:]  # both ways lead from the first node to itself
    with pytest.raises(InputError, match="its nodes lead in circles"):
        decode_mmdb(circle, FILE)


@pytest.mark.parametrize("octets", [b"", b"\0" * 1000, b"# prefix\tcountry\n", b"\x1f\x8b"])
def test_what_is_no_database_is_refused(octets: bytes) -> None:
    with pytest.raises(
        InputError, match=r"a\.mmdb: this is no database in MaxMind's format"
    ) as caught:
        decode_mmdb(octets, FILE)
    assert str(caught.value).endswith("the mark that such a file has near its end is missing")


def test_a_damaged_database_is_read_or_refused() -> None:
    rng = Random(7)
    networks = {"1.0.0.0/8": GRONINGEN, **random_networks(rng, 6)}
    whole = make_mmdb(networks)
    refused = 0
    for _ in range(3000):
        octets = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        cut = octets[: rng.randrange(len(octets))] if rng.random() < 0.1 else octets
        with suppress(InputError):
            decode_mmdb(bytes(cut), FILE)
            continue
        refused += 1
    assert 300 < refused
