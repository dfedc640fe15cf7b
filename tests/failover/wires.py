"""Answers as octets, compared with their TTLs or client-subnet scopes left out.

Start from `Answer`, and `Questions`, which asks for many of them.
"""

from __future__ import annotations

import ipaddress
import random
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.message
from running import LOOPBACK, NAME, PATIENCE_S, addresses_of, make_query

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Answer:
    """What was answered to a client subnet."""

    subnet: str
    rtype: str
    wire: bytes
    """With id 0."""

    @property
    def message(self) -> dns.message.Message:
        return dns.message.from_wire(self.wire)

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(addresses_of(self.message))

    @property
    def scope(self) -> int:
        return self.wire[self._scope_at]

    @property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        return ipaddress.ip_network(self.subnet)

    @property
    def block(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """Every address that the answer is said to be good for."""
        return ipaddress.ip_network(f"{self.network.network_address}/{self.scope}", strict=False)

    @property
    def _scope_at(self) -> int:
        asked = make_query(NAME, self.rtype, self.subnet, 0).to_wire()
        # Of the option: code 8, length, family, length of the source; the scope follows.
        network = self.network
        size = (network.prefixlen + 7) // 8
        head = struct.pack(
            "!HHHB", 8, size + 4, 1 if network.version == 4 else 2, network.prefixlen
        )
        assert head in asked
        return self.wire.rindex(head) + len(head)

    @property
    def but_for_ttls(self) -> bytes:
        """All octets, those of TTLs set to 0."""
        octets = bytearray(self.wire)
        counts = struct.unpack_from("!HH", octets, 6)
        at = 12 + len(_question(self.rtype))
        for _ in range(sum(counts)):
            at = _skip_name(octets, at) + 4
            octets[at : at + 4] = bytes(4)
            at += 6 + struct.unpack_from("!H", octets, at + 4)[0]
        return bytes(octets)

    @property
    def but_for_ttls_and_scope(self) -> bytes:
        octets = bytearray(self.but_for_ttls)
        octets[self._scope_at] = 0
        return bytes(octets)


def _question(rtype: str) -> bytes:
    return dns.message.make_query(NAME, rtype, use_edns=False).to_wire()[12:]


def _skip_name(octets: bytearray, at: int) -> int:
    while octets[at]:
        if octets[at] >= 0xC0:
            return at + 2
        at += 1 + octets[at]
    return at + 1


class Questions:
    """The same questions, asked again and again."""

    def __init__(self, port: int, subnets: Iterable[str]) -> None:
        self._port = port
        self._cases = [(subnet, rtype) for subnet in subnets for rtype in ("A", "AAAA")]

    def ask(self) -> dict[tuple[str, str], Answer]:
        """Give the answers by subnet and type."""
        return {(each.subnet, each.rtype): each for each in ask(self._port, self._cases)}


def ask(port: int, cases: Iterable[tuple[str, str]]) -> list[Answer]:
    """Ask for client subnets and types, one after the other."""
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect((LOOPBACK, port))
        for subnet, rtype in cases:
            sock.send(make_query(NAME, rtype, subnet, 0).to_wire())
            answers.append(Answer(subnet, rtype, sock.recv(4096)))
    return answers


def scatter_routes(seed: int, count: int) -> str:
    """Give a table of routes of three sites, one inside the other, in a few large blocks."""
    chance = random.Random(seed)
    lines = ["20.0.0.0/8 64600", "2600::/16 64600", "2a00::/16 64601"]
    for _ in range(count):
        path = chance.choice(("64600", "64601", "64602", "7", "64602 64600"))
        if chance.random() < 0.7:
            address = ipaddress.ip_address(chance.randrange(20 << 24, 24 << 24))
            network = ipaddress.ip_network(f"{address}/{chance.randint(9, 24)}", strict=False)
        else:
            address = ipaddress.ip_address(0x2600 << 112 | chance.getrandbits(32) << 80)
            network = ipaddress.ip_network(f"{address}/{chance.randint(17, 48)}", strict=False)
        lines.append(f"{network} {path}")
    return "\n".join(dict.fromkeys(lines)) + "\n"


def scatter_subnets(seed: int, count: int) -> list[str]:
    """Give client subnets in these blocks and beside them, of several lengths."""
    chance = random.Random(seed)
    found = ["10.1.2.0/24", "50.0.0.0/24", "2001:db8:1::/48", "2400::/32"]
    for _ in range(count * 3 // 4):
        address = ipaddress.ip_address(chance.randrange(20 << 24, 25 << 24))
        length = chance.choice((16, 20, 24, 24, 24, 32))
        found.append(str(ipaddress.ip_network(f"{address}/{length}", strict=False)))
    for _ in range(count // 4):
        address = ipaddress.ip_address(0x2600 << 112 | chance.getrandbits(48) << 64)
        length = chance.choice((32, 48, 48, 56))
        found.append(str(ipaddress.ip_network(f"{address}/{length}", strict=False)))
    return list(dict.fromkeys(found))


def find_unsound(port: int, answers: Iterable[Answer]) -> list[tuple[Answer, Answer]]:
    """Give the pairs of answers of which one is said to be good where the other was given.

    Of each block the first and the last address are asked for as well.
    """
    known = list(answers)
    edges = [
        (f"{address}/{each.block.max_prefixlen}", each.rtype)
        for each in known
        for address in (each.block[0], each.block[-1])
    ]
    known += ask(port, dict.fromkeys(edges))
    spans = [(each, each.addresses, _span(each.block), _span(each.network)) for each in known]
    return [
        (one, other)
        for one, given, (first, last), _ in spans
        for other, also_given, _, (start, end) in spans
        if first <= start <= end <= last
        and given != also_given
        and (one.rtype, one.network.version) == (other.rtype, other.network.version)
    ]


def _span(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)
