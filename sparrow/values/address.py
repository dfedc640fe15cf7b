"""Addresses and prefixes as packed bytes.

Law: an address is 4 or 16 octets in network order, and its length is its
family. Start from `parse_address` and `Prefix`.

`inet_pton` and `inet_ntop` are the C library's text forms of an address. Python
keeps them in `socket`, but they touch no network; they are 10 times faster than
`ipaddress`, which matters for tables of a million lines. Pure code that needs
them takes them from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from socket import AF_INET as AF_INET
from socket import AF_INET6 as AF_INET6
from socket import inet_ntop
from socket import inet_pton as inet_pton

from sparrow.errors import InputError, Problem

IPV4 = 4
IPV6 = 6
FAMILIES = (IPV4, IPV6)
BITS = {IPV4: 32, IPV6: 128}


def family_of(address: bytes) -> int:
    """Give 4 or 6 for a packed address."""
    return IPV4 if len(address) == 4 else IPV6


def parse_address(text: str) -> bytes:
    """Pack an IPv4 or IPv6 address given as text, without a zone index.

    Raises `InputError` where `text` is not one address. IPv4 is four decimal
    numbers without leading zeros; shorthands such as `10.1` are refused.
    """
    try:
        return inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        what = f"{text!r} is not an IPv4 or IPv6 address, such as 192.0.2.1 or 2001:db8::1"
        raise InputError([Problem(what)]) from None


def render_address(address: bytes) -> str:
    """Give the text of a packed address, IPv6 as RFC 5952 wants it."""
    return inet_ntop(AF_INET if len(address) == 4 else AF_INET6, address)


@dataclass(frozen=True, slots=True, order=True)
class Prefix:
    """A block of addresses; the bits behind `length` are zero."""

    network: bytes
    """First address of the block, packed."""
    length: int
    """Leading bits that count: 0 to 32, or 0 to 128."""

    @property
    def family(self) -> int:
        """4 or 6."""
        return family_of(self.network)

    def __str__(self) -> str:
        """Render as `network/length`."""
        return f"{render_address(self.network)}/{self.length}"

    def contains(self, address: bytes) -> bool:
        """Tell whether `address` is of this family and inside the block."""
        return len(address) == len(self.network) and truncate(address, self.length) == self.network


def truncate(address: bytes, length: int) -> bytes:
    """Give `address` with every bit behind the first `length` set to zero."""
    spare = len(address) * 8 - length
    value = int.from_bytes(address, "big") >> spare << spare
    return value.to_bytes(len(address), "big")


def parse_prefix(text: str) -> Prefix:
    """Read `address/length`, or a bare address as its host route.

    Raises `InputError` for anything else, and where bits behind the length are
    set: the caller who forgives those uses `parse_network` and `truncate`.
    """
    address, length = parse_network(text)
    network = truncate(address, length)
    if network != address:
        right = Prefix(network, length)
        raise InputError([Problem(f"{text!r} has bits set behind /{length}; the block is {right}")])
    return Prefix(network, length)


def parse_network(text: str) -> tuple[bytes, int]:
    """Read `address/length` into the address as written and the length in bits."""
    address_text, slash, length_text = text.partition("/")
    address = parse_address(address_text)
    bits = len(address) * 8
    if not slash:
        return address, bits
    is_number = length_text.isascii() and length_text.isdigit() and len(length_text) <= 3
    if not is_number or int(length_text) > bits:
        raise InputError([Problem(f"{text!r}: the length behind / must be 0 to {bits}")])
    return address, int(length_text)
