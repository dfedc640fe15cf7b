"""Every answer of a plan is the answer of the full algorithm, or MISS where it must be."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import takewhile
from random import Random
from typing import TYPE_CHECKING

import pytest
from chainreading import say
from planreading import Compiled, open_slowly, read_response
from random_plans import full_authority, random_authority

from sparrow.dns.answer import MAX_CHAIN, SERVFAIL, find_answer
from sparrow.dns.respond import Authority, Identity, fill_slot
from sparrow.dns.rrset import ADDRESS_TYPES, CLASS_IN, Rcode, RRType
from sparrow.dns.wire import Message, encode_message
from sparrow.dns.zone import ZoneSet
from sparrow.plan.compile import compile_plan
from sparrow.plan.format import BODY, NO_TTL_CAP, PART, SLOT, AnswersSection
from sparrow.policy.outcome import LastResort, Reason, cap_ttl, lower_ttl
from sparrow.values.address import family_of
from sparrow.values.name import MAX_WIRE, decode_name, is_below, parse_name, wire_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planreading import Slow

    from sparrow.dns.answer import Answer
    from sparrow.policy.site import Service
    from sparrow.policy.steering import Steering
    from sparrow.values.name import Name

TYPES = (1, 28, 2, 5, 6, 15, 16, 33, 39, 43, 255, 257, 12, 65280, 65281, 99)
LABELS = (b"a", b"b", b"www", b"*", b"mail", b"\0", b"x" * 63)


def names_to_ask(authority: Authority, rng: Random) -> list[Name]:
    """Give names that are in the zones, names below them, and names above and beside."""
    there = [name for zone in authority.zones.zones.values() for name in zone.nodes]
    below = [(rng.choice(LABELS), *name) for name in there]
    further = [(rng.choice(LABELS), *name) for name in below]
    above = [name[depth:] for name in there for depth in range(len(name) + 1)]
    found = sorted({*there, *below, *further, *above, (b"nowhere",)})
    return [name for name in found if wire_length(name) <= MAX_WIRE]


def cases_of(authority: Authority, qname: Name, qtype: int) -> Iterator[tuple[int, Answer]]:
    """Give the answer of the full algorithm for each class of clients."""
    answer = find_answer(authority.zones, qname, qtype)
    steering, slot = authority.steering, answer.slot
    if steering is None or slot is None:
        yield 0, answer
        return
    family = ADDRESS_TYPES[RRType(slot.rtype)]
    policy = steering.policies[slot.steer.service, family]
    service = steering.services[slot.steer.service]
    for number, order in enumerate(policy.classes):
        outcome = steering.find_outcome(slot.steer.service, family, order)
        if outcome.reason is Reason.SERVFAIL:
            yield number, SERVFAIL
            continue
        vips = service.vips[outcome.site] if outcome.site is not None else ()
        if outcome.reason is Reason.STATIC:
            vips = service.static_vips
        cap_s, is_exact = cap_ttl(outcome, service.ttl_min_s)
        ttl = lower_ttl(slot.steer.ttl, slot.steer.ttl_min, cap_s, is_exact=is_exact)
        filled = fill_slot(answer, slot, tuple(v for v in vips if family_of(v) == family))
        yield number, with_ttl(filled, ttl) if len(filled.answer) > len(answer.answer) else filled


def with_ttl(answer: Answer, ttl: int) -> Answer:
    """Lower the TTL of the addresses, which come last."""
    *aliases, addresses = answer.answer
    return replace(answer, answer=(*aliases, replace(addresses, ttl=ttl)))


def encode(answer: Answer, qname: Name, qtype: int) -> bytes:
    bitmap = 0x8000 | 0x0400 * answer.is_authoritative | answer.rcode
    return encode_message(
        Message(
            query_id=0,
            bitmap=bitmap,
            question=(qname, qtype, CLASS_IN),
            answer=answer.answer,
            authority=answer.authority,
            glue=answer.glue,
            additional=answer.additional,
        ),
        1 << 20,
    )


def compare(compiled: Compiled, rng: Random, most: int) -> tuple[int, list[tuple[Name, int]]]:
    """Compare up to `most` questions; give how many were answered, and those that were a MISS."""
    plan = open_slowly(compiled.files)
    questions = [(name, qtype) for name in names_to_ask(compiled.authority, rng) for qtype in TYPES]
    answered, missed = 0, []
    for qname, qtype in rng.sample(questions, min(most, len(questions))):
        if is_answered(compiled.authority, plan, (qname, qtype)):
            answered += 1
        else:
            missed.append((qname, qtype))
    return answered, missed


def is_answered(authority: Authority, plan: Slow, question: tuple[Name, int]) -> bool:
    """Compare what is said to each class of clients; False where it is a MISS."""
    for class_number, answer in cases_of(authority, *question):
        if plan.find_body(*question) is None:
            assert Rcode.REFUSED == answer.rcode
            continue
        said = say(plan, *question, class_number)
        if said is None:
            return False
        assert read_response(encode(answer, *question)) == said, question
    return True


def may_miss(authority: Authority, question: tuple[Name, int]) -> bool:
    """Tell whether the answer may depend on the name by more than the plan can say.

    So it may below a wildcard with an alias, where that may lead back; and in a chain that
    a DNAME begins, where one comes twice, or comes behind an alias that is static, or is
    asked for, or where the chain gets too long, or ends where the zone above answers.
    """
    zone = authority.zones.find(question[0])
    if zone is None:
        return False
    answer = find_answer(authority.zones, *question).answer
    aliases = [rrset for rrset in answer if rrset.rtype == RRType.CNAME]
    names = [question[0], *(decode_name(rrset.rdatas[0])[0] for rrset in aliases)]
    matches = [zone.find(name) for name in names if is_below(name, zone.origin)]
    if any(match.wildcard and RRType.CNAME in match.wildcard.rrsets for match in matches):
        return True
    dnames = [match.dname.name if match.dname else None for match in matches]
    first = list(takewhile(lambda name: name is not None, dnames))
    is_twice = len(set(first)) < len(first) or any(dnames[len(first) :])
    is_of_parent = question[1] == RRType.DS and names[-1] in authority.zones.zones
    last = matches[-1].node or matches[-1].wildcard
    is_asked = question[1] == RRType.DNAME and last is not None and RRType.DNAME in last.rrsets
    is_long = len(answer) >= MAX_CHAIN
    return bool(first) and (is_twice or is_of_parent or is_asked or is_long)


@pytest.mark.parametrize("chunk", range(8))
def test_random_plans_answer_as_the_full_algorithm(
    random_plans: tuple[Compiled, ...], chunk: int
) -> None:
    answered = 0
    for number, compiled in enumerate(random_plans[chunk::8]):
        count, missed = compare(compiled, Random(chunk * 100 + number), 300)
        answered += count
        assert [] == [each for each in missed if not may_miss(compiled.authority, each)]
    assert answered > 500


def test_every_name_and_type_of_the_full_zones_is_answered_as_the_full_algorithm(
    full_plan: Compiled,
) -> None:
    answered, missed = compare(full_plan, Random(1), 1_000_000)
    huge = ((b"huge", b"example"), int(RRType.TXT))
    others = [each for each in missed if not may_miss(full_plan.authority, each)]
    assert answered > 3000
    assert [huge] == others


def test_every_name_and_type_of_the_demo_is_answered(demo_plan: Compiled) -> None:
    answered, missed = compare(demo_plan, Random(1), 1_000_000)
    assert answered > 100
    assert [] == missed


@pytest.mark.parametrize(
    ("name", "is_miss"),
    [
        ("www.example.", False),
        ("x.wild.example.", False),
        ("far.example.", False),  # an alias below a DNAME leads everybody the same way
        ("x.to-d.example.", False),
        ("x.to-web.example.", False),
        ("x.to-mail.example.", False),
        ("d.example.", False),
        ("x.d.example.", False),  # the name asked is part of the answer
        ("hidden.d.example.", False),
        ("x.z.d.example.", False),  # another zone begins there
        ("x.d2.example.", False),  # one DNAME leads below another
        ("x.d-self.example.", True),
        ("x.d-ring.example.", True),
        ("x.d-inner.example.", True),
        ("x.d-out.example.", False),
        ("x.d-other.example.", False),
        ("x.d-web.example.", False),
        ("alias.d-up.example.", False),
        ("far.d-up.example.", True),  # from there an alias leads below a DNAME
        ("chain4.d-up.example.", True),
        ("chain10.d-up.example.", False),
        ("x.d-chain3.example.", False),  # seven in a row
        ("x.d-chain2.example.", True),
        ("x.self.example.", True),  # a loop is seen one alias earlier from its own name
        ("x.ring.example.", True),
        ("x.y.cut.example.", False),
        ("huge.example.", True),
        ("big.example.", False),
    ],
)
def test_a_miss_is_where_the_answer_depends_on_the_name_or_is_too_long(
    full_plan: Compiled, name: str, *, is_miss: bool
) -> None:
    said = say(open_slowly(full_plan.files), parse_name(name), RRType.TXT)
    assert is_miss == (said is None)


def test_names_below_a_delegation_or_a_dname_are_no_nodes(full_plan: Compiled) -> None:
    plan = open_slowly(full_plan.files)
    names = ("ns.cut.example.", "hidden.d.example.", "below.child.example.", "child.example.")
    expected = [False, False, False, True]
    assert expected == [plan.find_node(parse_name(name)) is not None for name in names]


def test_a_name_outside_all_zones_has_no_body(full_plan: Compiled) -> None:
    plan = open_slowly(full_plan.files)
    names = ("nowhere.", "test.", ".", "ample.", "xexample.")
    assert [None] * 5 == [plan.find_body(parse_name(name), RRType.A) for name in names]


def test_equal_authorities_make_equal_files() -> None:
    once, again = (compile_plan(random_authority(3), 5, 99) for _ in range(2))
    assert once == again


def test_equal_bodies_and_tables_are_kept_once(full_plan: Compiled) -> None:
    plan = open_slowly(full_plan.files)
    for section, size in ((AnswersSection.BODIES, BODY.size), (AnswersSection.SLOTS, SLOT.size)):
        octets = plan.answers[section]
        items = [octets[at : at + size] for at in range(0, len(octets), size)]
        assert len(set(items)) == len(items)
    # Two names with nothing but a text say the same of everything that is not there.
    here = [
        plan.find_body(parse_name(name), RRType.SRV) for name in ("a.b.c.example.", "b.c.example.")
    ]
    assert here[0] == here[1]


def test_each_class_begins_with_its_first_site_and_without_a_cap(full_plan: Compiled) -> None:
    plan, steering = open_slowly(full_plan.files), full_plan.authority.steering
    assert steering is not None
    for number, (service, family) in enumerate(
        (service, family) for service in steering.services for family in (4, 6)
    ):
        policy = steering.policies[service, family]
        expected = [(sites[0] if sites else None, NO_TTL_CAP) for sites in policy.classes]
        places = range(len(policy.classes))
        assert expected == [plan.outcome(number, place, 0) for place in places]


def test_each_part_has_the_addresses_of_a_site_in_one_family(
    random_plans: tuple[Compiled, ...],
) -> None:
    for compiled in random_plans:
        plan, steering = open_slowly(compiled.files), compiled.authority.steering
        expected = [
            [vip for vip in vips if family_of(vip) == family]
            for service in (steering.services.values() if steering else ())
            for family in (4, 6)
            for vips in (vips_by_number(steering, service) if steering else ())
        ]
        count = len(plan.answers[AnswersSection.PARTS]) // PART.size
        assert expected == [plan.part(number) for number in range(count)]


def vips_by_number(steering: Steering, service: Service) -> list[tuple[bytes, ...]]:
    """Give the addresses of each site, and behind these the static lists."""
    of_sites = [service.vips.get(site, ()) for site in range(len(steering.site_set.sites))]
    statics = [
        each.static_vips
        for each in steering.services.values()
        if each.last_resort is LastResort.STATIC
    ]
    return of_sites + list(dict.fromkeys(statics))


def test_policies_with_equal_maps_share_one(random_plans: tuple[Compiled, ...]) -> None:
    shared = 0
    for compiled in random_plans:
        plan, steering = open_slowly(compiled.files), compiled.authority.steering
        policies = [
            steering.policies[service, family]
            for service in (steering.services if steering else ())
            for family in (4, 6)
            if steering
        ]
        numbers = [plan.map_number(number) for number in range(len(policies))]
        maps: dict[int, object] = {}
        for number, policy in zip(numbers, policies, strict=True):
            assert (number is None) == (policy.address_map is None)
            assert (
                number is None or maps.setdefault(number, policy.address_map) == policy.address_map
            )
        assert len(maps) == len(compiled.files.maps)
        shared += sum(number is not None for number in numbers) - len(maps)
    assert shared > 0


def test_identity_is_in_the_plan(full_plan: Compiled) -> None:
    plan = open_slowly(full_plan.files)
    assert b"ns1.ams" == plan.answers[AnswersSection.NSID]
    assert bytes(range(32)) == plan.answers[AnswersSection.SECRETS]
    params = plan.params
    assert (0x5EED, 4, 2, 1232, 7, 1) == (params[0], *params[3:8])


def test_an_identifier_that_is_empty_is_told_from_none() -> None:
    authority = full_authority()
    flags = []
    for nsid in (None, b""):
        changed = replace(authority, identity=Identity(nsid=nsid))
        flags.append(open_slowly(compile_plan(changed, 1, 1)).params[7])
    assert [0, 1] == flags


def test_meta_names_sites_services_and_policies(full_plan: Compiled) -> None:
    meta = json.loads(open_slowly(full_plan.files).answers[AnswersSection.META])
    steering = full_plan.authority.steering
    assert steering is not None
    assert (7, "sparrow") == (meta["serial"], meta["version"])
    assert [
        {"name": "default", "last_resort": "all-up", "static_site": None, "ttl_min": 0},
        {"name": "mail", "last_resort": "static", "static_site": 3, "ttl_min": 60},
    ] == meta["services"]
    assert [("default", 4, 0), ("default", 6, 4), ("mail", 4, 8), ("mail", 6, 12)] == [
        (each["service"], each["family"], each["first_part"]) for each in meta["policies"]
    ]
    assert [list(map(list, steering.policies["mail", 4].classes))] == [
        meta["policies"][2]["classes"]
    ]
    assert {
        "name": "ams",
        "asns": ["64600-64601", "64610"],
        "vips": ["192.0.2.1", "2001:db8:a::1", "192.0.2.2", "192.0.2.3"],
    } == meta["sites"][0]
    assert {
        "name": "static(192.0.2.99,2001:db8::99)",
        "asns": [],
        "vips": ["192.0.2.99", "2001:db8::99"],
    } == meta["sites"][3]


def test_steered_names_where_nobody_steers_have_no_slot() -> None:
    authority = replace(full_authority(), steering=None)
    compiled = Compiled(authority, compile_plan(authority, 1, 1))
    plan = open_slowly(compiled.files)
    assert b"" == plan.answers[AnswersSection.SLOTS]
    answered, _ = compare(compiled, Random(5), 500)
    assert answered > 300


def test_no_zones_make_a_plan_that_refuses() -> None:
    plan = open_slowly(compile_plan(Authority(ZoneSet({}), None), 1, 1))
    assert plan.find_body(parse_name("www.example."), RRType.A) is None
