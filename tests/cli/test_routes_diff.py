"""`sparrow routes diff OLD NEW`: two files, as the configured sites see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from running import run

if TYPE_CHECKING:
    from running import Home

OLD = "20.0.0.0/8 64600\n21.0.0.0/8 64601\n2600::/16 64600\n"
NEW = "20.0.0.0/8 64600\n21.0.0.0/8 64602 9\n22.0.0.0/8 7\n2600::/16 64600\n"


@pytest.fixture
def files(home: Home) -> tuple[Home, str, str]:
    return home, str(home.write("old", OLD)), str(home.write("new", NEW))


def test_what_moves_is_shown_for_people(files: tuple[Home, str, str]) -> None:
    home, old, new = files
    outcome = run("routes", "diff", "-c", home.config, old, new)
    lines = [line.split() for line in outcome.out.splitlines()]
    assert 0 == outcome.code
    assert (
        "IPv4: 3 prefixes, of which 1 come, 0 go, 1 have another route; "
        "33.3 % of the address space moves"
    ) == outcome.out.splitlines()[0]
    assert [["from", "to", "space", "prefixes"], ["nl", "us", "33.3", "%", "1"]] == lines[1:3]
    assert ["AS64601", "33.3", "%"] == lines[4]
    assert outcome.out.splitlines()[5].endswith("0.0 % of the address space moves")


def test_what_moves_is_told_to_programs(files: tuple[Home, str, str]) -> None:
    home, old, new = files
    found = json.loads(run("routes", "diff", "--json", "-c", home.config, old, new).out)
    assert {"serial", "held", "v4", "v6"} == found.keys()
    assert [{"before": "nl", "after": "us", "share": 1 / 3, "prefixes": 1}] == found["v4"]["pairs"]


def test_another_format_can_be_compared(home: Home) -> None:
    old = home.write("old", "20.0.0.0 8 64600\n")
    new = home.write("new", "20.0.0.0 8 64601\n")
    outcome = run("routes", "diff", "--format", "pfx2as", "-c", home.config, old, new)
    assert (0, True) == (outcome.code, "100.0 % of the address space moves" in outcome.out)


def test_one_file_alone_is_refused(files: tuple[Home, str, str]) -> None:
    home, old, _ = files
    outcome = run("routes", "diff", "-c", home.config, old)
    assert (2, "error: two files are compared: OLD and NEW, or none\n") == (
        outcome.code,
        outcome.err,
    )


def test_a_file_that_cannot_be_read_is_named(files: tuple[Home, str, str]) -> None:
    home, old, _ = files
    outcome = run("routes", "diff", "-c", home.config, old, "/nonexistent")
    assert 2 == outcome.code
    assert "/nonexistent: the file cannot be read" in outcome.err


@pytest.mark.parametrize("command", ["diff", "approve --reason x", "rollback --reason x"])
def test_what_is_held_is_known_to_a_daemon_alone(home: Home, command: str) -> None:
    outcome = run("routes", *command.split(), "-c", home.config)
    assert 2 == outcome.code
    assert "no daemon" in outcome.err
