"""Answers rendered ahead: what stands between the question and the OPT record.

Law: a body says to every name it is given for what `dns.answer` says to it, or
begins it (DNAME), or has the flag MISS. Bodies are held as behind a question of 255
octets, whatever name they were rendered behind: a pointer into the question's tail
then reads the same at every depth, and one body serves a whole zone. Start from
`BodyTable.add`.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sparrow.dns.answer import MAX_CHAIN, Answer
from sparrow.dns.respond import TCP_LIMIT, fill_slot
from sparrow.dns.rrset import ADDRESS_TYPES, CLASS_IN, Rcode, RRset, RRType
from sparrow.dns.wire import COMPRESSED, HEADER_SIZE, MAX_POINTER, POINTER, Buffer, append_rrsets
from sparrow.plan.format import BODY, SLOT, AnswersSection, BodyFlag
from sparrow.plan.octets import OctetPool, encode_items
from sparrow.values.name import MAX_WIRE, wire_length

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparrow.dns.answer import Slot
    from sparrow.values.name import Name

REFERENCE_LENGTH = MAX_WIRE
"""Octets of the question's name that bodies are held as behind: no name is longer, so
pointers only ever move towards the front, and none outgrows its 14 bits."""

_QTYPE_AND_QCLASS = bytes(4)
_MISS = BODY.pack(0, 0, 0, 0, 0, BodyFlag.MISS, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The sections of an answer as octets, behind a question of 255 octets."""

    octets: bytes
    """Answer, authority and additional section."""
    fixups: tuple[int, ...]
    """Offsets in `octets` of the pointers that move with the question's length."""
    selves: tuple[int, ...]
    """Offsets in `octets` of the pointers to the whole question."""
    counts: tuple[int, int, int]
    """Records of the three sections."""
    owner: int
    """Offset in the message of the slot's owner; 0 without a slot. Of a DNAME that names
    below begin with: offset in `octets` of its target."""
    alias_count: int = 0
    """Sets of aliases that the answer section begins with, see `_count_aliases`."""


def render_answer(answer: Answer, name: Name) -> Rendered | None:
    """Render an answer to `name`; None where no body can hold it for every question.

    With a slot only the chain that leads to it is rendered. None as well for a name that
    is too long to be asked, as one below a delegation of 255 octets: a pointer would move
    towards the front of the message, and lead to what is no name.
    """
    shift = REFERENCE_LENGTH - wire_length(name)
    if shift < 0:
        return None
    buffer = Buffer()
    buffer.append(bytes(HEADER_SIZE))
    buffer.encode_name(name)
    buffer.append(_QTYPE_AND_QCLASS)
    start = buffer.offset
    sections = (
        (answer.answer,)
        if answer.slot
        else (answer.answer, answer.authority, (*answer.glue, *answer.additional))
    )
    counts = [0, 0, 0]
    for index, section in enumerate(sections):
        counts[index], _ = append_rrsets(buffer, section, CLASS_IN, TCP_LIMIT)
        if counts[index] != sum(len(rrset.rdatas) for rrset in section):
            return None
    places = _move_pointers(buffer, start, shift)
    owner = _find_owner(buffer, answer.slot, name, shift) if answer.slot else 0
    if places is None or owner is None:
        return None
    return Rendered(
        octets=bytes(buffer.data[start:]),
        fixups=places[0],
        selves=places[1],
        counts=(counts[0], counts[1], counts[2]),
        owner=owner,
        alias_count=_count_aliases(answer),
    )


def _count_aliases(answer: Answer) -> int:
    """Count the aliases of an answer; with a DNAME they are as many as there may be.

    Then no chain goes on to it: it would hold a DNAME twice, or miss that it is a loop.
    """
    types = [rrset.rtype for rrset in answer.answer]
    return MAX_CHAIN if RRType.DNAME in types else types.count(RRType.CNAME)


