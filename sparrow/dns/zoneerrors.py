"""What makes a zone impossible to serve.

Law: each rule is a function from a draft to problems, names the RFC that it
comes from, and blames the record that was written last; `ERRORS` holds them in
the order in which an operator reads them. Start from `ERRORS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.dns.rrset import RRType, render_rtype
from sparrow.dns.zonedraft import Draft, blame, describe, where
from sparrow.errors import Problem
from sparrow.values.name import WILDCARD, is_below, render_name, wire_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_MESSAGE = 65535
"""Octets of the longest message (RFC 1035 section 4.2.2)."""

_MESSAGE_HEAD = 12 + 4
"""Octets of the header, and of type and class of the question."""
_RECORD_HEAD = 2 + 2 + 2 + 4 + 2
"""Octets of a record before its rdata, the owner compressed to a pointer."""


def _check_outside(draft: Draft) -> Iterator[Problem]:
    """Hold every record to the zone."""
    origin = render_name(draft.source.origin)
    for record in draft.outside:
        yield blame(record, f"is outside the zone {origin}: take it out, or mend its owner")


def _check_soa(draft: Draft) -> Iterator[Problem]:
    """Want one SOA, at the apex (RFC 1034 section 4.2.1, RFC 1035 section 5.2)."""
    origin = draft.source.origin
    apex = draft.sets[origin].get(RRType.SOA, [])
    if not apex:
        what = f"the zone {render_name(origin)} has no SOA: give it soa in the config"
        yield Problem(f"{what}, or a SOA record in the zone file", *draft.source.place)
    for record in apex[1:]:
        yield blame(record, f"is a second SOA, the first is {where(apex[0])}: keep one of them")
    for record in draft.records(RRType.SOA):
        if record.owner != origin:
            yield blame(record, f"is below the apex: only {render_name(origin)} can have a SOA")


def _check_apex_ns(draft: Draft) -> Iterator[Problem]:
    """Want name servers at the apex (RFC 1034 section 4.2.1)."""
    origin = draft.source.origin
    if RRType.NS not in draft.sets[origin]:
        what = f"the zone {render_name(origin)} has no NS: give it ns in the config"
        yield Problem(f"{what}, or NS records at its apex in the zone file", *draft.source.place)


def _check_overruled(draft: Draft) -> Iterator[Problem]:
    """Want SOA and NS from one place, where the two differ."""
    for record in draft.overruled:
        key = render_rtype(record.rtype).lower()
        file, line = draft.source.place
        what = f"differs from {key} in the config at {file}:{line}"
        yield blame(record, f"{what}: remove these records, or {key} from the config")


def _check_cname(draft: Draft) -> Iterator[Problem]:
    """Want a CNAME to be alone at its name (RFC 1034 section 3.6.2, RFC 2181 section 10.1)."""
    for name in draft.owners(RRType.CNAME):
        types = draft.sets[name]
        alias, *others = types[RRType.CNAME]
        for record in others:
            yield blame(record, f"is a second CNAME, the first is {where(alias)}: keep one of them")
        first, *rest = (records[0] for records in types.values())
        if rest:
            last = rest[0] if first is alias else alias
            clash = f"is beside {describe(first)} ({where(first)})"
            yield blame(last, f"{clash}: a name with a CNAME has nothing else")


def _check_dname(draft: Draft) -> Iterator[Problem]:
    """Want one DNAME, no data below it, and no delegation at it (RFC 6672 sections 2.3, 2.4)."""
    for name in draft.owners(RRType.DNAME):
        first, *others = draft.sets[name][RRType.DNAME]
        for record in others:
            yield blame(record, f"is a second DNAME, the first is {where(first)}: keep one of them")
        if name in draft.cuts:
            server = draft.sets[name][RRType.NS][0]
            yield blame(first, f"is at a delegation ({where(server)}): only an apex has both")
    for name, types in draft.sets.items():
        above = draft.cover(name)
        if above in draft.dnames and above not in draft.cuts:
            dname = draft.sets[above][RRType.DNAME][0]
            record = next(iter(types.values()))[0]
            clash = f"is below {describe(dname)} ({where(dname)})"
            yield blame(record, f"{clash}, which sends all names below it elsewhere")


def _check_steered_place(draft: Draft) -> Iterator[Problem]:
    """Want steered names inside the zone, where the zone itself answers."""
    origin = draft.source.origin
    for name in draft.source.steers:
        what = f"the steered name {render_name(name)} is"
        place = draft.steer_place(name)
        above = name if name in draft.cuts else draft.cover(name)
        if not is_below(name, origin):
            yield Problem(f"{what} outside the zone {render_name(origin)}", *place)
        elif above is not None:
            rtype = RRType.NS if above in draft.cuts else RRType.DNAME
            record = draft.sets[above][rtype][0]
            clash = f"{what} at or below {describe(record)} ({where(record)})"
            yield Problem(f"{clash}, so that it is never asked for here: remove one", *place)


def _check_steered_types(draft: Draft) -> Iterator[Problem]:
    """Want no addresses, and no other name for them, where the site gives the addresses."""
    for name in draft.source.steers:
        file, line = draft.steer_place(name)
        types = draft.sets.get(name, {})
        for rtype in (RRType.A, RRType.AAAA, RRType.CNAME, RRType.DNAME):
            for record in types.get(rtype, ()):
                clash = f"is at a steered name ({file}:{line}), whose addresses are the site's"
                yield blame(record, f"{clash}: remove it, or the name from steer")


def _check_ds(draft: Draft) -> Iterator[Problem]:
    """Want DS only where there is a delegation (RFC 4035 section 2.4)."""
    for record in draft.records(RRType.DS):
        if record.owner == draft.source.origin:
            yield blame(record, "is at the apex: it belongs in the parent zone")
        elif RRType.NS not in draft.sets[record.owner]:
            yield blame(record, "is at a name without NS: DS belongs to a delegation")


def _check_wildcards(draft: Draft) -> Iterator[Problem]:
    """Want no NS and no DNAME at a wildcard (RFC 4592 sections 4.2 and 4.4)."""
    for record in draft.records(RRType.NS, RRType.DNAME):
        if record.owner != draft.source.origin and record.owner[0] == WILDCARD:
            yield blame(record, "is at a wildcard: write the names out that it is meant for")


def _check_size(draft: Draft) -> Iterator[Problem]:
    """Want every set to fit into a message, as no server can send half of one."""
    for name, types in draft.sets.items():
        for records in types.values():
            octets = _MESSAGE_HEAD + wire_length(name)
            octets += sum(_RECORD_HEAD + len(record.rdata) for record in records)
            if octets > MAX_MESSAGE:
                what = f"has {len(records)} records, {octets} octets in a message"
                yield blame(records[0], f"{what}: at most {MAX_MESSAGE} can be sent")


ERRORS: tuple[Callable[[Draft], Iterator[Problem]], ...] = (
    _check_outside,
    _check_soa,
    _check_apex_ns,
    _check_overruled,
    _check_cname,
    _check_dname,
    _check_steered_place,
    _check_steered_types,
    _check_ds,
    _check_wildcards,
    _check_size,
)
"""Every rule, in the order in which an operator reads what it finds."""
