"""The server under systemd: its units, its notifications, sockets that it is given."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import dns.message
import pytest
from keptserver import PATIENCE_S
from running import NAME, NEAREST, START, Home, addresses_of, make_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon

UNITS = Path(__file__).resolve().parents[2] / "contrib" / "systemd"


@pytest.fixture
def site(home: Path, free_port: Callable[[], int]) -> Iterator[Home]:
    site = Home(home, free_port(), server=", workers: 2")
    yield site
    site.end()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_units_are_good(needs: Callable[[str], str], tmp_path: Path) -> None:
    analyze = needs("systemd-analyze")
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/usr/bin/sparrow", sys.executable)
        (tmp_path / unit.name).write_text(text)
    said = run(analyze, "verify", *map(str, sorted(tmp_path.iterdir())))
    assert "sparrow" not in said


def test_the_service_exposes_little(needs: Callable[[str], str], tmp_path: Path) -> None:
    unit = shutil.copy(UNITS / "sparrow.service", tmp_path)
    options = ("security", "--offline=yes", "--no-pager", str(unit))
    said = run(needs("systemd-analyze"), *options)
    level = re.search(r"Overall exposure level for sparrow.service: ([0-9.]+)", said)
    assert level
    assert float(level[1]) <= 2.0


def test_the_service_keeps_what_fail_static_needs() -> None:
    lines = (UNITS / "sparrow.service").read_text().splitlines()
    wanted = ("KillMode=process", "Restart=always", "RuntimeDirectoryPreserve=restart")
    assert {*wanted, "Type=notify"} <= set(lines)


def test_systemd_is_told_of_the_start_the_successor_and_the_end(site: Home) -> None:
    path = site.path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.bind(str(path))
        environ = os.environ | {"NOTIFY_SOCKET": str(path)}
        first = site.serve(env=environ)
        assert f"READY=1\nMAINPID={first.pid}" == sock.recv(100).decode()
        second = site.serve("--replace", env=environ)
        said = {sock.recv(100).decode() for _ in range(2)}
        assert {f"READY=1\nMAINPID={second.pid}", f"MAINPID={second.pid}"} == said
        assert 0 == second.stop()
        assert b"STOPPING=1" == sock.recv(100)


@pytest.fixture
def activate(needs: Callable[[str], str], site: Home) -> Callable[..., Daemon]:
    """Have systemd's own program open the port and start the server at the first client."""

    def start(*options: str) -> Daemon:
        listen = (needs("systemd-socket-activate"), *options, "-l", f"127.0.0.1:{site.port}")
        passed = [f"--setenv={name}" for name in ("PYTHONPATH", "HOME") if name in os.environ]
        return site.begin(prefix=(*listen, *passed, *START))

    return start


def test_a_udp_socket_of_systemd_is_served(activate: Callable[..., Daemon], site: Home) -> None:
    daemon = activate("--datagram").wait_for("Listening on")
    assert ["210.18.215.100"] == daemon.addresses()
    daemon.wait_for("ready, serial 1")
    assert "has 1 UDP sockets for 2 workers" in daemon.log()
    assert NEAREST == daemon.nearest()
    assert [1, 1] == [len(row["sockets"]) for row in daemon.status()["workers"][:2]]
    successor = site.serve("--replace")
    assert 0 == daemon.process.wait(PATIENCE_S)
    assert NEAREST == successor.nearest()


def test_a_tcp_socket_of_systemd_is_served(activate: Callable[..., Daemon], site: Home) -> None:
    daemon = activate().wait_for("Listening on")
    wire = make_query(NAME, "A", "20.1.9.0/24").to_wire()
    with socket.create_connection(("127.0.0.1", site.port), timeout=PATIENCE_S) as sock:
        sock.sendall(len(wire).to_bytes(2, "big") + wire)
        with sock.makefile("rb") as stream:
            size = int.from_bytes(stream.read(2), "big")
            response = addresses_of(dns.message.from_wire(stream.read(size)))
    assert ["193.173.27.8"] == response
    daemon.wait_for("ready, serial 1")
