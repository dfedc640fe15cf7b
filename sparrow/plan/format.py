"""The structures of plan files, as `docs/plan-format.md` specifies them.

Law: a layout is written down here and nowhere else in Python; the native twin
has the same numbers in C structures. Start from `encode_file` and `decode_file`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct
from typing import TYPE_CHECKING

from sparrow.errors import SparrowError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
"""Version of the format."""

ANSWERS_MAGIC = b"SPRWANS1"
MAP_MAGIC = b"SPRWMAP1"
OUTCOMES_MAGIC = b"SPRWOUT1"
GENERATION_MAGIC = b"SPRWGEN1"

HEADER = Struct("<8sIIQQ")
"""Magic, version, section count, file size, serial."""
SECTION = Struct("<IIQQ")
"""Id, item size, offset, item count."""
GENERATION = Struct("<8sQ")
"""Magic, generation."""
ALIGNMENT = 8

INDEX_BITS = 18
"""Leading bits of an address that the first-level index tells apart."""
V6_FIRST = 0x2000 << 112
"""2000::, where global unicast begins (RFC 4291 section 2.4)."""
V6_INDEX_SHIFT = 107
"""128 bits less the 3 of 2000::/3 and the 18 of the index."""

NOWHERE = 2**32 - 1
"""A number that stands for none."""
NO_TTL_CAP = 2**32 - 1
"""TTL cap of an outcome that caps nothing."""


class PlanError(SparrowError):
    """A plan is not taken; who serves goes on with the one that it has."""


class UnwrittenPlanError(PlanError):
    """A plan cannot be written now, whatever is in it, as there is no room or the like."""


class MapSection(IntEnum):
    """Sections of a map file."""

    V4_WORDS = 1
    V4_INDEX = 2
    V6_HIGH = 3
    V6_LOW = 4
    V6_CODES = 5
    V6_INDEX = 6


class AnswersSection(IntEnum):
    """Sections of the answers file."""

    PARAMS = 1
    NAME_SLOTS = 2
    NODES = 3
    NAMES = 4
    TABLES = 5
    ENTRIES = 6
    BODIES = 7
    BYTES = 8
    FIXUPS = 9
    SLOTS = 10
    PARTS = 11
    RDATA = 12
    POLICIES = 13
    NSID = 14
    SECRETS = 15
    ZONES = 16
    META = 17


class OutcomesSection(IntEnum):
    """Sections of the outcomes file."""

    WORDS = 1


class BodyFlag(IntFlag):
    """Flags of a body."""

    AA = 1
    MISS = 2
    SLOT = 4
    DNAME = 8


class OutcomeFlag(IntFlag):
    """Flags of an outcome word."""

    EMPTY = 1
    SERVFAIL = 2
    EXACT = 4
    ASK = 8


PARAMS = Struct("<QIIIIIIII")
"""Hash seed, slot mask, deepest name, sites, services, payload, NSID length, flags, reserved."""
PARAMS_HAS_NSID = 1
NODE = Struct("<QIHBBII")
"""Hash, name offset, name length, label count, labels of the zone's name, `here` table, `below`
table."""
TABLE = Struct("<III")
"""First entry, entry count, default body."""
ENTRY = Struct("<HHI")
"""Type, reserved, body."""
BODY = Struct("<IIIHBBHHHHIHHHH")
"""Bytes offset, bytes length, fixup offset, fixup count, rcode, flags, answer count, authority
count, additional count, reference length, slot, owner, alias count, self count, reserved."""
SLOT = Struct("<IHHIIII")
"""TTL, result count, type, policy, first part, empty body, TTL floor."""
PART = Struct("<IHHII")
"""Rdata offset, address count, octets of an address, signature offset, signature length."""
POLICY = Struct("<III")
"""Map number, class count, first outcome."""
OUTCOME = Struct("<HHI")
"""Site number, flags, TTL cap; together one 64-bit word."""

ITEM_SIZES: dict[bytes, Mapping[int, int]] = {
    MAP_MAGIC: {
        MapSection.V4_WORDS: 8,
        MapSection.V4_INDEX: 4,
        MapSection.V6_HIGH: 8,
        MapSection.V6_LOW: 8,
        MapSection.V6_CODES: 4,
        MapSection.V6_INDEX: 4,
    },
    ANSWERS_MAGIC: {
        AnswersSection.PARAMS: PARAMS.size,
        AnswersSection.NAME_SLOTS: 4,
        AnswersSection.NODES: NODE.size,
        AnswersSection.NAMES: 1,
        AnswersSection.TABLES: TABLE.size,
        AnswersSection.ENTRIES: ENTRY.size,
        AnswersSection.BODIES: BODY.size,
        AnswersSection.BYTES: 1,
        AnswersSection.FIXUPS: 2,
        AnswersSection.SLOTS: SLOT.size,
        AnswersSection.PARTS: PART.size,
        AnswersSection.RDATA: 1,
        AnswersSection.POLICIES: POLICY.size,
        AnswersSection.NSID: 1,
        AnswersSection.SECRETS: 16,
        AnswersSection.ZONES: 1,
        AnswersSection.META: 1,
    },
    OUTCOMES_MAGIC: {OutcomesSection.WORDS: 8},
}
"""By magic: the sections that a file must have, and the octets of an item of each."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section as its file's table has it."""

    offset: int
    """Octets from the start of the file."""
    count: int
    """Items."""
    item_size: int
    """Octets of an item."""


