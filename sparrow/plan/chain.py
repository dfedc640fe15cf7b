"""The chain of aliases that a name below a DNAME begins (RFC 6672).

Law: an alias that a chain comes to is looked up as if it had been asked for; where the
answer would be another than that with the chain before it, there is none from here.
`docs/plan-format.md`, "Names below a DNAME". Start from `follow_chain`; a `Chain` without
records is a question with nothing behind it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sparrow.dns.rrset import CLASS_IN, Rcode, RRType
from sparrow.dns.sizes import HEADER_SIZE, MAX_CHAIN, MAX_POINTER, POINTER
from sparrow.plan.format import BodyFlag
from sparrow.plan.nearest import find_body, find_nearest
from sparrow.values.name import MAX_WIRE, Name, decode_name, encode_name, wire_length

if TYPE_CHECKING:
    from sparrow.plan.nearest import Nearest
    from sparrow.plan.plan import AnswersFile, Body

CHAIN_LIMIT = MAX_POINTER + 1
"""Octets of a message in which pointers reach everything."""
MAX_DNAMES: Final = MAX_CHAIN // 2 - 1
"""DNAMEs of a chain, each of which comes with a CNAME."""
_QTYPE_AND_QCLASS_SIZE = 4
_TTL_BEFORE = 6
"""Octets from a record's TTL to its rdata."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A name in a message: octets of its own, then a pointer to the end of the question's name."""

    name: Name
    """The name."""
    at: int
    """Offset of its own octets."""
    own: int
    """How many they are; all of the name's where no pointer follows."""

    @property
    def length(self) -> int:
        """Octets of the whole name."""
        return wire_length(self.name)


@dataclass(frozen=True, slots=True)
class Chain:
    """What stands between a question and the body that its answer ends with."""

    asked: Name
    """The question's name."""
    alias: Alias
    """Where the chain has come to; the question's name at first."""
    octets: bytes = b""
    """The chain's records."""
    records: int = 0
    """How many they are."""

    @property
    def end(self) -> int:
        """Octets of the message up to its end."""
        question = wire_length(self.asked) + _QTYPE_AND_QCLASS_SIZE
        return HEADER_SIZE + question + len(self.octets)


@dataclass(frozen=True, slots=True)
class Followed:
    """A chain that was followed to its end."""

    chain: Chain
    """The chain."""
    body: Body | None
    """What is said of its end; None where nothing is."""
    rcode: int
    """Response code."""


def begin_chain(asked: Name) -> Chain:
    """Give the chain without records behind a question."""
    return Chain(asked, Alias(asked, HEADER_SIZE, wire_length(asked)))


def follow_chain(
    answers: AnswersFile, asked: Name, rtype: int, first: Nearest, room: int
) -> Followed | None:
    """Follow the chain that `asked` begins; `first` is its node, which has a DNAME.

    None where the full algorithm has to answer, or the chain takes more than `room`
    octets of a message.
    """
    chain, nearest, passed = begin_chain(asked), first, set[int]()
    while True:
        body = answers.body(find_body(answers, nearest, rtype))
        if body.flags & BodyFlag.MISS:
            return None
        if not body.flags & BodyFlag.DNAME:
            is_whole = 2 * len(passed) + body.alias_count < MAX_CHAIN
            return Followed(chain, body, body.rcode) if is_whole else None
        is_odd = nearest.number in passed or len(passed) == MAX_DNAMES
        passed.add(nearest.number)
        before, chain = chain, _substitute(answers, chain, body, nearest.prefix)
        if is_odd or chain.end > room:
            return None
        if chain.alias == before.alias:
            return Followed(chain, None, Rcode.YXDOMAIN)
        following = _find_following(answers, chain.alias.name, rtype)
        if following and _is_of_parent(following, rtype):
            return None
        if following is None or _zone_of(chain.alias.name, following) != _zone_of(asked, first):
            return Followed(chain, None, Rcode.NOERROR)
        nearest = following


