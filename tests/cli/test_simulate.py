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