def encode_file(magic: bytes, serial: int, sections: Mapping[int, bytes]) -> bytes:
    """Give a whole plan file of the sections' octets, in the order of their ids."""
    sizes = ITEM_SIZES[magic]
    offset = _aligned(HEADER.size + SECTION.size * len(sections))
    table, parts = b"", []
    for number, content in sorted(sections.items()):
        table += SECTION.pack(number, sizes[number], offset, len(content) // sizes[number])
        padded = content + bytes(_aligned(len(content)) - len(content))
        parts.append(padded)
        offset += len(padded)
    head = HEADER.pack(magic, FORMAT, len(sections), offset, serial) + table
    return b"".join((head, bytes(_aligned(len(head)) - len(head)), *parts))


def _aligned(size: int) -> int:
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def decode_file(magic: bytes, content: memoryview) -> dict[int, Section]:
    """Read the section table and check it against the file.

    Raises `PlanError` where the file is of another kind or version, is cut, or lacks
    a section.
    """
    if len(content) < HEADER.size:
        raise PlanError("the plan file is shorter than its header")
    found, version, count, size, _ = HEADER.unpack_from(content)
    if found != magic:
        raise PlanError(f"the plan file is none of kind {magic.decode()}")
    if version != FORMAT:
        raise PlanError(f"the plan file has format {version}, and this program reads {FORMAT}")
    if size != len(content) or HEADER.size + SECTION.size * count > size:
        raise PlanError(f"the plan file has {len(content)} octets, and says {size}")
    sections = dict(_read_section(content, index) for index in range(count))
    if len(sections) != count:
        raise PlanError("the plan file has two sections of one id")
    for number, item_size in ITEM_SIZES[magic].items():
        section = sections.get(number)
        if section is None or section.item_size != item_size:
            raise PlanError(f"the plan file lacks section {number} with items of {item_size}")
    return sections


def _read_section(content: memoryview, index: int) -> tuple[int, Section]:
    at = HEADER.size + SECTION.size * index
    number, item_size, offset, count = SECTION.unpack_from(content, at)
    if offset % ALIGNMENT or offset + item_size * count > len(content):
        raise PlanError(f"section {number} of the plan file lies outside the file")
    return number, Section(offset, count, item_size)


def hash_name(seed: int, labels: tuple[bytes, ...]) -> int:
    """Give the 64-bit FNV-1a hash of a name, started from the seed, root first."""
    state = seed
    for label in reversed(labels):
        for octet in struct.pack("B", len(label)) + label:
            state = (state ^ octet) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return state
