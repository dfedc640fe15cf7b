"""`sparrow failover once`: checks, mode, link."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from running import run

if TYPE_CHECKING:
    from running import Home

SITES = """\
self: nl
sites:
  au: {{asn: [64600], vips: [192.0.2.1], checks: [{{file: {{path: "{0}/au.state", max_age: 1d}}}}]}}
  nl: {{asn: [64601], vips: [192.0.2.2], checks: [{{file: {{path: "{0}/nl.state", max_age: 1d}}}}]}}
failover:
  link: "{0}/ssrs.routes"
  modes: {{normal: "{0}/normal", au: "{0}/AUonly", nl: "{0}/NLonly"}}
"""
ZONES = """\
zones:
  www.example.org: {soa: {mname: ns.example.org., rname: root.example.org.}, ns: [ns.example.org.]}
"""
FILES = {
    "normal": "20.0.0.0/8 64600\n",
    "AUonly": "0.0.0.0/0 64600\n",
    "NLonly": "0.0.0.0/0 64601\n",
}


@pytest.fixture
def swapped(home: Home) -> Home:
    """Give a folder with two sites that are up, three files, and a link to `normal`."""
    for name, text in FILES.items():
        home.write(name, text)
    (home.path / "ssrs.routes").symlink_to(home.path / "normal")
    state(home, au="up", nl="up")
    home.configure(sites=SITES.format(home.path), files=["ssrs.routes"], zones=ZONES)
    return home


def state(home: Home, **sites: str) -> None:
    for site, word in sites.items():
        home.write(f"{site}.state", f"{word}\n")


def target(home: Home) -> str:
    return (home.path / "ssrs.routes").readlink().name


@pytest.mark.parametrize(
    ("au", "nl", "file"),
    [
        ("up", "up", "normal"),
        ("down", "down", "normal"),
        ("up", "down", "AUonly"),
        ("down", "up", "NLonly"),
        ("degraded", "down", "AUonly"),
    ],
)
def test_the_link_leads_to_the_file_of_the_sites_that_are_up(
    swapped: Home, au: str, nl: str, file: str
) -> None:
    state(swapped, au=au, nl=nl)
    outcome = run("failover", "once", "-c", swapped.config)
    assert (0, "", file) == (outcome.code, outcome.out, target(swapped)), outcome.err


def test_what_is_done_is_said(swapped: Home) -> None:
    state(swapped, nl="down for repair")
    lines = run("failover", "once", "-c", swapped.config).err.splitlines()
    path = swapped.path
    assert "au: IPv4 serving" == lines[0]
    assert lines[2].startswith("nl: IPv4 failed: ")
    assert "says 'down for repair'" in lines[2]
    assert "mode au: these sites are up (au)" == lines[4]
    assert f"{path}/ssrs.routes leads to {path}/AUonly instead of {path}/normal" == lines[5]
    assert lines[6].endswith("nobody to tell")
    again = run("failover", "once", "-c", swapped.config).err
    assert f"{path}/ssrs.routes leads to {path}/AUonly already\n" in again


def test_a_dry_run_swaps_nothing(swapped: Home) -> None:
    state(swapped, nl="down")
    outcome = run("failover", "once", "--dry-run", "-c", swapped.config)
    assert (0, "normal") == (outcome.code, target(swapped))
    assert f"ssrs.routes would lead to {swapped.path}/AUonly instead of" in outcome.err


def test_an_order_beats_a_check(swapped: Home) -> None:
    order = {
        "site": "nl",
        "action": "drain",
        "by": "ann",
        "reason": "a kernel",
        "given_at_s": time.time() - 1,
        "starts_at_s": time.time() - 1,
        "ends_at_s": None,
    }
    (swapped.path / "state").mkdir()
    (swapped.path / "state" / "orders.json").write_text(
        json.dumps({"version": 1, "orders": [order]})
    )
    run("failover", "once", "-c", swapped.config)
    assert "AUonly" == target(swapped)


def test_a_route_file_in_the_place_of_the_link_is_left_alone(swapped: Home) -> None:
    swapped.write("ssrs.routes", "20.0.0.0/8 64601\n")
    outcome = run("failover", "once", "-c", swapped.config)
    assert 2 == outcome.code
    assert f"{swapped.path}/ssrs.routes: this is not a symbolic link" in outcome.err
    assert "20.0.0.0/8 64601\n" == (swapped.path / "ssrs.routes").read_text()


def test_without_modes_there_is_nothing_to_swap(home: Home) -> None:
    outcome = run("failover", "once", "-c", home.config)
    assert 2 == outcome.code
    assert f"{home.config}: no modes are configured: see failover.link" in outcome.err


def test_the_link_is_made_where_it_is_missing(swapped: Home) -> None:
    (swapped.path / "ssrs.routes").unlink()
    assert 0 == run("failover", "once", "-c", swapped.config).code
    assert "normal" == target(swapped)
