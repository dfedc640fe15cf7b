"""Bodies: rendered behind one name, right behind every other."""

from __future__ import annotations

import struct

import pytest

from sparrow.dns.answer import Answer, Slot
from sparrow.dns.rrset import Rcode, RRset, RRType
from sparrow.dns.zone import Steer
from sparrow.plan.bodies import BodyTable, Place, render_answer
from sparrow.plan.format import BODY, SLOT, AnswersSection, BodyFlag
from sparrow.values.name import encode_name, parse_name

ORIGIN = parse_name("example.")
WWW = parse_name("www.example.")
REFERENCE = 255
SOA = RRset(
    ORIGIN,
    RRType.SOA,
    300,
    (encode_name(parse_name("ns1.example.")) + encode_name(ROOT := ()) + bytes(20),),
)
ADDRESSES = RRset(WWW, RRType.A, 60, (bytes(4), b"\1\2\3\4"))
NXDOMAIN = Answer(Rcode.NXDOMAIN, authority=(SOA,))
TAIL = 12 + REFERENCE - len(encode_name(ORIGIN))
"""Where the name of the zone begins in a question of 255 octets."""


def table(places: dict[tuple[str, int], Place] | None = None) -> BodyTable:
    return BodyTable(places or {}, b"\0")


def alias(owner: str, target: str) -> RRset:
    return RRset(parse_name(owner), RRType.CNAME, 60, (encode_name(parse_name(target)),))


def texts(count: int) -> RRset:
    """Give records that take 268 octets each when their owner is a pointer."""
    rdatas = (struct.pack("!BI", 255, number) + bytes(251) for number in range(count))
    return RRset(WWW, RRType.TXT, 60, tuple(rdatas))


def slot_at(owner: str) -> Slot:
    return Slot(parse_name(owner), RRType.A, Steer("web", 30, 2), SOA)


def body(bodies: BodyTable, number: int) -> tuple[int, ...]:
    return BODY.unpack(bodies.bodies[number])


def test_an_owner_that_is_the_question_is_a_pointer_to_it_and_needs_no_fixup() -> None:
    rendered = render_answer(Answer(Rcode.NOERROR, answer=(ADDRESSES,)), WWW)
    assert rendered is not None
    assert (2, 0, 0) == rendered.counts
    assert () == rendered.fixups
    assert b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\0\0\0\0" == rendered.octets[:16]


def test_a_pointer_into_the_questions_tail_is_a_fixup_behind_a_name_of_255_octets() -> None:
    rendered = render_answer(NXDOMAIN, WWW)
    assert rendered is not None
    assert (0, 1, 0) == rendered.counts
    # The owner, and the name of the server behind its first label.
    assert (0, 16) == rendered.fixups
    pointers = [struct.unpack_from("!H", rendered.octets, at)[0] for at in rendered.fixups]
    assert [0xC000 | TAIL] * 2 == pointers


def test_a_negative_body_is_the_same_behind_every_name_of_the_zone() -> None:
    rendered = [
        render_answer(NXDOMAIN, parse_name(name))
        for name in ("a.example.", "b.c.d.example.", "x" * 63 + ".example.")
    ]
    assert rendered[0] is not None
    assert [rendered[0]] * 3 == rendered


def test_glue_and_other_addresses_share_the_additional_section() -> None:
    answer = Answer(Rcode.NOERROR, authority=(SOA,), glue=(ADDRESSES,), additional=(ADDRESSES,))
    rendered = render_answer(answer, ORIGIN)
    assert rendered is not None
    assert (0, 1, 4) == rendered.counts


def test_a_pointer_that_could_outgrow_its_14_bits_makes_no_body() -> None:
    # The alias is put behind 61 texts, at 16 KiB: a longer question would push it over.
    far = alias("far-away.example.", "www.far-away.example.")
    room = Answer(Rcode.NOERROR, answer=(texts(59), far))
    none = Answer(Rcode.NOERROR, answer=(texts(61), far))
    assert render_answer(room, WWW) is not None
    assert render_answer(none, WWW) is None


@pytest.mark.parametrize(("count", "is_whole"), [(244, True), (245, False)])
def test_a_body_that_makes_the_message_too_long_is_none(count: int, *, is_whole: bool) -> None:
    rendered = render_answer(Answer(Rcode.NOERROR, answer=(texts(count),)), WWW)
    assert is_whole == (rendered is not None)


def test_the_first_body_says_miss() -> None:
    bodies = table()
    assert BodyFlag.MISS == body(bodies, bodies.miss)[5]
    huge = Answer(Rcode.NOERROR, answer=(texts(300),))
    assert bodies.miss == bodies.add(huge, WWW)


def test_equal_answers_to_different_names_are_one_body() -> None:
    bodies = table()
    numbers = {
        bodies.add(Answer(Rcode.NOERROR, answer=(RRset(name, RRType.A, 60, (bytes(4),)),)), name)
        for name in (WWW, ORIGIN, parse_name("a.b.test."))
    }
    assert 1 == len(numbers)


def test_negative_answers_of_a_zone_are_one_body_but_at_its_apex() -> None:
    bodies = table()
    names = (WWW, parse_name("a.b.c.example."), ORIGIN)
    first, second, apex = (bodies.add(NXDOMAIN, name) for name in names)
    assert first == second != apex
    assert (Rcode.NXDOMAIN, BodyFlag.AA) == body(bodies, first)[4:6]
    assert 255 == body(bodies, first)[9]


