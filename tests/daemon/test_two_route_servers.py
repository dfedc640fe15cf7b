"""The daemon with two real gobgpd in networks of their own, and 100,000 real routes in each."""

from __future__ import annotations

import ipaddress
import itertools
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
import partition
from speakers import Speaker, announcer, load_real_routes, need_gobgpd, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from running import Daemon, Home

COUNT = 100_000
PATIENCE_S = 400.0
LONGEST_S = 1500
"""Seconds for all of it; on a machine that does nothing else it takes one or two minutes."""
SITES = """\
self: au
ranking: {rank_by: [path]}
sites:
  au: {vips: [192.0.2.1]}
  nl: {vips: [192.0.2.2]}
"""
VIPS = ("192.0.2.1", "192.0.2.2")
"""Of the sites in configured order; the first one has all that no view decides."""
ZONES = f"""\
zones:
  {NAME}:
    soa: {{mname: ns.example.org., rname: hostmaster.example.org.}}
    ns: [ns.example.org.]
"""
ALL = "{max_length_v4: 32, max_length_v6: 128, martians: keep, reserved_as: keep}"
WINDOW = 32


@pytest.fixture
def speakers(
    tmp_path: Path, needs: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Speaker]]:
    """Two gobgpd in two networks, whose interfaces are Unix sockets."""
    monkeypatch.setattr(partition, "LONGEST_S", str(LONGEST_S))
    need_gobgpd()
    for program in ("ip", "nsenter", "unshare"):
        needs(program)
    with partition.joined("198.18.0.1", "198.18.0.2") as link:
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


class Look:
    """A longest match in a dumped table, sharing nothing with what is tested."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._hops: dict[tuple[int, int, int], int] = {}
        for prefix, path in table.items():
            network = ipaddress.ip_network(prefix)
            key = network.version, network.prefixlen, int(network.network_address)
            self._hops[key] = len([asn for asn, _ in itertools.groupby(path.split())])
        self._lengths = sorted({key[:2] for key in self._hops}, reverse=True)

    def find(self, text: str) -> int | None:
        """Give how many networks are on the way to an address, None without a route."""
        address = ipaddress.ip_address(text)
        for version, length in self._lengths:
            if version == address.version:
                shift = address.max_prefixlen - length
                found = self._hops.get((version, length, int(address) >> shift << shift))
                if found is not None:
                    return found
        return None


def choose(dumps: list[Mapping[str, str]], addresses: list[str]) -> list[str]:
    """Give the nearest site of each address by the fewest hops; of equals the first."""
    looks = [Look(dump) for dump in dumps]
    chosen = []
    for address in addresses:
        hops = [look.find(address) for look in looks]
        known = [(count, vip) for count, vip in zip(hops, VIPS, strict=True) if count is not None]
        chosen.append(min(known, default=(0, VIPS[0]))[1])
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


def vary(path: tuple[int, ...], salt: int) -> tuple[int, ...]:
    """Give a way to the same origin that is longer or shorter, or says a network twice."""
    ways = (path, path[1:], (path[0], *path), (64999, *path))
    return ways[(path[-1] * salt >> 2) % 4]


@pytest.mark.timeout(LONGEST_S)
def test_two_servers_are_followed_through_a_storm_and_a_restart(
    home: Home, speakers: list[Speaker], tables: Path
) -> None:
    routes = load_real_routes(tables, COUNT * 3 // 2)
    prefixes = list(routes)
    # Half of each table is in the other one, too, by another way.
    given = [
        {prefix: vary(routes[prefix], salt) for prefix in some}
        for salt, some in ((1, prefixes[:COUNT]), (5, prefixes[-COUNT:]))
    ]
    with announcer(speakers[0]) as here, announcer(speakers[1]) as there:
        here.send(given[0])
        there.send(given[1])
        home.sites, home.files = SITES, ()
        sources = "".join(
            f'  - {{gobgp: "{each.target}", view: {site}, quiet: 1s, sanity: {ALL}}}\n'
            for each, site in zip(speakers, ("au", "nl"), strict=True)
        )
        home.configure(zones=f"routes:\n{sources}{ZONES}")
        daemon = home.begin()
        wait_until(lambda: is_ready(daemon), "it is not ready", PATIENCE_S)

        addresses = pick_addresses(prefixes, 10_000)
        dumps = [speaker.table() for speaker in speakers]
        assert [COUNT, COUNT] == [len(dump) for dump in dumps]
        expected = choose(dumps, addresses)
        assert expected == ask_all(daemon, addresses)
        assert 1000 < min(expected.count(vip) for vip in VIPS)
        some, known = addresses[:1000], expected[:1000]
        assert_storm_freezes(daemon, given[0], here.send)
        assert known == ask_all(daemon, some)

        serial = daemon.status()["serial"]
        speakers[1].kill()
        wait_until(lambda: daemon.status()["feeds"][1]["phase"] == "connecting")
        assert known == ask_all(daemon, some)
        speakers[1].start()
        wait_until(lambda: daemon.status()["feeds"][1]["phase"] == "live")
        wait_until(lambda: daemon.status()["feeds"][1]["withheld"] == COUNT)
        assert known == ask_all(daemon, some)
    with announcer(speakers[1]) as there:
        there.send(given[1])
        wait_until(lambda: daemon.status()["feeds"][1]["withheld"] == 0, patience_s=PATIENCE_S)
    assert known == ask_all(daemon, some)
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