def _move_pointers(
    buffer: Buffer, start: int, shift: int
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Add `shift` to every pointer but those to the whole question.

    Give the places of those that were moved, and of the others. None where one would
    need more than the 14 bits that it has.
    """
    moved, selves = [], []
    for place in buffer.pointers:
        (pointer,) = struct.unpack_from("!H", buffer.data, place)
        if pointer == POINTER | HEADER_SIZE:
            selves.append(place - start)
            continue
        if (pointer & MAX_POINTER) + shift > MAX_POINTER:
            return None
        buffer.update(place, "!H", pointer + shift)
        moved.append(place - start)
    return tuple(moved), tuple(selves)


def _find_owner(buffer: Buffer, slot: Slot, name: Name, shift: int) -> int | None:
    """Give the offset of the slot's owner; None where no pointer can name it."""
    if slot.owner == name:
        return HEADER_SIZE
    offset = buffer.names.get(slot.owner)
    if offset == HEADER_SIZE or offset is None or offset + shift > MAX_POINTER:
        return None
    return offset + shift


@dataclass(frozen=True, slots=True)
class Place:
    """Where the addresses of a service and family are in the plan."""

    policy: int
    """Number of the policy."""
    first_part: int
    """Number of the part of site 0."""


@dataclass
class BodyTable:
    """Collects bodies and slots, each once. One compile writes it."""

    places: Mapping[tuple[str, int], Place]
    """By service and family; empty where nobody steers."""
    reference_label: bytes
    """A label that is in no zone."""
    bodies: list[bytes] = field(default_factory=list)
    """Items of the section BODIES."""
    slots: list[bytes] = field(default_factory=list)
    """Items of the section SLOTS."""
    octets: OctetPool = field(default_factory=OctetPool)
    """The section BYTES."""
    fixups: array[int] = field(default_factory=lambda: array("H"))
    """The section FIXUPS."""

    def __post_init__(self) -> None:
        self._by_answer: dict[tuple[Answer, Name], int] = {}
        self._body_numbers: dict[bytes, int] = {}
        self._slot_numbers: dict[bytes, int] = {}
        self._fixup_offsets: dict[tuple[int, ...], int] = {(): 0}
        self.miss = self._intern(_MISS)
        """Number of the body that says MISS."""

    def add(self, answer: Answer, name: Name) -> int:
        """Give the number of the body of an answer to `name`."""
        key = self._widen(answer, name)
        number = self._by_answer.get(key)
        if number is None:
            number = self._by_answer[key] = self._build(*key)
        return number

    def add_dname(self, dname: RRset) -> int:
        """Give the number of the body that answers to every name below a DNAME begin with."""
        name = (self.reference_label, *dname.owner)
        rendered = render_answer(Answer(Rcode.NOERROR, answer=(dname,)), name)
        if rendered is None or len(dname.rdatas) != 1:
            return self.miss
        target = len(rendered.octets) - len(dname.rdatas[0])
        rendered = replace(rendered, owner=target, alias_count=0)
        return self._add_body(rendered, Rcode.NOERROR, BodyFlag.AA | BodyFlag.DNAME, 0)

    def sections(self) -> dict[int, bytes]:
        """Give the sections BODIES, BYTES, FIXUPS and SLOTS."""
        return {
            AnswersSection.BODIES: b"".join(self.bodies),
            AnswersSection.BYTES: self.octets.content(),
            AnswersSection.FIXUPS: encode_items(self.fixups),
            AnswersSection.SLOTS: b"".join(self.slots),
        }

    def _widen(self, answer: Answer, name: Name) -> tuple[Answer, Name]:
        """Put an answer under another name where all names of the zone can share its body.

        It must name nothing but the question and the zone, as negative answers do,
        slots without a chain, and records that are owned by the question and hold no
        name that could be compressed. They are most of all, and rendering is most of
        the work.
        """
        if answer.glue or answer.additional:
            return answer, name
        if answer.slot and not answer.answer:
            origin = answer.slot.soa.owner
            if answer.slot.owner == name != origin:
                wide = (self.reference_label, *origin)
                return replace(answer, slot=replace(answer.slot, owner=wide)), wide
        elif answer.answer and not answer.authority:
            rrset = answer.answer[0]
            is_plain = rrset.owner == name and rrset.rtype not in COMPRESSED
            if is_plain and len(answer.answer) == 1 and not answer.slot:
                wide = (self.reference_label,)
                moved = RRset(wide, rrset.rtype, rrset.ttl, rrset.rdatas)
                return replace(answer, answer=(moved,)), wide
        elif len(answer.authority) == 1 and not answer.answer:
            soa = answer.authority[0]
            if soa.rtype == RRType.SOA and soa.owner != name:
                return answer, (self.reference_label, *soa.owner)
        return answer, name

    def _build(self, answer: Answer, name: Name) -> int:
        slot = answer.slot
        if slot and not self.places:
            answer, slot = replace(answer, slot=None), None
        rendered = render_answer(answer, name)
        if rendered is None:
            return self.miss
        flags = BodyFlag(BodyFlag.AA if answer.is_authoritative else 0)
        slot_number = 0
        if slot:
            empty = self.add(replace(fill_slot(answer, slot, ()), slot=None), name)
            if empty == self.miss:
                return self.miss
            flags |= BodyFlag.SLOT
            slot_number = self._add_slot(slot, empty)
        return self._add_body(rendered, answer.rcode, flags, slot_number)

    def _add_slot(self, slot: Slot, empty: int) -> int:
        place = self.places[slot.steer.service, ADDRESS_TYPES[RRType(slot.rtype)]]
        item = SLOT.pack(
            slot.steer.ttl,
            slot.steer.result_count or 0,
            slot.rtype,
            place.policy,
            place.first_part,
            empty,
            slot.steer.ttl_min,
        )
        if item not in self._slot_numbers:
            self._slot_numbers[item] = len(self.slots)
            self.slots.append(item)
        return self._slot_numbers[item]

    def _add_body(self, rendered: Rendered, rcode: Rcode, flags: BodyFlag, slot: int) -> int:
        fixups = rendered.fixups + rendered.selves
        if fixups not in self._fixup_offsets:
            self._fixup_offsets[fixups] = len(self.fixups)
            self.fixups.extend(fixups)
        return self._intern(
            BODY.pack(
                self.octets.add(rendered.octets),
                len(rendered.octets),
                self._fixup_offsets[fixups],
                len(rendered.fixups),
                rcode,
                flags,
                *rendered.counts,
                REFERENCE_LENGTH,
                slot,
                rendered.owner,
                rendered.alias_count,
                len(rendered.selves),
                0,
            )
        )

    def _intern(self, item: bytes) -> int:
        number = self._body_numbers.setdefault(item, len(self.bodies))
        if number == len(self.bodies):
            self.bodies.append(item)
        return number
