"""A small plan written by hand, item by item, so that a test can change any of them.

Two sites, one service, the zone `example.`: `www` is steered, `alias` leads to it, `text`
has a TXT record, `other` is not answered from the plan, `old` has a DNAME that leads back
to the zone; all other names do not exist.
"""

from __future__ import annotations

import json
import struct
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cache

from sparrow.plan.compile import PlanFiles
from sparrow.plan.format import (
    ANSWERS_MAGIC,
    BODY,
    ENTRY,
    MAP_MAGIC,
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
    MapSection,
    OutcomesSection,
    encode_file,
    hash_name,
)
from sparrow.values.address import parse_address
from sparrow.values.name import encode_name, parse_name

SEED = 0x1234_5678_9ABC_DEF0
SPECIAL, WRAPPED = 1 << 16, 1 << 17
EAST, WEST = 0, 1
"""Classes, and the sites that they get."""
SECRET = bytes(range(16))
NO_CAP = 2**32 - 1


def pointer(target: int) -> bytes:
    return struct.pack("!H", 0xC000 | target)


ZONE_TAIL = 12 + 255 - len(encode_name(parse_name("example.")))
"""Where the zone's name begins in a question whose name has 255 octets."""
NEGATIVE = pointer(ZONE_TAIL) + b"\0\x02\0\x01\0\0\0\x3c\0\x02" + pointer(ZONE_TAIL)
"""An NS record whose owner and server are the zone."""
TEXT = pointer(12) + b"\0\x10\0\x01\0\0\0\x3c\0\x03\x02hi"
ALIAS = pointer(12) + b"\0\x05\0\x01\0\0\0\x3c\0\x06\x03www" + pointer(ZONE_TAIL)
"""A CNAME to www.example., whose name is 12 octets behind the question."""
ALIAS_OWNER = 12 + 255 + 4 + 12

OLD_TAIL = ZONE_TAIL - 4
"""Where the name that has the DNAME begins there."""
DNAME = pointer(OLD_TAIL) + b"\0\x27\0\x01\0\0\0\x3c\0\x09\x07example\0"

DENIED, STEERED, NO_ADDRESS, TEXT_BODY, ALIASED, ALIAS_NO_ADDRESS, MISSED, NO_DATA, MOVED = range(9)


Counts = tuple[int, int, int]


def body(
    octets: tuple[int, int],
    fixups: tuple[int, int, int],
    said: tuple[int, int],
    counts: Counts = (0, 0, 0),
    slot: tuple[int, int, int] = (0, 0, 0),
) -> list[int]:
    """Give an item behind a name of 255 octets.

    `fixups` has the first, their count, and that of the pointers to the question behind
    them; `said` is rcode and flags; `slot` has number, owner and count of aliases.
    """
    return [*octets, *fixups[:2], *said, *counts, 255, *slot, fixups[2], 0]


