"""`sparrow lookup`: of the daemon, of the files, of one table, of many addresses."""

from __future__ import annotations

import json
import os
import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from running import START, TABLE, run

if TYPE_CHECKING:
    from pathlib import Path

    from running import Daemon, Home

ADDRESSES = ["20.1.2.3", "40.0.0.1", "2600::1", "20.1.9.9"]
ROUTES = ["20.1.2.0/24 64602 64600", "40.0.0.0/8 1_64600", "2600::/16 64600", "20.1.0.0/16 64601"]
PLACES = [
    "us\t198.51.100.1 198.51.100.2 2001:db8:c::1",
    "au\t210.18.215.100 2001:db8:a::1",
    "au\t210.18.215.100 2001:db8:a::1",
    "nl\t193.173.27.8",
]
KEYS = ["address", "prefix", "route", "asn", "path", "origins", "site", "vips", "scope", "basis"]


def test_each_address_gives_its_route_line_site_and_addresses_in_order(asked: Home) -> None:
    outcome = run("lookup", "-c", asked.config, *ADDRESSES)
    lines = [f"{route}\t{place}" for route, place in zip(ROUTES, PLACES, strict=True)]
    assert (0, lines) == (outcome.code, outcome.out.splitlines())
    source = "asking the daemon of" if asked.daemons else "; reading the files of"
    assert f"{source} {asked.config}" in outcome.err


def test_an_address_without_a_match_has_a_dash_and_the_exit_code_is_1(asked: Home) -> None:
    outcome = run("lookup", "-c", asked.config, "50.0.0.1", "20.1.9.9", "3000::1")
    assert (1, ["50.0.0.1 -", f"{ROUTES[3]}\t{PLACES[3]}", "3000::1 -"]) == (
        outcome.code,
        outcome.out.splitlines(),
    )


def test_json_has_an_object_a_line_with_the_documented_keys(asked: Home) -> None:
    outcome = run("lookup", "-c", asked.config, "--json", "20.1.2.3", "40.0.0.1", "50.0.0.1")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert (1, [KEYS] * 3) == (outcome.code, [list(row) for row in rows])
    assert [
        ("20.1.2.0/24", 64600, [64602, 64600], [64600], "us", 24),
        ("40.0.0.0/8", 1, [[1, 64600]], [1, 64600], "au", 8),
        (None, None, None, None, "nl", 4),
    ] == [
        tuple(row[key] for key in ("prefix", "asn", "path", "origins", "site", "scope"))
        for row in rows
    ]


def test_stdin_gives_a_line_for_each_of_thousands_in_order(asked: Home) -> None:
    chance = random.Random(8)
    addresses = [f"20.{chance.randrange(3)}.{chance.randrange(4)}.1" for _ in range(2500)]
    stdin = "".join(f"{address}\n" for address in addresses).encode()
    outcome = run("lookup", "-c", asked.config, "-", stdin=stdin)
    assert 0 == outcome.code
    assert [site_of(address) for address in addresses] == [
        line.split("\t")[1] for line in outcome.out.splitlines()
    ]


def site_of(address: str) -> str:
    if address.startswith("20.1.2."):
        return "us"
    return "nl" if address.startswith("20.1.") else "au"


def test_stdin_may_stand_among_addresses(home: Home) -> None:
    outcome = run("lookup", "-c", home.config, "20.1.2.3", "-", "20.1.9.9", stdin=b" 40.0.0.1\r\n")
    assert [ROUTES[0], ROUTES[1], ROUTES[3]] == [
        line.partition("\t")[0] for line in outcome.out.splitlines()
    ]


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["20.0.0.1", "example.org"], b"", "error: 'example.org' is not an IPv4 or IPv6 address"),
        (["20.0.0.0/8"], b"", "error: '20.0.0.0/8' is not"),
        (["-"], b"20.0.0.1\n20.0.0.300\n", "error: stdin:2: '20.0.0.300' is not"),
        (["-"], b"20.0.0.1\n\n", "error: stdin:2: '' is not"),
        (["-"], b"\xff\xfe\n", r"error: stdin:1: '\\xff\\xfe' is not"),
    ],
)
def test_what_is_no_address_is_said_with_its_place_and_the_exit_code_is_2(
    asked: Home, arguments: list[str], stdin: bytes, message: str
) -> None:
    outcome = run("lookup", "-c", asked.config, *arguments, stdin=stdin)
    assert (2, True) == (outcome.code, message in outcome.err), outcome.err


