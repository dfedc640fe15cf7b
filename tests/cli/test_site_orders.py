"""`sparrow site`: orders given to a daemon, and left for the next one where none runs."""

from __future__ import annotations

import json
import os
import pwd
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from running import Home, run

from sparrow.folders import claim_run_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon, Outcome

ME = f"{pwd.getpwuid(os.getuid()).pw_name}, uid {os.getuid()}"
WHY = ("--reason", "new kernel")


@pytest.fixture(autouse=True)
def _without_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)


@pytest.fixture
def idle(home: Home) -> Home:
    """A home whose server has run once and does not run now."""
    (home.path / "state").mkdir()
    return home


@pytest.fixture
def own_daemon(tmp_path: Any, free_port: Callable[[], int]) -> Iterator[Daemon]:
    home = Home(tmp_path, free_port())
    yield home.serve()
    home.end()


def site(home: Home, *words: str) -> Outcome:
    return run("site", *words, "-c", home.config)


def orders(home: Home) -> list[dict[str, Any]]:
    """Give the orders on disk."""
    path = home.path / "state" / "orders.json"
    return list(json.loads(path.read_text())["orders"]) if path.exists() else []


# Where no server runs.


def test_an_order_without_a_server_is_left_for_the_next(idle: Home) -> None:
    before = time.time()
    outcome = site(idle, "drain", "au", *WHY, "--for", "2h", "--yes")
    assert 0 == outcome.code
    assert f"the order waits in {idle.path}/state for the next server that starts" in outcome.err
    assert outcome.out.startswith("IPv4: 66.5% of the addresses, 40.0% of the prefixes would move")
    last = outcome.out.splitlines()[-1]
    assert re.fullmatch(rf"au: ordered: drain since \S+Z until \S+Z, by {ME}: new kernel", last)
    row = orders(idle)[0]
    assert ("au", "drain", ME, "new kernel") == tuple(
        row[key] for key in ("site", "action", "by", "reason")
    )
    assert (True, 7200) == (
        before <= row["given_at_s"] <= time.time(),
        round(row["ends_at_s"] - row["starts_at_s"]),
    )
    assert "order site=au to=drain" in run("journal", "-c", idle.config).out


def test_who_is_behind_sudo_is_named(idle: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "alice")
    site(idle, "up", "au", *WHY)
    assert [f"alice, uid {os.getuid()}"] == [row["by"] for row in orders(idle)]


def test_orders_are_listed_without_a_server(idle: Home) -> None:
    site(idle, "down", "nl", *WHY, "--yes")
    site(idle, "up", "au", *WHY, "--at", "2035-01-31T23:00+01:00")
    outcome = site(idle, "list")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert ["name v4 v6 order", "au - - -, then up", "nl - - down", "us - - -"] == lines[:4]
    assert f"au: up from 2035-01-31T22:00:00Z until it is changed, by {ME}: new kernel" == lines[4]
    assert lines[5].startswith("nl: down since ")
    rows = json.loads(site(idle, "list", "--json").out)
    assert ["au", "nl", "us"] == [row["name"] for row in rows]


def test_auto_needs_no_reason_and_names_what_it_removes(idle: Home) -> None:
    site(idle, "up", "au", *WHY)
    outcome = site(idle, "auto", "au")
    assert (0, []) == (outcome.code, orders(idle))
    assert "au: in the place of up since" in outcome.err
    assert re.fullmatch(rf"au: ordered: auto since \S+Z, by {ME}\n", outcome.out)


def test_a_dry_run_leaves_nothing(idle: Home) -> None:
    outcome = site(idle, "drain", "au", *WHY, "--dry-run")
    assert (0, []) == (outcome.code, orders(idle))
    assert "au: would be ordered: drain since" in outcome.out


def test_without_a_terminal_and_without_yes_nothing_is_done(idle: Home) -> None:
    outcome = site(idle, "drain", "au", *WHY)
    assert (2, "", []) == (outcome.code, outcome.out, orders(idle))
    assert "nobody can be asked, as stdin is no terminal: say --yes, or --dry-run" in outcome.err


