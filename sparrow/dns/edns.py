"""EDNS(0): the OPT record of a query and of a response (RFC 6891).

Law: an option that is malformed where its RFC demands FORMERR raises
`ValueError` here, and nowhere else; an unknown option is not looked at. Start
from `decode_opt` and `decode_options`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from sparrow.values.address import BITS, IPV4, IPV6, family_of, truncate

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_PAYLOAD = 512
"""Octets; smaller values count as this (RFC 6891 section 6.2.3)."""
OUR_PAYLOAD = 1232
"""Octets that fit every path of the Internet without fragments (DNS flag day 2020)."""
_DO_FLAG = 0x8000


class OptionCode(IntEnum):
    """EDNS options that this program knows."""

    NSID = 3
    """RFC 5001."""
    CLIENT_SUBNET = 8
    """RFC 7871."""
    COOKIE = 10
    """RFC 7873."""
    TCP_KEEPALIVE = 11
    """RFC 7828."""


@dataclass(frozen=True, slots=True)
class ClientSubnet:
    """The client subnet option as it came, so that it can be echoed."""

    iana_family: int
    """Address family number on the wire: 1, 2, or 0 with nothing behind it."""
    source_length: int
    """Bits of the address that were sent; 0 asks that none be used."""
    octets: bytes
    """The address as sent: as many octets as the source length needs."""

    @property
    def address(self) -> bytes:
        """The address filled with zeros to 4 or 16 octets."""
        return self.octets.ljust(16 if self.iana_family == 2 else 4, b"\0")

    def encode(self, scope: int) -> bytes:
        """Give the option of a response: all as sent, and the scope in bits."""
        head = struct.pack("!HBB", self.iana_family, self.source_length, scope)
        return head + self.octets


@dataclass(frozen=True, slots=True)
class Edns:
    """What the OPT record of a query says."""

    payload: int
    """Octets of UDP payload that the sender takes."""
    version: int
    """EDNS version; this program knows 0."""
    is_dnssec_ok: bool
    """The DO bit (RFC 3225), echoed."""
    subnet: ClientSubnet | None = None
    """Client subnet, if the query has one."""
    cookie: bytes | None = None
    """Client cookie, with the server cookie behind it where the client knows one."""
    wants_nsid: bool = False
    """Whether the name server identifier is asked for."""
    wants_keepalive: bool = False
    """Whether the client of a TCP connection asks for its idle timeout."""


def decode_opt(payload: int, ttl: int) -> Edns:
    """Read the OPT record's class and TTL."""
    return Edns(max(payload, MIN_PAYLOAD), ttl >> 16 & 0xFF, bool(ttl & _DO_FLAG))


def decode_options(edns: Edns, rdata: bytes) -> Edns:
    """Give `edns` with what the OPT record's rdata says.

    The options of another version than 0 are not read: it may give them other
    forms. Raises `ValueError` where a known option is malformed.
    """
    if edns.version:
        return edns
    options = list(_split_options(rdata))
    codes = [code for code, _ in options]
    subnets = [value for code, value in options if code == OptionCode.CLIENT_SUBNET]
    if len(subnets) > 1:
        raise ValueError("two client subnet options")
    cookies = [value for code, value in options if code == OptionCode.COOKIE]
    return replace(
        edns,
        subnet=_decode_subnet(subnets[0]) if subnets else None,
        # RFC 7873 section 5.2: the first one counts, others are ignored.
        cookie=_check_cookie(cookies[0]) if cookies else None,
        wants_nsid=OptionCode.NSID in codes,
        wants_keepalive=OptionCode.TCP_KEEPALIVE in codes,
    )


def _split_options(rdata: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < len(rdata):
        if offset + 4 > len(rdata):
            raise ValueError("an option's head is cut")
        code, length = struct.unpack_from("!HH", rdata, offset)
        offset += 4
        if offset + length > len(rdata):
            raise ValueError("an option is cut")
        yield code, rdata[offset : offset + length]
        offset += length


def _decode_subnet(value: bytes) -> ClientSubnet:
    """Read a client subnet option of a query (RFC 7871 section 6).

    Family 0 with nothing behind it is what some clients send for "use no
    address", and is taken as source length 0.
    """
    if len(value) < 4:
        raise ValueError("the client subnet option is cut")
    iana_family, source_length, scope = struct.unpack_from("!HBB", value)
    octets = value[4:]
    subnet = ClientSubnet(iana_family, source_length, octets)
    if scope or len(octets) != (source_length + 7) // 8:
        raise ValueError("the client subnet has a scope, or not as many octets as it says")
    if iana_family == 0 and source_length == 0:
        return subnet
    family = {1: IPV4, 2: IPV6}.get(iana_family)
    if family is None or source_length > BITS[family]:
        raise ValueError("the client subnet is of an unknown family, or too long")
    if truncate(subnet.address, source_length) != subnet.address:
        raise ValueError("the client subnet has bits set behind its source length")
    return subnet


def _check_cookie(value: bytes) -> bytes:
    """Give the option back: 8 octets, or 16 to 40 (RFC 7873 section 4)."""
    if len(value) != 8 and not 16 <= len(value) <= 40:
        raise ValueError("a cookie is 8 octets, or 16 to 40")
    return value


def subnet_octets(address: bytes, source_length: int) -> ClientSubnet:
    """Make the option of a query that tells the first bits of an address."""
    iana_family = 1 if family_of(address) == IPV4 else 2
    octets = truncate(address, source_length)[: (source_length + 7) // 8]
    return ClientSubnet(iana_family, source_length, octets)
