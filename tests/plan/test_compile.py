"""Every answer of a plan is the answer of the full algorithm, or MISS where it must be."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from planreading import open_slowly, read_response

from sparrow.dns.answer import find_answer
from sparrow.dns.respond import fill_slot
from sparrow.dns.rrset import ADDRESS_TYPES, CLASS_IN, RRType
from sparrow.dns.wire import Message, encode_message
from sparrow.plan.format import BodyFlag
from sparrow.values.address import family_of
from sparrow.values.name import MAX_WIRE, wire_length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Compiled
    from planreading import Slow
    from random_plans import Authority

    from sparrow.dns.answer import Answer
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
    for number, sites in enumerate(policy.classes):
        vips = steering.services[slot.steer.service].vips[sites[0]] if sites else ()
        yield number, fill_slot(answer, slot, tuple(v for v in vips if family_of(v) == family))


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
        body = plan.find_body(qname, qtype)
        if body is not None and plan.flags(body) & BodyFlag.MISS:
            missed.append((qname, qtype))
            continue
        compare_question(compiled.authority, plan, body, (qname, qtype))
        answered += 1
    return answered, missed


def compare_question(
    authority: Authority, plan: Slow, body: int | None, question: tuple[Name, int]
) -> None:
    for class_number, answer in cases_of(authority, *question):
        if body is None:
            assert answer.rcode == 5
            continue
        said = plan.encode(body, *question, class_number)
        assert read_response(encode(answer, *question)) == read_response(said), question


@pytest.mark.parametrize("number", range(10))
def test_random(number, random_plans):
    for i in range(number * 4, number * 4 + 4):
        a, m = compare(random_plans[i], Random(i), 400)
        print(i, a, len(m))


def test_full(full_plan):
    a, m = compare(full_plan, Random(1), 100000)
    print(a, m)


def test_demo(demo_plan):
    a, m = compare(demo_plan, Random(1), 100000)
    print(a, m)
