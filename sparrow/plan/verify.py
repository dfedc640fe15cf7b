"""Whether an answers file is as `docs/plan-format.md` says, to the last number.

Law: what passes can be answered from without a further check: every offset, count and
number in it lies inside, every probe of the names ends, and every pointer that a body
gets points backwards into its message. Start from `verify_answers`.
"""

from __future__ import annotations

import struct
from array import array
from operator import lt
from typing import TYPE_CHECKING, NamedTuple

from sparrow.dns.rrset import CLASS_IN, RRType
from sparrow.dns.sizes import HEADER_SIZE, MAX_POINTER, POINTER
from sparrow.plan.format import (
    BODY,
    NODE,
    NOWHERE,
    PARAMS,
    PARAMS_HAS_NSID,
    PART,
    POLICY,
    SLOT,
    TABLE,
    AnswersSection,
    BodyFlag,
    PlanError,
)
from sparrow.plan.meta import decode_meta
from sparrow.plan.plan import AnswersFile, Body, Node, Params, Part, Policy, Slot, Table
from sparrow.values.address import IPV4, IPV6
from sparrow.values.name import MAX_WIRE, decode_name, encode_name, wire_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.plan.plan import MapFile, PlanFile

_MAX_LABELS = 127
"""Labels of the longest name: of one octet each, with their lengths."""
_MIN_RECORD = 11
"""Octets of the shortest record: the root, type, class, TTL and length."""
_ADDRESS_SIZES = {int(RRType.A): 4, int(RRType.AAAA): 16}
_FAMILY_SIZES = {IPV4: 4, IPV6: 16}
_MAX_NSID = 0xFFFF - 4 - 128
"""An OPT record's options are 65535 octets at most; a subnet and a cookie go beside it."""
_MISS, _SLOT, _DNAME = int(BodyFlag.MISS), int(BodyFlag.SLOT), int(BodyFlag.DNAME)
"""As numbers: those of an enumeration take ten times as long, and there may be many bodies."""
_ALL_FLAGS = int(BodyFlag.AA) | _MISS | _SLOT | _DNAME
"""The lowest bits, all of them."""
_MAX_SITES = 0xFFFF
"""An outcome word has 16 bits for a site's number, and one that is none."""


_SELF = struct.pack("!H", POINTER | HEADER_SIZE)
"""The pointer to the question's first octet."""
_RECORD_HEAD = struct.Struct("!HHIH")
"""Type, class, TTL and length of a record."""


class _Span(NamedTuple):
    """How far the pointers of a body may be shifted, and where it may stand."""

    shortest: int
    """Octets of the shortest name asked behind which they still point into the question."""
    reach: int
    """What is to be added to the octets of the name asked, to give the furthest target."""
    is_below: bool = False
    """Whether it is only for names below a node."""


_FREE = _Span(1, 0)
"""Of a body without pointers that are shifted."""


def verify_answers(file: PlanFile, maps: Sequence[MapFile], word_count: int) -> AnswersFile:
    """Check a mapped file against itself and against the other files, and give its views.

    Raises `PlanError`.
    """
    answers = _view_answers(file)
    verify_policies(answers, maps, word_count)
    _check_parts(answers)
    _check_meta(answers)
    spans = _check_bodies(answers)
    _check_slots(answers, spans)
    needs = _check_tables(answers, spans)
    _check_nodes(answers, needs)
    _check_name_slots(answers)
    return answers


def _view_answers(file: PlanFile) -> AnswersFile:
    params = file.view(AnswersSection.PARAMS)
    _require(len(params) == PARAMS.size, "PARAMS is not one item")
    seed, mask, deepest, sites, services, payload, nsid_length, flags, _ = PARAMS.unpack(params)
    nsid = bytes(file.view(AnswersSection.NSID))
    _require(len(nsid) == nsid_length <= _MAX_NSID, "the NSID is not as long as PARAMS says")
    _require(deepest <= _MAX_LABELS, "the deepest name is none")
    _require(sites <= _MAX_SITES, "there are more sites than numbers for them")
    _require(payload <= 0xFFFF, "the answer payload is none")
    secrets = bytes(file.view(AnswersSection.SECRETS))
    return AnswersFile(
        file=file,
        params=Params(seed, mask, deepest, sites, services, payload),
        name_slots=file.view(AnswersSection.NAME_SLOTS, "I"),
        nodes=file.view(AnswersSection.NODES),
        names=file.view(AnswersSection.NAMES),
        tables=file.view(AnswersSection.TABLES),
        entries=file.view(AnswersSection.ENTRIES, "I"),
        bodies=file.view(AnswersSection.BODIES),
        octets=file.view(AnswersSection.BYTES),
        fixups=file.view(AnswersSection.FIXUPS, "H"),
        slots=file.view(AnswersSection.SLOTS),
        parts=file.view(AnswersSection.PARTS),
        rdata=file.view(AnswersSection.RDATA),
        policies=file.view(AnswersSection.POLICIES),
        nsid=nsid if flags & PARAMS_HAS_NSID else None,
        secrets=tuple(secrets[at : at + 16] for at in range(0, len(secrets), 16)),
        meta=decode_meta(bytes(file.view(AnswersSection.META))),
    )