REFUSED = {
    ("drain", "aux", *WHY, "--yes"): "there is no site 'aux': did you mean 'au'? the sites are",
    ("drain", "zzz", *WHY, "--yes"): "there is no site 'zzz': the sites are au, nl, us",
    ("drain", "au", "--yes"): 'say why: --reason "...", for whoever finds au drain',
    ("up", "au", *WHY, "--for", "soon"): "--for: must be seconds, or text such as",
    ("up", "au", *WHY, "--for", "0"): "--for: must be seconds, or text such as",
    ("up", "au", *WHY, "--at", "2035-01-31T22:00"): "--at: '2035-01-31T22:00' has no zone: write",
    ("up", "au", *WHY, "--at", "tonight"): "--at: 'tonight' is not a time: write it with its zone",
    ("up", "au", *WHY, "--at", "2025-01-31T22:00Z"): "has passed: leave it out to begin at once",
    ("up", "au", "--reason", "a\nb"): "reason is one line of characters that can be shown",
}


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_bad_order_is_refused_in_words(idle: Home, words: tuple[str, ...]) -> None:
    outcome = site(idle, *words)
    assert (2, "", []) == (outcome.code, outcome.out, orders(idle))
    assert REFUSED[words] in outcome.err


def test_without_a_state_directory_no_order_is_left(home: Home) -> None:
    outcome = site(home, "up", "au", *WHY)
    assert 2 == outcome.code
    assert "the state directory is not there: start the server once" in outcome.err


def test_while_a_server_runs_nothing_is_written_behind_its_back(idle: Home) -> None:
    run_dir = claim_run_dir(str(idle.run_dir), None)
    outcome = site(idle, "up", "au", *WHY)
    os.close(run_dir.lock_fd)
    assert (2, []) == (outcome.code, orders(idle))
    assert "though a server runs" in outcome.err


# With a daemon.


def test_an_order_to_a_daemon_is_in_force_at_once_and_after_a_restart(own_daemon: Daemon) -> None:
    home = own_daemon.home
    outcome = site(home, "up", "au", *WHY, "--for", "1d")
    assert (0, "") == (outcome.code, outcome.err)
    assert outcome.out.startswith("au: ordered: up since ")
    assert own_daemon.stop() == 0
    after = home.serve().status()["sites"][0]
    assert ("au", "up", ME, "new kernel") == (
        after["name"],
        *(after["order"][key] for key in ("action", "by", "reason")),
    )
    assert 0 == site(home, "auto", "au").code
    journal = run("journal", "--json", "-c", home.config).out.splitlines()
    assert ["up", "auto"] == [
        row["to"] for row in map(json.loads, journal) if row["event"] == "order"
    ]


def test_a_daemon_lists_how_sites_stand(daemon: Daemon) -> None:
    outcome = site(daemon.home, "list")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert (0, "") == (outcome.code, outcome.err)
    assert [
        "name v4 v6 order",
        "au serving serving -",
        "nl serving - -",
        "us serving serving -",
    ] == lines


def test_a_daemon_names_near_sites(daemon: Daemon) -> None:
    outcome = site(daemon.home, "down", "ua", *WHY, "--yes")
    assert 2 == outcome.code
    assert "there is no site 'ua': did you mean" in outcome.err


def test_a_daemon_says_who_asks_whatever_they_say(own_daemon: Daemon) -> None:
    response = own_daemon.command(
        "site", action="up", site="au", reason="a test", by="root, uid 0", dry_run=True
    )
    assert f"root, uid 0, uid {os.getuid()}" == response["result"]["order"]["by"]


def test_tables_that_cannot_be_read_keep_nobody_from_an_order(idle: Home) -> None:
    idle.write("table.routes", "what is this\n")
    outcome = site(idle, "down", "au", *WHY, "--yes")
    assert (0, "down") == (outcome.code, orders(idle)[0]["action"])
    assert "warning: what would move cannot be told: " in outcome.err
