"""Names below a DNAME: both twins give what the full algorithm gives, or leave it to that."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import dns.message
import pytest
from handmade import Draft
from packets import NOW_S
from plandirs import Opened, open_compiled, write_plan
from planreading import read_response

from sparrow.dns.respond import Sender, respond
from sparrow.dns.rrset import RRType
from sparrow.plan import native, pureloop
from sparrow.plan.pure import MISS, Answered
from sparrow.plan.reader import open_plan
from sparrow.values.address import parse_address
from sparrow.values.name import encode_name, parse_name

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from planreading import Compiled

    from sparrow.plan.plan import Plan

UDP, TCP = 1232, 65535
SOURCE = parse_address("30.0.0.1")
WEST_SOURCE = parse_address("20.0.0.1")
OPT = struct.pack("!BHHIH", 0, 41, 1232, 0, 0)
TWINS = pytest.mark.parametrize("twin", [native, pureloop], ids=["native", "pure"])


def query(name: str, rtype: int = RRType.A, opt: bytes = b"") -> bytes:
    head = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, int(bool(opt)))
    return head + encode_name(parse_name(name)) + struct.pack("!HH", rtype, 1) + opt


def respond_to(opened: Opened, packet: bytes, *, is_tcp: bool = False) -> bytes:
    """Give the response of the full algorithm."""
    reply = respond(opened.ground, packet, Sender(SOURCE, is_tcp), NOW_S)
    assert reply is not None
    return reply.wire


@pytest.fixture(scope="module")
def opened(full_plan: Compiled, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return open_compiled(full_plan, tmp_path_factory.mktemp("full") / "plan")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan written by hand, in which `old.example.` has a DNAME to `example.`."""
    directory = tmp_path_factory.mktemp("handmade")
    write_plan(directory, Draft().files())
    return open_plan(directory)


# A plan made by hand.

OLD = b"\xc0\x10\0\x27\0\x01\0\0\0\x3c\0\x09\x07example\0"
"""The DNAME, its owner behind a label of three octets."""


@TWINS
def test_a_dname_and_the_alias_that_it_makes_go_before_the_addresses(
    twin: ModuleType, plan: Plan
) -> None:
    packet = query("www.old.example.")
    # The alias is www and a pointer; it is 33 octets behind the question.
    alias = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03www\xc0\x14"
    owner = len(packet) + len(OLD) + 12
    address = struct.pack("!HHHIH", 0xC000 | owner, 1, 1, 60, 4) + b"\xc6\x33\x64\x01"
    head = struct.pack("!6H", 0x1234, 0x8500, 1, 3, 0, 0)
    found = twin.Responder(plan).answer(packet, WEST_SOURCE, UDP, NOW_S)
    assert head + packet[12:] + OLD + alias + address == found.wire
    assert (0, 0, 1, 1) == (found.rcode, found.policy, found.class_number, found.site)


@TWINS
def test_the_alias_is_in_lower_case_and_the_question_as_asked(twin: ModuleType, plan: Plan) -> None:
    packet = query("www.old.example.").replace(b"www\x03old", b"wWw\x03OLD")
    wire = twin.Responder(plan).answer(packet, WEST_SOURCE, UDP, NOW_S).wire
    assert packet[12:] == wire[12 : len(packet)]
    assert b"\x03www\xc0\x14" in wire[len(packet) :]
    assert 3 == len(dns.message.from_wire(wire).answer)


@TWINS
def test_a_static_alias_goes_on_behind_the_chain(twin: ModuleType, plan: Plan) -> None:
    wire = twin.Responder(plan).answer(query("alias.old.example."), SOURCE, UDP, NOW_S).wire
    assert [
        ("alias.example.", "5", "60", "0377777" + "7076578616d706c6500"),
        ("alias.old.example.", "5", "60", "05616c696173" + "076578616d706c6500"),
        ("old.example.", "39", "60", "076578616d706c6500"),
        ("www.example.", "1", "60", "c0000201"),
    ] == list(read_response(wire).sections[0])


@TWINS
@pytest.mark.parametrize(
    "name", ["other.old.example.", "a.other.old.example.", "x.old.old.example."]
)
def test_what_the_plan_cannot_end_is_a_miss(twin: ModuleType, plan: Plan, name: str) -> None:
    assert MISS is twin.Responder(plan).answer(query(name), SOURCE, UDP, NOW_S)


@TWINS
def test_a_failed_outcome_has_no_chain(twin: ModuleType, tmp_path: Path) -> None:
    draft = Draft()
    draft.words[0] = (0, 2, 0)
    write_plan(tmp_path, draft.files())
    packet = query("www.old.example.")
    found = twin.Responder(open_plan(tmp_path)).answer(packet, SOURCE, UDP, NOW_S)
    assert struct.pack("!6H", 0x1234, 0x8102, 1, 0, 0, 0) + packet[12:] == found.wire
    assert 2 == found.rcode


@TWINS
def test_an_empty_outcome_denies_behind_the_chain(twin: ModuleType, tmp_path: Path) -> None:
    draft = Draft()
    draft.words[0] = (0, 1, 0)
    write_plan(tmp_path, draft.files())
    found = twin.Responder(open_plan(tmp_path)).answer(
        query("www.old.example."), SOURCE, UDP, NOW_S
    )
    message = dns.message.from_wire(found.wire)
    assert [["old.example.", "www.old.example."], ["example."]] == [
        [str(rrset.name) for rrset in section] for section in (message.answer, message.authority)
    ]