def _require(is_right: bool, what: str) -> None:  # noqa: FBT001 (it reads as assert does)
    if not is_right:
        raise PlanError(what)


# Policies, sites and their addresses.


def verify_policies(answers: AnswersFile, maps: Sequence[MapFile], word_count: int) -> None:
    """Check the policies of an answers file against the other files. Raises `PlanError`."""
    outcomes = 0
    for policy in map(Policy._make, POLICY.iter_unpack(answers.policies)):
        _require(policy.class_count > 0, "a policy has no class")
        _require(policy.first_outcome == outcomes, "the outcomes of policies do not follow")
        outcomes += policy.class_count
        _require(
            policy.first_outcome + policy.class_count <= word_count,
            "a policy's outcomes lie outside the outcomes file",
        )
        if policy.map_number == NOWHERE:
            continue
        _require(policy.map_number < len(maps), "a policy names a map that is not there")
        _require(
            maps[policy.map_number].class_count <= policy.class_count,
            "a map has a class that its policy has not",
        )


def _check_parts(answers: AnswersFile) -> None:
    for part in map(Part._make, PART.iter_unpack(answers.parts)):
        _require(
            part.at + part.address_count * part.size <= len(answers.rdata),
            "a part's addresses lie outside RDATA",
        )
        _require(
            part.signature_at + part.signature_length <= len(answers.rdata),
            "a part's signature lies outside RDATA",
        )
        _require(part.size in _ADDRESS_SIZES.values(), "a part's addresses have an odd size")


def _check_meta(answers: AnswersFile) -> None:
    meta, site_count = answers.meta, answers.params.site_count
    policies = [Policy._make(each) for each in POLICY.iter_unpack(answers.policies)]
    _require(len(meta.sites) == site_count, "META has other sites")
    _require(len(meta.services) == answers.params.service_count, "META has other services")
    _require(
        [policy.class_count for policy in policies]
        == [len(each.classes) for each in meta.policies],
        "META has other policies, or other classes",
    )
    for each in meta.policies:
        _check_site_parts(answers, each.first_part, _FAMILY_SIZES[each.family])


def _check_site_parts(answers: AnswersFile, first: int, size: int) -> None:
    """Check that every site has a part from `first` on, and its addresses that size."""
    end = first + answers.params.site_count
    _require(end * PART.size <= len(answers.parts), "a slot's parts lie outside PARTS")
    of_sites = PART.iter_unpack(answers.parts[first * PART.size : end * PART.size])
    for part in map(Part._make, of_sites):
        _require(
            part.size == size or part.address_count == 0, "a part has addresses of another family"
        )


# Bodies, and the slots in them.


def _check_bodies(answers: AnswersFile) -> list[_Span]:
    """Check every body by itself; give how far its pointers may be shifted."""
    return [_check_body(answers, Body._make(each)) for each in BODY.iter_unpack(answers.bodies)]


def _check_body(answers: AnswersFile, body: Body) -> _Span:
    if body.flags & _MISS:
        return _FREE  # nothing else of it is looked at
    records = body.answer_count + body.authority_count + body.additional_count
    if body.at + body.length > len(answers.octets):
        raise PlanError("a body lies outside BYTES")
    if records * _MIN_RECORD > body.length:
        raise PlanError("a body has more records than room for them")
    if body.first_fixup + body.fixup_count + body.self_count > len(answers.fixups):
        raise PlanError("a body's fixups lie outside FIXUPS")
    if body.rcode > 0xF or body.flags > _ALL_FLAGS:
        raise PlanError("a body has an rcode or a flag that is none")
    if not 1 <= body.reference <= MAX_WIRE:
        raise PlanError("a body's reference length is that of no name")
    targets = _check_fixups(answers, body) if body.fixup_count else []
    if body.self_count:
        _check_selves(answers, body)
    if body.flags & _SLOT:
        targets += _check_owner(answers, body)
    span = _span(targets, body.reference) if targets else _FREE
    if body.flags & _DNAME:
        _check_dname(answers, body)
        return span._replace(is_below=True)
    return span


