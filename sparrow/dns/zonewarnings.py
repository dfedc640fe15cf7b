"""What a zone may hold, but its operator may not have meant.

Law: each rule is a function from a draft and the zone made of it to problems;
the zone is served as it is. `WARNINGS` holds them in the order in which an
operator reads them. Start from `WARNINGS`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sparrow.dns.rrset import ADDRESS_TYPES, RRType
from sparrow.dns.zonedraft import Draft, blame, describe, target_of
from sparrow.errors import Problem
from sparrow.values.name import ROOT, Name, decode_name, is_below, render_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sparrow.dns.zone import Match, Node, Zone

_DAY_S = 86400
"""Longest sensible time for a negative answer; RFC 2308 section 5 finds 1 to 3 hours good."""

_HINTS = {4: "ipv4hint", 6: "ipv6hint"}
"""SvcParamKeys that hold addresses (RFC 9460 section 14.3.2)."""


def _warn_doubles(draft: Draft, _zone: Zone) -> Iterator[Problem]:
    """Count the records that stand in the zone twice (RFC 2181 section 5)."""
    if draft.doubles:
        first = draft.doubles[0]
        what = f"{_count(len(draft.doubles), 'record')} dropped that a line above has too"
        yield Problem(f"{what}; the first is {describe(first)}", first.file, first.line)


def _warn_ttls(draft: Draft, _zone: Zone) -> Iterator[Problem]:
    """Count the sets whose records differ in TTL (RFC 2181 section 5.2)."""
    odd = [
        record
        for types in draft.sets.values()
        for records in types.values()
        for record in records[1:]
        if record.ttl != records[0].ttl
    ]
    sets = len({(record.owner, record.rtype) for record in odd})
    if odd:
        what = f"{_count(sets, 'set')} of records with different TTLs: the lowest is used"
        yield Problem(f"{what}; the first is {describe(odd[0])}", odd[0].file, odd[0].line)


def _warn_minimum(draft: Draft, _zone: Zone) -> Iterator[Problem]:
    """Doubt a SOA minimum that keeps "no such name" for days."""
    for record in draft.records(RRType.SOA):
        minimum = int.from_bytes(record.rdata[-4:], "big")
        if minimum > _DAY_S:
            what = f"has a minimum of {minimum} s, and this long resolvers may go on saying"
            yield blame(record, f"{what} that a new name does not exist: 300 to 10800 is usual")


def _warn_aliases(draft: Draft, zone: Zone) -> Iterator[Problem]:
    """Doubt targets that are aliases (RFC 2181 section 10.3, RFC 2782)."""
    for record in draft.records(RRType.NS, RRType.MX, RRType.SRV):
        match = _find(zone, target_of(record))
        if match and _is_alias(match) and not draft.is_occluded(record.owner):
            target = render_name(target_of(record))
            yield blame(record, f"names {target}, an alias: write the name that has the address")


def _warn_steered_servers(draft: Draft, zone: Zone) -> Iterator[Problem]:
    """Doubt name servers whose addresses depend on who asks."""
    for record in draft.records(RRType.NS):
        match = _find(zone, target_of(record))
        if match and _is_steered(match) and not draft.is_occluded(record.owner):
            target = render_name(target_of(record))
            what = f"names {target}, which is steered: steered addresses are never sent as glue"
            yield blame(record, f"{what}, so give name servers addresses of their own")


def _warn_glue(draft: Draft, zone: Zone) -> Iterator[Problem]:
    """Doubt name servers in the zone that have no address there (RFC 9471)."""
    for name in draft.owners(RRType.NS):
        if draft.is_occluded(name):
            continue
        records = draft.sets[name][RRType.NS]
        missing = [record for record in records if _lacks_address(zone, target_of(record))]
        targets = [target_of(record) for record in records]
        is_lost = name in draft.cuts and all(is_below(target, name) for target in targets)
        if is_lost and len(missing) == len(records):
            what = "is a delegation without glue: all its servers are inside it and none has an"
            yield blame(records[0], f"{what} address here, so nobody can follow it")
            continue
        for record in missing:
            target = render_name(target_of(record))
            yield blame(record, f"names {target}, which has no address in the zone: missing glue")


def _warn_occluded(draft: Draft, _zone: Zone) -> Iterator[Problem]:
    """Count what a delegation hides and is no glue (RFC 1034 section 4.2.1)."""
    glue = {target_of(record) for record in draft.records(RRType.NS)}
    hidden = [
        record
        for name, types in draft.sets.items()
        if name in draft.cuts or draft.is_occluded(name)
        for rtype, records in types.items()
        for record in records
        if not _is_at_cut(draft, name, rtype) and not (rtype in ADDRESS_TYPES and name in glue)
    ]
    if hidden:
        what = f"{_count(len(hidden), 'record')} at or below a delegation that nobody will be sent"
        yield Problem(f"{what}; the first is {describe(hidden[0])}", hidden[0].file, hidden[0].line)


def _warn_hints(draft: Draft, zone: Zone) -> Iterator[Problem]:
    """Doubt address hints for a steered name, as they do not follow the site."""
    for record in draft.records(RRType.SVCB, RRType.HTTPS):
        target, offset = decode_name(record.rdata, 2)
        for name in {record.owner: None, target or record.owner: None}:
            match = _find(zone, name)
            hints = list(_hints(record.rdata, offset))
            if match and _is_steered(match) and hints:
                what = f"has {' and '.join(hints)} for the steered name {render_name(name)}"
                yield blame(record, f"{what}: a hint is the same for every site, so leave it out")
                break


def _is_at_cut(draft: Draft, name: Name, rtype: int) -> bool:
    """Tell whether the parent side of a delegation has this type (RFC 4035 section 2.4)."""
    return rtype in (RRType.NS, RRType.DS) and name in draft.cuts and not draft.is_occluded(name)


def _find(zone: Zone, name: Name) -> Match | None:
    """Look a name up; None outside the zone, and for the root, which stands for no name."""
    return zone.find(name) if name != ROOT and is_below(name, zone.origin) else None


def _source(match: Match) -> Node | None:
    """Give the node that answers for a name, be it a wildcard."""
    return match.node or match.wildcard


def _is_alias(match: Match) -> bool:
    source = _source(match)
    if match.cut is not None:
        return False
    return match.dname is not None or (source is not None and RRType.CNAME in source.rrsets)


def _is_steered(match: Match) -> bool:
    source = _source(match)
    return match.cut is None and source is not None and source.steer is not None


def _lacks_address(zone: Zone, target: Name) -> bool:
    match = _find(zone, target)
    if match is None or _is_alias(match) or _is_steered(match):
        return False
    source = _source(match)
    return source is None or not ADDRESS_TYPES.keys() & source.rrsets.keys()


def _hints(rdata: bytes, offset: int) -> Iterator[str]:
    """Give the names of the address hints among SvcParams (RFC 9460 section 2.2)."""
    while offset < len(rdata):
        key, length = struct.unpack_from("!HH", rdata, offset)
        offset += 4 + length
        if key in _HINTS:
            yield _HINTS[key]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


WARNINGS: tuple[Callable[[Draft, Zone], Iterator[Problem]], ...] = (
    _warn_doubles,
    _warn_ttls,
    _warn_minimum,
    _warn_aliases,
    _warn_steered_servers,
    _warn_glue,
    _warn_occluded,
    _warn_hints,
)
"""Every rule, in the order in which an operator reads what it finds."""
