"""The daemon as a process: its folders, its ports, its signals, its account, its log."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import struct
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import dns.message
import pytest
from running import (
    LOOPBACK,
    NEAREST,
    PATIENCE_S,
    SITES,
    START,
    ZONES,
    Home,
    is_root,
    make_query,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon

NOBODY = "nobody"
BIG_TABLE = "".join(
    f"{a}.{b}.{c}.0/24 {64600 + c % 3}\n"
    for a in range(20, 28)
    for b in range(256)
    for c in range(200)
)
"""400,000 lines, which take long enough to read that a signal arrives meanwhile."""
SSRS = 'ssrs: {{listen: "127.0.0.1:{port}", hostname: router}}\n'


# The interpreter may stand where only root can read it: what it needs is loaded before.
LEAVE_ROOT = """
import os, sys, encodings.utf_8_sig, sparrow.cli.opening, sparrow.cli.serving
import sparrow.keeping.configured
from sparrow.cli import main
os.setuid(54321)
main(sys.argv[1:])
"""
AS_SOMEBODY = (sys.executable, "-c", LEAVE_ROOT)


def ended(daemon: Daemon) -> tuple[int, str]:
    """Wait until it ends by itself; give its exit code and its log."""
    return daemon.process.wait(PATIENCE_S), daemon.log()


# The run directory.


def test_a_second_daemon_in_the_same_run_directory_is_refused_by_the_pid_of_the_first(
    home: Home, daemon: Daemon
) -> None:
    code, log = ended(home.begin())
    assert 2 == code
    assert f"{home.run_dir} belongs to a sparrow that runs already, pid {daemon.pid}: stop" in log
    assert NEAREST == daemon.nearest()
    assert daemon.command("status")["ok"]


def test_what_a_killed_keeper_left_goes_on_and_is_taken_over(home: Home, daemon: Daemon) -> None:
    daemon.kill()
    assert NEAREST == daemon.nearest()
    assert daemon.pid not in {daemon.status()["pid"], daemon.status()["keeper_pid"]}
    code, log = ended(home.begin())
    assert (2, True) == (code, "take its place with `sparrow serve --replace`" in log)
    successor = home.serve("--replace")
    assert successor.pid == successor.status()["pid"]
    assert NEAREST == successor.nearest()


def test_a_daemon_that_ends_takes_its_sockets_with_it_and_leaves_the_plan(
    home: Home, daemon: Daemon
) -> None:
    assert 0 == daemon.stop()
    left = {"lock", "plan", "publisher", "limits.json", "counters", "layout.json"}
    assert left == {path.name for path in home.run_dir.iterdir()}


def link_to(folder: Path, target: Path) -> None:
    target.mkdir()
    folder.symlink_to(target)


def fill(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    (folder / "letters").write_text("dear")


BAD_RUN_DIRS: dict[str, tuple[Callable[[Path], object], str]] = {
    "link": (lambda folder: link_to(folder, folder.with_name("other")), "is a symbolic link"),
    "file": (lambda folder: folder.write_text(""), "File exists; see server.run_dir"),
    "used": (fill, "holds 'letters', not sparrow's: give it a server.run_dir of its own"),
    "linked lock": (
        lambda folder: (folder.mkdir(), (folder / "lock").symlink_to("/dev/null")),
        "symbolic links; see server.run_dir",
    ),
}


@pytest.mark.parametrize("kind", BAD_RUN_DIRS)
def test_a_run_directory_that_is_not_ours_is_refused(home: Home, kind: str) -> None:
    make, what = BAD_RUN_DIRS[kind]
    make(home.run_dir)
    before = home.run_dir.stat().st_mode
    code, log = ended(home.begin())
    assert (2, True) == (code, what in log), log
    assert f"run directory {home.run_dir}" in log
    assert kind != "used" or before == home.run_dir.stat().st_mode


def test_a_run_directory_of_somebody_else_is_refused(home: Home) -> None:
    if not is_root():
        pytest.skip("only root can give a folder to somebody else")
    home.run_dir.mkdir()
    os.chown(home.run_dir, 12345, 12345)
    code, log = ended(home.begin())
    assert (2, True) == (code, f"{home.run_dir} belongs to uid 12345: remove it" in log), log


def test_a_run_directory_with_too_long_a_path_is_refused(home: Home) -> None:
    config = home.render().replace("run_dir: run", f"run_dir: {'x' * 100}")
    home.write("sparrow.yaml", config)
    code, log = ended(home.begin())
    assert (2, True) == (code, "too long a path for the control socket" in log), log


# Ports.


def test_a_taken_port_is_said_and_ends_the_start(home: Home) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((LOOPBACK, home.port))
        code, log = ended(home.begin())
    assert 2 == code
    assert f"error: cannot listen on {LOOPBACK}:{home.port} (UDP): the address is already" in log


def test_a_taken_route_port_is_said_too(home: Home, free_port: Callable[[], int]) -> None:
    port = free_port()
    home.configure(ssrs=SSRS.format(port=port))
    with socket.create_server((LOOPBACK, port)):
        code, log = ended(home.begin())
    assert (2, True) == (code, f"cannot listen on {LOOPBACK}:{port} (TCP)" in log), log


@pytest.fixture
def without_ipv6(needs: Callable[[str], str]) -> tuple[str, ...]:
    """Give the words of a command that starts the server on a machine without IPv6."""
    if not is_root():
        pytest.skip("making a network namespace needs root")
    needs("ip")
    switch_off = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"
    shell = f'ip link set lo up; [ ! -e /proc/sys/net/ipv6 ] || {switch_off}; exec "$@"'
    return (needs("unshare"), "-n", needs("sh"), "-c", shell, "sh", *START)


@pytest.mark.network
def test_a_machine_without_ipv6_is_told_what_to_leave_out(
    home: Home, without_ipv6: tuple[str, ...]
) -> None:
    home.write("sparrow.yaml", home.render().replace('"]', f'", "[::1]:{home.port}"]', 1))
    code, log = ended(home.begin(prefix=without_ipv6))
    assert 2 == code
    assert f"cannot listen on [::1]:{home.port} (TCP): " in log
    assert f"{LOOPBACK}:{home.port}" not in log


@pytest.mark.network
def test_a_machine_without_ipv6_needs_no_configuration_for_it(
    home: Home, without_ipv6: tuple[str, ...]
) -> None:
    home.write("sparrow.yaml", home.render().replace(f'listen: ["{LOOPBACK}:{home.port}"], ', ""))
    for _ in range(2):  # the second start remembers the layout
        daemon = home.begin(prefix=without_ipv6).wait_for("ready, serial")
        assert "not listening on [::1]:5300, a default of server.listen" in daemon.log()
        assert [f"{LOOPBACK}:5300"] == daemon.status()["listen"]
        assert [] == daemon.command("reload")["result"]["needs_restart"]
        assert 0 == daemon.stop()


# Signals.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_0(
    home: Home, daemon: Daemon, number: signal.Signals
) -> None:
    wire = make_query("www.example.org", subnet="20.5.0.0/24").to_wire()
    framed = struct.pack("!H", len(wire)) + wire
    with socket.create_connection((LOOPBACK, home.port), timeout=PATIENCE_S) as client:
        client.sendall(framed)
        daemon.send(number)
        with client.makefile("rb") as answers:
            (size,) = struct.unpack("!H", answers.read(2))
            assert dns.message.from_wire(answers.read(size)).answer
            assert b"" == answers.read(1)
    assert 0 == daemon.process.wait(PATIENCE_S)
    lines = [line.partition(" ")[2] for line in daemon.log().splitlines()]
    assert ["info: stopping: answering what has arrived", "info: stopped"] == lines[-2:]


def has_signal(daemon: Daemon, field: str, number: signal.Signals) -> bool:
    """Tell whether a mask in /proc/PID/status holds a signal."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith(field))
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_tables_are_read_ends_the_start_with_0(
    home: Home, number: signal.Signals
) -> None:
    home.write("table.routes", BIG_TABLE)
    daemon = home.begin()
    wait_until(lambda: has_signal(daemon, "SigCgt:", signal.SIGTERM) and has_socket(home))
    daemon.send(number)
    code, log = ended(daemon)
    assert (0, True, False) == (code, "info: stopped" in log, "ready" in log), log


