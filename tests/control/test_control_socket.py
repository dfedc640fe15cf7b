"""The rules of `docs/control.md`, one by one, against a real daemon."""

from __future__ import annotations

import json
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest
from running import NAME, NEAREST, Talk

if TYPE_CHECKING:
    from running import Daemon

STATUS = b'{"version": 1, "command": "status"}\n'
LINE = 2**20

REFUSED = {
    "not JSON": (b"status\n", "one JSON object on one line"),
    "empty": (b"\n", "one JSON object on one line"),
    "not UTF-8": (b'{"version": 1, "command": "\xff"}\n', "one JSON object on one line"),
    "list": (b"[1]\n", "one JSON object on one line"),
    "deep": (b"[" * 100_000 + b"\n", "one JSON object on one line"),
    "deep value": (
        b'{"version": 1, "command": "explain", "name": ' + b"[" * 9000 + b"]" * 9000 + b"}\n",
        "one JSON object on one line",
    ),
    "huge number": (b'{"version": ' + b"9" * 10_000 + b"}\n", "one JSON object on one line"),
    "no version": (b'{"command": "status"}\n', "version 1"),
    "other version": (b'{"version": 2, "command": "status"}\n', "version 1"),
    "version as text": (b'{"version": "1", "command": "status"}\n', "version 1"),
    "no command": (b'{"version": 1}\n', "unknown command None"),
    "unknown command": (b'{"version": 1, "command": "stop"}\n', "unknown command 'stop'"),
    "command of another type": (b'{"version": 1, "command": {}}\n', "unknown command {}"),
    "unknown argument": (
        b'{"version": 1, "command": "status", "verbose": 1}\n',
        "status takes no argument verbose; it takes none",
    ),
    "lookup of nothing": (b'{"version": 1, "command": "lookup"}\n', "addresses is a list"),
    "lookup of numbers": (
        b'{"version": 1, "command": "lookup", "addresses": [1]}\n',
        "addresses is a list",
    ),
    "lookup of a name": (
        b'{"version": 1, "command": "lookup", "addresses": ["20.0.0.1", "x"]}\n',
        "'x' is not an IPv4 or IPv6 address",
    ),
    "explain without a name": (
        b'{"version": 1, "command": "explain", "from": "20.0.0.1"}\n',
        "name must be given",
    ),
    "explain without from": (
        b'{"version": 1, "command": "explain", "name": "x"}\n',
        "from must be given",
    ),
    "explain of a number": (
        b'{"version": 1, "command": "explain", "name": 1, "from": "20.0.0.1"}\n',
        "name must be given, as text",
    ),
    "explain with half a character": (
        b'{"version": 1, "command": "explain", "name": "\\ud800", "from": "20.0.0.1"}\n',
        "is not a domain name",
    ),
    "explain of a type that is none": (
        b'{"version": 1, "command": "explain", "name": "x", "type": "Q", "from": "20.0.0.1"}\n',
        "Q",
    ),
    "explain of a type that is far from one": (
        b'{"version": 1, "command": "explain", "name": "x", "from": "::1", "type": "TYPE'
        + b"9" * 5000
        + b'"}\n',
        "type is over 1100 characters long",
    ),
    "lookup of something endless": (
        b'{"version": 1, "command": "lookup", "addresses": ["' + b"x" * 500_000 + b'"]}\n',
        "is not an IPv4 or IPv6 address",
    ),
    "an endless command": (b'{"version": 1, "command": "' + b"x" * 500_000 + b'"}\n', "xxx: use"),
    "explain with a bad subnet": (
        b'{"version": 1, "command": "explain", "name": "x", "from": "::1", "subnet": "::/129"}\n',
        "0 to 128",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_request_is_refused_with_a_reason_and_the_next_is_served(
    daemon: Daemon, case: str
) -> None:
    line, what = REFUSED[case]
    with daemon.talk() as talk:
        talk.send(line)
        refusal = talk.take()
        talk.send(STATUS)
        assert talk.take()["ok"]
    assert {"version": 1, "ok": False} == {key: refusal[key] for key in ("version", "ok")}
    assert [(None, None)] == [(each["file"], each["line"]) for each in refusal["problems"]]
    assert what in refusal["problems"][0]["what"]
    assert 1500 > len(refusal["problems"][0]["what"])


def test_status_has_what_is_specified(daemon: Daemon) -> None:
    status = daemon.status()
    keys = """version pid keeper_pid daemon_pid started_at config state_dir stale serial
        published_at plan reload tables feeds lore map zones sites failover journal notify listen
        route_port workers counters"""
    assert set(keys.split()) == status.keys()
    assert {"v4", "v6", "routes", "loaded_at", "files"} == status["tables"].keys()
    expected = {"path", "format", "view", "v4", "v6", "bytes", "modified_at", "refused"}
    assert [expected] == [file.keys() for file in status["tables"]["files"]]
    assert {"v4", "v6"} == status["map"].keys()
    assert [{"name", "serial", "names", "steered"}] * 2 == [zone.keys() for zone in status["zones"]]
    assert ["au", "nl", "us"] == [site["name"] for site in status["sites"]]
    expected = {"name", "configured", "answers", "v4", "v6", "order", "planned", "checks"}
    assert [expected] * 3 == [site.keys() for site in status["sites"]]
    assert {"mode", "table", "held", "orders_problem", "health_problem"} == status[
        "failover"
    ].keys()
    assert (1, [str(daemon.home.path / "table.routes")]) == (
        status["failover"]["table"]["serial"],
        [file["path"] for file in status["failover"]["table"]["files"]],
    )
    assert {"failures", "problem"} == status["journal"].keys()
    assert (daemon.pid, str(daemon.home.config), [f"127.0.0.1:{daemon.port}"], None) == (
        status["pid"],
        status["config"],
        status["listen"],
        status["route_port"],
    )


def test_lookup_and_explain_follow_what_is_ordered(daemon: Daemon) -> None:
    def found() -> tuple[str | None, list[str], bool]:
        (row,) = daemon.command("lookup", addresses=["20.5.0.1"])["result"]["rows"]
        told = daemon.command("explain", name=NAME, **{"from": "20.5.0.1"})["result"]
        is_told = any("down by order" in line for line in told["lines"])
        return row["site"], row["vips"], is_told

    assert ("au", ["210.18.215.100", "2001:db8:a::1"], False) == found()
    assert daemon.command("site", site="au", action="down", reason="a test")["ok"]
    # nl is next for IPv4, and has no IPv6: us is.
    assert ("nl", ["193.173.27.8", "2001:db8:c::1"], True) == found()
    assert daemon.command("site", site="au", action="auto", reason="a test")["ok"]
    assert ("au", ["210.18.215.100", "2001:db8:a::1"], False) == found()


def test_lookup_gives_the_rows_that_are_specified(daemon: Daemon) -> None:
    addresses = ["20.1.2.3", "40.0.0.1", "50.0.0.1", "2600::1", "64:ff9b::1401:203"]
    rows = daemon.command("lookup", addresses=addresses)["result"]["rows"]
    us, au, nl = (
        ["198.51.100.1", "198.51.100.2", "2001:db8:c::1"],
        ["210.18.215.100", "2001:db8:a::1"],
        ["193.173.27.8"],
    )
    expected: list[tuple[Any, ...]] = [
        ("20.1.2.3", "20.1.2.0/24", "64602 64600", 64600, [64602, 64600], [64600], "us", us, 24),
        ("40.0.0.1", "40.0.0.0/8", "1_64600", 1, [[1, 64600]], [1, 64600], "au", au, 8),
        ("50.0.0.1", None, None, None, None, None, "nl", nl, 4),
        ("2600::1", "2600::/16", "64600", 64600, [64600], [64600], "au", au, 16),
        ("64:ff9b::1401:203", None, None, None, None, None, "us", us, 120),
    ]
    keys = ["address", "prefix", "route", "asn", "path", "origins", "site", "vips", "scope"]
    bases = [None, None, None, None, "as 20.1.2.3, which it wraps"]
    assert [
        dict(zip(keys, row, strict=True)) | {"basis": basis}
        for row, basis in zip(expected, bases, strict=True)
    ] == rows


def test_a_thousand_addresses_are_the_most(daemon: Daemon) -> None:
    assert 1000 == len(daemon.command("lookup", addresses=["20.1.2.3"] * 1000)["result"]["rows"])
    refusal = daemon.command("lookup", addresses=["20.1.2.3"] * 1001)
    assert ["at most 1000 addresses in one request"] == [
        problem["what"] for problem in refusal["problems"]
    ]


def test_explain_gives_lines_and_facts(daemon: Daemon) -> None:
    result = daemon.command(
        "explain", name="www.example.org", **{"from": "127.0.0.1"}, subnet="20.1.2.0/24"
    )["result"]
    keys = """name type rcode zone service decided_by prefix route home
        ground override held known candidates site scope block
        ttl answer generation agrees reason unknown"""
    assert ({"lines", "facts"}, set(keys.split())) == (result.keys(), result["facts"].keys())


def test_requests_that_come_together_are_answered_in_order(daemon: Daemon) -> None:
    addresses = [f"20.{number}.0.1" for number in range(200)]
    lines = [
        json.dumps({"version": 1, "command": "lookup", "addresses": [address]}).encode() + b"\n"
        for address in addresses
    ]
    with daemon.talk() as talk:
        talk.send(b"".join(lines))
        answers = [talk.take()["result"]["rows"][0]["address"] for _ in addresses]
    assert addresses == answers


def test_a_request_may_come_in_pieces(daemon: Daemon) -> None:
    with daemon.talk() as talk:
        for octet in STATUS:
            talk.send(bytes((octet,)))
        assert talk.take()["ok"]


def test_a_client_may_shut_its_end_before_the_answer(daemon: Daemon) -> None:
    with daemon.talk() as talk:
        talk.send(STATUS)
        talk.sock.shutdown(socket.SHUT_WR)
        assert talk.take()["ok"]
        assert talk.is_closed()


def test_half_a_line_and_an_end_is_no_request(daemon: Daemon) -> None:
    with daemon.talk() as talk:
        talk.send(STATUS[:-1])
        talk.sock.shutdown(socket.SHUT_WR)
        assert talk.is_closed()


@pytest.mark.parametrize("excess", [1, LINE])
def test_a_line_of_more_than_a_mebibyte_is_refused_and_ends_the_connection(
    daemon: Daemon, excess: int
) -> None:
    with daemon.talk() as talk:
        try:
            talk.send(b"x" * (LINE + excess) + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            assert excess > 1  # it was refused before all of it was sent
        assert "a line is at most 1048576 octets" == talk.take()["problems"][0]["what"]
        assert talk.is_closed()
    assert daemon.command("status")["ok"]


def test_a_line_of_a_mebibyte_is_read(daemon: Daemon) -> None:
    line = STATUS[:-1] + b" " * (LINE - len(STATUS)) + b"\n"
    with daemon.talk() as talk:
        talk.send(line)
        assert talk.take()["ok"]


def test_a_client_that_does_not_read_keeps_nobody_waiting(daemon: Daemon) -> None:
    with daemon.talk() as deaf:
        deaf.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            deaf.send(STATUS * 1_000_000)  # more than both sides have room for
        assert daemon.command("status")["ok"]
        assert NEAREST == daemon.nearest()
    assert daemon.command("status")["ok"]


def test_many_clients_at_once_are_all_answered(daemon: Daemon) -> None:
    talks = [daemon.talk() for _ in range(150)]
    try:
        for talk in talks:
            talk.send(STATUS)
        assert [True] * 150 == [talk.take()["ok"] for talk in talks]
    finally:
        for talk in talks:
            talk.__exit__()
    assert daemon.command("status")["ok"]


def test_the_folder_and_the_socket_are_closed_to_others(daemon: Daemon) -> None:
    run_dir = daemon.home.run_dir
    assert [0o750, 0o660] == [
        stat.S_IMODE(path.stat().st_mode) for path in (run_dir, run_dir / "control.sock")
    ]
    with Talk(run_dir / "control.sock") as talk:
        assert talk.ask({"version": 1, "command": "status"})["ok"]
