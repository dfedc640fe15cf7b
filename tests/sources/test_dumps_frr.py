"""What a real bgpd prints, read back (Debian: frr)."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from entrylist import counts, read_all

from sparrow.sources.dumps import DumpFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 30.0
PROMPT = b"sparrow> "
PATHS = {
    "0.0.0.0/0": "64500",
    "1.0.0.0/24": "64500 13335",
    "9.0.0.0/8": "64500 64500 4200000001",
    "172.16.0.0/16": "64500 13335",
    "192.168.100.128/25": "64500 13335",
    "2001:db8::/32": "64500 64500 4200000001",
    "2001:db8:1:2:3::/80": "7",
}
OWN = "10.0.0.0/8"
"""The router's own, with no path."""


def write_config(path: Path) -> None:
    maps, networks = [], {True: [], False: [f"  network {OWN}"]}
    for number, (prefix, route) in enumerate(PATHS.items()):
        maps += [f"route-map R{number} permit 10", f" set as-path prepend {route}", "!"]
        networks[":" in prefix].append(f"  network {prefix} route-map R{number}")
    lines = ["hostname sparrow", "password secret", *maps, "router bgp 65000"]
    lines += [" bgp router-id 192.0.2.1", " no bgp network import-check"]
    for is_v6, rows in networks.items():
        family = "ipv6" if is_v6 else "ipv4"
        lines += [f" address-family {family} unicast", *rows, " exit-address-family"]
    path.write_text("\n".join([*lines, "line vty", ""]))
    path.chmod(0o644)


def say(peer: socket.socket, line: str) -> bytes:
    """Give what the router prints up to its next prompt."""
    peer.sendall(line.encode() + b"\n")
    output = b""
    while not output.endswith(PROMPT):
        piece = peer.recv(65536)
        assert piece, "bgpd closed the session"
        output += piece
    return output


def log_in(address: tuple[str, int]) -> socket.socket:
    peer = socket.create_connection(address, timeout=PATIENCE_S)
    output = b""
    while not output.endswith(b"Password: "):
        output += peer.recv(4096)
    say(peer, "secret")
    say(peer, "terminal length 0")
    return peer


@pytest.fixture(scope="module")
def bgpd(
    needs: Callable[[str], str],
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, int]]:
    """Where a bgpd listens that has the routes of `PATHS`."""
    folder = tmp_path_factory.mktemp("bgpd")
    write_config(folder / "bgpd.conf")
    address = ("127.0.0.1", free_port())
    command = [needs("bgpd"), "-n", "-Z", "-S", "-p", "0", "-N", f"sparrow{address[1]}"]
    command += ["-f", str(folder / "bgpd.conf"), "-i", str(folder / "pid")]
    command += ["--vty_socket", str(folder), "-A", address[0], "-P", str(address[1])]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until_loaded(address, process)
        yield address
    finally:
        process.kill()
        process.wait()


def wait_until_loaded(address: tuple[str, int], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None, "bgpd ended"
        assert time.monotonic() < end, "bgpd has no routes yet"
        try:
            with log_in(address) as peer:
                found = say(peer, "show ip bgp") + say(peer, "show bgp ipv6")
            # It takes a route in first, and makes it its choice a little later.
            if found.count(b"\n*> ") == len(PATHS) + 1:
                return
        except OSError:
            pass
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["show ip bgp", "show bgp ipv6"], DumpFormat.SHOW_BGP),
        (["show ip bgp wide", "show bgp ipv6 wide"], DumpFormat.SHOW_BGP),
        (["show bgp ipv4 unicast json", "show bgp ipv6 unicast json"], DumpFormat.FRR_JSON),
        (["show bgp ipv4 unicast json detail", "show bgp ipv6 json detail"], DumpFormat.FRR_JSON),
    ],
)
def test_what_a_router_prints_is_read_as_it_is_in_its_session(
    bgpd: tuple[str, int], commands: list[str], expected: DumpFormat
) -> None:
    with log_in(bgpd) as peer:
        output = b"".join(say(peer, command) for command in commands)
    lines, skipped = read_all(output, None)
    found = [tuple(line.partition(" from ")[0].partition(" ")[::2]) for line in lines]
    assert sorted(PATHS.items()) == sorted(found)
    assert {" best"} == {line[-5:] for line in lines}
    assert {"NO_PATH"} == set(counts(skipped))
    assert lines == read_all(output, expected)[0]
    assert skipped.cut_at is None
