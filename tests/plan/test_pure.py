"""The twin that defines the hot path: hand-made plans octet by octet, then agreement."""

from __future__ import annotations

import struct
from random import Random
from typing import TYPE_CHECKING

import dns.message
import pytest
from handmade import EAST, NO_CAP, SECRET, WEST, Draft
from packets import NOW_S, names_of, random_client, random_packet, random_words
from plandirs import Opened, open_compiled, write_plan
from planreading import read_response

from sparrow.dns.cookie import refresh_cookie
from sparrow.dns.respond import Sender, respond
from sparrow.dns.wire import Buffer
from sparrow.plan import native, pureloop
from sparrow.plan.pure import MISS, Answered, answer
from sparrow.plan.reader import open_plan
from sparrow.values.address import parse_address
from sparrow.values.name import encode_name, parse_name

if TYPE_CHECKING:
    from pathlib import Path

    from planreading import Compiled

    from sparrow.dns.respond import Ground
    from sparrow.plan.plan import Plan

UDP, TCP = 1232, 65535
SOURCE = parse_address("30.0.0.1")
WEST_SOURCE = parse_address("20.1.2.3")
PACKETS_PER_PLAN = 500
"""Of each of 42 plans: 21,000 in all."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan written by hand."""
    directory = tmp_path_factory.mktemp("handmade")
    write_plan(directory, Draft().files())
    return open_plan(directory)


def with_words(directory: Path, *words: tuple[int, int, int]) -> Plan:
    draft = Draft()
    draft.words[: len(words)] = words
    write_plan(directory, draft.files())
    return open_plan(directory)


def query(name: str, rtype: int = 1, *, opt: bytes = b"", flags: int = 0x0100) -> bytes:
    head = struct.pack("!6H", 0x1234, flags, 1, 0, 0, int(bool(opt)))
    return head + question(name, rtype) + opt


def question(name: str, rtype: int = 1) -> bytes:
    return encode_name(parse_name(name)) + struct.pack("!HH", rtype, 1)


def opt(*options: tuple[int, bytes], payload: int = 4096, ttl: int = 0) -> bytes:
    rdata = b"".join(struct.pack("!HH", code, len(value)) + value for code, value in options)
    return struct.pack("!BHHIH", 0, 41, payload, ttl, len(rdata)) + rdata


