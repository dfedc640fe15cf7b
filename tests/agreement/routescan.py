"""A route table looked up the slow way, and sites told from its AS numbers.

Shares no code with sparrow: every line is read here, and the longest match is
found by trying every length.
"""

from __future__ import annotations

import gzip
import ipaddress
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
BITS = {4: 32, 6: 128}

# IANA's special-purpose registries (RFC 6890): what is not globally reachable,
# multicast and 240.0.0.0/4; then what is reachable all the same inside of it.
SPECIAL = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.88.99.2/32 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
    224.0.0.0/4 240.0.0.0/4
    ::/128 ::1/128 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32 3fff::/20
    5f00::/16 fc00::/7 fe80::/10 ff00::/8
"""
ORDINARY = """
    192.0.0.9/32 192.0.0.10/32
    2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:3::/32 2001:4:112::/48 2001:20::/28 2001:30::/28
"""

PARTS = {SPECIAL: True, ORDINARY: False}
BLOCKS = tuple(
    (ipaddress.ip_network(word), is_special)
    for text, is_special in PARTS.items()
    for word in text.split()
)


@dataclass(frozen=True)
class RouteScan:
    """All prefixes of pfx2as files."""

    by_length: Mapping[int, dict[int, dict[int, str]]] = field(
        default_factory=lambda: {4: {}, 6: {}}
    )
    """Origin text by family, prefix length and network."""

    def read(self, path: Path) -> None:
        with gzip.open(path, "rt") as lines:
            for line in lines:
                address, length, origin = line.split()
                packed = ipaddress.ip_address(address)
                networks = self.by_length[packed.version].setdefault(int(length), {})
                networks[int(packed)] = origin

    def count(self, family: int) -> int:
        return sum(map(len, self.by_length[family].values()))

    def find(self, address: IpAddress) -> tuple[int, str, str] | None:
        """Give length, prefix text and origin text of the longest match."""
        bits = BITS[address.version]
        for length in sorted(self.by_length[address.version], reverse=True):
            network = int(address) >> (bits - length) << (bits - length)
            origin = self.by_length[address.version][length].get(network)
            if origin is not None:
                return length, f"{type(address)(network)}/{length}", origin
        return None

    def line(self, address: IpAddress) -> str | None:
        """Give the line of a route file: `PREFIX AS`."""
        found = self.find(address)
        return f"{found[1]} {found[2]}" if found else None


@dataclass(frozen=True)
class Placing:
    """Sites, and the routes that tell which of them an address belongs to."""

    scan: RouteScan
    blocks: Mapping[str, tuple[int, int]]
    """First and last AS number by site."""
    fallback: str
    """Site of all that no route places."""

    def site_of_origin(self, origin: str) -> str:
        """Give the site of the leftmost AS number that has one."""
        for asn in map(int, re.findall("[0-9]+", origin)):
            for site, (first, last) in self.blocks.items():
                if first <= asn <= last:
                    return site
        return self.fallback

    def site_of_source(self, address: IpAddress) -> str:
        """Give the site of a client that asks by itself."""
        found = self.scan.find(unwrapped(address))
        return self.site_of_origin(found[2]) if found else self.fallback

    def site_of_subnet(self, address: IpAddress, resolver: IpAddress) -> str:
        """Give the site of a client whose whole address the resolver tells."""
        decides = resolver if self.is_special(address) else address
        return self.site_of_source(decides)

    def is_special(self, address: IpAddress) -> bool:
        """Tell whether an address says nothing of a place; a route as long as the block counts."""
        inner = unwrapped(address)
        found = self.scan.find(inner)
        around = [
            (network.prefixlen, is_special)
            for network, is_special in BLOCKS
            if network.version == inner.version and inner in network
        ]
        length, is_special = max(around, default=(-1, False))
        return is_special and (found is None or found[0] < length)

    def is_told(self, address: IpAddress) -> bool:
        """Tell whether an address is looked up as it is, wherever it is asked about."""
        return not self.is_special(address) and unwrapped(address) == address


def unwrapped(address: IpAddress) -> IpAddress:
    """Give the IPv4 address that an IPv6 one stands for: mapped, NAT64, 6to4 or Teredo."""
    if address.version == 4:
        return address
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return (
        address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address
    )


WRAPPED = (
    *("::ffff:8.8.8.8", "::ffff:10.1.2.3", "64:ff9b::101:101", "64:ff9b::7f00:1"),
    *("2002:808:808::1", "2002:a00:1::1", "2002:e000:1::", "2001:0:1:2:3:4:f7f7:f7f7"),
)
"""IPv4 inside IPv6, of places and of none."""


def sample_addresses(placing: Placing, seed: int, count: int) -> list[IpAddress]:
    """Give `count` addresses: half from anywhere, half announced, as many for each site."""
    chance = random.Random(seed)
    found: list[IpAddress] = list(map(ipaddress.ip_address, WRAPPED))
    for number, _ in BLOCKS:
        found.append(number[chance.randrange(min(number.num_addresses, 2**32))])
    quarter = (count // 2 - len(found)) // 2
    found += (ipaddress.IPv4Address(chance.getrandbits(32)) for _ in range(quarter))
    while len(found) < count // 2:
        # Half of them within 2000::/3, where all announced IPv6 is.
        top = chance.choice((0b001, chance.getrandbits(3)))
        found.append(ipaddress.IPv6Address(top << 125 | chance.getrandbits(125)))
    shares = group_by_site(placing)
    while len(found) < count:
        for share in shares:
            family, network, length = chance.choice(share)
            kind = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
            found.append(kind(network | chance.getrandbits(BITS[family] - length)))
    found = found[:count]
    chance.shuffle(found)
    return found


def group_by_site(placing: Placing) -> Iterable[list[tuple[int, int, int]]]:
    """Give the prefixes (family, network, length) of each site and family."""
    sites: dict[str, str] = {}
    shares: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
    for family, lengths in placing.scan.by_length.items():
        for length, networks in lengths.items():
            for network, origin in networks.items():
                if origin not in sites:
                    sites[origin] = placing.site_of_origin(origin)
                shares.setdefault((sites[origin], family), []).append((family, network, length))
    return [shares[key] for key in sorted(shares)]
