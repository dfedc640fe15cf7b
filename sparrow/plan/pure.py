"""The twin that defines the hot path: from a packet and a plan to the packet that answers.

Law: an answer is a function of the plan, the packet, its source and, for cookies alone,
the time; octet for octet what the native twin gives. What is not known here is `MISS`, and
a packet never raises. Start from `answer`; the steps are those of `docs/plan-format.md`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal

from sparrow.dns.cookie import refresh_cookie
from sparrow.dns.edns import MIN_PAYLOAD, Edns, OptionCode, decode_opt, decode_options
from sparrow.dns.rrset import CLASS_IN, Rcode, RRType
from sparrow.dns.sizes import HEADER_SIZE, TCP_LIMIT
from sparrow.plan.chain import (
    CHAIN_LIMIT,
    begin_chain,
    follow_chain,
    point_to_owner,
    render_behind,
)
from sparrow.plan.format import BodyFlag
from sparrow.plan.lookup import classify, read_outcome
from sparrow.plan.nearest import find_body, find_nearest
from sparrow.policy.outcome import lower_ttl
from sparrow.values.name import MAX_LABEL, MAX_WIRE

if TYPE_CHECKING:
    from sparrow.plan.chain import Chain
    from sparrow.plan.lookup import Outcome
    from sparrow.plan.plan import AnswersFile, Body, Part, Plan, Slot
    from sparrow.values.name import Name


class Miss(Enum):
    """Not answered from here; `sparrow.plan.fallback` answers."""

    MISS = "miss"


MISS: Final = Miss.MISS


@dataclass(frozen=True, slots=True)
class Answered:
    """A response, and what is counted of it."""

    wire: bytes
    """The packet to send."""
    rcode: int
    """Response code."""
    policy: int | None = None
    """Number of the policy asked; None where the answer depends on no client."""
    class_number: int | None = None
    """Class of the client in that policy."""
    site: int | None = None
    """Number of the site whose addresses are in it; None where there are none."""
    has_subnet: bool = False
    """Whether the query has a client subnet."""


_QR, _OPCODE, _AA, _RD = 0x8000, 0x7800, 0x0400, 0x0100
_DO_FLAG = 0x8000
_FIRST_META_TYPE, _LAST_META_TYPE = 128, 254
_FIXED_OPT_SIZE = 11
"""Root, type, class, TTL and length of an OPT record."""


@dataclass(frozen=True, slots=True)
class _Question:
    """The question of a query."""

    name: Name
    """The name."""
    rtype: int
    """Type asked for."""
    end: int
    """Offset behind the question."""


@dataclass(frozen=True, slots=True)
class _Query:
    """A query that may be answered here."""

    question: _Question
    """What is asked."""
    edns: Edns | None
    """EDNS, if the query has it."""


@dataclass(frozen=True, slots=True)
class _Content:
    """The body of a response, and what it says beyond its octets."""

    octets: bytes = b""
    rcode: int = Rcode.NOERROR
    is_authoritative: bool = False
    counts: tuple[int, int, int] = (0, 0, 0)
    scope: int = 0
    policy: int | None = None
    class_number: int | None = None
    site: int | None = None
    is_chained: bool = False
    """Whether a chain of DNAMEs stands in it, whose pointers do not reach everywhere."""


@dataclass(frozen=True, slots=True)
class _Client:
    """Who asks."""

    source: bytes
    subnet: bytes | None


def answer(
    plan: Plan, packet: bytes, source: bytes, limit: int, now_s: int
) -> Answered | Literal[Miss.MISS] | None:
    """Answer a packet; None where nothing may be sent back, `MISS` where others answer.

    `source` is the packed address it came from. `limit` is the transport's: 65535 octets
    for TCP; anything less is UDP, at most 1232, where a query without EDNS gets 512 and one
    with EDNS no more than its payload. `now_s` is Unix time in seconds.
    """
    if len(packet) < HEADER_SIZE or packet[2] & 0x80:
        return None
    fault = _find_fault(packet)
    if fault is not None:
        return _refuse(packet, fault)
    query = _read_query(packet, is_tcp=limit == TCP_LIMIT)
    if query is None:
        return MISS
    limit = _size_limit(query.edns, limit)
    content = _find_content(plan, query, _Client(source, _subnet_of(query.edns)), limit)
    if content is None:
        return MISS
    opt = b""
    if query.edns:
        options = _encode_options(plan.answers, query.edns, content.scope, source, now_s)
        opt = _encode_opt(plan, query.edns, options)
    size = query.question.end + len(content.octets) + len(opt)
    if size > (min(limit, CHAIN_LIMIT) if content.is_chained else limit):
        return MISS
    return Answered(
        wire=_encode_head(packet, content, has_opt=bool(opt))
        + packet[HEADER_SIZE : query.question.end]
        + content.octets
        + opt,
        rcode=content.rcode,
        policy=content.policy,
        class_number=content.class_number,
        site=content.site,
        has_subnet=query.edns is not None and query.edns.subnet is not None,
    )


def _find_fault(packet: bytes) -> Rcode | None:
    """Find the fault of a query that is refused by its header and question alone.

    opcode    questions  question    other records   fault
    not 0     any        any         none            NOTIMP
    0         not 1      -           none            FORMERR
    0         1          unreadable  any             FORMERR
    """
    bits, questions, *others = struct.unpack_from("!5H", packet, 2)
    if bits & _OPCODE:
        return None if any(others) else Rcode.NOTIMP
    if questions != 1:
        return None if any(others) else Rcode.FORMERR
    return Rcode.FORMERR if _read_labels(packet) is None else None


def _refuse(packet: bytes, fault: Rcode) -> Answered:
    """Give the response to a fault: no records, the question where there is a readable one."""
    query_id, bits, questions = struct.unpack_from("!3H", packet)
    found = _read_labels(packet) if questions == 1 else None
    bitmap = _QR | bits & (_OPCODE | _RD) | fault
    head = struct.pack("!6H", query_id, bitmap, found is not None, 0, 0, 0)
    end = found[1] + 4 if found else HEADER_SIZE
    return Answered(head + packet[HEADER_SIZE:end], fault)


def _encode_head(packet: bytes, content: _Content, *, has_opt: bool) -> bytes:
    query_id, bits = struct.unpack_from("!HH", packet)
    bitmap = _QR | (_AA if content.is_authoritative else 0) | bits & _RD | content.rcode
    answers, authorities, others = content.counts
    return struct.pack("!6H", query_id, bitmap, 1, answers, authorities, others + has_opt)


def _read_query(packet: bytes, *, is_tcp: bool) -> _Query | None:
    """Read header, question and OPT; None where the query is none that is answered here."""
    bits, *counts = struct.unpack_from("!5H", packet, 2)
    if bits & _OPCODE or counts[:3] != [1, 0, 0] or counts[3] > 1:
        return None
    question = _read_question(packet)
    if question is None or counts[3] == 0:
        return _Query(question, None) if question else None
    edns = _read_opt(packet, question.end)
    if edns is None or (edns.wants_keepalive and is_tcp):
        return None
    return _Query(question, edns)


def _read_labels(packet: bytes) -> tuple[Name, int] | None:
    """Read the question's name: labels in lower case, and the offset behind it.

    None where it is cut or no plain name, or where type and class do not follow.
    """
    labels: list[bytes] = []
    at = HEADER_SIZE
    while at < len(packet):
        length = packet[at]
        at += 1
        if length == 0:
            break
        if length > MAX_LABEL or at + length - HEADER_SIZE >= MAX_WIRE:
            return None
        labels.append(packet[at : at + length].lower())
        at += length
    return (tuple(labels), at) if at + 4 <= len(packet) else None


def _read_question(packet: bytes) -> _Question | None:
    """Read a question of class IN and of a type that can be data; None for any other."""
    found = _read_labels(packet)
    if found is None:
        return None
    labels, at = found
    rtype, rclass = struct.unpack_from("!HH", packet, at)
    if rclass != CLASS_IN or rtype == RRType.OPT or _FIRST_META_TYPE <= rtype <= _LAST_META_TYPE:
        return None
    return _Question(labels, rtype, at + 4)


def _read_opt(packet: bytes, at: int) -> Edns | None:
    """Read an OPT record of version 0; None for anything else, or if it is malformed."""
    if at + _FIXED_OPT_SIZE > len(packet) or packet[at]:
        return None
    rtype, payload, ttl, length = struct.unpack_from("!HHIH", packet, at + 1)
    start = at + _FIXED_OPT_SIZE
    edns = decode_opt(payload, ttl)
    if rtype != RRType.OPT or start + length > len(packet) or edns.version:
        return None
    try:
        return decode_options(edns, packet[start : start + length])
    except ValueError:
        return None


def _subnet_of(edns: Edns | None) -> bytes | None:
    """Give the address of the client subnet, where it may be used (RFC 7871 section 7.1.2)."""
    sent = edns.subnet if edns else None
    return sent.address if sent and sent.source_length else None


# From the name to the content.


def _find_content(plan: Plan, query: _Query, client: _Client, limit: int) -> _Content | None:
    """Give what the response says; None where the full algorithm has to.

    `limit` is that of the response's octets, and so of what a chain may take of them.
    """
    answers, question = plan.answers, query.question
    nearest = find_nearest(answers, question.name)
    if nearest is None:
        return _Content(rcode=Rcode.REFUSED)
    body = answers.body(find_body(answers, nearest, question.rtype))
    if body.flags & BodyFlag.MISS:
        return None
    if not body.flags & BodyFlag.DNAME:
        return _end_chain(plan, begin_chain(question.name), body, client)
    room = min(limit, CHAIN_LIMIT)
    found = follow_chain(answers, question.name, question.rtype, nearest, room)
    if found is None:
        return None
    if found.body is None:
        return _render_chain(found.chain, found.rcode)
    return _end_chain(plan, found.chain, found.body, client)


# From the body to its octets.


def _end_chain(plan: Plan, chain: Chain, body: Body, client: _Client) -> _Content | None:
    """Give the answer that ends in this body, behind a chain or a question."""
    if body.flags & BodyFlag.SLOT:
        return _fill_slot(plan, chain, body, client)
    return _render_body(plan.answers, chain, body)


def _render_chain(chain: Chain, rcode: int) -> _Content:
    """Give the answer that is a chain and nothing more."""
    return _Content(
        octets=chain.octets,
        rcode=rcode,
        is_authoritative=True,
        counts=(chain.records, 0, 0),
        is_chained=True,
    )


def _render_body(answers: AnswersFile, chain: Chain, body: Body) -> _Content:
    return _Content(
        octets=chain.octets + render_behind(answers, chain, body),
        rcode=body.rcode,
        is_authoritative=bool(body.flags & BodyFlag.AA or chain.records),
        counts=(chain.records + body.answer_count, body.authority_count, body.additional_count),
        is_chained=bool(chain.records),
    )


def _fill_slot(plan: Plan, chain: Chain, body: Body, client: _Client) -> _Content | None:
    """Give a body with the addresses of the client's site, or what stands for none."""
    answers = plan.answers
    slot = answers.slot(body.slot)
    policy = answers.policy(slot.policy)
    found = classify(plan, policy, client.source, client.subnet)
    outcome = read_outcome(plan, policy, found.class_number)
    if outcome.is_unknown:
        return None
    site = outcome.site
    part = answers.part(slot.first_part + site) if site is not None else None
    if outcome.is_failed:
        content = _Content(rcode=Rcode.SERVFAIL)
    elif part is None or part.address_count == 0:
        empty = answers.body(slot.empty_body)
        if empty.flags & BodyFlag.MISS:
            return None
        content = _render_body(answers, chain, empty)
    else:
        content = _render_body(answers, chain, body)
        owner = point_to_owner(chain, body)
        addresses = _render_addresses(answers, slot, part, owner, _ttl_of(slot, outcome))
        content = replace(
            content,
            octets=content.octets + b"".join(addresses),
            counts=(content.counts[0] + len(addresses), 0, 0),
            site=site,
        )
    return replace(content, scope=found.scope, policy=slot.policy, class_number=found.class_number)


