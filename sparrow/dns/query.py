"""A query, decoded, with what is wrong with it as a value.

Law: a packet never raises. What gets no answer at all is None; what is to be
refused is a `Query` with its `fault`. Start from `decode_query`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.dns.edns import Edns, decode_opt, decode_options
from sparrow.dns.rrset import Rcode, RRType
from sparrow.dns.wire import HEADER_SIZE, Buffer, MalformedError, read_header

if TYPE_CHECKING:
    from dnslib.dns import DNSHeader

    from sparrow.values.name import Name

OPCODE_QUERY = 0
_MAX_ENTRIES = 16
"""Questions and records of a query. A lawful one has a question, an OPT, perhaps a SOA
(IXFR) and a signature; 64 KiB of records that all point to one long name would keep us
for a fifth of a second."""


@dataclass(frozen=True, slots=True)
class Question:
    """The question of a query."""

    labels: tuple[bytes, ...]
    """Labels as asked; a response repeats them with their case."""
    qtype: int
    """Type asked for."""
    qclass: int
    """Class asked for."""

    @property
    def name(self) -> Name:
        """The name in lower case."""
        return tuple(label.lower() for label in self.labels)


@dataclass(frozen=True, slots=True)
class Query:
    """A message with QR=0."""

    query_id: int
    """Repeated in the response."""
    opcode: int
    """Repeated in the response."""
    is_recursion_desired: bool
    """RD, repeated in the response."""
    question: Question | None
    """The question, where there is exactly one and it could be read."""
    edns: Edns | None
    """EDNS, where there is an OPT; without options where they could not be read."""
    fault: Rcode | None
    """What the query is to be answered with without a look at its name; None if it is sound."""


@dataclass(slots=True)
class _Parts:
    """What has been read so far; a packet that ends early leaves the rest as it is."""

    question: Question | None = None
    edns: Edns | None = None


def decode_query(packet: bytes) -> Query | None:
    """Read a packet; None where nothing may be sent back (a response, or a cut header)."""
    if len(packet) < HEADER_SIZE:
        return None
    header = read_header(packet)
    if header.qr:
        return None
    parts = _Parts()
    try:
        _read_sections(packet, header, parts)
        is_sound = True
    except ValueError:
        is_sound = False
    return Query(
        query_id=header.id,
        opcode=header.opcode,
        is_recursion_desired=bool(header.rd),
        question=parts.question if header.q == 1 else None,
        edns=parts.edns,
        fault=_find_fault(header, parts, is_sound=is_sound),
    )


def _find_fault(header: DNSHeader, parts: _Parts, *, is_sound: bool) -> Rcode | None:
    """Give the first thing wrong, in the order in which servers look."""
    if header.opcode != OPCODE_QUERY:
        return Rcode.NOTIMP
    if header.q != 1:
        # A message without a question may ask for a server cookie (RFC 7873 section 5.4).
        asks_cookie = header.q == 0 and is_sound and parts.edns and parts.edns.cookie
        return None if asks_cookie else Rcode.FORMERR
    if not is_sound:
        return Rcode.FORMERR
    if parts.edns and parts.edns.version:
        return Rcode.BADVERS
    return None


def _read_sections(packet: bytes, header: DNSHeader, parts: _Parts) -> None:
    """Read every section into `parts`. Raises `ValueError` where the packet is malformed."""
    if header.q + header.a + header.auth + header.ar > _MAX_ENTRIES:
        raise MalformedError("more records than a query has")
    buffer = Buffer(packet)
    buffer.offset = HEADER_SIZE
    for _ in range(header.q):
        labels = buffer.decode_name()
        parts.question = Question(labels, *buffer.read("!HH"))
    for _ in range(header.a + header.auth):
        if _read_record(buffer)[1] == RRType.OPT:
            raise MalformedError("an OPT record outside the additional section")
    for _ in range(header.ar):
        owner, rtype, rclass, ttl, rdata = _read_record(buffer)
        if rtype != RRType.OPT:
            continue
        if owner or parts.edns:
            raise MalformedError("an OPT record must be owned by the root, and be the only one")
        # Kept where its options are malformed: who sends an OPT gets one back
        # (RFC 6891 section 6.1.1), or would take us for a server without EDNS.
        parts.edns = decode_opt(rclass, ttl)
        parts.edns = decode_options(parts.edns, rdata)


def _read_record(buffer: Buffer) -> tuple[tuple[bytes, ...], int, int, int, bytes]:
    """Give owner, type, class, TTL and rdata of the next record."""
    owner = buffer.decode_name()
    rtype, rclass, ttl, length = buffer.read("!HHIH")
    return owner, rtype, rclass, ttl, buffer.read_octets(length)