def subnet(text: str, scope: int = 0) -> tuple[int, bytes]:
    address_text, _, length_text = text.partition("/")
    address, length = parse_address(address_text), int(length_text)
    head = struct.pack("!HBB", 1 if len(address) == 4 else 2, length, scope)
    return 8, head + address[: (length + 7) // 8]


def asked(plan: Plan, packet: bytes, source: bytes = SOURCE, limit: int = UDP) -> Answered:
    found = answer(plan, packet, source, limit, NOW_S)
    assert isinstance(found, Answered)
    return found


def response(name: str, rtype: int, flags: int, counts: tuple[int, int, int], rest: bytes) -> bytes:
    return struct.pack("!6H", 0x1234, flags, 1, *counts) + question(name, rtype) + rest


def record(owner: int, address: str, ttl: int = 60) -> bytes:
    packed = parse_address(address)
    return struct.pack("!HHHIH", 0xC000 | owner, 1, 1, ttl, len(packed)) + packed


def negative(at: int) -> bytes:
    """The zone's NS record, the zone's name being at this offset."""
    return struct.pack("!HHHIHH", 0xC000 | at, 2, 1, 60, 2, 0xC000 | at)


# A plan made by hand.


def test_addresses_of_the_clients_site_follow_the_question(plan: Plan) -> None:
    records = record(12, "192.0.2.1") + record(12, "192.0.2.2")
    wire = response("www.example.", 1, 0x8500, (2, 0, 0), records)
    assert Answered(wire, 0, 0, EAST, EAST) == asked(plan, query("www.example."))
    wire = response("www.example.", 1, 0x8500, (1, 0, 0), record(12, "198.51.100.1"))
    assert Answered(wire, 0, 0, WEST, WEST) == asked(plan, query("www.example."), WEST_SOURCE)


def test_the_question_keeps_its_case(plan: Plan) -> None:
    packet = query("text.example.", 16).replace(b"text\x07ex", b"TeXT\x07eX")
    found = asked(plan, packet)
    assert packet[12:] == found.wire[12 : len(packet)]
    assert 1 == len(dns.message.from_wire(found.wire).answer)


@pytest.mark.parametrize("name", ["nothing.example.", "a.b.c.example.", f"{'x' * 63}.example."])
def test_pointers_move_with_the_length_of_the_name(plan: Plan, name: str) -> None:
    at = 12 + len(encode_name(parse_name(name))) - 9
    expected = response(name, 1, 0x8503, (0, 1, 0), negative(at))
    assert Answered(expected, 3) == asked(plan, query(name))


def test_addresses_behind_an_alias_are_owned_by_its_end_and_limited(plan: Plan) -> None:
    found = asked(plan, query("alias.example."))
    cname = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03www\xc0\x12"
    end = 12 + len(question("alias.example."))
    rest = cname + record(end + 12, "192.0.2.1")
    assert response("alias.example.", 1, 0x8500, (2, 0, 0), rest) == found.wire
    assert ["alias.example.", "www.example."] == [
        str(rrset.name) for rrset in dns.message.from_wire(found.wire).answer
    ]


def test_names_outside_the_zones_are_refused_with_their_edns(plan: Plan) -> None:
    for name in (".", "org.", "xexample.", "example.org."):
        assert Answered(response(name, 1, 0x8105, (0, 0, 0), b""), 5) == asked(plan, query(name))
    sent = opt(subnet("20.0.0.0/24"), payload=1232)
    assert sent == asked(plan, query("org.", opt=sent)).wire[-len(sent) :]


def test_an_empty_outcome_is_the_empty_body(tmp_path: Path) -> None:
    plan = with_words(tmp_path, (0xFFFF, 1, NO_CAP))
    expected = response("www.example.", 1, 0x8500, (0, 1, 0), negative(16))
    assert Answered(expected, 0, 0, EAST) == asked(plan, query("www.example."))
    alias = dns.message.from_wire(asked(plan, query("alias.example.")).wire)
    assert [["alias.example."], ["example."]] == [
        [str(rrset.name) for rrset in section] for section in (alias.answer, alias.authority)
    ]


def test_a_failed_outcome_is_servfail_without_aa_or_records(tmp_path: Path) -> None:
    plan = with_words(tmp_path, (0, 2, NO_CAP), (WEST, 3, NO_CAP))
    expected = response("alias.example.", 1, 0x8102, (0, 0, 0), b"")
    assert Answered(expected, 2, 0, EAST) == asked(plan, query("alias.example."))
    assert Answered(expected, 2, 0, WEST) == asked(plan, query("alias.example."), WEST_SOURCE)


def test_an_outcome_of_a_site_that_is_not_there_is_servfail(tmp_path: Path) -> None:
    plan = with_words(tmp_path, (2, 0, NO_CAP))
    assert 2 == asked(plan, query("www.example.")).rcode


@pytest.mark.parametrize(("cap", "ttl"), [(0, 0), (7, 7), (59, 59), (61, 60), (NO_CAP, 60)])
def test_the_lower_ttl_counts(tmp_path: Path, cap: int, ttl: int) -> None:
    plan = with_words(tmp_path, (WEST, 0, cap))
    wire = asked(plan, query("www.example.")).wire
    assert ttl == dns.message.from_wire(wire).answer[0].ttl


@pytest.mark.parametrize(
    ("floor", "flags", "cap", "ttl"),
    [
        (20, 0, 7, 20),
        (20, 0, 30, 30),
        (20, 0, 90, 60),
        (20, 0, NO_CAP, 60),
        (60, 0, 1, 60),
        (20, 4, 7, 7),
        (20, 4, 30, 30),
        (20, 4, 90, 60),
        (20, 4, NO_CAP, 60),
        (0, 16, 7, 7),  # a flag that is none
    ],
)
def test_a_cap_holds_below_the_floor_where_it_is_exact(
    tmp_path: Path, floor: int, flags: int, cap: int, ttl: int
) -> None:
    draft = Draft()
    draft.slots[0][6] = floor
    draft.words[0] = (WEST, flags, cap)
    write_plan(tmp_path, draft.files())
    plan = open_plan(tmp_path)
    for responder in (pureloop.Responder(plan), native.Responder(plan)):
        found = responder.answer(query("www.example."), SOURCE, UDP, NOW_S)
        assert isinstance(found, Answered)
        assert ttl == dns.message.from_wire(found.wire).answer[0].ttl


def test_words_that_change_later_are_seen(tmp_path: Path) -> None:
    plan = with_words(tmp_path)
    before = asked(plan, query("www.example."))
    octets = (tmp_path / "outcomes-1").read_bytes()
    with (tmp_path / "outcomes-1").open("r+b") as file:
        file.seek(octets.index(struct.pack("<HHI", EAST, 0, NO_CAP)))
        file.write(struct.pack("<HHI", WEST, 0, NO_CAP))
    assert (EAST, WEST) == (before.site, asked(plan, query("www.example.")).site)


SCOPES = [
    ("20.1.0.0/16", WEST, 8),
    ("19.255.255.0/24", EAST, 6),
    ("200.0.0.0/8", EAST, 1),
    ("10.1.2.0/24", EAST, 8),
    ("::ffff:20.0.0.0/104", WEST, 104),
    ("64:ff9b::1401:0/112", WEST, 104),
    ("2002:1401::/32", WEST, 24),
    ("2001:0:0:0:0:0:ebfe:0/128", WEST, 104),
    ("2a00::/12", WEST, 12),
    ("2a10::/64", EAST, 65),
    ("2a10:0:0:0:8000::/65", WEST, 65),
    ("2a10:0:0:1::/64", EAST, 64),
    ("3fff::/20", EAST, 4),
    ("4000::/8", EAST, 2),
    ("fc00::/8", EAST, 6),
    ("::/0", EAST, 0),
    ("0.0.0.0/0", EAST, 0),
]


@pytest.mark.parametrize(("text", "class_number", "scope"), SCOPES)
def test_the_subnet_decides_and_the_scope_is_that_of_its_interval(
    plan: Plan, text: str, class_number: int, scope: int
) -> None:
    found = asked(plan, query("www.example.", opt=opt(subnet(text))))
    assert class_number == found.class_number
    assert opt(subnet(text, scope), payload=1232) == found.wire[-len(opt(subnet(text))) :]


def test_the_source_decides_for_a_special_subnet(plan: Plan) -> None:
    packet = query("www.example.", opt=opt(subnet("10.1.2.0/24")))
    assert WEST == asked(plan, packet, WEST_SOURCE).class_number
    assert WEST == asked(plan, packet, parse_address("::ffff:20.0.0.1")).class_number
    assert WEST == asked(plan, packet, parse_address("fc00::1")).class_number
    assert EAST == asked(plan, packet, parse_address("10.9.9.9")).class_number


def test_options_come_back_in_their_order(plan: Plan) -> None:
    cookie = bytes(8)
    options = opt((10, cookie), (65001, b"x"), subnet("20.0.0.0/8"), (3, b""), ttl=0xFF)
    found = dns.message.from_wire(asked(plan, query("text.example.", 16, opt=options)).wire)
    assert [3, 8, 10] == [int(option.otype) for option in found.options]
    assert [b"ns1", subnet("20.0.0.0/8")[1]] == [each.to_wire() for each in found.options[:2]]
    ours = found.options[2].to_wire()
    assert (24, ours) == (len(ours), refresh_cookie(ours, SOURCE, (SECRET,), NOW_S))
    assert (1232, 0) == (found.payload, found.ednsflags)


def test_do_is_given_back(plan: Plan) -> None:
    wire = asked(plan, query("text.example.", 16, opt=opt(ttl=0xFFFF))).wire
    assert opt(payload=1232, ttl=0x8000) == wire[-11:]


SILENT = [
    b"",
    bytes(11),
    query("www.example.", flags=0x8000),
    struct.pack("!6H", 1, 0x8000, *[0] * 4),
]


@pytest.mark.parametrize("packet", SILENT)
def test_nothing_is_sent_to_a_response_or_a_cut_header(plan: Plan, packet: bytes) -> None:
    assert answer(plan, packet, SOURCE, UDP, NOW_S) is None


WWW = query("www.example.")
MISSES = {
    "opcode with a record": query("www.example.", flags=0x2800, opt=opt()),
    "no question with a record": struct.pack("!6H", 1, 0, 0, 0, 0, 1) + opt(),
    "two questions with a record": struct.pack("!6H", 1, 0, 2, 0, 0, 1) + WWW[12:] * 2 + opt(),
    "answers": struct.pack("!6H", 1, 0, 1, 1, 0, 0) + WWW[12:],
    "authorities": struct.pack("!6H", 1, 0, 1, 0, 1, 0) + WWW[12:],
    "two additional": struct.pack("!6H", 1, 0, 1, 0, 0, 2) + WWW[12:] + opt(),
    "class CH": WWW[:-1] + b"\x03",
    "type OPT": query("www.example.", 41),
    "type 128": query("www.example.", 128),
    "AXFR": query("www.example.", 252),
    "MAILA": query("www.example.", 254),
    "body": query("other.example."),
    "body below": query("a.other.example."),
    "no OPT": query("www.example.", opt=b"\0\0\x01" + opt()[3:]),
    "owned OPT": query("www.example.", opt=b"\x01a" + opt()),
    "cut OPT": query("www.example.", opt=opt()[:-1]),
    "cut options": query("www.example.", opt=opt((65001, b"abc"))[:-1]),
    "version 1": query("www.example.", opt=opt(ttl=0x10000)),
    "cut option": query("www.example.", opt=opt()[:-1] + b"\x03\0\0\0"),
    "subnet with scope": query("www.example.", opt=opt(subnet("20.0.0.0/8", 8))),
    "two subnets": query("www.example.", opt=opt(subnet("20.0.0.0/8"), subnet("20.0.0.0/8"))),
    "cookie of 9": query("www.example.", opt=opt((10, bytes(9)))),
    "cookie of 15": query("www.example.", opt=opt((10, bytes(15)))),
    "cookie of 41": query("www.example.", opt=opt((10, bytes(41)))),
}


FORMERR, NOTIMP = 1, 4
FAULTS = {
    "opcode": (query("www.example.", flags=0x2900), NOTIMP, 0xA900),
    "opcode, no question": (struct.pack("!6H", 1, 0x2800, 0, 0, 0, 0), NOTIMP, 0xA800),
    "opcode, cut": (query("www.example.", flags=0x2800)[:-1], NOTIMP, 0xA800),
    "no question": (struct.pack("!6H", 1, 0, 0, 0, 0, 0), FORMERR, 0x8000),
    "two questions": (struct.pack("!6H", 1, 0, 2, 0, 0, 0) + WWW[12:] * 2, FORMERR, 0x8000),
    "pointer": (WWW[:12] + b"\xc0\x0c\0\x01\0\x01", FORMERR, 0x8100),
    "label of 64": (WWW[:12] + b"\x40" + bytes(64) + b"\0\0\x01\0\x01", FORMERR, 0x8100),
    "name of 256": (
        WWW[:12] + (b"\x3f" + b"x" * 63) * 3 + b"\x3e" + b"x" * 62 + b"\0\0\x01\0\x01",
        *(FORMERR, 0x8100),
    ),
    "cut name": (WWW[:18], FORMERR, 0x8100),
    "cut class": (WWW[:-1], FORMERR, 0x8100),
    "no type": (WWW[:-4], FORMERR, 0x8100),
}


@pytest.mark.parametrize(("packet", "rcode", "bits"), FAULTS.values(), ids=FAULTS)
def test_a_query_that_its_header_and_question_condemn_is_refused_here(
    plan: Plan, packet: bytes, rcode: int, bits: int
) -> None:
    is_repeated = packet[4:] == WWW[4:]
    expected = packet[:2] + struct.pack("!5H", bits | rcode, is_repeated, 0, 0, 0)
    found = answer(plan, packet, SOURCE, UDP, NOW_S)
    assert isinstance(found, Answered)
    assert expected + (packet[12:] if is_repeated else b"") == found.wire
    assert rcode == found.rcode


@pytest.mark.parametrize("packet", MISSES.values(), ids=MISSES)
def test_what_is_not_answered_here_is_a_miss(plan: Plan, packet: bytes) -> None:
    assert answer(plan, packet, SOURCE, UDP, NOW_S) is MISS


def test_a_name_of_255_octets_is_answered(plan: Plan) -> None:
    labels = [63, 63, 63, 53]
    assert 255 - 9 == sum(labels) + len(labels)
    packet = query(".".join("x" * size for size in labels) + ".example.")
    assert 3 == asked(plan, packet).rcode


def test_keepalive_is_a_miss_over_tcp_alone(plan: Plan) -> None:
    packet = query("www.example.", opt=opt((11, b"")))
    assert answer(plan, packet, SOURCE, TCP, NOW_S) is MISS
    assert 0 == asked(plan, packet).rcode


def test_what_does_not_fit_is_a_miss(tmp_path: Path) -> None:
    draft = Draft()
    draft.parts[0][1] = 40
    draft.parts[1] = draft.parts[2] = draft.parts[3] = [0, 0, 16, 0, 0]
    draft.rdata = bytes(160)
    write_plan(tmp_path, draft.files())
    plan = open_plan(tmp_path)
    size = 12 + len(question("www.example.")) + 40 * 16
    assert answer(plan, query("www.example."), SOURCE, UDP, NOW_S) is MISS
    assert size == len(asked(plan, query("www.example."), limit=TCP).wire)
    fits, fails = (query("www.example.", opt=opt(payload=size + 11 - less)) for less in (0, 1))
    assert size + 11 == len(asked(plan, fits).wire)
    assert answer(plan, fails, SOURCE, UDP, NOW_S) is MISS
    assert size + 11 == len(asked(plan, fails, limit=TCP).wire)


# Plans that were compiled.


@pytest.fixture(scope="module")
def opened(
    compiled: tuple[Compiled, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Opened, ...]:
    folder = tmp_path_factory.mktemp("compiled")
    return tuple(open_compiled(each, folder / str(at)) for at, each in enumerate(compiled))


def assert_agree(expected: bytes, actual: bytes) -> None:
    """Compare two responses: header, question and OPT record octet for octet, records as sets."""
    if expected == actual:
        return
    (one, one_opt), (other, other_opt) = split_opt(expected), split_opt(actual)
    assert (expected[:12], one_opt) == (actual[:12], other_opt)
    assert dns.message.from_wire(one).question == dns.message.from_wire(other).question
    assert read_response(one) == read_response(other)


def split_opt(wire: bytes) -> tuple[bytes, bytes]:
    """Give a response without its OPT record, which is the last one, and that record."""
    buffer = Buffer(wire)
    buffer.offset = 12
    counts = struct.unpack_from("!4H", wire, 4)
    buffer.decode_name()
    buffer.read("!HH")
    for _ in range(sum(counts[1:])):
        start = buffer.offset
        buffer.decode_name()
        rtype, _, _, length = buffer.read("!HHIH")
        buffer.read_octets(length)
        if rtype == 41:
            rest = struct.pack("!H", counts[3] - 1) + wire[12:start]
            return wire[:10] + rest, wire[start:]
    return wire, b""


def check_packets(opened: Opened, ground: Ground, rng: Random, count: int) -> tuple[int, int]:
    """Compare pure and fallback with the full algorithm over `ground`; count answers and misses."""
    answered = missed = 0
    names = names_of(opened.authority.zones) or ((b"x",),)
    secrets = opened.authority.identity.cookie_secrets
    for _ in range(count):
        packet, source = random_packet(rng, names, secrets), random_client(rng)
        is_tcp = rng.random() < 0.2
        sender = Sender(source, is_tcp, 10.0)
        found = answer(opened.plan, packet, source, TCP if is_tcp else UDP, NOW_S)
        reply = respond(ground, packet, sender, NOW_S)
        if found is None or reply is None:
            assert found is reply, packet.hex()
        elif found is MISS:
            again = respond(opened.ground, packet, sender, NOW_S)
            assert again is not None
            assert reply.wire == again.wire, packet.hex()
            missed += 1
        else:
            assert_agree(reply.wire, found.wire)
            assert (reply.rcode, reply.choice.site if reply.choice else None) == (
                found.rcode,
                found.site,
            ), packet.hex()
            answered += 1
    return answered, missed


@pytest.mark.parametrize("number", range(6))
def test_pure_and_fallback_agree_with_the_full_algorithm(
    opened: tuple[Opened, ...], number: int
) -> None:
    answered = missed = 0
    for at in range(number, len(opened), 6):
        each = opened[at]
        found = check_packets(each, each.authority, Random(at), PACKETS_PER_PLAN)
        answered, missed = answered + found[0], missed + found[1]
    assert answered > missed // 2 > 0


@pytest.mark.parametrize("number", range(0, 42, 3))
def test_pure_and_fallback_agree_on_any_outcome(
    compiled: tuple[Compiled, ...], tmp_path: Path, number: int
) -> None:
    rng = Random(number)
    each = open_compiled(compiled[number], tmp_path / "plan")
    words = random_words(rng, each.plan.words)
    section = each.plan.outcomes.sections[1]
    with (tmp_path / "plan" / each.plan.outcomes.name).open("r+b") as file:
        file.seek(section.offset)
        file.write(struct.pack(f"<{len(words)}Q", *words))
    assert words == list(each.plan.words)
    check_packets(each, each.ground, rng, 200)