# A plan that was compiled, against the full algorithm.

L60 = "q" * 60
TO_THE_OCTET = {
    "out of all zones": query("x.y.d-out.example."),
    "out of all zones, CNAME asked": query("x.d-out.example.", RRType.CNAME),
    "to the root": query("x.y.d-root.example."),
    "to another zone of ours": query("www.d-other.example."),
    "to a zone within": query("www.child.d-up.example."),
    "to static addresses": query("ns1.d-up.example."),
    "to a text": query("mail.d-up.example.", RRType.TXT),
    "to an exchange": query("mail.d-up.example.", RRType.MX),
    "to no such type": query("mail.d-up.example.", RRType.CAA),
    "to no such name": query("a.b.nothing.d-up.example."),
    "to an empty name": query("b.c.d-up.example.", RRType.TXT),
    "to a wildcard": query("x.d.example."),
    "to a steered name": query("www.d-up.example."),
    "to a steered name, with EDNS": query("www.d-up.example.", opt=OPT),
    "to a steered wildcard": query("x.y.d-web.example."),
    "to a steered name without IPv6": query("x.d-web.example.", RRType.AAAA),
    "to an apex": query("x.moved.test."),
    "to a delegation": query("x.cut.d-up.example."),
    "to a delegation, DS asked": query("safe.d-up.example.", RRType.DS),
    "to an alias": query("alias2.d-up.example."),
    "to an alias of a steered name": query("steered.d-up.example."),
    "to an alias that leads out": query("out.d-up.example."),
    "to a loop": query("loop1.d-up.example."),
    "to ANY": query("www.d-up.example.", RRType.ANY),
    "to CNAME": query("alias.d-up.example.", RRType.CNAME),
    "to the node of another DNAME": query("d.d-up.example.", RRType.TXT),
    "two DNAMEs": query("x.d2.example."),
    "from the zone's own name": query("www.moved.test."),
    "from a wildcard's label": query("*.d.example."),
    "too long": query(f"{L60}.long.example."),
    "too long behind another": query(f"{L60}.d-long.example.", opt=OPT),
    "to a zone that begins below the target": query("x.y.d.x.y.cut.example."),
}


@TWINS
@pytest.mark.parametrize("packet", TO_THE_OCTET.values(), ids=TO_THE_OCTET)
def test_the_chain_is_that_of_the_full_algorithm_to_the_octet(
    twin: ModuleType, opened: Opened, packet: bytes
) -> None:
    found = twin.Responder(opened.plan).answer(packet, SOURCE, UDP, NOW_S)
    assert isinstance(found, Answered)
    assert respond_to(opened, packet) == found.wire


def test_the_rcode_is_that_of_the_chains_end(opened: Opened) -> None:
    rcodes = {
        "a.b.nothing.d-up.example.": 3,
        f"{L60}.long.example.": 6,
        "x.d-out.example.": 0,
        "nothing.d-other.example.": 0,
    }
    responder = native.Responder(opened.plan)
    found = {name: responder.answer(query(name), SOURCE, UDP, NOW_S) for name in rcodes}
    assert rcodes == {name: answered.rcode for name, answered in found.items()}


OTHERWISE = {
    "a DNAME that leads to itself": query("x.d-self.example."),
    "a DNAME that leads below itself": query("x.d-inner.example."),
    "two that lead to each other": query("x.d-ring.example."),
    "eight in a row": query("x.d-chain2.example."),
    "sixteen aliases": query("chain6.d-up.example."),
    "an alias that leads below a DNAME": query("far.d-up.example."),
    "DS at an apex": query("child.d-up.example.", RRType.DS),
    "DNAME asked, and found": query("d.d-up.example.", RRType.DNAME),
    "an answer over 512 octets": query("big.d-up.example.", RRType.TXT),
}


@TWINS
@pytest.mark.parametrize("packet", OTHERWISE.values(), ids=OTHERWISE)
def test_what_another_answer_would_be_is_a_miss(
    twin: ModuleType, opened: Opened, packet: bytes
) -> None:
    assert MISS is twin.Responder(opened.plan).answer(packet, SOURCE, UDP, NOW_S)


@TWINS
def test_seven_dnames_and_fifteen_aliases_are_answered(twin: ModuleType, opened: Opened) -> None:
    for name in ("x.d-chain3.example.", "chain8.d-up.example."):
        found = twin.Responder(opened.plan).answer(query(name, opt=OPT), SOURCE, UDP, NOW_S)
        assert read_response(respond_to(opened, query(name, opt=OPT))) == read_response(found.wire)


@TWINS
def test_an_answer_with_a_chain_ends_within_the_reach_of_pointers(
    twin: ModuleType, opened: Opened
) -> None:
    responder = twin.Responder(opened.plan)
    long = ".".join(["x" * 63] * 3)
    for name in ("x.large.example.", "x.large.d-up.example.", f"{long}.large.example."):
        packet = query(name, RRType.MX)
        found = responder.answer(packet, SOURCE, TCP, NOW_S)
        assert read_response(respond_to(opened, packet, is_tcp=True)) == read_response(found.wire)
    packet = query(f"{long}.large.d-up.example.", RRType.MX)
    assert 0x4000 < len(respond_to(opened, packet, is_tcp=True))
    assert MISS is responder.answer(packet, SOURCE, TCP, NOW_S)
