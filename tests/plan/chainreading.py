"""Chains of DNAMEs read by hand from a plan, straight from the specification, record by record."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from planreading import Said, read_response

from sparrow.plan.format import BODY, NODE, AnswersSection, BodyFlag
from sparrow.values.name import decode_name, encode_name, wire_length

if TYPE_CHECKING:
    from planreading import Row, Slow

    from sparrow.values.name import Name

NOERROR, SERVFAIL, YXDOMAIN = 0, 2, 6
CNAME, DNAME, DS, ANY = 5, 39, 43, 255
AA = 0x8400
"""With the flag of a response."""


@dataclass(frozen=True)
class Dname:
    """The DNAME of a node."""

    owner: Name
    ttl: int
    target: Name


def say(plan: Slow, name: Name, qtype: int, class_number: int = 0) -> Said | None:
    """Give what a plan says to a question in one of its zones; None for a MISS."""
    rows: list[Row] = []
    passed: list[Dname] = []
    alias = name
    while True:
        body = plan.find_body(alias, qtype)
        if body is None or (passed and ends(plan, name, alias, qtype)):
            return Said(NOERROR, AA, (tuple(sorted(rows)), (), ()))
        flags = plan.flags(body)
        if flags & BodyFlag.MISS or (passed and is_of_parent(plan, alias, qtype)):
            return None
        if not flags & BodyFlag.DNAME:
            return say_end(plan, body, (alias, qtype, class_number), rows)
        dname = read_dname(plan, alias, body)
        if dname in passed or len(passed) == 7:
            return None
        passed.append(dname)
        rows.append(row_of(dname.owner, DNAME, dname.ttl, dname.target))
        target = (*alias[: len(alias) - len(dname.owner)], *dname.target)
        if wire_length(target) > 255:
            return Said(YXDOMAIN, AA | YXDOMAIN, (tuple(sorted(rows)), (), ()))
        rows.append(row_of(alias, CNAME, dname.ttl, target))
        alias = target


def ends(plan: Slow, name: Name, alias: Name, qtype: int) -> bool:
    """Tell whether a chain from `name` goes no further than to `alias`."""
    if is_of_parent(plan, alias, qtype):
        return False
    return qtype in (CNAME, ANY) or origin_of(plan, name) != origin_of(plan, alias)


def origin_of(plan: Slow, name: Name) -> Name:
    """Give the origin of the zone of a name."""
    found = plan.find_nearest(name)
    assert found is not None
    return name[len(name) - plan.item(AnswersSection.NODES, NODE, found[0])[4] :]


def is_of_parent(plan: Slow, alias: Name, qtype: int) -> bool:
    """Tell whether the zone above answers, as it does for DS at an apex."""
    return qtype == DS and origin_of(plan, alias) == alias


def say_end(plan: Slow, body: int, asked: tuple[Name, int, int], rows: list[Row]) -> Said | None:
    """Give what the end of a chain, or a name without one, says."""
    aliases = plan.item(AnswersSection.BODIES, BODY, body)[12]
    if rows and len(rows) + aliases >= 16:
        return None
    said = read_response(plan.encode(body, *asked))
    if said.rcode == SERVFAIL:
        return said
    answer, *others = said.sections
    sections = (tuple(sorted((*rows, *answer))), *others)
    return replace(said, flags=said.flags | (AA if rows else 0), sections=sections)


def read_dname(plan: Slow, name: Name, body: int) -> Dname:
    offset, length, *_ = item = plan.item(AnswersSection.BODIES, BODY, body)
    octets = plan.answers[AnswersSection.BYTES][offset : offset + length]
    found = plan.find_nearest(name)
    assert found is not None
    rtype, rclass, ttl, size = struct.unpack_from("!HHIH", octets, item[11] - 10)
    target, end = decode_name(octets, item[11])
    assert (DNAME, 1, length - item[11], length) == (rtype, rclass, size, end)
    return Dname(name[found[1] :], ttl, target)


def row_of(owner: Name, rtype: int, ttl: int, target: Name) -> Row:
    """Give a record as `read_response` gives it."""
    rdata = encode_name(target)
    head = struct.pack("!6H", 0, 0x8000, 1, 1, 0, 0) + b"\0\0\1\0\1"
    record = encode_name(owner) + struct.pack("!HHIH", rtype, 1, ttl, len(rdata)) + rdata
    ((row,), *_) = read_response(head + record).sections
    return row
