"""`sparrow geo`: the table of countries, asked and made anew."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import pytest
from mmdbmaking import make_mmdb
from running import run

from sparrow.policy.centres import CENTRES

if TYPE_CHECKING:
    from pathlib import Path

    from running import Home

LOCATED = """\
sites:
  au: {asn: [64600], vips: [192.0.2.1], location: [-33.87, 151.21]}
  us: {asn: [64602], vips: [192.0.2.3]}
  nl: {asn: [64601], vips: [192.0.2.2], location: [53.2, 6.5]}
services: {api: {sites: [nl]}}
"""
V4, V6 = "8.8.8.0/24\tNL\n8.8.8.8/32\tde\n", "2001:db8::/32\tAU\n"


@pytest.fixture
def state(home: Home) -> Path:
    """Give the state directory of the configuration, which is not there yet."""
    return home.path / "state"


def ask(home: Home, *words: str) -> tuple[int, str, str]:
    outcome = run("geo", words[0], "-c", home.config, *words[1:])
    return outcome.code, outcome.out, outcome.err


def test_without_an_update_the_table_that_comes_with_sparrow_answers(
    home: Home, state: Path
) -> None:
    assert not state.exists()
    source = "https://github.com/ipverse/geo-ip-blocks"
    assert (
        0,
        "8.8.8.8 US\n::ffff:1.0.1.1 CN\n10.0.0.1 -\n",
        f"by the table of 2026-08-22 from {source}, CC0-1.0\n",
    ) == ask(home, "lookup", "8.8.8.8", "::ffff:1.0.1.1", "10.0.0.1")


def test_an_update_takes_the_place_of_the_table(home: Home, state: Path) -> None:
    v4, v6 = home.write("v4.tsv", V4), home.path / "v6.tsv.gz"
    v6.write_bytes(gzip.compress(V6.encode()))
    for number, path in enumerate((v4, v6)):
        os.utime(path, (0, 86400 * (number + 1)))
    path = state / "countries.json"
    done = ask(home, "update", str(v4), str(v6))
    assert (0, "", f"{path}: 2 IPv4 and 1 IPv6 prefixes, 3 countries\n") == done
    assert [path] == list(state.iterdir())
    assert (
        0,
        "8.8.8.7 NL\n8.8.8.8 DE\n2001:db8::1 AU\n1.0.1.1 -\n",
        "by the table of 1970-01-03 from v4.tsv, v6.tsv.gz\n",
    ) == ask(home, "lookup", "8.8.8.7", "8.8.8.8", "2001:db8::1", "1.0.1.1")


def test_programs_are_told_the_table_too(home: Home, state: Path) -> None:
    assert not state.exists()
    os.utime(path := home.write("list", V4 + V6), (0, 0))
    ask(home, "update", str(path))
    assert {
        "countries": {"8.8.8.8": "DE", "9.9.9.9": None},
        "places": {
            "8.8.8.8": {"location": list(CENTRES["DE"]), "km": {}},
            "9.9.9.9": {"location": None, "km": {}},
        },
        "source": "list",
        "date": "1970-01-01",
        "licence": None,
        "stretches": {"v4": 5, "v6": 3},
    } == json.loads(ask(home, "lookup", "--json", "8.8.8.8", "9.9.9.9")[1])


def test_the_geo_that_is_configured_answers_with_distances(home: Home, state: Path) -> None:
    assert not state.exists()
    groningen = {"city": "Groningen", "location": {"latitude": 53.2, "longitude": 6.5}}
    networks = {"8.8.8.0/24": groningen, "9.0.0.0/8": {"country": "NL"}}
    (home.path / "a.mmdb").write_bytes(make_mmdb(networks))
    home.configure(sites=f"{LOCATED}geo: {{mmdb: a.mmdb}}\n")
    code, out, err = ask(home, "lookup", "8.8.8.8", "9.9.9.9", "10.0.0.1")
    assert (0, "by the table of 2026-01-31 from A-Test\n") == (code, err)
    assert [
        "8.8.8.8 - 53.2,6.5 nl 0 km, au 16507 km",
        "9.9.9.9 NL nl 147 km, au 16630 km",
        "10.0.0.1 -",
    ] == out.splitlines()


def test_a_list_with_a_wrong_line_changes_nothing(home: Home, state: Path) -> None:
    ask(home, "update", str(home.write("list", V4 + V6)))
    before = (state / "countries.json").read_bytes()
    wrong = home.write("wrong", V4 + "nonsense\n" + V6)
    code, out, err = ask(home, "update", str(wrong))
    assert (2, "") == (code, out)
    assert err.startswith(f"error: {wrong}:3: write `prefix TAB country`")
    assert before == (state / "countries.json").read_bytes()


def test_what_is_not_taken_as_it_stands_is_told(home: Home, state: Path) -> None:
    lines = V4 + V6 + "8.8.8.0/24\tUS\n2001:db8::1/128\tUS\n"
    err = ask(home, "update", str(home.write("list", lines)))[2]
    assert [
        "warning: 1 prefixes have several countries: the first by alphabet counts",
        "warning: 1 IPv6 prefixes were left out, as they are longer than /64",
        f"{state}/countries.json: 2 IPv4 and 1 IPv6 prefixes, 3 countries",
    ] == err.splitlines()


def test_a_state_directory_that_cannot_be_written_is_named(home: Home, state: Path) -> None:
    state.write_text("in the way")
    code, _, err = ask(home, "update", str(home.write("list", V4 + V6)))
    assert 2 == code
    assert err.startswith(f"error: {state}/countries.json: the table cannot be written: ")


def test_a_damaged_table_is_an_error_and_not_passed_over(home: Home, state: Path) -> None:
    state.mkdir()
    (state / "countries.json").write_text("{}")
    code, out, err = ask(home, "lookup", "8.8.8.8")
    assert (2, "") == (code, out)
    assert f"error: {state}/countries.json: this is no table of countries" in err


def test_what_is_no_address_is_refused(home: Home, state: Path) -> None:
    assert not state.exists()
    code, _, err = ask(home, "lookup", "8.8.8.8/24")
    assert (2, True) == (code, err.startswith("error: '8.8.8.8/24' is not an IPv4 or IPv6"))
