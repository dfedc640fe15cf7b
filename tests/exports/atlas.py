"""A configuration whose map has something of everything, and what look-ups say of it."""

from __future__ import annotations

import ipaddress
import json
import random
from typing import TYPE_CHECKING, Any

from running import Home, run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TABLE = """\
20.0.0.0/8 64600
20.1.0.0/16 64601
20.1.2.0/24 64602 64600
20.1.2.128/26 64600
30.0.0.0/8 7
40.0.0.0/8 1_64600
50.0.0.0/9 64600
50.128.0.0/9 64602
10.1.0.0/16 64602
127.0.0.0/8 64601
127.1.0.0/16 64600
127.1.7.0/24 64602
127.2.0.0/15 64602
127.129.0.0/16 64600
2600::/16 64600
2600:1::/32 64602
2001:4860::/32 64602
2a00::/16 64601
2a00:8000::/17 64600
"""
ZONES = """\
zones:
  www.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org., ns.au.example.org.]
    ttl: 7
"""
SITES = """\
self: nl
sites:
  au: {asn: [64600], vips: [210.18.215.100, "2001:db8:a::1"], fallback: [nl]}
  nl: {asn: [64601], vips: [193.173.27.8, "2001:db8:b::1"]}
  us: {asn: [64602], vips: [198.51.100.1, 198.51.100.2, "2001:db8:c::1"]}
"""
LIKE_IPV4 = ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "2001::/32", "2002::/16")


def make_home(path: Path, port: int) -> Home:
    home = Home(path, port, sites=SITES, zones=ZONES)
    home.write("table.routes", TABLE)
    return home


def export(home: Home, form: str, *more: str) -> Path:
    """Export to a file in the folder of the configuration."""
    target = home.path / f"export.{form}"
    outcome = run("export", "--format", form, "-o", target, "-c", home.config, *more)
    assert 0 == outcome.code, outcome.err
    return target


def look_up(home: Home, addresses: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Give what `sparrow lookup` says, by address."""
    wanted = list(addresses)
    stdin = "".join(f"{address}\n" for address in wanted).encode()
    outcome = run("lookup", "--json", "-c", home.config, "-", stdin=stdin)
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert len(wanted) == len(rows), outcome.err
    return dict(zip(wanted, rows, strict=True))


def pick_addresses(count: int, version: int, within: str | None = None) -> list[str]:
    """Give addresses: around the edges of every prefix of the table, and others by chance."""
    chance = random.Random(count)
    bits = 32 if version == 4 else 128
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    found: dict[int, None] = {}
    for line in TABLE.splitlines():
        net = ipaddress.ip_network(line.split()[0])
        if net.version == version:
            first, last = int(net[0]), int(net[-1])
            found |= dict.fromkeys((first - 1, first, last, last + 1))
            found |= dict.fromkeys(chance.randint(first, last) for _ in range(6))
    edges = [0, (1 << bits) - 1]
    while len(found) < 4 * count:
        found[chance.getrandbits(bits)] = None
    addresses = [str(kind(number)) for number in (*edges, *found) if 0 <= number < 1 << bits]
    if within:
        block = ipaddress.ip_network(within)
        first, last = int(block[0]), int(block[-1])
        addresses = [each for each in addresses if ipaddress.ip_address(each) in block]
        addresses += [str(kind(chance.randint(first + 1, last - 1))) for _ in range(count)]
    return addresses[:count]


def is_like_ipv4(address: str) -> bool:
    """Tell whether an address holds one of IPv4, in any of the ways that gdnsd knows."""
    found = ipaddress.ip_address(address)
    return any(found in ipaddress.ip_network(block) for block in LIKE_IPV4)