def has_socket(home: Home) -> bool:
    """Tell whether the port is taken, which it is before the first table is read."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((LOOPBACK, home.port))
        except OSError:
            return True
    return False


def test_a_hang_up_during_the_start_reloads_when_it_can(home: Home) -> None:
    home.write("table.routes", BIG_TABLE)
    daemon = home.begin()
    wait_until(lambda: has_signal(daemon, "SigBlk:", signal.SIGHUP))
    home.write("table.routes", "20.0.0.0/8 64602\n")
    daemon.send(signal.SIGHUP)
    daemon.wait_for("info: reloaded, serial ")
    daemon.wait_for("ready, serial 1")
    assert (1, True) == (daemon.status()["tables"]["v4"], daemon.status()["reload"]["ok"])


def test_a_signal_in_the_middle_of_a_reload_ends_it_too(home: Home, daemon: Daemon) -> None:
    home.write("table.routes", BIG_TABLE)
    with daemon.talk() as talk:
        talk.send(b'{"version": 1, "command": "reload"}\n')
        assert daemon.command("status")["ok"]  # by now the reload has begun
        assert 0 == daemon.stop()
        assert talk.is_closed()
    assert ("info: stopped\n", False) == (daemon.log()[-14:], "reloaded" in daemon.log())


def test_a_hang_up_while_stopping_is_harmless(home: Home, daemon: Daemon) -> None:
    with socket.create_connection((LOOPBACK, home.port), timeout=PATIENCE_S) as client:
        client.sendall(b"\0")  # half a length keeps the connection open
        wait_until(lambda: bool(daemon.status()["counters"]["connections"]["open"]))
        daemon.send(signal.SIGTERM)
        daemon.wait_for("stopping")
        daemon.send(signal.SIGHUP)
    assert 0 == daemon.process.wait(PATIENCE_S)
    assert daemon.log().endswith("info: stopped\n")


def test_an_unchanged_configuration_is_not_read_again_before_it_is_served(home: Home) -> None:
    home.configure(server=", workers: 1")
    assert 0 == home.serve().stop()
    file = home.run_dir / "layout.json"
    remembered = file.read_text().replace('\\"workers\\": 1', '\\"workers\\": 2')
    file.write_text(remembered)
    daemon = home.serve()
    # What is remembered is believed; only its own program writes it, and it wrote 1.
    assert 3 == len(daemon.status()["workers"])
    daemon.stop()
    file.write_text(remembered)
    home.configure(ssrs="# another octet\n")
    assert 2 == len(home.serve().status()["workers"])


def test_a_configuration_that_went_bad_is_refused_whatever_is_remembered(home: Home) -> None:
    assert 0 == home.serve().stop()
    home.configure(server=", workers: many, user: 7")
    code, log = ended(home.begin())
    lines = [line.partition(" ")[2] for line in log.splitlines()]
    assert (2, 2) == (code, len(lines)), log
    assert all(line.startswith(f"error: {home.config}:1: server.") for line in lines), log


def test_a_signal_while_the_configuration_is_read_ends_the_start_with_0(home: Home) -> None:
    home.configure(sites=SITES + "# long\n" * 2_000_000)
    daemon = home.begin()
    wait_until(lambda: has_signal(daemon, "SigCgt:", signal.SIGTERM))
    daemon.send(signal.SIGTERM)
    code, log = ended(daemon)
    assert (0, True) == (code, "info: stopped before anything was served\n" in log), log


# The account.


@pytest.fixture
def open_home(free_port: Callable[[], int]) -> Iterator[Home]:
    """A home in a folder that everybody may enter, unlike those of pytest."""
    if not is_root():
        pytest.skip("only root can become somebody else")
    path = Path(tempfile.mkdtemp(prefix="sparrow-"))
    path.chmod(0o755)
    home = Home(path, free_port(), server=f", user: {NOBODY}")
    yield home
    try:
        home.end()
    finally:
        shutil.rmtree(path)


def ids_of(pid: int) -> list[int]:
    """Give the real, effective, saved and file system user of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next([*map(int, line.split()[1:])] for line in status.splitlines() if "Uid:" in line)


