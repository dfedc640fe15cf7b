"""What `simulate` says of an order is what the order then does, counted client by client."""

from __future__ import annotations

import random
import socket
from collections import Counter
from typing import TYPE_CHECKING

import dns.message
import pytest
from running import LOOPBACK, NAME, PATIENCE_S, Home, addresses_of, make_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Daemon

CLIENTS = 10_000
"""Prefixes of the table, of equal size, and one client in each."""
IN_FLIGHT = 50
"""Queries asked at once; a socket's buffer takes as many responses."""
SITES = """\
self: nl
sites:
  au: {asn: [64600], vips: [192.0.2.1], fallback: [sg, us]}
  nl: {asn: [64601], vips: [192.0.2.2]}
  sg: {asn: [64603], vips: [192.0.2.3]}
  us: {asn: [64602], vips: [192.0.2.4], fallback: [nl]}
"""
NAMES = {"192.0.2.1": "au", "192.0.2.2": "nl", "192.0.2.3": "sg", "192.0.2.4": "us"}
ZONES = """\
zones:
  www.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org.]
"""


@pytest.fixture
def daemon(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Daemon]:
    home = Home(tmp_path, free_port(), sites=SITES, zones=ZONES)
    home.write("table.routes", "".join(f"{subnet} {asn}\n" for subnet, asn in clients()))
    yield home.serve()
    home.end()


def clients() -> Iterator[tuple[str, int]]:
    """Give a /24 for each client, and an AS of a site or of none."""
    chance = random.Random(4)  # a table that is the same each time
    for number in range(CLIENTS):
        asn = chance.choice((64600, 64600, 64601, 64602, 64603, 7))
        yield f"20.{number >> 8}.{number & 255}.0/24", asn


def ask_all(daemon: Daemon) -> list[str]:
    """Give the site that each client is sent to."""
    subnets = [subnet for subnet, _ in clients()]
    found: dict[int, str] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect((LOOPBACK, daemon.port))
        for start in range(0, CLIENTS, IN_FLIGHT):
            for number in range(start, start + IN_FLIGHT):
                query = make_query(NAME, "A", subnets[number])
                query.id = number
                sock.send(query.to_wire())
            for _ in range(IN_FLIGHT):
                response = dns.message.from_wire(sock.recv(4096))
                (address,) = addresses_of(response)
                found[response.id] = NAMES[address]
    return [found[number] for number in range(CLIENTS)]


@pytest.mark.parametrize("orders", [{"au": "down"}, {"au": "drain", "sg": "down"}])
def test_what_is_simulated_is_what_then_moves(daemon: Daemon, orders: dict[str, str]) -> None:
    before = ask_all(daemon)
    supposed = {
        action: [site for site, each in orders.items() if each == action]
        for action in ("down", "drain")
    }
    told = daemon.command("simulate", **supposed)["result"]["families"][0]
    for site, action in orders.items():
        assert daemon.command("site", site=site, action=action, reason="a test")["ok"]
    after = ask_all(daemon)
    moved = Counter(pair for pair in zip(before, after, strict=True) if pair[0] != pair[1])
    assert moved == {(move["from"], move["to"]): move["prefixes"] for move in told["moves"]}
    assert moved == {(move["from"], move["to"]): move["addresses"] / 256 for move in told["moves"]}
    assert moved == {(move["from"], move["to"]): move["answers"] for move in told["moves"]}
    assert (CLIENTS, sum(moved.values())) == (told["prefixes"], told["moved"]["prefixes"])
