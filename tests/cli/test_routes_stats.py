"""`sparrow routes stats`: what is in a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from mrtmaking import peer_table, rib, rib_entry, sequence
from running import run

if TYPE_CHECKING:
    from running import Home


def test_the_table_of_the_configuration_is_counted(home: Home) -> None:
    outcome = run("routes", "stats", "-c", home.config)
    lines = [line.split() for line in outcome.out.splitlines()]
    assert 0 == outcome.code
    assert outcome.out.startswith(
        "IPv4: 5 prefixes of 4 networks, 5 different routes; 1.4 % of the address space\n"
    )
    assert ["8", "3", "60.0", "%"] in lines
    assert ["AS7", "33.3", "%", "1"] in lines
    assert ["none,", "so", "nl", "33.3", "%", "1"] in lines
    assert ["us", "0.00051", "%", "1"] in lines
    assert "IPv6: 2 prefixes of 2 networks" in outcome.out


def test_files_are_counted_as_one_table_and_need_no_configuration(home: Home) -> None:
    files = [
        home.write("a", "20.0.0.0/8 7\n20.1.0.0/16 8\n"),
        home.write("b", "20.0.0.0\t8\t7\n21.0.0.0\t16\t9\n"),
        home.write("c", peer_table() + rib(2, "22.0.0.0/8", rib_entry(0, sequence(5, 7)))),
    ]
    outcome = run("routes", "stats", "--json", *map(str, files))
    found = json.loads(outcome.out)["v4"]
    assert (0, 4, {"8": 2, "16": 2}) == (outcome.code, found["prefixes"], found["lengths"])
    assert ({"1": 3, "2": 1}, []) == (found["hops"], found["sites"])
    assert "the prefix stands in an earlier file too" in outcome.err


def test_with_a_configuration_files_are_counted_by_its_sites(home: Home) -> None:
    file = home.write("a", "20.0.0.0/9 64601\n20.128.0.0/9 9\n")
    outcome = run("routes", "stats", "--json", "-c", home.config, str(file))
    expected = [("au", True, 0.0), ("nl", True, 0.5), ("us", True, 0.0), ("nl", False, 0.5)]
    sites = json.loads(outcome.out)["v4"]["sites"]
    assert expected == [(row["site"], row["named"], row["share"]) for row in sites]


def test_a_family_without_prefixes_is_said_to_have_none(home: Home) -> None:
    outcome = run("routes", "stats", str(home.write("a", "2600::/16 7\n")))
    assert "IPv4: no prefixes" == outcome.out.splitlines()[0]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be read: No such file"),
        ("hello\n", "no dump that is known"),
        ("BGP table version is 1\n", "`sparrow routes build`"),
        ("20.0.0.0/8 x\n", "a:1: "),
    ],
)
def test_a_file_that_is_no_table_is_refused(home: Home, content: str | None, what: str) -> None:
    path = home.path / "a"
    if content is not None:
        home.write("a", content)
    outcome = run("routes", "stats", str(path))
    assert (2, "") == (outcome.code, outcome.out)
    assert what in outcome.err


def shares(text: str) -> dict[str, float]:
    return {row["site"]: row["share"] for row in json.loads(text)["v4"]["sites"] if row["named"]}


def test_sites_are_those_that_addresses_have_by_all_that_is_configured(home: Home) -> None:
    before = shares(run("routes", "stats", "--json", "-c", home.config).out)
    home.configure(sites=f"overrides: [{{asn: 7, site: us}}]\n{home.sites}")
    outcome = run("routes", "stats", "--json", "-c", home.config)
    after = shares(outcome.out)
    assert ("", True) == (outcome.err, after["us"] > before["us"] + 0.3)
    assert 1.0 == pytest.approx(sum(after.values()))


def test_of_files_all_but_the_paths_is_left_aside_and_that_is_said(home: Home) -> None:
    file = str(home.write("a", "20.0.0.0/8 64601\n30.0.0.0/8 7\n"))
    before = run("routes", "stats", "-c", home.config, file)
    home.configure(sites=f"overrides: [{{asn: 7, site: us}}]\n{home.sites}")
    outcome = run("routes", "stats", "-c", home.config, file)
    assert (0, before.out) == (outcome.code, outcome.out)
    assert ("left aside" in before.err, "left aside" in outcome.err) == (False, True)


def test_a_configuration_without_route_files_is_refused(home: Home) -> None:
    home.configure(files=())
    outcome = run("routes", "stats", "-c", home.config)
    assert (2, True) == (outcome.code, "the configuration has no route files" in outcome.err)