def render_behind(answers: AnswersFile, chain: Chain, body: Body) -> bytes:
    """Give a body's octets as they stand behind a chain, or behind a question."""
    octets = bytearray(_octets_of(answers, body))
    first = body.first_fixup
    end = first + body.fixup_count
    for at in answers.fixups[first:end]:
        (pointer,) = struct.unpack_from("!H", octets, at)
        moved = _move_target(chain, body, pointer & MAX_POINTER)
        struct.pack_into("!H", octets, at, POINTER | moved)
    for at in answers.fixups[end : end + body.self_count]:
        struct.pack_into("!H", octets, at, POINTER | _locate(chain, 0))
    return bytes(octets)


def point_to_owner(chain: Chain, body: Body) -> int:
    """Give the pointer to the owner of a slot's addresses."""
    if body.owner == HEADER_SIZE:
        return POINTER | _locate(chain, 0)
    return POINTER | _move_target(chain, body, body.owner)


def _move_target(chain: Chain, body: Body, target: int) -> int:
    """Give what a pointer of a body is to point to: the body was made to follow a question."""
    length = chain.alias.length
    target += length - body.reference
    if target < HEADER_SIZE + length:
        return _locate(chain, target - HEADER_SIZE)
    return target - (HEADER_SIZE + length + _QTYPE_AND_QCLASS_SIZE) + chain.end


def _locate(chain: Chain, index: int) -> int:
    """Give where octet `index` of the name is that the chain has come to."""
    if index < chain.alias.own:
        return chain.alias.at + index
    return HEADER_SIZE + wire_length(chain.asked) - (chain.alias.length - index)


def _octets_of(answers: AnswersFile, body: Body) -> bytes:
    return bytes(answers.octets[body.at : body.at + body.length])


def _substitute(answers: AnswersFile, chain: Chain, body: Body, prefix: int) -> Chain:
    """Give the chain with a DNAME, and with the CNAME that it makes of the last name.

    Without that CNAME where its target is too long (RFC 6672 section 2.2).
    """
    chain = replace(
        chain,
        octets=chain.octets + render_behind(answers, chain, body),
        records=chain.records + 1,
    )
    octets = _octets_of(answers, body)
    target, _ = decode_name(octets, body.owner)
    alias = (*chain.alias.name[:prefix], *target)
    if wire_length(alias) > MAX_WIRE:
        return chain
    ttl = octets[body.owner - _TTL_BEFORE :][:4]
    own = encode_name(alias)
    shared = _measure_shared(alias, chain.asked)
    rdata = own
    if shared:
        own = own[:-shared]
        rdata = own + struct.pack("!H", POINTER | HEADER_SIZE + wire_length(chain.asked) - shared)
    owner = POINTER | _locate(chain, 0)
    head = struct.pack("!HHH4sH", owner, RRType.CNAME, CLASS_IN, ttl, len(rdata))
    return Chain(
        asked=chain.asked,
        alias=Alias(alias, chain.end + len(head), len(own)),
        octets=chain.octets + head + rdata,
        records=chain.records + 1,
    )


def _measure_shared(one: Name, other: Name) -> int:
    """Give the octets of the longest name, but not the root, that ends both; 0 for none."""
    count = 0
    for label, other_label in zip(reversed(one), reversed(other), strict=False):
        if label != other_label:
            break
        count += 1
    return wire_length(one[len(one) - count :]) if count else 0


def _find_following(answers: AnswersFile, name: Name, rtype: int) -> Nearest | None:
    """Give the node of a chain's last name; None where the chain goes no further."""
    return None if rtype in (RRType.CNAME, RRType.ANY) else find_nearest(answers, name)


def _is_of_parent(nearest: Nearest, rtype: int) -> bool:
    """Tell whether the zone above answers for a node (RFC 4035 section 3.1.4.1)."""
    is_apex = nearest.prefix == 0 and nearest.node.label_count == nearest.node.origin
    return is_apex and rtype == RRType.DS


def _zone_of(name: Name, nearest: Nearest) -> Name:
    """Give the origin of the zone of a name that has this node."""
    return name[len(name) - nearest.node.origin :]
