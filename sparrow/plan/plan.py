"""A plan as its readers hold it: typed views of mapped files.

Law: a `Plan` was verified whole (`sparrow.plan.reader`), and nothing in it changes but
the outcome words; so whoever answers from it checks no offset and no number, except
the site of an outcome word. Start from `Plan`.

Views are memoryviews of the items that a section has: "Q", "I" and "H" for numbers,
octets for what has structure. They keep the files mapped as long as they live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sparrow.plan.format import BODY, NODE, PART, POLICY, SLOT, TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparrow.plan.format import Section
    from sparrow.plan.meta import Meta


class Node(NamedTuple):
    """A name at which answers may differ from those of its surroundings."""

    name_hash: int
    name_at: int
    name_length: int
    label_count: int
    origin: int
    """Labels of the zone's name, which ends the node's."""
    here: int
    below: int


class Table(NamedTuple):
    """What is answered at a name, or below it, by type."""

    first_entry: int
    entry_count: int
    default: int


class Body(NamedTuple):
    """What stands between the question and the OPT record."""

    at: int
    length: int
    first_fixup: int
    """Item of FIXUPS."""
    fixup_count: int
    rcode: int
    flags: int
    answer_count: int
    authority_count: int
    additional_count: int
    reference: int
    """Octets of the question's name behind which it was rendered."""
    slot: int
    owner: int
    """Offset of the owner of the addresses; of a DNAME's target, in the body's octets."""
    alias_count: int
    self_count: int
    """Pointers to the whole question, whose fixups follow the others."""
    reserved: int


class Slot(NamedTuple):
    """Where the addresses of a body come from."""

    ttl: int
    result_count: int
    rtype: int
    policy: int
    first_part: int
    empty_body: int
    ttl_floor: int


class Part(NamedTuple):
    """The addresses of a site."""

    at: int
    address_count: int
    size: int
    signature_at: int
    signature_length: int


class Policy(NamedTuple):
    """Where the class of a client is found, and what the class gets."""

    map_number: int
    class_count: int
    first_outcome: int


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A mapped file, its section table read."""

    name: str
    """Its name in the directory."""
    sha256: str
    """Digest of what was verified; empty for the outcomes, which change."""
    octets: memoryview
    """The whole file, read-only."""
    sections: Mapping[int, Section]
    """By id."""

    def view(self, number: int, form: str = "B") -> memoryview:
        """Give a section as items of the form "B", "H", "I" or "Q"."""
        section = self.sections[number]
        end = section.offset + section.item_size * section.count
        return self.octets[section.offset : end].cast(form)  # type: ignore[call-overload,no-any-return]


@dataclass(frozen=True, slots=True)
class MapFile:
    """An address map; see `docs/plan-format.md`."""

    file: PlanFile
    """Where the views are from."""
    v4_words: memoryview
    """"Q": start << 32 | code."""
    v4_index: memoryview
    """"I"."""
    v6_high: memoryview
    """"Q"."""
    v6_low: memoryview
    """"Q"."""
    v6_codes: memoryview
    """"I"."""
    v6_index: memoryview
    """"I"."""
    class_count: int
    """One more than the highest class number in it."""


@dataclass(frozen=True, slots=True)
class Params:
    """The numbers of an answers file."""

    hash_seed: int
    """Start of every name's hash, 64 bits."""
    slot_mask: int
    """Items of NAME_SLOTS, less 1."""
    deepest: int
    """Labels of the deepest node's name."""
    site_count: int
    """Sites, and parts of a slot."""
    service_count: int
    """Services."""
    payload: int
    """Octets of UDP payload that responses say we take."""


@dataclass(frozen=True, slots=True)
class AnswersFile:
    """All but addresses; see `docs/plan-format.md`."""

    file: PlanFile
    """Where the views are from."""
    params: Params
    """Numbers."""
    name_slots: memoryview
    """"I": 0, or node number + 1."""
    nodes: memoryview
    """Octets; `node` reads one."""
    names: memoryview
    """Octets."""
    tables: memoryview
    """Octets; `table` reads one."""
    entries: memoryview
    """"I", two for each entry: the type, then the body."""
    bodies: memoryview
    """Octets; `body` reads one."""
    octets: memoryview
    """Section BYTES."""
    fixups: memoryview
    """"H"."""
    slots: memoryview
    """Octets; `slot` reads one."""
    parts: memoryview
    """Octets; `part` reads one."""
    rdata: memoryview
    """Octets."""
    policies: memoryview
    """Octets; `policy` reads one."""
    nsid: bytes | None
    """The name server identifier, if there is one."""
    secrets: tuple[bytes, ...]
    """Cookie secrets, the one in use first."""
    meta: Meta
    """The names behind the numbers."""

    def node(self, number: int) -> Node:
        """Read an item of NODES."""
        return Node._make(NODE.unpack_from(self.nodes, number * NODE.size))

    def table(self, number: int) -> Table:
        """Read an item of TABLES."""
        return Table._make(TABLE.unpack_from(self.tables, number * TABLE.size))

    def body(self, number: int) -> Body:
        """Read an item of BODIES."""
        return Body._make(BODY.unpack_from(self.bodies, number * BODY.size))

    def slot(self, number: int) -> Slot:
        """Read an item of SLOTS."""
        return Slot._make(SLOT.unpack_from(self.slots, number * SLOT.size))

    def part(self, number: int) -> Part:
        """Read an item of PARTS."""
        return Part._make(PART.unpack_from(self.parts, number * PART.size))

    def policy(self, number: int) -> Policy:
        """Read an item of POLICIES."""
        return Policy._make(POLICY.unpack_from(self.policies, number * POLICY.size))


@dataclass(frozen=True, slots=True)
class Plan:
    """One generation. Written by `sparrow.plan.reader`; read by whoever answers."""

    generation: int
    """Its number."""
    answers: AnswersFile
    """All but addresses."""
    maps: tuple[MapFile, ...]
    """Address maps by number."""
    outcomes: PlanFile
    """The mapped outcomes file."""
    words: memoryview
    """"Q": the outcome words, which change while they are read; one load reads one."""