def _check_fixups(answers: AnswersFile, body: Body) -> list[int]:
    """Give the targets of a body's pointers, which all point backwards."""
    octets = answers.octets[body.at : body.at + body.length]
    start = HEADER_SIZE + body.reference + 4
    end = body.first_fixup + body.fixup_count
    targets = []
    free_from = 0
    for at in answers.fixups[body.first_fixup : end]:
        if at < free_from or at + 2 > len(octets):
            raise PlanError("a body's fixups do not ascend inside its octets")
        target = (octets[at] & 0x3F) << 8 | octets[at + 1]
        if octets[at] < 0xC0 or not HEADER_SIZE < target < start + at:
            raise PlanError("a fixup is at no pointer that points backwards")
        targets.append(target)
        free_from = at + 2
    return targets


def _check_selves(answers: AnswersFile, body: Body) -> None:
    """Check the pointers to the whole question, which follow those that are shifted."""
    first = body.first_fixup + body.fixup_count
    moved = frozenset(answers.fixups[body.first_fixup : first])
    free_from = 0
    for at in answers.fixups[first : first + body.self_count]:
        is_free = at >= free_from and moved.isdisjoint((at - 1, at, at + 1))
        if not is_free or at + 2 > body.length:
            raise PlanError("the pointers to a body's question do not ascend inside its octets")
        if answers.octets[body.at + at : body.at + at + 2] != _SELF:
            raise PlanError("a pointer to the question is none")
        free_from = at + 2


def _check_dname(answers: AnswersFile, body: Body) -> None:
    """Check that a body that begins a chain is one DNAME, of a node's name or of the root."""
    counts = (body.answer_count, body.authority_count, body.additional_count)
    said = (body.rcode, body.flags & _SLOT, counts, body.self_count)
    if said != (0, 0, (1, 0, 0), 0):
        raise PlanError("a body with a DNAME says more than that")
    octets = bytes(answers.octets[body.at : body.at + body.length])
    moved = answers.fixups[body.first_fixup : body.first_fixup + body.fixup_count].tolist()
    owner_size = 2 if moved else 1
    start = owner_size + _RECORD_HEAD.size
    if moved not in ([], [0]) or (not moved and octets[0]) or body.owner != start:
        raise PlanError("the owner of a DNAME is neither a node nor the root")
    rtype, rclass, _, length = _RECORD_HEAD.unpack_from(octets, owner_size)
    if (rtype, rclass, length) != (RRType.DNAME, CLASS_IN, len(octets) - start):
        raise PlanError("a body with a DNAME is no such record")
    try:
        target, end = decode_name(octets, start)
    except ValueError as error:
        raise PlanError(f"a DNAME has {error}") from None
    if end != len(octets) or wire_length(target) > MAX_WIRE:
        raise PlanError("the target of a DNAME is not one name")


def _check_owner(answers: AnswersFile, body: Body) -> list[int]:
    """Check what a body with a slot has beyond others; give its owner if that is shifted."""
    if (body.slot + 1) * SLOT.size > len(answers.slots):
        raise PlanError("a body names a slot that is not there")
    if body.authority_count or body.additional_count:
        raise PlanError("a body with a slot has more than an answer section")
    if body.owner == HEADER_SIZE:
        return []
    if not HEADER_SIZE < body.owner < HEADER_SIZE + body.reference + 4 + body.length:
        raise PlanError("the owner of a slot's addresses lies outside the message")
    return [body.owner]


def _span(targets: list[int], reference: int) -> _Span:
    return _Span(
        shortest=max(1, HEADER_SIZE + reference - min(targets)),
        reach=max(targets) - reference,
    )