def test_a_route_file_is_asked_directly(home: Home) -> None:
    table = home.write("other.routes", "20.0.0.0/8 1.10\n20.0.0.1/8 7\n")
    outcome = run("lookup", "--routes", table, "20.0.0.1", "30.0.0.1")
    assert (1, ["20.0.0.0/8 7", "30.0.0.1 -"]) == (outcome.code, outcome.out.splitlines())
    assert outcome.err.startswith(f"reading {table}\nwarning: {table}:2: the prefix has bits set")
    row = json.loads(run("lookup", "--json", "--routes", table, "20.0.0.1").out)
    assert (None, None, None) == (row["site"], row["vips"], row["scope"])


def test_a_pfx2as_file_is_asked_directly(home: Home) -> None:
    table = home.write("pfx2as.txt", "20.0.0.0\t8\t1_2\n")
    outcome = run("lookup", "--routes", table, "--format", "pfx2as", "20.0.0.1")
    assert (0, "20.0.0.0/8 1_2\n") == (outcome.code, outcome.out)
    outcome = run("lookup", "--format", "pfx2as", "-c", home.config, "20.0.0.1")
    assert (2, True) == (outcome.code, "name the file too" in outcome.err)


def test_a_bad_route_file_is_refused_by_its_lines(home: Home) -> None:
    table = home.write("bad.routes", "20.0.0.0/8 1\nx 1\ny 2\n")
    outcome = run("lookup", "--routes", table, "20.0.0.1")
    assert (2, "") == (outcome.code, outcome.out)
    assert [f"error: {table}:2", f"error: {table}:3"] == [
        ":".join(line.split(":")[:3]) for line in outcome.err.splitlines()[1:]
    ]


def bare(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be where no configuration is."""
    monkeypatch.chdir(path)
    monkeypatch.delenv("SPARROW_CONFIG", raising=False)
    monkeypatch.setattr("sparrow.config.locate.PLACES", ("./sparrow.yaml",))


def test_without_a_configuration_the_default_route_file_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(tmp_path, monkeypatch)
    table = tmp_path / "ssrs.routes"
    table.write_text(TABLE)
    monkeypatch.setattr("sparrow.cli.asking.DEFAULT_ROUTES", str(table))
    outcome = run("lookup", "20.1.2.3")
    assert (0, f"{ROUTES[0]}\n", f"reading {table}\n") == (outcome.code, outcome.out, outcome.err)
    monkeypatch.setenv("SPARROW_CONFIG", "/nowhere/sparrow.yaml")
    outcome = run("lookup", "20.1.2.3")
    assert (2, True) == (outcome.code, "error: /nowhere/sparrow.yaml: $SPARROW" in outcome.err)


def test_without_either_both_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(tmp_path, monkeypatch)
    monkeypatch.setattr("sparrow.cli.asking.DEFAULT_ROUTES", "/nowhere/ssrs.routes")
    outcome = run("lookup", "20.1.2.3")
    assert 2 == outcome.code
    assert "error: no configuration found: there is neither ./sparrow.yaml, and" in outcome.err
    assert "error: /nowhere/ssrs.routes: nor is there this route file; --routes" in outcome.err


def test_a_configuration_is_found_by_the_environment_and_in_the_folder(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(tmp_path, monkeypatch)
    monkeypatch.setenv("SPARROW_CONFIG", str(daemon.home.config))
    assert ROUTES[0] in run("lookup", "20.1.2.3").out
    monkeypatch.delenv("SPARROW_CONFIG")
    monkeypatch.chdir(daemon.home.path)
    outcome = run("lookup", "20.1.2.3")
    assert f"asking the daemon of {os.path.realpath(daemon.home.config)}\n" == outcome.err


def test_a_broken_configuration_still_leads_to_its_daemon(daemon: Daemon) -> None:
    home = daemon.home
    home.write("sparrow.yaml", home.render() + "sitez: {}\n")
    try:
        outcome = run("lookup", "-c", home.config, "20.1.2.3")
    finally:
        home.configure()
    assert (0, f"{ROUTES[0]}\t{PLACES[0]}\n") == (outcome.code, outcome.out)


def test_where_no_site_has_the_default_service_there_is_a_route_and_no_site(home: Home) -> None:
    sites = "sites: {nl: {asn: [64601]}}\nservices: {api: {vips: {nl: [193.173.27.9]}}}\n"
    home.configure(sites=sites, zones=home.zones.replace('["@", "*.cdn"]', '{"@": api}'))
    outcome = run("lookup", "-c", home.config, "20.1.2.3")
    assert (0, f"{ROUTES[0]}\n") == (outcome.code, outcome.out)


def test_a_line_of_stdin_is_answered_before_the_next_one_comes(tmp_path: Path) -> None:
    table = tmp_path / "table.routes"
    table.write_text(TABLE)
    command = (*START, "lookup", "--routes", str(table), "-")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as asked:
        for address, route in zip(ADDRESSES, ROUTES, strict=True):
            asked.stdin.write(f"{address}\n")
            asked.stdin.flush()
            assert f"{route}\n" == asked.stdout.readline()
        asked.stdin.close()
        assert 0 == asked.wait()


KNOWN = """\
self: au
sites:
  au: {asn: [64600], vips: [192.0.2.1], location: [-33.9, 151.2]}
  nl: {asn: [64601], vips: [192.0.2.2, "2001:db8::2"], location: [52.4, 4.9]}
geo: {table: places.tsv}
ranking: {rtt: times.csv}
overrides: [{prefix: 70.0.0.0/8, site: nl, reason: the cable is cut}]
"""


ZONES = """\
zones:
  www.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org.]
