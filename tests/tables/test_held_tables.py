"""The real server holds a table, and operators decide about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from running import SITES, TABLE, Home, run, wait_until

from sparrow.keeping.journal import JOURNAL, read_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon

CLIENT = "20.5.0.0/24"
"""au's by the table, and nl's without it."""
SHORT = TABLE.replace("20.0.0.0/8 64600\n", "")
GUARDS = 'guards: {max_shrink: "10%", canaries: ["20.5.0.0/24 -> au"]}\n'
AU, NL = ["210.18.215.100"], ["193.173.27.8"]


@pytest.fixture
def daemon(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Daemon]:
    home = Home(tmp_path_factory.mktemp("d"), free_port(), sites=SITES + GUARDS)
    yield home.serve()
    home.end()


def hold(daemon: Daemon) -> dict[str, object]:
    """Write a table that breaks both guards, and wait until it is held."""
    daemon.home.write("table.routes", SHORT)
    wait_until(lambda: daemon.status()["failover"]["held"] is not None, daemon.log)
    held: dict[str, object] = daemon.status()["failover"]["held"]
    return held


def events(daemon: Daemon) -> list[str]:
    """Give the events of tables in the journal."""
    path = daemon.home.path / "state" / JOURNAL
    return [row["event"] for row in read_journal(path) if row["event"].startswith("table_")]


def test_a_table_that_breaks_guards_is_held_and_the_old_one_serves(daemon: Daemon) -> None:
    held = hold(daemon)
    assert [
        "IPv4 shrinks from 5 to 4 prefixes, by 20.0 %; 10 % is allowed",
        "20.5.0.0/24 goes to nl instead of au",
    ] == held["reasons"]
    assert AU == daemon.addresses(subnet=CLIENT)
    check = run("status", "--check", "-c", daemon.home.config)
    assert (1, True) == (check.code, "a table is held back: IPv4 shrinks" in check.out)
    reload = run("reload", "-c", daemon.home.config)
    assert (0, True) == (reload.code, "warning: a new table is held" in reload.err)
    assert AU == daemon.addresses(subnet=CLIENT)
    assert ["table_accepted", "table_held"] == events(daemon)


def test_what_a_held_table_would_move_is_shown(daemon: Daemon) -> None:
    held = hold(daemon)
    outcome = run("routes", "diff", "-c", daemon.home.config)
    assert 0 == outcome.code
    assert f"table {held['table']} has been held for " in outcome.out
    assert "IPv4: 5 prefixes, of which 0 come, 1 go, 0 have another route" in outcome.out
    found = json.loads(run("routes", "diff", "--json", "-c", daemon.home.config).out)
    assert [("au", "nl", 1)] == [
        (pair["before"], pair["after"], pair["prefixes"]) for pair in found["v4"]["pairs"]
    ]
    assert held == found["held"]


def test_an_approved_table_serves(daemon: Daemon) -> None:
    held = hold(daemon)
    wrong = run("routes", "approve", "--reason", "x", "-c", daemon.home.config, "0123456789ab")
    assert (2, AU) == (wrong.code, daemon.addresses(subnet=CLIENT))
    approve = ("routes", "approve", "--reason", "meant so", "-c", daemon.home.config)
    outcome = run(*approve, str(held["table"]))
    assert (0, NL) == (outcome.code, daemon.addresses(subnet=CLIENT))
    assert "0 prefixes announced, 1 withdrawn, 0 rerouted" in outcome.err
    assert None is daemon.status()["failover"]["held"]
    assert ["table_approved", "table_accepted"] == events(daemon)[2:]
    assert 2 == run(*approve).code


def test_a_rollback_serves_the_table_before(daemon: Daemon) -> None:
    daemon.home.write("table.routes", TABLE.replace("30.0.0.0/8 7", "30.0.0.0/8 64600"))
    wait_until(lambda: daemon.addresses(subnet="30.0.0.0/24") == AU, daemon.log)
    back = ("routes", "rollback", "--reason", "wrong", "-c", daemon.home.config)
    result = json.loads(run(*back, "--json").out)
    assert (1, NL) == (result["changed"]["rerouted"], daemon.addresses(subnet="30.0.0.0/24"))
    assert 0 == run("reload", "-c", daemon.home.config).code
    assert NL == daemon.addresses(subnet="30.0.0.0/24")
    assert 2 == run(*back).code


def test_after_a_restart_the_accepted_table_serves_and_the_other_is_held(daemon: Daemon) -> None:
    held = hold(daemon)
    home = daemon.home
    assert 0 == daemon.stop()
    again = home.serve()
    assert AU == again.addresses(subnet=CLIENT)
    assert held == again.status()["failover"]["held"]


def test_a_list_of_files_that_makes_the_table_shrink_is_held_too(daemon: Daemon) -> None:
    daemon.home.write("other.routes", "20.5.0.0/16 64600\n")
    daemon.home.configure(files=["other.routes"])
    reload = run("reload", "-c", daemon.home.config)
    assert (0, True) == (reload.code, "warning: a new table is held" in reload.err)
    assert [AU, AU] == [
        daemon.addresses(subnet=subnet) for subnet in ("20.5.0.0/24", "40.0.0.0/24")
    ]
    files = daemon.status()["tables"]["files"]
    assert [(str(daemon.home.path / "table.routes"), "ssrs")] == [
        (file["path"], file["format"]) for file in files
    ]
    daemon.home.configure(files=["table.routes"])
    run("reload", "-c", daemon.home.config)
    assert None is daemon.status()["failover"]["held"]