@dataclass
class Draft:
    """The items of a plan, before they are packed."""

    params: list[int] = field(default_factory=lambda: [SEED, 15, 2, 2, 1, 1232, 3, 1, 0])
    names: list[str] = field(
        default_factory=lambda: [
            *("example.", "www.example.", "text.example.", "alias.example."),
            *("other.example.", "old.example."),
        ]
    )
    nodes: list[list[int]] = field(default_factory=list)
    name_slots: list[int] = field(default_factory=lambda: [0] * 16)
    tables: list[list[int]] = field(
        default_factory=lambda: [
            *([0, 0, NO_DATA], [0, 0, DENIED], [0, 2, NO_DATA]),
            *([2, 1, NO_DATA], [3, 2, NO_DATA], [0, 0, MISSED], [0, 0, MOVED]),
        ]
    )
    entries: list[list[int]] = field(
        default_factory=lambda: [
            *([1, 0, STEERED], [28, 0, NO_DATA], [16, 0, TEXT_BODY]),
            *([1, 0, ALIASED], [16, 0, MISSED]),
        ]
    )
    octets: bytes = NEGATIVE + TEXT + ALIAS + ALIAS + NEGATIVE + DNAME
    bodies: list[list[int]] = field(
        default_factory=lambda: [
            body((0, 14), (0, 2, 0), (3, 1), (0, 1, 0)),
            body((0, 0), (0, 0, 0), (0, 5), slot=(0, 12, 0)),
            body((0, 14), (0, 2, 0), (0, 1), (0, 1, 0)),
            body((14, 15), (0, 0, 1), (0, 1), (1, 0, 0)),
            body((29, 18), (6, 1, 1), (0, 5), (1, 0, 0), (1, ALIAS_OWNER, 1)),
            body((47, 32), (2, 3, 1), (0, 1), (1, 1, 0), (0, 0, 1)),
            body((0, 0), (0, 0, 0), (0, 2)),
            body((0, 14), (0, 2, 0), (0, 1), (0, 1, 0)),
            body((79, 21), (0, 1, 0), (0, 9), (1, 0, 0), (0, 12, 0)),
        ]
    )
    fixups: list[int] = field(
        default_factory=lambda: [
            *(0, 12),
            *(len(ALIAS) - 2, len(ALIAS), len(ALIAS) + 12, 0),
            *(len(ALIAS) - 2, 0),
        ]
    )
    slots: list[list[int]] = field(
        default_factory=lambda: [[60, 0, 1, 0, 0, 2, 0], [60, 1, 1, 0, 0, ALIAS_NO_ADDRESS, 0]]
    )
    parts: list[list[int]] = field(
        default_factory=lambda: [
            [0, 2, 4, 0, 0],
            [8, 1, 4, 0, 0],
            [0, 0, 16, 0, 0],
            [12, 1, 16, 0, 0],
        ]
    )
    rdata: bytes = bytes((192, 0, 2, 1, 192, 0, 2, 2, 198, 51, 100, 1, *range(16)))
    policies: list[list[int]] = field(default_factory=lambda: [[0, 2, 0], [NOWHERE, 1, 2]])
    nsid: bytes = b"ns1"
    secrets: bytes = SECRET
    zones: bytes = bytes(4)
    words: list[tuple[int, int, int]] = field(
        default_factory=lambda: [(EAST, 0, NO_CAP), (WEST, 0, NO_CAP), (WEST, 0, NO_CAP)]
    )
    v4: list[tuple[str, int]] = field(
        default_factory=lambda: [
            *(("0.0.0.0", EAST), ("10.0.0.0", SPECIAL | EAST), ("11.0.0.0", EAST)),
            *(("20.0.0.0", WEST), ("21.0.0.0", EAST)),
        ]
    )
    v6: list[tuple[str, int]] = field(
        default_factory=lambda: [
            *(("::", EAST), ("::ffff:0:0", WRAPPED), ("::1:0:0:0", EAST)),
            *(("64:ff9b::", WRAPPED), ("64:ff9b::1:0:0", EAST), ("2001::", WRAPPED)),
            *(("2001:1::", EAST), ("2002::", WRAPPED), ("2003::", EAST), ("2a00::", WEST)),
            *(("2a10::", EAST), ("2a10:0:0:0:8000::", WEST), ("2a10:0:0:1::", EAST)),
            *(("fc00::", SPECIAL | WEST),),
        ]
    )
    v4_index: list[int] | None = None
    v6_index: list[int] | None = None
    meta: object = field(
        default_factory=lambda: {
            "version": "hand",
            "sites": [{"name": "east"}, {"name": "west"}],
            "services": [
                {"name": "default", "last_resort": "all-up", "static_site": None, "ttl_min": 0}
            ],
            "policies": [
                {"service": "default", "family": 4, "first_part": 0, "classes": [[0], [1]]},
                {"service": "default", "family": 6, "first_part": 2, "classes": [[1]]},
            ],
        }
    )
    names_octets: bytes = b""

    def __post_init__(self) -> None:
        tables = ((0, 1), (2, 1), (3, 1), (4, 1), (5, 5), (0, 6))
        for number, text in enumerate(self.names):
            name = parse_name(text)
            name_hash, octets = hash_name(SEED, name), encode_name(name)
            at = len(self.names_octets)
            self.names_octets += octets
            self.nodes.append([name_hash, at, len(octets), len(name), 1, *tables[number]])
            place = name_hash & 15
            while self.name_slots[place]:
                place = place + 1 & 15
            self.name_slots[place] = number + 1

    def files(self) -> PlanFiles:
        """Pack everything, with digests that will be right."""
        sections = {
            AnswersSection.PARAMS: PARAMS.pack(*self.params),
            AnswersSection.NAME_SLOTS: pack_numbers("I", self.name_slots),
            AnswersSection.NODES: b"".join(NODE.pack(*each) for each in self.nodes),
            AnswersSection.NAMES: self.names_octets,
            AnswersSection.TABLES: b"".join(TABLE.pack(*each) for each in self.tables),
            AnswersSection.ENTRIES: b"".join(ENTRY.pack(*each) for each in self.entries),
            AnswersSection.BODIES: b"".join(BODY.pack(*each) for each in self.bodies),
            AnswersSection.BYTES: self.octets,
            AnswersSection.FIXUPS: pack_numbers("H", self.fixups),
            AnswersSection.SLOTS: b"".join(SLOT.pack(*each) for each in self.slots),
            AnswersSection.PARTS: b"".join(PART.pack(*each) for each in self.parts),
            AnswersSection.RDATA: self.rdata,
            AnswersSection.POLICIES: b"".join(POLICY.pack(*each) for each in self.policies),
            AnswersSection.NSID: self.nsid,
            AnswersSection.SECRETS: self.secrets,
            AnswersSection.ZONES: self.zones,
            AnswersSection.META: json.dumps(self.meta).encode(),
        }
        words = b"".join(OUTCOME.pack(*each) for each in self.words)
        return PlanFiles(
            serial=1,
            answers=encode_file(ANSWERS_MAGIC, 1, dict(sections)),
            maps=(self.map_file(),),
            outcomes=encode_file(OUTCOMES_MAGIC, 1, {OutcomesSection.WORDS: words}),
        )

    def map_file(self) -> bytes:
        """Pack the map."""
        v4 = [(number_of(start), code) for start, code in self.v4]
        v6 = [(number_of(start), code) for start, code in self.v6]
        sections = {
            MapSection.V4_WORDS: pack_numbers("Q", [start << 32 | code for start, code in v4]),
            MapSection.V4_INDEX: pack_numbers(
                "I", self.v4_index or count_below(tuple(start for start, _ in v4), 0, 14)
            ),
            MapSection.V6_HIGH: pack_numbers("Q", [start >> 64 for start, _ in v6]),
            MapSection.V6_LOW: pack_numbers("Q", [start & 2**64 - 1 for start, _ in v6]),
            MapSection.V6_CODES: pack_numbers("I", [code for _, code in v6]),
            MapSection.V6_INDEX: pack_numbers(
                "I",
                self.v6_index or count_below(tuple(start for start, _ in v6), 0x2000 << 112, 107),
            ),
        }
        return encode_file(MAP_MAGIC, 1, dict(sections))


def number_of(address: str) -> int:
    return int.from_bytes(parse_address(address), "big")


def pack_numbers(form: str, numbers: list[int]) -> bytes:
    return struct.pack(f"<{len(numbers)}{form}", *numbers)


@cache
def count_below(starts: tuple[int, ...], first: int, shift: int) -> list[int]:
    """Give an index straight from its definition."""
    return [bisect_left(starts, first + (block << shift)) for block in range((1 << 18) + 1)]
