"""Resource record sets, and the numbers of DNS by their names.

Law: an RRset is immutable; its rdata are uncompressed wire octets, so whoever
serves needs no record type's text form. Start from `RRset`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from sparrow.values.name import Name

CLASS_IN = 1
CLASS_CH = 3
MAX_TTL = 2**31 - 1
"""Seconds (RFC 2181 section 8)."""


class RRType(IntEnum):
    """Record types that some rule of this program names (IANA DNS parameters)."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    HINFO = 13
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33
    NAPTR = 35
    DNAME = 39
    OPT = 41
    DS = 43
    SSHFP = 44
    TLSA = 52
    SVCB = 64
    HTTPS = 65
    IXFR = 251
    AXFR = 252
    ANY = 255
    CAA = 257


ADDRESS_TYPES = {RRType.A: 4, RRType.AAAA: 6}
"""Address record types and their family."""


class Rcode(IntEnum):
    """Response codes that this program gives."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    YXDOMAIN = 6
    BADVERS = 16


def render_rtype(rtype: int) -> str:
    """Give the mnemonic of a type, or `TYPE65280` (RFC 3597 section 5)."""
    try:
        return RRType(rtype).name
    except ValueError:
        return f"TYPE{rtype}"


def parse_rtype(text: str) -> int:
    """Read a mnemonic that this program names, or `TYPE65280`. Raises `InputError`."""
    word = text.upper()
    if word in RRType.__members__:
        return RRType[word]
    number = word.removeprefix("TYPE")
    is_number = number != word and number.isascii() and number.isdigit() and len(number) <= 5
    if is_number and int(number) < 2**16:
        return int(number)
    known = ", ".join(RRType.__members__)
    raise InputError([Problem(f"{text!r} is not a record type: use {known}, or TYPE and a number")])


@dataclass(frozen=True, slots=True)
class RRset:
    """Records of one owner and type, class IN."""

    owner: Name
    """Owner name, lower case."""
    rtype: int
    """Record type, 1 to 65535."""
    ttl: int
    """Seconds; one for the whole set (RFC 2181 section 5.2)."""
    rdatas: tuple[bytes, ...]
    """Rdata as uncompressed wire octets, in the order in which they are sent."""


def soa_serial(soa: RRset) -> int:
    """Give the serial of a SOA: the first of the five words at its end (RFC 1035, 3.3.13)."""
    return int.from_bytes(soa.rdatas[0][-20:-16], "big")