def test_as_root_the_daemon_becomes_the_user_and_reloads(open_home: Home) -> None:
    home, uid = open_home, pwd.getpwnam(NOBODY).pw_uid
    daemon = home.serve()
    daemon.wait_for("running as nobody, who must be able to read every file")
    found = daemon.status()
    assert uid == ids_of(found["keeper_pid"])[1]  # it acts as the user, at the least
    others = [found["daemon_pid"], *(row["pid"] for row in found["workers"])]
    assert [[uid] * 4] * len(others) == [ids_of(pid) for pid in others]
    kept = [home.run_dir, home.run_dir / "lock", home.run_dir / "control.sock"]
    kept += [home.secret.parent, home.secret]
    assert [uid] * 5 == [path.stat().st_uid for path in kept]
    assert [0o750, 0o640, 0o660, 0o750, 0o600] == [
        stat.S_IMODE(path.stat().st_mode) for path in kept
    ]
    home.write("table.routes", "20.0.0.0/8 64602\n")
    assert daemon.command("reload")["result"]["changed"]["rerouted"]
    assert ["198.51.100.1", "198.51.100.2"] == daemon.addresses()
    daemon.stop()
    # What the user writes tells root nothing: neither where to serve nor as whom.
    remembered = home.run_dir / "layout.json"
    text = remembered.read_text().replace(f'\\"{NOBODY}\\"', "null")
    assert "null, " in text
    remembered.write_text(text)
    os.chown(remembered, uid, uid)
    again = home.serve()  # and starts again in the same folders
    assert NEAREST != again.nearest()
    assert uid == ids_of(again.status()["daemon_pid"])[0]