def _ttl_of(slot: Slot, outcome: Outcome) -> int:
    """Give the TTL of a slot's addresses under the cap of an outcome."""
    cap_s, is_exact = outcome.ttl_cap_s, outcome.is_cap_exact
    return lower_ttl(slot.ttl, slot.ttl_floor, cap_s, is_exact=is_exact)


def _render_addresses(
    answers: AnswersFile, slot: Slot, part: Part, owner: int, ttl: int
) -> list[bytes]:
    """Give the address records of a site, as many as the slot wants."""
    count = min(part.address_count, slot.result_count or part.address_count)
    head = struct.pack("!HHHIH", owner, slot.rtype, CLASS_IN, ttl, part.size)
    starts = range(part.at, part.at + count * part.size, part.size)
    return [head + bytes(answers.rdata[at : at + part.size]) for at in starts]


# The OPT record.


def _encode_options(
    answers: AnswersFile, edns: Edns, scope: int, source: bytes, now_s: int
) -> bytes:
    """Give the options of a response: those that the query has and we know, no others."""
    options: list[tuple[int, bytes]] = []
    if edns.wants_nsid and answers.nsid is not None:
        options.append((OptionCode.NSID, answers.nsid))
    if edns.subnet:
        options.append((OptionCode.CLIENT_SUBNET, edns.subnet.encode(scope)))
    if edns.cookie and answers.secrets:
        cookie = refresh_cookie(edns.cookie, source, answers.secrets, now_s)
        options.append((OptionCode.COOKIE, cookie))
    return b"".join(struct.pack("!HH", code, len(value)) + value for code, value in options)


def _encode_opt(plan: Plan, edns: Edns, options: bytes) -> bytes:
    payload = plan.answers.params.payload
    ttl = _DO_FLAG if edns.is_dnssec_ok else 0
    return struct.pack("!BHHIH", 0, RRType.OPT, payload, ttl, len(options)) + options


def _size_limit(edns: Edns | None, limit: int) -> int:
    if limit == TCP_LIMIT:
        return limit
    return min(edns.payload, limit) if edns else MIN_PAYLOAD
