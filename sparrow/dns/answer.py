"""The answer algorithm of RFC 1034 section 4.3.2, as a flat chain of named cases.

Law: an answer is a function of the zones, the name and the type. Addresses that
depend on the client are a `Slot`, filled elsewhere. Start from `find_answer`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sparrow.dns.rrset import ADDRESS_TYPES, Rcode, RRset, RRType
from sparrow.dns.sizes import MAX_CHAIN as MAX_CHAIN
from sparrow.values.name import MAX_WIRE, Name, decode_name, encode_name, is_below, wire_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.dns.zone import Match, Node, Steer, Zone, ZoneSet

_HINFO_TTL_S = 3600
"""RFC 8482 leaves the number open; an hour spares us the same question."""
_HINFO_RFC8482 = b"\x07RFC8482\x00"
_FIRST_META_TYPE, _LAST_META_TYPE = 128, 255
"""Types that are no data (RFC 6895 section 3.1)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the answer section for the addresses of a client's site."""

    owner: Name
    """Owner of the address records: the name asked, or the end of its chain."""
    rtype: int
    """A or AAAA."""
    steer: Steer
    """Service, TTL and count of the addresses."""
    soa: RRset
    """Goes to the authority section where the site has no such address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response says, whoever asks."""

    rcode: Rcode
    """Response code."""
    is_authoritative: bool = True
    """The AA bit."""
    answer: tuple[RRset, ...] = ()
    """Answer section, aliases first."""
    authority: tuple[RRset, ...] = ()
    """SOA of a negative answer, NS of a referral."""
    glue: tuple[RRset, ...] = ()
    """Addresses of in-domain name servers of a referral (RFC 9471)."""
    additional: tuple[RRset, ...] = ()
    """Other addresses of the name servers of a referral."""
    slot: Slot | None = None
    """Last place of the answer section, where it depends on the client."""


REFUSED = Answer(Rcode.REFUSED, is_authoritative=False)
SERVFAIL = Answer(Rcode.SERVFAIL, is_authoritative=False)


def find_answer(zones: ZoneSet, name: Name, qtype: int) -> Answer:
    """Answer `name` and `qtype` of class IN from the zones."""
    zone = _find_zone(zones, name, qtype)
    if zone is None or qtype in (RRType.AXFR, RRType.IXFR):
        return REFUSED
    if qtype == RRType.OPT:
        return Answer(Rcode.FORMERR, is_authoritative=False)
    if _FIRST_META_TYPE <= qtype <= _LAST_META_TYPE and qtype != RRType.ANY:
        return Answer(Rcode.NOTIMP, is_authoritative=False)
    chain: list[RRset] = []
    while True:
        step = _answer_name(zone, name, qtype)
        # The same DNAME may redirect twice, but a section holds an RRset once.
        chain += (rrset for rrset in step.answer if rrset not in chain)
        target = _find_target(step, qtype, chain)
        if target is None or _find_zone(zones, target, qtype) is not zone:
            is_authoritative = step.is_authoritative or bool(chain)
            return replace(step, answer=tuple(chain), is_authoritative=is_authoritative)
        name = target


def _find_zone(zones: ZoneSet, name: Name, qtype: int) -> Zone | None:
    """Give the zone that answers; DS at an apex is the parent's (RFC 4035 section 3.1.4.1)."""
    zone = zones.find(name)
    if zone and qtype == RRType.DS and zone.origin == name and name:
        return zones.find(name[1:]) or zone
    return zone


def _find_target(step: Answer, qtype: int, chain: list[RRset]) -> Name | None:
    """Give the name to go on with where the step ended in an alias."""
    last = step.answer[-1] if step.answer else None
    if last is None or last.rtype != RRType.CNAME or qtype in (RRType.CNAME, RRType.ANY):
        return None
    target, _ = decode_name(last.rdatas[0])
    is_loop = any(rrset.owner == target for rrset in chain if rrset.rtype == RRType.CNAME)
    return None if is_loop or len(chain) >= MAX_CHAIN else target


@dataclass(frozen=True, slots=True)
class _Visit:
    """A name on the way to an answer, and what the zone knows of it."""

    zone: Zone
    name: Name
    qtype: int
    match: Match

    @property
    def node(self) -> Node | None:
        """The node that answers: the name's own, or the wildcard's."""
        return self.match.node or self.match.wildcard


def _answer_name(zone: Zone, name: Name, qtype: int) -> Answer:
    """Answer one name by the first case that applies."""
    visit = _Visit(zone, name, qtype, zone.find(name))
    return next(filter(None, (case(visit) for case in _CASES)))