def test_what_root_left_in_the_run_directory_is_given_to_the_user(open_home: Home) -> None:
    home, uid = open_home, pwd.getpwnam(NOBODY).pw_uid
    home.configure(server="")
    home.secret.parent.mkdir()
    home.secret.write_text(f"{'11' * 16}\n")
    assert 0 == home.serve().stop()
    os.chown(home.secret, uid, uid)
    home.configure(server=f", user: {NOBODY}")
    daemon = home.serve()
    assert NEAREST == daemon.nearest()
    plan = [home.run_dir / "plan", *(home.run_dir / "plan").iterdir()]
    assert {uid} == {path.stat().st_uid for path in plan}


def test_a_file_that_the_user_may_not_read_is_said_beside_whom_it_concerns(
    open_home: Home,
) -> None:
    (open_home.path / "table.routes").chmod(0o600)
    code, log = ended(open_home.begin())
    assert (2, True) == (code, "running as nobody" in log)
    assert f"error: {open_home.path}/table.routes: the file cannot be read: Permission" in log


def test_the_folder_of_a_secret_that_is_there_keeps_its_owner(open_home: Home) -> None:
    folder = open_home.path / "secrets"
    folder.mkdir()
    open_home.configure(server=f"{open_home.server}, cookie_secret: secrets/cookie")
    open_home.serve()
    assert (0, pwd.getpwnam(NOBODY).pw_uid) == (
        folder.stat().st_uid,
        (folder / "cookie").stat().st_uid,
    )


def test_an_unknown_user_is_refused(home: Home) -> None:
    home.configure(server=", user: no-such-user")
    code, log = ended(home.begin())
    assert (2, True) == (code, "there is no user 'no-such-user' on this machine" in log), log


def test_only_root_becomes_somebody_else(open_home: Home) -> None:
    code, log = ended(open_home.begin(prefix=AS_SOMEBODY))
    assert (2, True) == (code, "error: server.user: only root can become 'nobody'" in log), log
    assert not open_home.run_dir.exists()


def test_another_user_cannot_take_the_folders_of_root(open_home: Home) -> None:
    open_home.configure(server="")
    code, log = ended(open_home.begin(prefix=AS_SOMEBODY))
    what = f"error: run directory {open_home.run_dir}: Permission denied; see server.run_dir"
    assert (2, True) == (code, what in log), log


# The cookie secret.


def test_a_cookie_secret_is_made_once_and_only_for_us(home: Home, daemon: Daemon) -> None:
    secret = home.secret.read_text()
    assert (0o600, 33, 16) == (
        stat.S_IMODE(home.secret.stat().st_mode),
        len(secret),
        len(bytes.fromhex(secret)),
    )
    daemon.stop()
    home.serve()
    assert secret == home.secret.read_text()


