"""`sparrow simulate` and what `site drain` shows first: who would move, from files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from running import run

if TYPE_CHECKING:
    from running import Home, Outcome


def simulate(home: Home, *words: str) -> Outcome:
    return run("simulate", *words, "-c", home.config)


def lines_of(outcome: Outcome) -> list[str]:
    return [" ".join(line.split()) for line in outcome.out.splitlines()]


def test_who_would_move_is_told_by_share_and_by_site(home: Home) -> None:
    # 20/8 (but for a /16, and a /24 in that) and 40/8, of three /8s with a route
    outcome = simulate(home, "--down", "au")
    assert 0 == outcome.code
    assert [
        "IPv4: 66.5% of the addresses, 40.0% of the prefixes would move",
        "from to services addresses prefixes answers",
        "au nl default 66.5% 2 0",
        "the most of it: AS1_64600 (33.3%), AS64600 (33.2%)",
        "IPv6: 50.0% of the addresses, 50.0% of the prefixes would move",
        "from to services addresses prefixes answers",
        "au us default 50.0% 1 0",
        "the most of it: AS64600 (50.0%)",
    ] == lines_of(outcome)


def test_several_sites_are_supposed_together(home: Home) -> None:
    outcome = simulate(home, "--json", "--down", "au", "--drain", "nl")
    v4 = json.loads(outcome.out)["families"][0]
    moves = [(move["from"], move["to"], move["services"]) for move in v4["moves"]]
    assert ("au", "us", ["default"]) in moves
    assert ("nl", "us", ["default"]) in moves
    assert (3 * 2**24, 5, 0) == (v4["addresses"], v4["prefixes"], v4["answers"])


def test_where_nothing_would_move_that_is_said(home: Home) -> None:
    assert [
        "IPv4: 0% of the addresses, 0% of the prefixes would move",
        "IPv6: 0% of the addresses, 0% of the prefixes would move",
    ] == lines_of(simulate(home, "--up", "au"))


def test_what_is_ordered_already_counts(home: Home) -> None:
    (home.path / "state").mkdir()
    run("site", "down", "nl", "--reason", "works", "--yes", "-c", home.config)
    moves = json.loads(simulate(home, "--json", "--down", "au").out)["families"][0]["moves"]
    assert [("au", "us")] == [(move["from"], move["to"]) for move in moves]


REFUSED = {
    (): "name a site that is to be down, drain or up",
    ("--down", "aux"): "there is no site 'aux': did you mean 'au'? the sites are au, nl, us",
    ("--down", "au", "--drain", "au"): "au is to be down and drain: name it once",
}


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_question_without_sense_is_refused(home: Home, words: tuple[str, ...]) -> None:
    outcome = simulate(home, *words)
    assert (2, "") == (outcome.code, outcome.out)
    assert f"error: {REFUSED[words]}" in outcome.err


def test_without_sites_there_is_nobody_to_suppose_anything_of(home: Home) -> None:
    home.configure(zones="", sites="", ssrs=f"ssrs: {{listen: 127.0.0.1:{home.port}}}\n")
    outcome = simulate(home, "--down", "au")
    assert (2, "") == (outcome.code, outcome.out)
    assert "error: there is no site 'au': no sites are configured" in outcome.err


KNOWN = """\
self: us
sites:
  au: {vips: [192.0.2.1, "2001:db8::1"], location: [-33.9, 151.2]}
  nl: {vips: [192.0.2.2, "2001:db8::2"], location: [52.4, 4.9]}
  us: {vips: [192.0.2.3, "2001:db8::3"]}
"""
LORE = """\
geo: {table: places.tsv}
ranking: {rtt: times.csv}
overrides: [{prefix: 70.0.0.0/8, site: nl}, {prefix: 65.0.0.0/8, site: au}]
"""
ZONES = """\
zones:
  www.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org.]
"""


def know(home: Home, lore: str, files: tuple[str, ...]) -> Home:
    home.write("places.tsv", "60.0.0.0/8\tDE\n61.0.0.0/8\tAU\n62.0.0.0/8\tZZ\n2a00::/16\tDE\n")
    home.write("times.csv", "65.0.0.0/8,nl,10\n66.0.0.0/8,au,90\n")
    home.write("few.routes", "60.0.0.0/9 7\n30.0.0.0/8 8\n")
    home.configure(sites=KNOWN + lore, zones=ZONES, files=files)
    return home


def test_clients_without_a_route_count_where_distance_time_or_an_override_tells_a_site(
    home: Home,
) -> None:
    outcome = simulate(know(home, LORE, ()), "--down", "nl")
    # 60/8 and 70/8 of 60/8, 61/8, 65/8, 66/8 and 70/8; 62/8 is nowhere
    assert [
        "IPv4: 40.0% of the addresses would move",
        "from to services addresses prefixes answers",
        "nl au default 20.0% 0 0",
        "nl us default 20.0% 0 0",
        "IPv6: 100.0% of the addresses would move",
        "from to services addresses prefixes answers",
        "nl au default 100.0% 0 0",
        "nl us default 0% 0 0",
    ] == lines_of(outcome)


def test_networks_that_move_are_named_where_a_route_tells_them(home: Home) -> None:
    found = json.loads(simulate(know(home, LORE, ("few.routes",)), "--json", "--down", "nl").out)[
        "families"
    ][0]
    assert (6 * 2**24, 2) == (found["addresses"], found["prefixes"])
    assert (2 * 2**24, 1) == (found["moved"]["addresses"], found["moved"]["prefixes"])
    assert [{"asn": "7", "addresses": 2**23, "prefixes": 1}] == found["origins"]


def test_where_nothing_is_known_of_anybody_that_is_said_instead_of_shares(home: Home) -> None:
    known = know(home, "", ())
    unknown = "nothing is known of any client: how many would move cannot be told"
    assert f"IPv4: {unknown}" == lines_of(simulate(known, "--down", "us"))[0]
    nobody = [f"IPv{family}: nobody would move" for family in (4, 6)]
    assert nobody == lines_of(simulate(known, "--up", "nl"))