"""
AT_NL = "nl\t192.0.2.2 2001:db8::2"
RANKED = {
    "20.1.0.1": f"20.1.0.0/16 64601\t{AT_NL}",
    "30.0.0.1": "30.0.0.0/8 7\tau\t192.0.2.1",
    "60.0.0.1": f"60.0.0.1 -\t{AT_NL}\tby distance",
    "65.0.0.1": f"65.0.0.1 -\t{AT_NL}\tby rtt",
    "70.0.0.1": f"70.0.0.1 -\t{AT_NL}\toverride: 70.0.0.0/8: the cable is cut",
    "::ffff:20.1.0.1": f"::ffff:20.1.0.1 -\t{AT_NL}\tas 20.1.0.1, which it wraps",
    "::ffff:60.0.0.1": f"::ffff:60.0.0.1 -\t{AT_NL}\tas 60.0.0.1, which it wraps: by distance",
}


@pytest.fixture
def ranked(home: Home) -> Home:
    """Sites that are ranked by distance, by time and by word, beside routes of two prefixes."""
    home.write("places.tsv", "60.0.0.0/8\tDE\n2001:200::/32\tAU\n")
    home.write("times.csv", "65.0.0.0/8,nl,10\n65.0.0.0/8,au,90\n")
    home.write("table.routes", "20.1.0.0/16 64601\n30.0.0.0/8 7\n")
    home.configure(sites=KNOWN, zones=ZONES)
    return home


def test_what_tells_a_site_where_no_route_does_is_said_behind_it(ranked: Home) -> None:
    outcome = run("lookup", "-c", ranked.config, *RANKED)
    assert (0, [*RANKED.values()]) == (outcome.code, outcome.out.splitlines()), outcome.err
    outcome = run("lookup", "-c", ranked.config, "60.0.0.1", "80.0.0.1")
    assert (1, "80.0.0.1 -") == (outcome.code, outcome.out.splitlines()[1])
    rows = run("lookup", "--json", "-c", ranked.config, *RANKED, "80.0.0.1").out.splitlines()
    basis = [line.split("\t")[3] if line.count("\t") == 3 else None for line in RANKED.values()]
    assert [*basis, None] == [json.loads(row)["basis"] for row in rows]


def test_a_site_that_stands_in_for_the_one_that_is_near_is_said_to(
    ranked: Home,
) -> None:
    daemon = ranked.serve()
    try:
        assert daemon.command("site", site="nl", action="down", reason="a test")["ok"]
        outcome = run("lookup", "-c", ranked.config, "20.1.0.1", "60.0.0.1")
    finally:
        ranked.end()
    lines = [
        "20.1.0.0/16 64601\tau\t192.0.2.1",
        "60.0.0.1 -\tau\t192.0.2.1\tby distance; in place of nl",
    ]
    assert (0, lines) == (outcome.code, outcome.out.splitlines())