def _check_slots(answers: AnswersFile, spans: list[_Span]) -> None:
    """Check every slot; a body with one may become the slot's empty body."""
    checked: set[tuple[int, int]] = set()
    slots = [Slot._make(each) for each in SLOT.iter_unpack(answers.slots)]
    for slot in slots:
        _require(slot.rtype in _ADDRESS_SIZES, "a slot has another type than A or AAAA")
        _require(
            (slot.policy + 1) * POLICY.size <= len(answers.policies),
            "a slot names a policy that is not there",
        )
        _require(slot.empty_body < len(spans), "a slot names a body that is not there")
        _require(slot.ttl_floor <= slot.ttl, "the floor of a slot's TTL is above it")
        empty = answers.body(slot.empty_body)
        _require(
            bool(empty.flags & _MISS) or not empty.flags & (_SLOT | _DNAME),
            "the empty body of a slot has a slot, or a DNAME",
        )
        if (slot.first_part, slot.rtype) not in checked:
            _check_site_parts(answers, slot.first_part, _ADDRESS_SIZES[slot.rtype])
            checked.add((slot.first_part, slot.rtype))
    for number, body in enumerate(map(Body._make, BODY.iter_unpack(answers.bodies))):
        if body.flags & _SLOT and not body.flags & _MISS:
            empty_span = spans[slots[body.slot].empty_body]
            spans[number] = _join((spans[number], empty_span))


def _join(spans: Sequence[_Span]) -> _Span:
    return _Span(
        shortest=max(each.shortest for each in spans),
        reach=max(each.reach for each in spans),
        is_below=any(each.is_below for each in spans),
    )


# Names.


def _check_tables(answers: AnswersFile, spans: list[_Span]) -> list[_Span]:
    """Check every table; give for each the span of all its bodies."""
    entries = array("I", answers.entries.tobytes())
    types, bodies = array("H", answers.entries.tobytes())[0::4], entries[1::2]
    _require(max(bodies, default=-1) < len(spans), "an entry names a body that is not there")
    of_entries = [spans[body] for body in bodies]
    found = []
    for table in map(Table._make, TABLE.iter_unpack(answers.tables)):
        first, end = table.first_entry, table.first_entry + table.entry_count
        if end > len(types) or table.default >= len(spans):
            raise PlanError("a table's entries or its default lie outside")
        of_table = types[first:end]
        if not all(map(lt, of_table, of_table[1:])):
            raise PlanError("the entries of a table do not ascend by type")
        found.append(_join([spans[table.default], *of_entries[first:end]]))
    return found


def _check_nodes(answers: AnswersFile, needs: list[_Span]) -> None:
    """Check every node, and that its tables' bodies fit names of its length, or longer ones."""
    names = bytes(answers.names)
    for node in map(Node._make, NODE.iter_unpack(answers.nodes)):
        length = node.name_length
        if node.name_at + length > len(names) or node.label_count > answers.params.deepest:
            raise PlanError("a node's name lies outside NAMES, or is deeper than the deepest")
        _check_name(names[node.name_at : node.name_at + length], node.label_count)
        if node.origin > node.label_count:
            raise PlanError("a node's name has fewer labels than that of its zone")
        if node.here >= len(needs) or node.below >= len(needs):
            raise PlanError("a node names a table that is not there")
        here, below = needs[node.here], needs[node.below]
        if here.is_below:
            raise PlanError("a node has a DNAME for itself that is for names below it")
        if max(here.shortest, below.shortest) > length:
            raise PlanError("a pointer points before the name of its node")
        if max(here.reach + length, below.reach + MAX_WIRE) > MAX_POINTER:
            raise PlanError("a pointer would point further than a pointer can")


def _check_name(wire: bytes, label_count: int) -> None:
    """Check that these octets are one name in lower case with so many labels."""
    try:
        name, end = decode_name(wire)
    except ValueError as error:
        raise PlanError(f"a node has {error}") from None
    is_whole = end == len(wire) <= MAX_WIRE and len(name) == label_count
    if not is_whole or encode_name(name) != wire:
        raise PlanError("a node's name is not as long as it says, or not in lower case")


def _check_name_slots(answers: AnswersFile) -> None:
    """Check that each node stands in one slot, and that a probe of any name ends."""
    count = len(answers.name_slots)
    _require(count == answers.params.slot_mask + 1, "NAME_SLOTS is not as long as its mask says")
    _require(count & count - 1 == 0, "NAME_SLOTS is no power of two")
    taken = sorted(filter(None, answers.name_slots))
    node_count = len(answers.nodes) // NODE.size
    _require(len(taken) < count, "NAME_SLOTS has no empty slot")
    _require(taken == list(range(1, node_count + 1)), "NAME_SLOTS does not hold each node once")
