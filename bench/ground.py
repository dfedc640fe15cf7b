"""What every server of the bench serves, and which site is right.

Law: shares no code with sparrow, so that it can judge it. All servers have the same
sites, zone and tables. Start from `load_ground` and `Ground.site_of`.
"""

from __future__ import annotations

import gzip
import ipaddress
import os
import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

TABLES = Path(
    os.environ.get("SPARROW_TABLES") or Path(__file__).resolve().parents[2] / "shared" / "data"
)
BLOCKS = {
    "apnic": (131072, 151865),
    "ripe": (196608, 221000),
    "lacnic": (262144, 274844),
    "afrinic": (327680, 329727),
    "arin": (393216, 402332),
    "mixed": (1, 64495),
}
"""AS numbers of the regional registries (IANA, 32-bit), and the older ones of all of them."""
FALLBACK = "rest"
"""Site of all that no route places; `self` of the configuration."""
SITES = (*BLOCKS, FALLBACK)
VIPS = {
    site: {4: f"192.0.2.{number}", 6: f"2001:db8::{number}"} for number, site in enumerate(SITES, 1)
}
ZONE = "steered.example"
"""Zone whose apex is steered."""
TTL_S = 30
BITS = {4: 32, 6: 128}
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

# Blocks of which servers differ in policy, not in their maps: special-purpose ones
# (IANA), where sparrow takes the resolver's address, and IPv6 that stands for IPv4.
_ASIDE = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24
    198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3
    ::/8 64:ff9b::/32 100::/8 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16
    2620:4f:8000::/48 fc00::/7 fe80::/10 ff00::/8
"""
ASIDE = tuple(map(ipaddress.ip_network, _ASIDE.split()))


@dataclass(frozen=True, slots=True)
class Row:
    """A prefix of the tables, and the site that its origin belongs to."""

    family: int
    """4 or 6."""
    text: str
    """Network address as the table writes it."""
    network: int
    """The same as a number."""
    length: int
    """Bits."""
    site: str
    """Name."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client subnet that is asked about."""

    family: int
    """4 or 6."""
    network: int
    """Its first address."""
    length: int
    """Bits: 24 or 48, as resolvers send."""


@dataclass(frozen=True)
class Ground:
    """The tables of one bench, read once."""

    files: tuple[Path, ...]
    """Where they were read."""
    rows: tuple[Row, ...]
    """Every prefix."""
    by_length: dict[int, dict[int, dict[int, str]]]
    """Site by family, prefix length and network."""

    def site_of(self, client: Client) -> str:
        """Give the site of the longest prefix around a client: every length is tried."""
        bits = BITS[client.family]
        lengths = self.by_length[client.family]
        for length in sorted(lengths, reverse=True):
            site = lengths[length].get(client.network >> (bits - length) << (bits - length))
            if site is not None:
                return site
        return FALLBACK


def load_ground() -> Ground:
    """Read the tables of SPARROW_TABLES; the bench ends where there are none."""
    files = tuple(sorted(TABLES.glob("internet-*.pfx2as.gz")))
    if not files:
        sys.exit(f"no real route tables in {TABLES}; SPARROW_TABLES names their folder")
    by_length: dict[int, dict[int, dict[int, str]]] = {4: {}, 6: {}}
    rows = []
    sites: dict[str, str] = {}
    for path in files:
        with gzip.open(path, "rt") as lines:
            for line in lines:
                text, length, origin = line.split()
                if origin not in sites:
                    sites[origin] = _site_of_origin(origin)
                row = _read_row(text, int(length), sites[origin])
                rows.append(row)
                by_length[row.family].setdefault(row.length, {})[row.network] = row.site
    return Ground(files, tuple(rows), by_length)


def _read_row(text: str, length: int, site: str) -> Row:
    family = 6 if ":" in text else 4
    network = int.from_bytes(socket.inet_pton(FAMILIES[family], text), "big")
    return Row(family, text, network, length, site)


def _site_of_origin(origin: str) -> str:
    """Give the site of the leftmost AS number that has one."""
    for asn in map(int, re.findall("[0-9]+", origin)):
        for site, (first, last) in BLOCKS.items():
            if first <= asn <= last:
                return site
    return FALLBACK


def packed(client: Client) -> bytes:
    """Give the address of a client as it stands in packets."""
    return client.network.to_bytes(BITS[client.family] // 8, "big")


def is_aside(client: Client) -> bool:
    """Tell whether a client is in a block of which servers may think differently."""
    kind = ipaddress.IPv4Address if client.family == 4 else ipaddress.IPv6Address
    address = kind(client.network)
    return any(address.version == block.version and address in block for block in ASIDE)


def sample_anywhere(count: int, chance: random.Random) -> list[Client]:
    """Give `count` random /24, announced or not."""
    found: list[Client] = []
    while len(found) < count:
        client = Client(4, chance.getrandbits(24) << 8, 24)
        if not is_aside(client):
            found.append(client)
    return found


def sample_announced(
    ground: Ground, family: int, count: int, chance: random.Random
) -> list[Client]:
    """Give `count` clients, each in a prefix drawn from all of a family with equal chance."""
    rows = [row for row in ground.rows if row.family == family]
    bits, length = BITS[family], 24 if family == 4 else 48
    found: list[Client] = []
    while len(found) < count:
        row = chance.choice(rows)
        inside = chance.getrandbits(max(length - row.length, 0)) << (bits - length)
        client = Client(family, row.network | inside, max(length, row.length))
        if not is_aside(client):
            found.append(client)
    return found
