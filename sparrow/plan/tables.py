"""The two tables of a node: what is said of its name, and of names below it.

Law: a table says of every type what `dns.answer.find_answer` says. For names
below a node, `below` is asked by one name that stands for all; where the answer
would differ between them, it is MISS, or begins with the DNAME that says how. Start
from `TableBuilder.build`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.dns.answer import find_answer
from sparrow.dns.rrset import ADDRESS_TYPES, RRType
from sparrow.plan.format import ENTRY, TABLE, AnswersSection
from sparrow.values.name import decode_name, is_below

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from sparrow.dns.answer import Answer
    from sparrow.dns.zone import Zone, ZoneSet
    from sparrow.plan.bodies import BodyTable
    from sparrow.plan.names import NodeName
    from sparrow.values.name import Name


@dataclass
class TableBuilder:
    """Collects tables, each once. One compile writes it."""

    zone_set: ZoneSet
    """What is asked."""
    names: AbstractSet[Name]
    """Every name that is a node of the plan."""
    bodies: BodyTable
    """Takes the answers."""
    tables: list[bytes] = field(default_factory=list)
    """Items of the section TABLES."""
    entries: list[bytes] = field(default_factory=list)
    """Items of the section ENTRIES."""

    def __post_init__(self) -> None:
        self._numbers: dict[tuple[int, ...], int] = {}
        self._unknown_type = _choose_unknown_type(self.zone_set)

    def build(self, node: NodeName) -> tuple[int, int]:
        """Give the numbers of the tables `here` and `below` of a node."""
        return self._build_here(node), self._build_below(node)

    def sections(self) -> dict[int, bytes]:
        """Give the sections TABLES and ENTRIES."""
        return {
            AnswersSection.TABLES: b"".join(self.tables),
            AnswersSection.ENTRIES: b"".join(self.entries),
        }

    def _build_here(self, node: NodeName) -> int:
        answer = find_answer(self.zone_set, node.name, self._unknown_type)
        default = self.bodies.add(answer, node.name)
        found = {}
        for rtype in self._types_of(node.zone, node.name, answer):
            answer = find_answer(self.zone_set, node.name, rtype)
            found[rtype] = self.bodies.add(answer, node.name)
        return self._intern(default, found)

    def _build_below(self, node: NodeName) -> int:
        """Ask for a name that does not exist, one label below the node."""
        name = (self.bodies.reference_label, *node.name)
        closed = node.zone.find(name).dname
        if closed:
            return self._intern(self.bodies.add_dname(closed.rrsets[RRType.DNAME]), {})
        answer = find_answer(self.zone_set, name, self._unknown_type)
        default = self._add_below(answer, name)
        found = {}
        for rtype in self._types_of(node.zone, name, answer):
            answer = find_answer(self.zone_set, name, rtype)
            found[rtype] = self._add_below(answer, name)
        return self._intern(default, found)

    def _add_below(self, answer: Answer, name: Name) -> int:
        """Take an answer to the name that stands for all below a node.

        An alias that leads to another of these names is a loop to that one name, and
        none to its siblings.
        """
        for target in _targets(answer):
            ancestors = (target[depth:] for depth in range(len(target) + 1))
            closest = next((each for each in ancestors if each in self.names), None)
            if closest == name[1:] != target:
                return self.bodies.miss
        return self.bodies.add(answer, name)

    def _types_of(self, zone: Zone, name: Name, answer: Answer) -> set[int]:
        """Give every type for which the answer may be other than `answer`, the one to no type.

        Aliases lead every type the same way but for DS, which at the apex of a zone
        belongs to the zone above it, and at a delegation to the zone itself.
        """
        types: set[int] = set()
        for each in (name, *_targets(answer)):
            if each in self.zone_set.zones:
                types.add(RRType.DS)
            if not is_below(each, zone.origin):
                continue
            match = zone.find(each)
            node = match.node or match.wildcard
            if match.cut:
                types.add(RRType.DS)
            elif node:
                types |= {*node.rrsets, RRType.ANY, *(ADDRESS_TYPES if node.steer else ())}
        return types

    def _intern(self, default: int, found: dict[int, int]) -> int:
        """Give the number of the table with these bodies by type."""
        pairs = [(rtype, body) for rtype, body in sorted(found.items()) if body != default]
        key = (default, *(number for pair in pairs for number in pair))
        number = self._numbers.setdefault(key, len(self.tables))
        if number == len(self.tables):
            self.tables.append(TABLE.pack(len(self.entries), len(pairs), default))
            self.entries += (ENTRY.pack(rtype, 0, body) for rtype, body in pairs)
        return number


def _targets(answer: Answer) -> Iterator[Name]:
    """Give the names that the aliases of an answer lead to."""
    for rrset in answer.answer:
        if rrset.rtype == RRType.CNAME:
            yield decode_name(rrset.rdatas[0])[0]


def _choose_unknown_type(zone_set: ZoneSet) -> int:
    """Give a type of which no zone has a record."""
    known = {
        rtype
        for zone in zone_set.zones.values()
        for node in zone.nodes.values()
        for rtype in node.rrsets
    }
    return next(rtype for rtype in range(2**16 - 1, 0, -1) if rtype not in known)
