r"""Rdata text into wire octets and back, for every record type that is data.

Law: this is the only module that knows dnspython, and no object of it leaves:
type mnemonics go to numbers, rdata text to uncompressed wire octets (RFC 1035
section 3.3 and the RFC of each type; RFC 3597 section 5 for the others), and
both back. Start from `parse_rtype`, `encode_rdata` and `render_rdata`.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer

from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from sparrow.values.name import Name

_MAX_RDATA = 65535
"""Octets (RFC 1035 section 3.2.1)."""
_MAX_SHOWN = 60
"""Characters of refused text in a message."""

_MNEMONIC = re.compile(r"[A-Za-z0-9-]{1,32}")
"""The longest that IANA has assigned has 10 characters."""
_ODD_CHARACTER = re.compile(r"\\[\x00-\x7f]|\\?([^\x00-\x7f])")

_SIGNING_TYPES = frozenset(
    (
        dns.rdatatype.RRSIG,
        dns.rdatatype.NSEC,
        dns.rdatatype.NSEC3,
        dns.rdatatype.NSEC3PARAM,
    )
)

_SHAPES = {
    "A": "an IPv4 address, such as 192.0.2.1",
    "AAAA": "an IPv6 address, such as 2001:db8::1",
    "NS": "the name of a server",
    "CNAME": "one name",
    "DNAME": "one name",
    "PTR": "one name",
    "SOA": "primary server, mailbox, serial, refresh, retry, expire and minimum",
    "MX": "a preference and the name of a host, such as 10 mail.example.org.",
    "TXT": "strings of at most 255 octets, best between quotes",
    "SRV": "priority, weight, port and the name of a host",
    "CAA": 'flags, a tag and a value, such as 0 issue "ca.example.net"',
    "NAPTR": "order, preference, flags, service, regular expression and a name",
    "DS": "key tag, algorithm, digest type and the digest in hex",
    "TLSA": "usage, selector, matching type and the octets in hex",
    "SSHFP": "algorithm, fingerprint type and the fingerprint in hex",
    "SVCB": "a priority, the name of a target and key=value parameters",
    "HTTPS": "a priority, the name of a target and key=value parameters",
}
"""What stands behind a type, for those that operators write most."""


@lru_cache(maxsize=256)
def parse_rtype(word: str) -> int:
    """Read a type mnemonic, or `TYPE65280` (RFC 3597 section 5), in any case.

    Raises `InputError` for an unknown one, for a type that is no data (RFC 6895
    section 3.1), and for the types that only signing makes.
    """
    if _MNEMONIC.fullmatch(word) is None:
        raise _unknown_type(word)
    try:
        rtype = dns.rdatatype.from_text(word)
    except (dns.exception.DNSException, ValueError):
        raise _unknown_type(word) from None
    if rtype == 0 or dns.rdatatype.is_metatype(rtype):
        what = f"{_show(word)} is a type for queries and messages: a zone cannot hold it"
        raise InputError([Problem(what)])
    if rtype in _SIGNING_TYPES:
        what = f"{word.upper()} records are made by signing, and sparrow does not sign or serve"
        raise InputError([Problem(f"{what} signed zones yet: load the zone as it is unsigned")])
    return int(rtype)


def encode_rdata(rtype: int, text: str, origin: Name) -> bytes:
    r"""Give the uncompressed wire form of rdata text that stands on one line.

    Relative names are completed with `origin`; names keep the case they are
    written in. Characters beyond ASCII are the octets of their UTF-8 form, in
    names too. Any type may be written `\# LENGTH HEX` (RFC 3597 section 5).
    Raises `InputError` where the text is not rdata of the type.
    """
    try:
        plain = text if text.isascii() else _ODD_CHARACTER.sub(_escape_odd, text)
        tokens = dns.tokenizer.Tokenizer(plain)
        rdata = dns.rdata.from_text(
            dns.rdataclass.IN,
            dns.rdatatype.RdataType.make(rtype),
            tokens,
            _dns_name(origin),
            relativize=False,
        )
        wire = rdata.to_wire()
    except (dns.exception.DNSException, ValueError, struct.error) as error:
        raise _refuse_rdata(rtype, text, str(error)) from None
    if wire is None or len(wire) > _MAX_RDATA:
        raise _refuse_rdata(rtype, text, f"it is over {_MAX_RDATA} octets long")
    return wire


@lru_cache(maxsize=8192)
def render_rdata(rtype: int, wire: bytes) -> str:
    r"""Give the text of uncompressed rdata, names absolute; `\# LENGTH HEX` where there is none."""
    try:
        shape = dns.rdatatype.RdataType.make(rtype)
        return dns.rdata.from_wire(dns.rdataclass.IN, shape, wire, 0, len(wire)).to_text()
    except (dns.exception.DNSException, ValueError, struct.error):
        return f"\\# {len(wire)} {wire.hex()}"


@lru_cache(maxsize=256)
def name_rtype(rtype: int) -> str:
    """Give the mnemonic of any type that has one, or `TYPE65280`."""
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rtype))


def _unknown_type(word: str) -> InputError:
    what = f"{_show(word)} is not a record type: write its mnemonic, or TYPE and its number"
    return InputError([Problem(what)])


@lru_cache(maxsize=64)
def _dns_name(name: Name) -> dns.name.Name:
    return dns.name.Name((*name, b""))


def _escape_odd(match: re.Match[str]) -> str:
    r"""Write a character beyond ASCII as `\DDD` octets, so that nobody applies IDNA to it."""
    if match[1] is None:
        return match[0]
    return "".join(f"\\{octet:03d}" for octet in match[1].encode())


def _refuse_rdata(rtype: int, text: str, reason: str) -> InputError:
    mnemonic = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rtype))
    right = _SHAPES.get(mnemonic, r"its own rdata, or \# LENGTH HEX (RFC 3597)")
    what = f"{mnemonic} {_show(text.strip())} is refused ({reason.rstrip('.')})"
    return InputError([Problem(f"{what}: behind {mnemonic} stands {right}")])


def _show(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}...")