def test_a_shared_secret_file_is_used_and_its_second_line_is_still_good(home: Home) -> None:
    home.secret.parent.mkdir()
    home.secret.write_text(f"# of the fleet\n{'11' * 16}\n\n{'22' * 16}  # the old one\n")
    daemon = home.serve()
    assert NEAREST == daemon.nearest()
    assert "11" * 16 in home.secret.read_text()


def test_a_bad_secret_file_is_refused_by_its_line(home: Home) -> None:
    home.secret.parent.mkdir()
    home.secret.write_text(f"{'11' * 16}\n{'22' * 15}\n")
    code, log = ended(home.begin())
    assert 2 == code
    assert f"error: {home.secret}:2: a cookie secret is 32 hexadecimal digits" in log


# What is served, and the log.


def test_json_logs_hold_an_object_a_line_to_the_end(home: Home) -> None:
    daemon = home.serve("--log-format", "json")
    daemon.stop()
    rows = [json.loads(line) for line in daemon.log().splitlines()]
    assert {("time", "level", "source", "text")} == {tuple(row) for row in rows}
    assert "stopped" == rows[-1]["text"]


def test_json_logs_hold_the_reason_of_a_start_that_failed(home: Home) -> None:
    home.write("table.routes", "x 1\ny 2\n")
    code, log = ended(home.begin("--log-format", "json"))
    rows = [json.loads(line) for line in log.splitlines()]
    errors = [row["text"] for row in rows if row["level"] == "error"]
    assert (2, 2) == (code, len(errors))
    assert errors[0].startswith(f"{home.path}/table.routes:1: ")


def test_quiet_logs_hold_nothing_of_a_good_start(home: Home) -> None:
    home.configure(sites=home.sites.replace("[193.173.27.8]", '[193.173.27.8, "2001:db8::8"]'))
    home.configure(sites=home.sites.replace("[193.173.27.9]", '[193.173.27.9, "2001:db8::9"]'))
    daemon = home.begin("--log-level", "error")
    wait_until((home.run_dir / "control.sock").exists)
    assert NEAREST == daemon.nearest()
    assert (0, "") == (daemon.stop(), daemon.log())


def test_zones_without_a_route_port_and_a_route_port_without_zones(
    home: Home, free_port: Callable[[], int]
) -> None:
    daemon = home.serve()
    status = daemon.status()
    assert (None, [f"{LOOPBACK}:{home.port}"], {}) == (
        *(status[key] for key in ("route_port", "listen")),
        status["counters"]["route_port"],
    )
    assert 0 == daemon.stop()
    port = free_port()
    home.configure(zones="", ssrs=SSRS.format(port=port))
    daemon = home.serve().wait_for("answering the route port")
    status = daemon.status()
    assert (f"{LOOPBACK}:{port}", [], []) == tuple(
        status[key] for key in ("route_port", "listen", "zones")
    )
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S) as peer:
        assert peer.recv(100)
        counts = daemon.status()["counters"]["route_port"]
        assert (1, 1, 0) == tuple(counts[key] for key in ("open", "accepted", "logins"))
    home.configure(sites="", zones="")
    assert daemon.command("reload")["ok"]
    row = daemon.command("lookup", addresses=["20.0.0.1"])["result"]["rows"][0]
    assert ("20.0.0.0/8", None, None, None) == tuple(
        row[key] for key in ("prefix", "site", "vips", "scope")
    )
    assert not has_socket(home)


def test_the_last_zone_and_the_first_may_go_and_come(home: Home, daemon: Daemon) -> None:
    home.configure(zones="", ssrs=SSRS.format(port=home.port))
    assert ["zones (the first one, or the last)", "ssrs"] == daemon.command("reload")["result"][
        "needs_restart"
    ]
    with daemon.counting() as moved:
        daemon.ask("www.example.org")
    assert {"queries.udp": 1, "responses.REFUSED": 1} == moved
    home.configure(zones=ZONES, ssrs="")
    assert daemon.command("reload")["ok"]
    assert NEAREST == daemon.nearest()
