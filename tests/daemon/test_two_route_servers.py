"""The daemon with two real gobgpd in networks of their own, and 100,000 real routes in each."""

from __future__ import annotations

import ipaddress
import random
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import LOOPBACK, NAME, make_query

sys.path.append(str(Path(__file__).parents[1] / "feeds"))
sys.path.append(str(Path(__file__).parents[1] / "failover"))
import dns.message
from partition import joined
from speakers import Speaker, announcer, load_real_routes, need_gobgpd, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from running import Daemon, Home

COUNT = 100_000
PATIENCE_S = 400.0
SITES = """\
self: nl
sites:
  au: {asn: [64600], vips: [192.0.2.1]}
  nl: {asn: [64601], vips: [192.0.2.2]}
  us: {asn: [64602], vips: [192.0.2.3]}
"""
ZONES = f"""\
zones:
  {NAME}:
    soa: {{mname: ns.example.org., rname: hostmaster.example.org.}}
    ns: [ns.example.org.]
"""
VIPS = {64600: "192.0.2.1", 64601: "192.0.2.2", 64602: "192.0.2.3"}
SELF = "192.0.2.2"
WINDOW = 32


@pytest.fixture
def speakers(tmp_path: Path, needs: Callable[[str], str]) -> Iterator[list[Speaker]]:
    """Two gobgpd in two networks, whose interfaces are Unix sockets."""
    need_gobgpd()
    for program in ("ip", "nsenter", "unshare"):
        needs(program)
    with joined("198.18.0.1", "198.18.0.2") as link:
        started = [
            Speaker(tmp_path / name, 64500, side.address, 0, 1790, prefix=side.prefix)
            for name, side in (("here", link.here), ("there", link.there))
        ]
        for each in started:
            each.folder.mkdir()
            each.api_path = each.folder / "api"
            each.start()
        yield started
        for each in started:
            each.kill()


def pick_addresses(prefixes: list[str], count: int) -> list[str]:
    """Give addresses in these prefixes, and others, that are globally reachable unicast."""
    chance = random.Random(17)
    found: list[str] = []
    odd = ipaddress.ip_network("2001::/23"), ipaddress.ip_network("2002::/16")
    while len(found) < count:
        if chance.random() < 0.7:
            network = ipaddress.ip_network(chance.choice(prefixes))
            address = network[chance.randrange(min(network.num_addresses, 2**64))]
        elif chance.random() < 0.7:
            address = ipaddress.ip_address(chance.randrange(2**32))
        else:
            address = ipaddress.ip_address(0x2000 << 112 | chance.getrandbits(125))
        if address.is_global and not address.is_multicast and not any(address in o for o in odd):
            found.append(str(address))
    return found


def choose(tables: list[Mapping[str, str]], addresses: list[str]) -> list[str]:
    """Choose for each address by the rules, sharing nothing with what is tested."""
    routes: dict[tuple[int, int, int], str] = {}
    for table in tables:
        for prefix, path in table.items():
            network = ipaddress.ip_network(prefix)
            routes[network.version, network.prefixlen, int(network.network_address)] = path
    lengths = {(version, length) for version, length, _ in routes}
    chosen = []
    for text in addresses:
        address = ipaddress.ip_address(text)
        bits = address.max_prefixlen
        path = ""
        for version, length in sorted(lengths, reverse=True):
            masked = int(address) >> (bits - length) << (bits - length) if length <= bits else 0
            if version == address.version and (version, length, masked) in routes:
                path = routes[version, length, masked]
                break
        owned = [int(asn) for asn in path.split() if int(asn) in VIPS]
        chosen.append(VIPS[owned[0]] if owned else SELF)
    return chosen


def ask_all(daemon: Daemon, addresses: list[str]) -> list[str]:
    """Ask for the address that users at these addresses get, some at once."""
    found: dict[int, str] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(60)
        sock.connect((LOOPBACK, daemon.port))
        for start in range(0, len(addresses), WINDOW):
            some = range(start, min(start + WINDOW, len(addresses)))
            for number in some:
                length = 128 if ":" in addresses[number] else 32
                query = make_query(NAME, "A", f"{addresses[number]}/{length}").to_wire()
                sock.send(number.to_bytes(2, "big") + query[2:])
            for _ in some:
                message = dns.message.from_wire(sock.recv(4096))
                found[message.id] = str(message.answer[0][0])
    return [found[number] for number in range(len(addresses))]


@pytest.mark.timeout(1500)
def test_two_servers_are_followed_through_a_storm_and_a_restart(
    home: Home, speakers: list[Speaker], tables: Path
) -> None:
    routes = load_real_routes(tables, COUNT * 3 // 2)
    prefixes = list(routes)
    given = [
        {prefix: routes[prefix] for prefix in prefixes[:COUNT]},
        # Others, and some of the same, by other ways.
        {
            prefix: (64600 + (routes[prefix][-1] + 1) % 3, *routes[prefix][1:])
            for prefix in prefixes[-COUNT:]
        },
    ]
    random.Random(3).shuffle(prefixes)
    with announcer(speakers[0]) as here, announcer(speakers[1]) as there:
        here.send(given[0])
        there.send(given[1])
        home.sites, home.files = SITES, ()
        sources = "".join(f'  - {{gobgp: "{each.target}", quiet: 1s}}\n' for each in speakers)
        home.configure(zones=f"routes:\n{sources}{ZONES}")
        daemon = home.begin()
        wait_until(lambda: is_ready(daemon), "it is not ready", PATIENCE_S)

        addresses = pick_addresses(prefixes, 10_000)
        dumps = [speaker.table() for speaker in speakers]
        assert [COUNT, COUNT] == [len(dump) for dump in dumps]
        expected = choose(dumps, addresses)
        assert expected == ask_all(daemon, addresses)
        assert 3 == len(set(expected))
        assert_storm_freezes(daemon, given[0], here.send)
        assert expected == ask_all(daemon, addresses)

        serial = daemon.status()["serial"]
        speakers[1].kill()
        wait_until(lambda: daemon.status()["feeds"][1]["phase"] == "connecting")
        assert expected == ask_all(daemon, addresses)
        speakers[1].start()
        wait_until(lambda: daemon.status()["feeds"][1]["phase"] == "live")
        wait_until(lambda: daemon.status()["feeds"][1]["withheld"] == COUNT)
        assert expected == ask_all(daemon, addresses)
    with announcer(speakers[1]) as there:
        there.send(given[1])
        wait_until(lambda: daemon.status()["feeds"][1]["withheld"] == 0, patience_s=PATIENCE_S)
    assert expected == ask_all(daemon, addresses)
    assert serial == daemon.status()["serial"], "nothing differs from before"
    row = daemon.status()["feeds"][1]
    assert (1, 0, 0, None) == tuple(
        row[key] for key in ("losses", "repaired", "skipped", "stale_since")
    )


def is_ready(daemon: Daemon) -> bool:
    assert daemon.process.poll() is None, daemon.log()
    return "ready, serial" in daemon.log()


def assert_storm_freezes(
    daemon: Daemon, routes: Mapping[str, object], send: Callable[[dict[str, None]], None]
) -> None:
    """Withdraw every route of the first server, and see that all of them go on to count."""
    send(dict.fromkeys(routes))
    wait_until(
        lambda: daemon.status()["feeds"][0]["withheld"] == len(routes),
        "not all is withheld",
        PATIENCE_S,
    )
    row = daemon.status()["feeds"][0]
    assert (True, len(routes)) == (row["frozen"], row["v4"] + row["v6"])
