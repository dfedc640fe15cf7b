"""Plans read by hand, straight from the specification: slow, and without the reader."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import dns.message
import dns.rcode

from sparrow.plan.format import (
    ANSWERS_MAGIC,
    BODY,
    ENTRY,
    NODE,
    NOWHERE,
    OUTCOME,
    OUTCOMES_MAGIC,
    PARAMS,
    PART,
    POLICY,
    SLOT,
    TABLE,
    AnswersSection,
    BodyFlag,
    OutcomeFlag,
    OutcomesSection,
    decode_file,
    hash_name,
)
from sparrow.values.name import Name, encode_name, wire_length

if TYPE_CHECKING:
    from collections.abc import Mapping
    from struct import Struct

    from sparrow.dns.respond import Authority
    from sparrow.plan.compile import PlanFiles

Row = tuple[str, ...]


def read_sections(magic: bytes, content: bytes) -> dict[int, bytes]:
    """Give the octets of every section by its id."""
    found = decode_file(magic, memoryview(content))
    return {
        number: content[each.offset : each.offset + each.count * each.item_size]
        for number, each in found.items()
    }


@dataclass(frozen=True)
class Said:
    """What a response says; the records sorted."""

    rcode: int
    flags: int
    sections: tuple[tuple[Row, ...], ...]


class Compiled(NamedTuple):
    """An authority and its plan."""

    authority: Authority
    files: PlanFiles


@dataclass(frozen=True)
class Slow:
    """A plan whose items are unpacked when they are asked for."""

    answers: Mapping[int, bytes]
    words: bytes

    def item(self, section: AnswersSection, form: Struct, number: int) -> tuple[int, ...]:
        return form.unpack_from(self.answers[section], number * form.size)

    @property
    def params(self) -> tuple[int, ...]:
        return PARAMS.unpack(self.answers[AnswersSection.PARAMS])

    @property
    def node_count(self) -> int:
        return len(self.answers[AnswersSection.NODES]) // NODE.size

    def node_name(self, number: int) -> bytes:
        _, offset, length, *_ = self.item(AnswersSection.NODES, NODE, number)
        return self.answers[AnswersSection.NAMES][offset : offset + length]

    def find_node(self, name: Name) -> int | None:
        """Give the number of the node of exactly this name, by the hash table."""
        seed, mask, *_ = self.params
        slot = hash_name(seed, name) & mask
        while True:
            (number,) = struct.unpack_from("<I", self.answers[AnswersSection.NAME_SLOTS], slot * 4)
            if number == 0 or self.node_name(number - 1) == encode_name(name):
                return number - 1 if number else None
            slot = (slot + 1) & mask

    def find_body(self, name: Name, qtype: int) -> int | None:
        """Give the number of the body; None where the answer is REFUSED."""
        found = self.find_nearest(name)
        if found is None:
            return None
        node, depth = found
        *_, here, below = self.item(AnswersSection.NODES, NODE, node)
        return self.body_of_type(below if depth else here, qtype)

    def find_nearest(self, name: Name) -> tuple[int, int] | None:
        """Give the node that answers for a name, and the labels before its own."""
        nodes = ((self.find_node(name[depth:]), depth) for depth in range(len(name) + 1))
        return next(((node, depth) for node, depth in nodes if node is not None), None)

    def body_of_type(self, table: int, qtype: int) -> int:
        first, count, default = self.item(AnswersSection.TABLES, TABLE, table)
        entries = [
            self.item(AnswersSection.ENTRIES, ENTRY, number)
            for number in range(first, first + count)
        ]
        return next((body for rtype, _, body in entries if rtype == qtype), default)

    def flags(self, body: int) -> BodyFlag:
        return BodyFlag(self.item(AnswersSection.BODIES, BODY, body)[5])

    def slot(self, body: int) -> tuple[int, ...]:
        """Give the slot of a body that has one."""
        return self.item(
            AnswersSection.SLOTS, SLOT, self.item(AnswersSection.BODIES, BODY, body)[10]
        )

    def encode(self, body: int, name: Name, qtype: int, class_number: int = 0) -> bytes:
        """Give the whole response with id 0, without EDNS."""
        item = self.item(AnswersSection.BODIES, BODY, body)
        offset, length, fixup_offset, fixup_count, rcode, flags, answers, authority, more = item[:9]
        reference, _, owner = item[9:12]
        question = encode_name(name) + struct.pack("!HH", qtype, 1)
        octets = bytearray(self.answers[AnswersSection.BYTES][offset : offset + length])
        for place in range(fixup_offset, fixup_offset + fixup_count):
            (fixup,) = struct.unpack_from("<H", self.answers[AnswersSection.FIXUPS], place * 2)
            (pointer,) = struct.unpack_from("!H", octets, fixup)
            struct.pack_into("!H", octets, fixup, pointer + wire_length(name) - reference)
        if flags & BodyFlag.SLOT:
            ttl, limit, rtype, policy, first_part, empty, floor = self.slot(body)
            if self.is_failed(policy, class_number):
                return struct.pack("!6H", 0, 0x8002, 1, 0, 0, 0) + question
            site, cap = self.outcome(policy, class_number, floor)
            addresses = self.part(first_part + site) if site is not None else []
            if not addresses:
                return self.encode(empty, name, qtype)
            moved = owner if owner == 12 else owner + wire_length(name) - reference
            for address in addresses[: limit or None]:
                head = struct.pack("!HHHIH", 0xC000 | moved, rtype, 1, min(ttl, cap), len(address))
                octets += head + address
                answers += 1
        flag_bits = 0x8000 | (0x0400 if flags & BodyFlag.AA else 0) | rcode
        header = struct.pack("!6H", 0, flag_bits, 1, answers, authority, more)
        return header + question + octets

    def is_failed(self, policy: int, class_number: int) -> bool:
        """Tell whether a class gets SERVFAIL."""
        first = self.item(AnswersSection.POLICIES, POLICY, policy)[2]
        _, flags, _ = OUTCOME.unpack_from(self.words, (first + class_number) * 8)
        return bool(flags & OutcomeFlag.SERVFAIL)

    def outcome(self, policy: int, class_number: int, floor: int) -> tuple[int | None, int]:
        """Give the site of a class, and the TTL cap over a floor."""
        first = self.item(AnswersSection.POLICIES, POLICY, policy)[2]
        site, flags, cap = OUTCOME.unpack_from(self.words, (first + class_number) * 8)
        is_exact = flags & OutcomeFlag.EXACT
        return (None if flags & OutcomeFlag.EMPTY else site), cap if is_exact else max(cap, floor)

    def part(self, number: int) -> list[bytes]:
        offset, count, size, _, _ = self.item(AnswersSection.PARTS, PART, number)
        rdata = self.answers[AnswersSection.RDATA]
        return [rdata[offset + n * size : offset + (n + 1) * size] for n in range(count)]

    def map_number(self, policy: int) -> int | None:
        number = self.item(AnswersSection.POLICIES, POLICY, policy)[0]
        return None if number == NOWHERE else number


def open_slowly(files: PlanFiles) -> Slow:
    answers = read_sections(ANSWERS_MAGIC, files.answers)
    words = read_sections(OUTCOMES_MAGIC, files.outcomes)[OutcomesSection.WORDS]
    return Slow(answers, words)


def read_response(wire: bytes) -> Said:
    """Read a response with dnspython; names in lower case, records sorted."""
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    return Said(
        int(message.rcode()),
        int(message.flags),
        tuple(
            tuple(
                sorted(
                    (
                        str(rrset.name).lower(),
                        str(rrset.rdtype),
                        str(rrset.ttl),
                        rdata.to_digestable().hex(),
                    )
                    for rrset in section
                    for rdata in rrset
                )
            )
            for section in (message.answer, message.authority, message.additional)
        ),
    )
