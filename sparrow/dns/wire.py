"""Messages on the wire (RFC 1035 section 4), with dnslib's buffer and header.

Law: names are compressed without regard to case, pointers point backwards only,
and a section holds whole RRsets. Start from `Buffer` and `encode_message`.

`Buffer` replaces the two name methods of dnslib's: those compress by exact case,
write pointers beyond the 14 bits that a pointer has, refuse labels that are not
UTF-8, and take a length octet of 64 to 191 as a length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dnslib import EDNSOption
from dnslib.buffer import BufferError as DnslibBufferError
from dnslib.dns import DNSHeader
from dnslib.label import DNSBuffer

from sparrow.dns.rrset import CLASS_IN, RRset, RRType
from sparrow.dns.sizes import HEADER_SIZE as HEADER_SIZE
from sparrow.dns.sizes import MAX_POINTER as MAX_POINTER
from sparrow.dns.sizes import POINTER as POINTER
from sparrow.values.name import MAX_LABEL, MAX_WIRE

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_JUMPS = 127
"""Pointers of a name, as it has no more labels: 64 KiB may be one chain of pointers to
pointers, and every record of the message may start at its end."""

COMPRESSED: Final[dict[int, int]] = {
    RRType.NS: 0,
    RRType.CNAME: 0,
    RRType.SOA: 0,
    RRType.PTR: 0,
    RRType.MX: 2,
}
"""Types whose rdata names may be compressed (RFC 3597 section 4), and the octets before them."""


class MalformedError(ValueError):
    """A message ends too early, or holds a name that is none."""


class Buffer(DNSBuffer):  # type: ignore[misc]
    """Octets of a message, read or written front to back."""

    data: bytearray
    offset: int
    names: dict[tuple[bytes, ...], int]
    """Offset of every name and tail of a name that a pointer can lead to, in lower case."""
    pointers: list[int]
    """Offsets at which pointers were written, ascending."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(data)
        self.pointers = []

    def decode_name(self) -> tuple[bytes, ...]:
        """Read a name, labels as sent. Raises `MalformedError`.

        A pointer must point before the name, or the part of it, that it ends:
        so a loop cannot be.
        """
        labels: list[bytes] = []
        offset, size, limit = self.offset, 1, self.offset
        end, jumps = None, 0
        while True:
            length = self._octet(offset)
            if length >= 0xC0:
                target = (length & 0x3F) << 8 | self._octet(offset + 1)
                end = end or offset + 2
                jumps += 1
                if not HEADER_SIZE <= target < limit or jumps > _MAX_JUMPS:
                    raise MalformedError("a name's pointer does not point backwards to a name")
                offset = limit = target
                continue
            if length > MAX_LABEL:
                raise MalformedError("a label of an unknown kind")
            offset += 1
            if length == 0:
                break
            size += length + 1
            if offset + length > len(self.data) or size > MAX_WIRE:
                raise MalformedError("a name is cut, or over 255 octets long")
            labels.append(bytes(self.data[offset : offset + length]))
            offset += length
        self.offset = end or offset
        return tuple(labels)

    def _octet(self, offset: int) -> int:
        if offset >= len(self.data):
            raise MalformedError("the message ends inside a name")
        return int(self.data[offset])

    def read(self, form: str) -> tuple[int, ...]:
        """Unpack integers at the offset. Raises `MalformedError` where there are too few."""
        try:
            return tuple(self.unpack(form))
        except DnslibBufferError:
            raise MalformedError("the message ends inside a record") from None

    def read_octets(self, length: int) -> bytes:
        """Take `length` octets at the offset. Raises `MalformedError` where there are too few."""
        try:
            return bytes(self.get(length))
        except DnslibBufferError:
            raise MalformedError("the message ends inside a record") from None

    def encode_name(self, name: tuple[bytes, ...]) -> None:
        """Write a name, its tail as a pointer where the message has it already."""
        lowered = tuple(label.lower() for label in name)
        for depth in range(len(name)):
            tail = lowered[depth:]
            pointer = self.names.get(tail)
            if pointer is not None:
                self.pointers.append(self.offset)
                self.pack("!H", POINTER | pointer)
                return
            if self.offset <= MAX_POINTER:
                self.names[tail] = self.offset
            self.append(bytes((len(name[depth]),)) + name[depth])
        self.append(b"\0")

    def rewind(self, offset: int) -> None:
        """Forget all that was written from `offset` on."""
        del self.data[offset:]
        self.offset = offset
        self.names = {name: at for name, at in self.names.items() if at < offset}
        self.pointers = [at for at in self.pointers if at < offset]


