"""The table of countries that comes with sparrow."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from sparrow.errors import InputError
from sparrow.geo.countries import Provenance, build_tree
from sparrow.geo.listing import CountryList
from sparrow.geo.stored import BUILTIN, STATE_FILE, load_countries, load_present, load_text
from sparrow.policy.centres import CENTRES
from sparrow.values.address import parse_address, parse_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.geo.countries import CountryTable

PROVENANCE = Provenance("https://github.com/ipverse/geo-ip-blocks", "2026-08-22", "CC0-1.0")


@pytest.fixture(scope="module")
def builtin() -> CountryTable:
    return load_countries()


def test_it_names_its_source_its_date_and_its_licence(builtin: CountryTable) -> None:
    assert PROVENANCE == builtin.provenance


def test_every_country_in_it_has_a_centre(builtin: CountryTable) -> None:
    assert 240 < len(builtin.codes)
    assert set() == set(builtin.codes[1:]) - CENTRES.keys()


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("8.8.8.8", "US"),
        ("1.0.1.1", "CN"),
        ("193.0.6.139", "NL"),
        ("203.119.101.1", "AU"),
        ("200.160.0.8", "BR"),
        ("2001:200::1", "JP"),
        ("2001:67c:2e8::1", "NL"),
        ("10.0.0.1", None),
        ("fe80::1", None),
    ],
)
def test_it_knows_well_known_networks(
    builtin: CountryTable, address: str, country: str | None
) -> None:
    assert country == builtin.country_of(parse_address(address))


def test_it_is_small_enough_to_ship() -> None:
    assert BUILTIN.stat().st_size < 2**20


def test_it_is_what_the_lists_of_its_day_say(builtin: CountryTable, tables: Path) -> None:
    found = CountryList()
    paths = sorted(tables.glob(f"country-{PROVENANCE.date}.*.tsv.gz"))
    if len(paths) < 2:
        pytest.skip(f"the lists of {PROVENANCE.date} are not in {tables}")
    for path in paths:
        found.extend(load_text(str(path)).splitlines(), path.name)
    assert builtin == found.build(PROVENANCE)
    check_against_lines(builtin, paths)


def check_against_lines(builtin: CountryTable, paths: list[Path]) -> None:
    """Look up addresses of random lines in the lists themselves."""
    by_prefix: dict[tuple[bytes, int], set[str]] = {}
    lines = [line.split("\t") for path in paths for line in load_text(str(path)).splitlines()]
    for text, country in lines:
        prefix = parse_prefix(text)
        by_prefix.setdefault((prefix.network, prefix.length), set()).add(country)
    chance = Random(22)
    for text, _ in chance.sample(lines, 5000):
        prefix = parse_prefix(text)
        bits = len(prefix.network) * 8
        spare = bits - prefix.length
        offset = chance.getrandbits(spare) if spare else 0
        number = int.from_bytes(prefix.network, "big") | offset
        around = (
            by_prefix.get(((number >> bits - length << bits - length).to_bytes(bits // 8), length))
            for length in range(min(bits, 64), -1, -1)
        )
        expected = min(next(countries for countries in around if countries))
        assert expected == builtin.country_of(number.to_bytes(bits // 8, "big"))


def test_a_table_of_the_state_directory_takes_its_place(tmp_path: Path) -> None:
    found = CountryList()
    found.extend(["0.0.0.0/0\tNL", "::/0\tDE"], "a list")
    table = found.build(Provenance("a list", "2027-01-01", ""))
    assert PROVENANCE == load_present(str(tmp_path)).provenance
    (tmp_path / STATE_FILE).write_text(json.dumps(build_tree(table)))
    assert table == load_present(str(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "7", "{}"])
def test_a_table_of_the_state_directory_that_is_damaged_is_an_error(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / STATE_FILE
    path.write_text(text)
    with pytest.raises(InputError, match="make one with `sparrow geo update`") as caught:
        load_present(str(tmp_path))
    assert str(path) == caught.value.problems[0].file
