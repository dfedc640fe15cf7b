"""`sparrow export`: of the server that runs, of the files, and what is refused."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from running import START, ZONES, run, wait_until

from sparrow.client import Connection
from sparrow.errors import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from running import Daemon, Home

CSV = ("export", "--format", "csv")


def sites_of(text: str) -> set[str]:
    return {line.split(",")[1] for line in text.splitlines()[1:]}


def test_the_files_are_exported_where_no_server_runs(home: Home) -> None:
    outcome = run(*CSV, "-c", home.config)
    assert (0, {"au", "nl", "us"}) == (outcome.code, sites_of(outcome.out))
    assert f"no server runs; reading the files of {home.config}" in outcome.err


def test_the_served_plan_is_exported_and_says_the_same(daemon: Daemon, home: Home) -> None:
    outcome = run(*CSV, "-c", daemon.home.config)
    assert (0, run(*CSV, "-c", home.config).out) == (outcome.code, outcome.out)
    assert f"reading the plan in {daemon.home.run_dir}/plan" in outcome.err


def test_a_site_that_is_down_is_exported_as_it_is_answered(home: Home) -> None:
    home.configure(sites=f"{home.sites}failover: {{last_resort: servfail}}\n")
    home.serve()
    try:
        assert 0 == home.sparrow("site", "down", "us", "--reason", "test", "--yes").returncode
        wait_until(lambda: "us" not in sites_of(run(*CSV, "-c", home.config).out))
        assert "20.1.2.0/24,nl\n" not in run(*CSV, "-c", home.config).out, "joined with others"
        for site in ("au", "nl"):
            assert 0 == home.sparrow("site", "down", site, "--reason", "test", "--yes").returncode
        wait_until(lambda: sites_of(run(*CSV, "-c", home.config).out) == {"-"})
        geo = run("export", "--format", "nginx-geo", "-c", home.config)
        assert 'geo $sparrow_site {\n\tdefault "";\n}\n' in geo.out
        acl = run("export", "--format", "bind-acl", "-c", home.config)
        assert "acl" not in acl.out
    finally:
        home.end()


def test_the_plan_of_a_server_without_its_daemon_is_exported(home: Home) -> None:
    daemon = home.serve()
    try:
        expected = run(*CSV, "-c", home.config).out
        os.kill(daemon.pid, signal.SIGSTOP)  # the keeper, so that there is no other daemon
        os.kill(daemon.status()["daemon_pid"], signal.SIGKILL)
        wait_until(lambda: not can_connect(home))
        outcome = run(*CSV, "-c", home.config)
        assert (0, expected) == (outcome.code, outcome.out)
        assert f"reading the plan in {home.run_dir}/plan" in outcome.err
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
        home.end()


def can_connect(home: Home) -> bool:
    try:
        Connection(str(home.run_dir)).close()
    except UnavailableError:
        return False
    return True


def test_a_file_is_written_aside_and_takes_the_place_of_the_old_one(
    home: Home, tmp_path: Path
) -> None:
    target = tmp_path / "sites.csv"
    target.write_text("old")
    before = target.stat().st_ino
    outcome = run(*CSV, "-c", home.config, "-o", target)
    assert (0, "") == (outcome.code, outcome.out)
    assert run(*CSV, "-c", home.config).out == target.read_text()
    assert before != target.stat().st_ino
    assert [] == list(tmp_path.glob(".*.aside"))


def test_a_terminal_sees_how_far_it_is(home: Home, tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    command = (*START, *CSV, "-c", str(home.config), "-o", str(tmp_path / "sites.csv"))
    asked = subprocess.Popen(command, stderr=follower, env=os.environ | {"TERM": "xterm"})
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal ends
        while piece := os.read(leader, 4096):
            shown += piece
    os.close(leader)
    assert 0 == asked.wait(), shown
    assert b"writing" in shown
    assert b"blocks" in shown


def test_a_file_that_cannot_be_written_leaves_the_old_one(home: Home, tmp_path: Path) -> None:
    outcome = run(*CSV, "-c", home.config, "-o", tmp_path / "none" / "sites.csv")
    assert (2, "") == (outcome.code, outcome.out)
    assert f"error: {tmp_path}/none/sites.csv: cannot be written: No such file" in outcome.err
    full = run(*CSV, "-c", home.config, "-o", "/proc/sites.csv")
    assert (2, True) == (full.code, "error: /proc/sites.csv: cannot be written" in full.err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "csv", "--service", "ap"], "no service 'ap': the services are default, api"),
        (["--format", "knot-geoip", "--name", "x.example."], "x.example. has no addresses of"),
        (["--format", "csv", "--name", "www.example.org."], "--name is for knot-geoip and pdns-ge"),
        (["--format", "mmdb"], "mmdb is no text: name the file with -o"),
    ],
)
def test_what_cannot_be_exported_is_said_with_what_can(
    home: Home, arguments: list[str], message: str
) -> None:
    outcome = run("export", "-c", home.config, *arguments)
    assert (2, "", True) == (outcome.code, outcome.out, message in outcome.err), outcome.err


def test_the_one_name_of_a_service_needs_not_be_said_and_several_do(home: Home) -> None:
    outcome = run("export", "--format", "knot-geoip", "-c", home.config, "--service", "api")
    assert (0, True) == (outcome.code, "\napi.example.org.:\n  - net: " in outcome.out)
    home.configure(zones=ZONES.replace('["@", "*.cdn"]', '["@", "img"]'))
    both = run("export", "--format", "pdns-geoip", "-c", home.config)
    assert 2 == both.code
    assert "there are img.www.example.org., www.example.org." in both.err
    named = ("export", "--format", "pdns-geoip", "--name", "img.www.example.org")
    assert '    "img.www.example.org":\n      default: ' in run(*named, "-c", home.config).out


def test_a_configuration_without_sites_has_nothing_to_export(home: Home) -> None:
    home.configure(sites="", zones="", ssrs='ssrs: {listen: "127.0.0.1:7777"}\n')
    outcome = run(*CSV, "-c", home.config)
    assert (2, True) == (outcome.code, "the configuration has no sites to export" in outcome.err)