def read_header(packet: bytes) -> DNSHeader:
    """Read the header; `packet` has at least 12 octets."""
    return DNSHeader.parse(Buffer(packet[:HEADER_SIZE]))


@dataclass(frozen=True, slots=True)
class Opt:
    """The OPT record of a response."""

    payload: int
    """Octets of UDP payload that we take."""
    is_dnssec_ok: bool
    """The DO bit of the query."""
    extended_rcode: int
    """Upper eight bits of the response code."""
    options: tuple[tuple[int, bytes], ...]
    """(code, value) in the order in which they are sent."""

    def encode(self) -> bytes:
        """Give the whole record; it owns the root and is never compressed."""
        buffer = Buffer()
        for code, value in self.options:
            EDNSOption(code, value).pack(buffer)
        ttl = self.extended_rcode << 24 | self.is_dnssec_ok << 15
        head = struct.pack("!BHHIH", 0, RRType.OPT, self.payload, ttl, len(buffer))
        return head + bytes(buffer.data)


@dataclass(frozen=True, slots=True)
class Message:
    """A response as it is to be sent."""

    query_id: int
    """The query's id."""
    bitmap: int
    """The header's second word: QR, opcode, AA, RD and the low four bits of the rcode."""
    question: tuple[tuple[bytes, ...], int, int] | None
    """Name as asked (case kept), type and class; None where none could be read."""
    answer: tuple[RRset, ...] = ()
    """Answer section."""
    authority: tuple[RRset, ...] = ()
    """Authority section."""
    glue: tuple[RRset, ...] = ()
    """Additional section without which a referral does not work (RFC 9471)."""
    additional: tuple[RRset, ...] = ()
    """Additional section that may be left out where it does not fit."""
    opt: Opt | None = None
    """The OPT record, never left out."""
    rclass: int = CLASS_IN
    """Class of every record."""


_TC_FLAG = 0x0200


def encode_message(message: Message, limit: int) -> bytes:
    """Give the message in at most `limit` octets.

    An RRset that does not fit is left out whole, with all behind it, and TC is
    set; only what is in `additional` is left out without TC (RFC 2181 section 9).
    """
    opt = message.opt.encode() if message.opt else b""
    buffer = Buffer()
    buffer.append(bytes(HEADER_SIZE))
    if message.question:
        qname, qtype, qclass = message.question
        buffer.encode_name(qname)
        buffer.pack("!HH", qtype, qclass)
    room = limit - len(opt)
    sections = (message.answer, message.authority, message.glue)
    counts = [0, 0, 0]
    is_cut = False
    for index, section in enumerate(sections):
        if not is_cut:
            counts[index], is_cut = append_rrsets(buffer, section, message.rclass, room)
    extra = () if is_cut else message.additional
    more, _ = append_rrsets(buffer, extra, message.rclass, room)
    buffer.append(opt)
    bitmap = message.bitmap | (_TC_FLAG if is_cut else 0)
    additional_count = counts[2] + more + bool(opt)
    question_count = int(message.question is not None)
    buffer.update(
        0,
        "!HHHHHH",
        message.query_id,
        bitmap,
        question_count,
        counts[0],
        counts[1],
        additional_count,
    )
    return bytes(buffer.data)


def append_rrsets(
    buffer: Buffer, rrsets: Iterable[RRset], rclass: int, room: int
) -> tuple[int, bool]:
    """Write RRsets while they fit in `room`; give the count of records and whether one did not."""
    count = 0
    for rrset in rrsets:
        start = buffer.offset
        for rdata in rrset.rdatas:
            _append_record(buffer, rrset, rclass, rdata)
        if buffer.offset > room:
            buffer.rewind(start)
            return count, True
        count += len(rrset.rdatas)
    return count, False


def _append_record(buffer: Buffer, rrset: RRset, rclass: int, rdata: bytes) -> None:
    buffer.encode_name(rrset.owner)
    buffer.pack("!HHIH", rrset.rtype, rclass, rrset.ttl, 0)
    start = buffer.offset
    head = COMPRESSED.get(rrset.rtype)
    if head is None:
        buffer.append(rdata)
    else:
        _append_names(buffer, rdata, head)
    buffer.update(start - 2, "!H", buffer.offset - start)


def _append_names(buffer: Buffer, rdata: bytes, head: int) -> None:
    """Write rdata of RFC 1035: `head` octets, then one name, or the two of a SOA."""
    source = Buffer(rdata)
    buffer.append(source.read_octets(head))
    buffer.encode_name(source.decode_name())
    if source.remaining():
        buffer.encode_name(source.decode_name())
        buffer.append(source.read_octets(source.remaining()))
