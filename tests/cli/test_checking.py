"""`sparrow check`, `config print`, `status` and the help of every command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from running import NEAREST, SITES, ZONES, run

import sparrow
from sparrow.config.load import load_config

if TYPE_CHECKING:
    from pathlib import Path

    from running import Daemon, Home

COMMANDS = ["serve", "check", "config", "config print", "lookup", "explain", "status", "reload"]


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help(command: str, option: str) -> None:
    outcome = run(*command.split(), option)
    assert (0, "") == (outcome.code, outcome.err)
    assert outcome.out.startswith(f"Usage: sparrow {command}".strip())


def test_the_program_tells_its_version_and_its_commands(home: Home) -> None:
    assert f"sparrow, version {sparrow.__version__}\n" == run("--version").out
    told = run("--help").out
    assert [] == [command for command in COMMANDS if f"\n  {command.split()[0]} " not in told]
    assert 0 == home.sparrow("check").returncode  # and as a program of its own


def test_an_unknown_command_is_refused() -> None:
    assert 2 == run("start").code


# check


def test_a_good_folder_is_checked_with_its_warnings(home: Home) -> None:
    outcome = run("check", "-c", home.config)
    assert (0, "") == (outcome.code, outcome.out)
    lines = outcome.err.splitlines()
    assert f"{home.config}: good. 2 zones, 5 IPv4 and 2 IPv6 prefixes, 1 warning." == lines[-1]
    assert lines[0].startswith(f"warning: {home.config}:5: sites.nl.vips: site 'nl' has no IPv6")


def test_a_check_leaves_nothing_behind(home: Home) -> None:
    before = sorted(home.path.iterdir())
    run("check", "-c", home.config)
    assert before == sorted(home.path.iterdir())


def test_a_check_lists_tables_zones_and_secrets_at_once(home: Home) -> None:
    home.configure(files=["table.routes", "none.routes"])
    home.write("table.routes", "x 1\n20.0.0.0/8 1\ny 2\n")
    home.write("www.zone", "$TTL 1\nx A y\nz A y\n")
    home.secret.parent.mkdir()
    home.secret.write_text("short\n")
    outcome = run("check", "-c", home.config)
    places = [line.removeprefix("error: ").split(": ")[0] for line in outcome.err.splitlines()]
    names = ["table.routes:1", "table.routes:3", "none.routes", "state/cookie.secret:1"]
    names += ["www.zone:2", "www.zone:3"]
    assert (2, [f"{home.path}/{name}" for name in names]) == (outcome.code, places)


def test_a_check_lists_all_of_a_bad_configuration(home: Home) -> None:
    text = home.render().replace("ttl: 7", "ttl: 7d").replace("fallback: [nl]", "fallback: [x]")
    home.write("sparrow.yaml", text)
    outcome = run("check", "-c", home.config)
    assert (2, 2) == (outcome.code, len(outcome.err.splitlines()))
    assert 2 == run("check", "-c", home.path / "none.yaml").code


# config print


def test_what_is_printed_parses_back_equal(home: Home, tmp_path: Path) -> None:
    home.configure(ssrs='ssrs: {listen: "127.0.0.1:7777", password: "a b"}\n')
    printed = run("config", "print", "-c", home.config)
    assert (0, "") == (printed.code, printed.err)
    again = tmp_path / "again.yaml"
    again.write_text(printed.out)
    config, copy = load_config(str(home.config)).config, load_config(str(again)).config
    assert printed.out == run("config", "print", "-c", again).out
    assert str(home.secret) == copy.server.cookie_secret
    server = config.server.model_copy(update={"cookie_secret": str(home.secret)})
    assert config.model_copy(update={"server": server}) == copy


def test_a_broken_configuration_is_not_printed(home: Home) -> None:
    home.write("sparrow.yaml", "sites: []\n")
    printed = run("config", "print", "-c", home.config)
    assert (2, "", True) == (printed.code, printed.out, f"error: {home.config}:1: " in printed.err)


# status


def test_status_is_told_to_people(daemon: Daemon) -> None:
    before = daemon.status()["counters"]["sites"]
    daemon.nearest()
    outcome = run("status", "-c", daemon.home.config)
    assert (0, "") == (outcome.code, outcome.err)
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert lines[0].startswith(f"sparrow {sparrow.__version__}, pid {daemon.pid}, up ")
    size = (daemon.home.path / "table.routes").stat().st_size
    expected = [
        f"serving serial 1 on 127.0.0.1:{daemon.port}",
        "route port none",
        "no reload since the start",
        f"{daemon.home.path}/table.routes ssrs 5 2 {size}",
        "www.example.org. 1 5 2",
        "api.example.org. 1 1 1",
        f"au {before['au'] + 3} serving serving -",
        f"nl {before['nl'] + 3} serving - -",
        f"us {before['us'] + 1} serving serving -",
    ]
    assert [] == [line for line in expected if line not in lines], outcome.out
    assert any(line.startswith("tables: 5 IPv4 and 2 IPv6 prefixes, 5 distinct") for line in lines)


def test_status_is_told_to_programs(daemon: Daemon) -> None:
    outcome = run("status", "--json", "-c", daemon.home.config)
    found = json.loads(outcome.out)
    status = daemon.status()
    assert (0, 1) == (outcome.code, len(outcome.out.splitlines()))
    assert status == found


def test_odd_names_are_shown_as_they_are(home: Home) -> None:
    table = home.path / "[red]:smile:"
    table.mkdir()
    (table / "long-name-of-a-table-file-that-is-wider-than-a-screen.routes").write_text(
        "1.0.0.0/8 1"
    )
    file = '"[red]:smile:/long-name-of-a-table-file-that-is-wider-than-a-screen.routes"'
    home.configure(files=["table.routes", file])
    daemon = home.serve()
    try:
        outcome = run("status", "-c", home.config)
    finally:
        home.end()
    assert f"{home.path}/{file[1:-1]} " in outcome.out, outcome.out
    assert f"pid {daemon.pid}" in outcome.out


def test_the_monitoring_plugin_is_content_with_a_good_daemon(daemon: Daemon) -> None:
    outcome = run("status", "--check", "-c", daemon.home.config)
    expected = "SPARROW OK - serving 5 IPv4 and 2 IPv6 prefixes, 2 zones, serial 1\n"
    assert (0, expected, "") == (outcome.code, outcome.out, outcome.err)


def test_the_monitoring_plugin_warns_of_a_configuration_that_would_not_start(
    daemon: Daemon,
) -> None:
    home = daemon.home
    home.write("sparrow.yaml", home.render() + "sitez: {}\n")
    try:
        check = run("status", "--check", "-c", home.config)
        status = run("status", "-c", home.config)
    finally:
        home.configure()
    assert (1, True) == (check.code, check.out.startswith("SPARROW WARNING - the configuration"))
    assert (0, True) == (status.code, "would be refused: `sparrow check` says why" in status.err)
    assert NEAREST == daemon.nearest()


def test_the_monitoring_plugin_warns_of_a_file_that_is_gone(home: Home) -> None:
    home.configure(sites=home.sites + "ranking: {rtt: times.csv}\n")
    home.write("times.csv", "20.0.0.0/8,au,7\n")
    daemon = home.serve()
    try:
        found = [run("status", "--check", "-c", home.config)]
        for name in ("times.csv", "table.routes"):
            (home.path / name).unlink()
            found.append(run("status", "--check", "-c", home.config))
        status = run("status", "-c", home.config)
        assert NEAREST == daemon.nearest()
    finally:
        home.end()
    refused = "not there, so that a start would be refused"
    assert [
        (0, "SPARROW OK - "),
        (1, f"SPARROW WARNING - {home.path}/times.csv is {refused}; "),
        (1, f"SPARROW WARNING - {home.path}/table.routes and 1 more are {refused}; "),
    ] == [(each.code, each.out.partition("serving")[0]) for each in found]
    assert f"1 more are {refused}: `sparrow check` says why" in status.err


@pytest.mark.parametrize(
    ("text", "code", "verdict"),
    [
        (None, 2, "SPARROW CRITICAL - no daemon listens at "),
        (SITES + ZONES + "sitez: {}\nserver: {run_dir: run}\n", 2, "SPARROW CRITICAL - no daemon"),
        ("server: {run_dir: [\n", 3, "SPARROW UNKNOWN - "),
        ("server: {run_dir: 7}\n", 3, "SPARROW UNKNOWN - "),
        ("server: 7\n", 3, "SPARROW UNKNOWN - "),
    ],
)
def test_without_a_daemon_the_monitoring_plugin_is_critical_or_does_not_know(
    home: Home, text: str | None, code: int, verdict: str
) -> None:
    if text is not None:
        home.write("sparrow.yaml", text)
    outcome = run("status", "--check", "-c", home.config)
    assert (code, verdict) == (outcome.code, outcome.out[: len(verdict)])
    assert 1 == outcome.out.count("\n")


def test_without_a_configuration_the_monitoring_plugin_does_not_know(home: Home) -> None:
    outcome = run("status", "--check", "-c", home.path / "none.yaml")
    assert (3, True) == (outcome.code, "there is no such file" in outcome.out)


@pytest.mark.parametrize("command", ["status", "reload"])
def test_without_a_daemon_there_is_nobody_to_ask(home: Home, command: str) -> None:
    outcome = run(command, "-c", home.config)
    expected = f"error: no daemon listens at {home.run_dir}/control.sock\n"
    assert (2, "", expected) == (outcome.code, outcome.out, outcome.err)