def _refer(visit: _Visit) -> Answer | None:
    """Name the servers of a delegated zone, with their addresses as far as they are here."""
    cut = visit.match.cut
    if cut is None or (visit.qtype == RRType.DS and cut.name == visit.name):
        return None
    servers = cut.rrsets[RRType.NS]
    glue: list[RRset] = []
    additional: list[RRset] = []
    for target in sorted({decode_name(rdata)[0] for rdata in servers.rdatas}):
        section = glue if is_below(target, cut.name) else additional
        section += _static_addresses(visit.zone, target)
    return Answer(
        Rcode.NOERROR,
        is_authoritative=False,
        authority=(servers,),
        glue=tuple(glue),
        additional=tuple(additional),
    )


def _static_addresses(zone: Zone, name: Name) -> Iterator[RRset]:
    """Give the address RRsets of a name as the zone file has them, never steered ones."""
    node = zone.nodes.get(name)
    for rtype in ADDRESS_TYPES:
        if node and rtype in node.rrsets:
            yield node.rrsets[rtype]


def _substitute(visit: _Visit) -> Answer | None:
    """Redirect a name below a DNAME (RFC 6672 sections 2.2 and 3.2)."""
    if visit.match.dname is None:
        return None
    dname = visit.match.dname.rrsets[RRType.DNAME]
    target, _ = decode_name(dname.rdatas[0])
    alias = (*visit.name[: len(visit.name) - len(dname.owner)], *target)
    if wire_length(alias) > MAX_WIRE:
        return Answer(Rcode.YXDOMAIN, answer=(dname,))
    cname = RRset(visit.name, RRType.CNAME, dname.ttl, (encode_name(alias),))
    return Answer(Rcode.NOERROR, answer=(dname, cname))


def _deny_name(visit: _Visit) -> Answer | None:
    """Say that the name does not exist (RFC 2308 section 2.1)."""
    if visit.node:
        return None
    return Answer(Rcode.NXDOMAIN, authority=(negative_soa(visit.zone),))


def _minimize_any(visit: _Visit) -> Answer | None:
    """Answer ANY with one small RRset (RFC 8482 sections 4.2 and 4.3)."""
    node = visit.node
    if visit.qtype != RRType.ANY or node is None or not (node.rrsets or node.steer):
        return None
    if RRType.CNAME in node.rrsets:
        return Answer(Rcode.NOERROR, answer=(_owned(node, RRType.CNAME, visit.name),))
    hinfo = RRset(visit.name, RRType.HINFO, _HINFO_TTL_S, (_HINFO_RFC8482,))
    return Answer(Rcode.NOERROR, answer=(hinfo,))


def _give_alias(visit: _Visit) -> Answer | None:
    """Give the CNAME of a name; the caller goes on with its target."""
    if visit.node is None or RRType.CNAME not in visit.node.rrsets:
        return None
    return Answer(Rcode.NOERROR, answer=(_owned(visit.node, RRType.CNAME, visit.name),))


def _leave_slot(visit: _Visit) -> Answer | None:
    """Leave the addresses of a steered name to the choice of a site."""
    if visit.node is None or visit.node.steer is None or visit.qtype not in ADDRESS_TYPES:
        return None
    slot = Slot(visit.name, visit.qtype, visit.node.steer, negative_soa(visit.zone))
    return Answer(Rcode.NOERROR, slot=slot)


def _give_records(visit: _Visit) -> Answer | None:
    """Give the records asked for."""
    if visit.node is None or visit.qtype not in visit.node.rrsets:
        return None
    return Answer(Rcode.NOERROR, answer=(_owned(visit.node, visit.qtype, visit.name),))


def _deny_type(visit: _Visit) -> Answer:
    """Say that the name has no such records (RFC 2308 section 2.2)."""
    return Answer(Rcode.NOERROR, authority=(negative_soa(visit.zone),))


_CASES = (
    _refer,  # RFC 1034 section 4.3.2, step 3b
    _substitute,  # 3c, as RFC 6672 section 3.2 has it
    _deny_name,  # 3c
    _minimize_any,
    _give_alias,  # 3a
    _leave_slot,  # 3a
    _give_records,  # 3a
    _deny_type,
)


def _owned(node: Node, rtype: int, name: Name) -> RRset:
    """Give an RRset of the node under the name asked (RFC 4592 section 3.3.3)."""
    rrset = node.rrsets[rtype]
    return rrset if rrset.owner == name else replace(rrset, owner=name)


def negative_soa(zone: Zone) -> RRset:
    """Give the SOA with the TTL of a negative answer (RFC 2308 section 3)."""
    soa = zone.soa
    (minimum,) = struct.unpack("!I", soa.rdatas[0][-4:])
    return replace(soa, ttl=min(soa.ttl, minimum))
