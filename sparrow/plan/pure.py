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
from sparrow.plan.format import BodyFlag
from sparrow.plan.lookup import classify, read_outcome
from sparrow.policy.outcome import lower_ttl
from sparrow.values.name import MAX_LABEL, MAX_WIRE

if TYPE_CHECKING:
    from sparrow.plan.lookup import Outcome
    from sparrow.plan.plan import AnswersFile, Body, Part, Plan, Slot


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
_POINTER = 0xC000
_FIRST_META_TYPE, _LAST_META_TYPE = 128, 254
_FIXED_OPT_SIZE = 11
"""Root, type, class, TTL and length of an OPT record."""


@dataclass(frozen=True, slots=True)
class _Question:
    """The question of a query."""

    name: bytes
    """Wire form of the name, in lower case."""
    labels: tuple[bytes, ...]
    """Its labels."""
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
    content = _find_content(plan, query.question, _Client(source, _subnet_of(query.edns)))
    if content is None:
        return MISS
    opt = b""
    if query.edns:
        options = _encode_options(plan.answers, query.edns, content.scope, source, now_s)
        opt = _encode_opt(plan, query.edns, options)
    if query.question.end + len(content.octets) + len(opt) > _size_limit(query.edns, limit):
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


def _read_labels(packet: bytes) -> tuple[tuple[bytes, ...], int] | None:
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
    return _Question(packet[HEADER_SIZE:at].lower(), labels, rtype, at + 4)


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


# From the name to the body.


def _find_content(plan: Plan, question: _Question, client: _Client) -> _Content | None:
    """Give what the response says; None where the full algorithm has to."""
    answers = plan.answers
    number = _find_body(answers, question)
    if number is None:
        return _Content(rcode=Rcode.REFUSED)
    body = answers.body(number)
    if body.flags & BodyFlag.MISS:
        return None
    if body.flags & BodyFlag.SLOT:
        return _fill_slot(plan, body, question, client)
    return _render_body(answers, body, question)


def _find_body(answers: AnswersFile, question: _Question) -> int | None:
    """Give the number of the body for a name and a type; None outside all zones."""
    params, labels = answers.params, question.labels
    depth = min(len(labels), params.deepest)
    hashes = _hash_ancestors(params.hash_seed, labels[len(labels) - depth :])
    # Octets of the question's name before its ancestor with as many labels as hashes tell.
    at = sum(len(label) + 1 for label in labels[: len(labels) - depth])
    for position, name_hash in enumerate(reversed(hashes)):
        number = _find_node(answers, name_hash, question.name[at:])
        if number is not None:
            node = answers.node(number)
            return _find_entry(answers, node.below if at else node.here, question.rtype)
        if position < depth:
            at += len(labels[len(labels) - depth + position]) + 1
    return None


def _hash_ancestors(seed: int, labels: tuple[bytes, ...]) -> list[int]:
    """Give the hash of the root, of the last label, of the last two, and so on."""
    state, hashes = seed, [seed]
    for label in reversed(labels):
        for octet in (len(label), *label):
            state = (state ^ octet) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        hashes.append(state)
    return hashes


def _find_node(answers: AnswersFile, name_hash: int, name: bytes) -> int | None:
    mask = answers.params.slot_mask
    place = name_hash & mask
    while number := answers.name_slots[place]:
        node = answers.node(number - 1)
        end = node.name_at + node.name_length
        if node.name_hash == name_hash and answers.names[node.name_at : end] == name:
            return number - 1
        place = place + 1 & mask
    return None


def _find_entry(answers: AnswersFile, table_number: int, rtype: int) -> int:
    table = answers.table(table_number)
    for entry in range(table.first_entry, table.first_entry + table.entry_count):
        if answers.entries[2 * entry] & 0xFFFF == rtype:
            return int(answers.entries[2 * entry + 1])
    return table.default


# From the body to its octets.


def _render_body(answers: AnswersFile, body: Body, question: _Question) -> _Content:
    return _Content(
        octets=_patch(answers, body, len(question.name)),
        rcode=body.rcode,
        is_authoritative=bool(body.flags & BodyFlag.AA),
        counts=(body.answer_count, body.authority_count, body.additional_count),
    )


def _patch(answers: AnswersFile, body: Body, name_length: int) -> bytes:
    """Give the body's octets behind a question whose name has `name_length` octets."""
    octets = bytearray(answers.octets[body.at : body.at + body.length])
    first = body.first_fixup
    for at in answers.fixups[first : first + body.fixup_count]:
        (pointer,) = struct.unpack_from("!H", octets, at)
        struct.pack_into("!H", octets, at, pointer + name_length - body.reference)
    return bytes(octets)


def _fill_slot(plan: Plan, body: Body, question: _Question, client: _Client) -> _Content | None:
    """Give a body with the addresses of the client's site, or what stands for none."""
    answers = plan.answers
    slot = answers.slot(body.slot)
    policy = answers.policy(slot.policy)
    found = classify(plan, policy, client.source, client.subnet)
    outcome = read_outcome(plan, policy, found.class_number)
    site = outcome.site
    part = answers.part(slot.first_part + site) if site is not None else None
    if outcome.is_failed:
        content = _Content(rcode=Rcode.SERVFAIL)
    elif part is None or part.address_count == 0:
        empty = answers.body(slot.empty_body)
        if empty.flags & BodyFlag.MISS:
            return None
        content = _render_body(answers, empty, question)
    else:
        chain = _render_body(answers, body, question)
        owner = _owner_of(body, len(question.name))
        addresses = _render_addresses(answers, slot, part, owner, _ttl_of(slot, outcome))
        content = replace(
            chain,
            octets=chain.octets + b"".join(addresses),
            counts=(body.answer_count + len(addresses), 0, 0),
            site=site,
        )
    return replace(content, scope=found.scope, policy=slot.policy, class_number=found.class_number)


def _owner_of(body: Body, name_length: int) -> int:
    """Give the pointer to the owner of the addresses: the name asked, or the chain's end."""
    shift = 0 if body.owner == HEADER_SIZE else name_length - body.reference
    return _POINTER | body.owner + shift


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
