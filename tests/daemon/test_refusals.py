"""Reloads that are refused: each kind of bad input, by file and line, while the old serves on."""

from __future__ import annotations

import gzip
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from running import NEAREST, SITES, TABLE, ZONE_FILE, ZONES, Home, Load, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon

MANY_LINES = "".join(f"20.{n >> 8}.{n & 255}.0/24 64600\n" for n in range(5000))


@dataclass(frozen=True)
class Fault:
    """Something that an operator may do to a good folder."""

    file: str
    text: str | bytes | None
    """What is written there; None where the file is taken away."""
    line: int | None
    what: str
    """Part of what must be said."""


def in_sites(old: str, new: str) -> str:
    assert old in SITES
    return SITES.replace(old, new)


CONFIG_FAULTS = {
    "syntax": Fault("sparrow.yaml", "server: {listen: [\n", 2, "this is not YAML"),
    "unknown key": Fault("sparrow.yaml", SITES + ZONES + "sitez: {}\n", 19, "sitez"),
    "wrong type": Fault("sparrow.yaml", SITES + ZONES.replace("ttl: 7", "ttl: seven"), 12, "seven"),
    "dangling name": Fault("sparrow.yaml", in_sites("[nl]}", "[nz]}") + ZONES, 3, "nz"),
    "shared AS": Fault("sparrow.yaml", in_sites("[64601]", "[64600]") + ZONES, 4, "64600"),
    "nothing to serve": Fault("sparrow.yaml", SITES, 1, "nothing to serve"),
    "not UTF-8": Fault("sparrow.yaml", b"self: nl\n# \xff\n", 2, "UTF-8"),
    "gone": Fault("sparrow.yaml", None, None, "there is no such file"),
}
TABLE_FAULTS = {
    "bad line": Fault("table.routes", TABLE + "20.0.0.0/33 7\n", 9, "20.0.0.0/33 7"),
    "bad AS": Fault("table.routes", TABLE + "20.3.0.0/16 AS\n", 9, "20.3.0.0/16 AS"),
    "half written": Fault("table.routes", TABLE[:-9], 8, "2a00::/"),
    "cut above 64 KiB": Fault("table.routes", MANY_LINES[:-3], 5000, "cut off"),
    "cut gzip": Fault("table.routes", gzip.compress(TABLE.encode())[:-9], None, "cut off"),
    "damaged gzip": Fault(
        "table.routes", b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 90, None, "damaged"
    ),
    "empty": Fault("table.routes", "", None, "no route"),
    "gone": Fault("table.routes", None, None, "No such file"),
}
ZONE_FAULTS = {
    "bad record": Fault("www.zone", ZONE_FILE + "x A 192.0.2.300\n", 5, "192.0.2.300"),
    "address at a steered name": Fault("www.zone", ZONE_FILE + "@ A 192.0.2.1\n", 5, "steer"),
    "CNAME beside others": Fault("www.zone", ZONE_FILE + "static CNAME x\n", 5, "CNAME"),
    "outside": Fault("www.zone", ZONE_FILE + "example.net. A 192.0.2.1\n", 5, "example.net"),
    "missing include": Fault("www.zone", ZONE_FILE + "$INCLUDE no.zone\n", 5, "no.zone"),
    "gone": Fault("www.zone", None, None, "No such file"),
}
SECRET_FAULT = Fault("state/cookie.secret", "00" * 16 + "\n00112233\n", 2, "32 hexadecimal digits")
FAULTS = {
    **{f"config: {key}": fault for key, fault in CONFIG_FAULTS.items()},
    **{f"table: {key}": fault for key, fault in TABLE_FAULTS.items()},
    **{f"zone: {key}": fault for key, fault in ZONE_FAULTS.items()},
    "cookie secret": SECRET_FAULT,
}


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Daemon]:
    """One daemon for all tests here: each leaves it as it was."""
    home = Home(tmp_path_factory.mktemp("d"), free_port())
    yield home.serve()
    home.end()


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_said_with_file_and_line_and_the_old_state_serves_on(
    daemon: Daemon, kind: str
) -> None:
    fault, home = FAULTS[kind], daemon.home
    path = home.path / fault.file
    good, before = path.read_bytes(), daemon.status()
    assert NEAREST == daemon.nearest()
    try:
        with Load(home.port) as load:
            load.wait_for(14)
            apply(home, fault)
            response = daemon.command("reload")
            load.wait_for(14)
        assert (False, True) == (response["ok"], "result" not in response)
        assert (str(path), fault.line) in [
            (problem["file"], problem["line"])
            for problem in response["problems"]
            if fault.what in problem["what"]
        ], response["problems"]
        assert {subnet: {tuple(each)} for subnet, each in NEAREST.items()} == load.answers
        refused = daemon.status()
        assert (False, response["problems"]) == (
            refused["reload"]["ok"],
            refused["reload"]["problems"],
        )
        kept = ("serial", "published_at", "tables", "zones")
        assert [before[key] for key in kept] == [refused[key] for key in kept]
    finally:
        path.write_bytes(good)
    result = daemon.command("reload")["result"]
    assert before["serial"] == result["serial"]
    assert NEAREST == daemon.nearest()
    assert daemon.status()["reload"]["ok"]