def test_a_slot_has_its_service_its_chain_and_the_body_for_no_address() -> None:
    bodies = table({("web", 4): Place(policy=3, first_part=12)})
    chain = Answer(
        Rcode.NOERROR, answer=(alias("www.example.", "web.example."),), slot=slot_at("web.example.")
    )
    item = body(bodies, bodies.add(chain, WWW))
    ttl, limit, rtype, policy, first_part, empty, _ = SLOT.unpack(bodies.slots[item[10]])
    assert (30, 2, 1, 3, 12) == (ttl, limit, rtype, policy, first_part)
    assert (BodyFlag.AA | BodyFlag.SLOT, 1, 0, 0) == item[5:9]
    # The target of the alias begins 12 octets behind the question.
    assert 12 + 255 + 4 + 12 == item[11]
    assert (BodyFlag.AA, 1, 1, 0) == body(bodies, empty)[5:9]
    # The SOA lives no longer than the addresses would.
    octets = bodies.octets.content()
    soa_offset = body(bodies, empty)[0] + 12 + 4 + 2
    assert 30 == struct.unpack_from("!I", octets, soa_offset + 6)[0]


def test_slots_without_a_chain_share_a_body_and_point_to_the_question() -> None:
    bodies = table({("web", 4): Place(0, 0)})
    numbers = {
        bodies.add(Answer(Rcode.NOERROR, slot=slot_at(name)), parse_name(name))
        for name in ("a.example.", "b.c.example.")
    }
    assert [12] == [body(bodies, number)[11] for number in numbers]
    assert 1 == len(bodies.slots)


def test_a_slot_where_nobody_steers_is_an_empty_answer() -> None:
    bodies = table()
    item = body(bodies, bodies.add(Answer(Rcode.NOERROR, slot=slot_at("www.example.")), WWW))
    assert (0, BodyFlag.AA, 0, 0, 0) == (item[1], *item[5:9])


def test_sections_hold_what_was_added() -> None:
    bodies = table()
    number = bodies.add(NXDOMAIN, WWW)
    sections = bodies.sections()
    offset, length, first_fixup, fixups, *_ = body(bodies, number)
    assert len(bodies.bodies) * BODY.size == len(sections[AnswersSection.BODIES])
    rendered = render_answer(NXDOMAIN, WWW)
    assert rendered is not None
    assert rendered.octets == sections[AnswersSection.BYTES][offset : offset + length]
    assert rendered.fixups == struct.unpack_from(
        f"<{fixups}H", sections[AnswersSection.FIXUPS], first_fixup * 2
    )


def test_pointers_to_the_whole_question_are_told_behind_the_others() -> None:
    bodies = table()
    rrset = RRset(WWW, RRType.MX, 60, (b"\0\1" + encode_name(WWW), b"\0\2" + encode_name(ORIGIN)))
    item = body(bodies, bodies.add(Answer(Rcode.NOERROR, answer=(rrset,)), WWW))
    assert (1, 3) == (item[3], item[13])
    places = bodies.fixups[item[2] : item[2] + 4].tolist()
    octets = bodies.octets.content()[item[0] :]
    pointers = [struct.unpack_from("!H", octets, at)[0] for at in places]
    assert [0xC000 | TAIL, *[0xC00C] * 3] == pointers


def dname(owner: str, *targets: str) -> RRset:
    rdatas = tuple(encode_name(parse_name(target)) for target in targets)
    return RRset(parse_name(owner), RRType.DNAME, 60, rdatas)


@pytest.mark.parametrize(
    ("rrsets", "count"),
    [
        ((ADDRESSES,), 0),
        ((alias("www.example.", "a.example."), alias("a.example.", "b.example.")), 2),
        ((alias("www.example.", "x.d.example."), dname("d.example.", "e.")), 16),
    ],
)
def test_aliases_are_counted_and_a_dname_counts_as_all(
    rrsets: tuple[RRset, ...], count: int
) -> None:
    bodies = table()
    assert count == body(bodies, bodies.add(Answer(Rcode.NOERROR, answer=rrsets), WWW))[12]


@pytest.mark.parametrize(("owner", "size"), [("d.example.", 12), (".", 11)])
def test_a_dname_is_a_record_whose_target_is_not_compressed(owner: str, size: int) -> None:
    bodies = table()
    item = body(bodies, bodies.add_dname(dname(owner, "new.example.")))
    assert (Rcode.NOERROR, BodyFlag.AA | BodyFlag.DNAME, 1, 0, 0) == item[4:9]
    assert (size, 0, 0) == item[11:14]
    octets = bodies.octets.content()[item[0] : item[0] + item[1]]
    assert encode_name(parse_name("new.example.")) == octets[size:]


def test_a_dname_that_nobody_can_be_below_or_that_is_two_is_a_miss() -> None:
    bodies = table()
    longest = ".".join(("x" * 63, "y" * 63, "z" * 63, "w" * 60, ""))
    assert 254 == len(encode_name(parse_name(longest)))
    assert bodies.miss == bodies.add_dname(dname(longest, "new.example."))
    assert bodies.miss == bodies.add_dname(dname("d.example.", "a.example.", "b.example."))