def apply(home: Home, fault: Fault) -> None:
    path = home.path / fault.file
    if fault.text is None:
        path.unlink()
    else:
        path.write_bytes(fault.text.encode() if isinstance(fault.text, str) else fault.text)


@pytest.mark.parametrize(
    "fault", [CONFIG_FAULTS["wrong type"], TABLE_FAULTS["bad line"], ZONE_FAULTS["bad record"]]
)
def test_the_command_lists_the_problems_and_exits_with_2(daemon: Daemon, fault: Fault) -> None:
    home = daemon.home
    text = fault.text if fault.file != "sparrow.yaml" else home.render().replace("7", "seven")
    apply(home, Fault(fault.file, text, fault.line, fault.what))
    try:
        outcome = run("reload", "-c", home.config)
        status = run("status", "-c", home.config)
        check = run("status", "--check", "-c", home.config)
    finally:
        home.write("table.routes", TABLE)
        home.write("www.zone", ZONE_FILE)
        home.configure()
    assert (2, "") == (outcome.code, outcome.out)
    assert f"error: {home.path / fault.file}:" in outcome.err
    assert fault.what in outcome.err
    assert (0, True) == (status.code, "REFUSED, the state before it is served" in status.out)
    assert fault.what in status.out
    assert (1, True) == (check.code, check.out.startswith("SPARROW WARNING - the last reload was"))
    assert 0 == run("reload", "-c", home.config).code
    check = run("status", "--check", "-c", home.config)
    assert (0, True) == (check.code, check.out.startswith("SPARROW OK - serving 5 IPv4 and 2 IPv6"))


def test_hang_up_refuses_in_the_log_a_line_for_each_problem(daemon: Daemon) -> None:
    home = daemon.home
    home.write("table.routes", "x 1\ny 2\n")
    times = daemon.log().count("reload refused")
    try:
        daemon.send(signal.SIGHUP)
        daemon.wait_for("error: reload refused, serial 1 is served on:", times + 1)
        daemon.wait_for(f" error: {home.path}/table.routes:1: ")
        daemon.wait_for(f" error: {home.path}/table.routes:2: ")
    finally:
        home.write("table.routes", TABLE)
    assert not daemon.status()["reload"]["ok"]
    assert daemon.command("reload")["ok"]


def test_everything_that_is_wrong_is_said_at_once(daemon: Daemon) -> None:
    home = daemon.home
    secret = home.secret.read_bytes()
    home.write("table.routes", "x 1\n")
    home.write("www.zone", "$TTL 1\nx A y\n")
    home.secret.write_text("z\n")
    try:
        response = daemon.command("reload")
    finally:
        home.write("table.routes", TABLE)
        home.write("www.zone", ZONE_FILE)
        home.secret.write_bytes(secret)
    assert {
        (str(home.path / "table.routes"), 1),
        (str(home.path / "www.zone"), 2),
        (str(home.secret), 1),
    } == {(problem["file"], problem["line"]) for problem in response["problems"]}
    assert daemon.command("reload")["ok"]
