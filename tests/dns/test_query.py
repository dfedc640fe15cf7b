"""Packets in hex, and what is made of them: nothing, a fault, or a query."""

from __future__ import annotations

import struct

import pytest
from dnspackets import ecs, encode_opt, encode_query, header

from sparrow.dns.edns import ClientSubnet, Edns
from sparrow.dns.query import Query, Question, decode_query
from sparrow.dns.rrset import Rcode

WWW = bytes.fromhex("03 777777 07 6578616d706c65 00")
QUESTION = WWW + b"\0\1\0\1"
OPT = encode_opt()
COOKIE = (10, bytes(range(8)))


def decode(packet: bytes) -> Query:
    query = decode_query(packet)
    assert query is not None
    return query


def fault_of(packet: bytes) -> Rcode | None:
    return decode(packet).fault


def test_a_plain_query_is_read() -> None:
    packet = bytes.fromhex("beef 0100 0001 0000 0000 0000 03575777 074578414d504c65 00 001c 0001")
    assert decode(packet) == Query(
        query_id=0xBEEF,
        opcode=0,
        is_recursion_desired=True,
        question=Question((b"WWw", b"ExAMPLe"), 28, 1),
        edns=None,
        fault=None,
    )
    assert (b"www", b"example") == Question((b"WWw", b"ExAMPLe"), 28, 1).name


@pytest.mark.parametrize("length", range(12))
def test_a_packet_without_a_whole_header_gets_no_answer(length: int) -> None:
    assert decode_query(header()[:length]) is None


@pytest.mark.parametrize("opcode", range(16))
def test_a_response_gets_no_answer(opcode: int) -> None:
    assert decode_query(header(0x8000 | opcode << 11) + QUESTION) is None


@pytest.mark.parametrize("opcode", range(1, 16))
def test_other_opcodes_are_not_implemented_whatever_else_is_wrong(opcode: int) -> None:
    flags = opcode << 11
    assert Rcode.NOTIMP == fault_of(header(flags) + QUESTION)
    assert Rcode.NOTIMP == fault_of(header(flags, (0, 0, 0, 0)))
    assert Rcode.NOTIMP == fault_of(header(flags, (2, 0, 0, 0)) + QUESTION)
    assert Rcode.NOTIMP == fault_of(header(flags, (1, 0, 0, 1)) + QUESTION + b"\x40")
    assert Rcode.NOTIMP == fault_of(header(flags, (1, 0, 0, 1)) + QUESTION + encode_opt(version=1))
    assert opcode == decode(header(flags) + QUESTION).opcode


@pytest.mark.parametrize("count", [0, 2, 3, 0xFFFF])
def test_a_query_has_one_question(count: int) -> None:
    query = decode(header(0, (count, 0, 0, 0)) + QUESTION * min(count, 3))
    assert (Rcode.FORMERR, None) == (query.fault, query.question)


def test_a_query_for_nothing_but_a_cookie_is_sound() -> None:
    query = decode(header(0, (0, 0, 0, 1)) + encode_opt(COOKIE))
    assert (None, None) == (query.fault, query.question)
    assert query.edns
    assert COOKIE[1] == query.edns.cookie


@pytest.mark.parametrize(
    ("count", "rest"),
    [
        (1, OPT),  # no cookie in it
        (1, encode_opt((10, bytes(7)))),
        (1, encode_opt(COOKIE, version=1)),
        (2, encode_opt(COOKIE) + b"\0"),
        (2, encode_opt(COOKIE) + encode_opt(COOKIE)),
        (2, OPT + encode_opt(COOKIE)),
    ],
)
def test_no_question_and_no_single_sound_cookie_is_malformed(count: int, rest: bytes) -> None:
    assert Rcode.FORMERR == fault_of(header(0, (0, 0, 0, count)) + rest)


def test_every_flag_but_qr_opcode_and_rd_is_ignored() -> None:
    assert fault_of(header(0x07FF) + QUESTION) is None


def test_records_that_mean_nothing_to_us_are_skipped() -> None:
    record = b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, 0, 3) + b"abc"  # an IXFR carries a SOA
    query = decode(header(0, (1, 1, 1, 2)) + QUESTION + record * 3 + OPT)
    assert (None, Edns(4096, 0, is_dnssec_ok=False)) == (query.fault, query.edns)


def test_octets_behind_the_message_are_ignored() -> None:
    assert fault_of(header() + QUESTION + b"junk") is None


@pytest.mark.parametrize(
    ("counts", "rest"),
    [
        ((1, 0, 0, 2), OPT + OPT),
        ((1, 0, 0, 2), OPT + encode_opt(version=1)),
        ((1, 0, 0, 1), b"\1a" + OPT),  # owned by a.
        ((1, 0, 0, 1), b"\xc0\x0c" + OPT[1:]),  # owned by www.example.
        ((1, 1, 0, 0), OPT),
        ((1, 0, 1, 0), OPT),
        ((1, 1, 0, 1), OPT + OPT),
        ((1, 0, 0, 1), OPT[:-1]),
        ((1, 0, 0, 1), b""),
        ((1, 1, 0, 0), b""),
        ((1, 0, 0, 1), encode_opt((8, bytes.fromhex("00011800c633")))),
        ((1, 0, 0, 1), encode_opt(ecs("192.0.2.0/24"), ecs("192.0.2.0/24"))),
        ((1, 0, 0, 1), encode_opt((10, bytes(9)))),
    ],
)
def test_a_malformed_opt_or_record_is_a_format_error(
    counts: tuple[int, int, int, int], rest: bytes
) -> None:
    query = decode(header(0, counts) + QUESTION + rest)
    assert Rcode.FORMERR == query.fault
    assert Question((b"www", b"example"), 1, 1) == query.question


@pytest.mark.parametrize(("count", "fault"), [(15, None), (16, Rcode.FORMERR)])
def test_a_query_with_more_records_than_any_has_is_malformed(
    count: int, fault: Rcode | None
) -> None:
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 0)
    assert fault == fault_of(header(0, (1, count, 0, 0)) + QUESTION + record * count)
    assert Rcode.FORMERR == fault_of(header(0, (1, 0, 0, 0xFFFF)) + QUESTION)


def test_who_sends_an_opt_with_malformed_options_is_known_to_speak_edns() -> None:
    opt = encode_opt((10, bytes(9)), ecs("192.0.2.0/24"), payload=1400, do=True)
    query = decode(encode_query("www.example.", opt=opt))
    assert (Rcode.FORMERR, Edns(1400, 0, is_dnssec_ok=True)) == (query.fault, query.edns)


@pytest.mark.parametrize("option", [ecs("192.0.2.0/24"), (8, b"garbage"), (10, b"")])
def test_another_version_is_a_bad_version_whatever_its_options_are(
    option: tuple[int, bytes],
) -> None:
    query = decode(encode_query("www.example.", opt=encode_opt(option, version=1)))
    assert (Rcode.BADVERS, Edns(4096, 1, is_dnssec_ok=False)) == (query.fault, query.edns)


def test_a_client_subnet_is_read() -> None:
    query = decode(encode_query("www.example.", opt=encode_opt(ecs("192.0.2.0/24"))))
    assert query.edns
    assert ClientSubnet(1, 24, bytes((192, 0, 2))) == query.edns.subnet


def test_a_packet_cut_anywhere_is_malformed() -> None:
    packet = encode_query("www.example.", opt=encode_opt(ecs("192.0.2.0/24"), COOKIE))
    for length in range(12, len(packet)):
        query = decode(packet[:length])
        assert Rcode.FORMERR == query.fault
        assert (length >= 12 + len(QUESTION)) == (query.question is not None)


@pytest.mark.parametrize(
    "name",
    [
        "c00c",  # itself
        "c00e c00c",  # forwards, then back
        "0161 c00c",  # a label, then itself
        "c000",  # into the header
        "c00b",
        "0161 c000",
        "ffff",
        "c0",
        "40" + "61" * 64 + "00",  # a label of 64 octets
        "4161 00",  # RFC 2673's bit labels
        "8061 00",
        "0161",
        "",
        ("3f" + "61" * 63) * 4 + "00",  # 257 octets
        ("3f" + "61" * 63) * 3 + "3e" + "61" * 62 + "00",  # 256 octets
        "0161" * 128 + "00",
    ],
)
def test_a_name_that_is_none_is_malformed(name: str) -> None:
    query = decode(header() + bytes.fromhex(name) + b"\0\1\0\1")
    assert (Rcode.FORMERR, None) == (query.fault, query.question)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("00", ()),
        ("01ff 00", (b"\xff",)),
        ("0100 00", (b"\0",)),
        ("022e41 00", (b".A",)),
        (("3f" + "61" * 63) * 3 + "3d" + "61" * 61 + "00", (*(b"a" * 63,) * 3, b"a" * 61)),
        ("0161" * 127 + "00", (b"a",) * 127),
    ],
)
def test_any_octets_make_a_label(name: str, labels: tuple[bytes, ...]) -> None:
    query = decode(header() + bytes.fromhex(name) + b"\0\1\0\1")
    assert (None, Question(labels, 1, 1)) == (query.fault, query.question)


def test_a_name_over_255_octets_by_pointers_is_malformed() -> None:
    long = (b"\x3f" + b"a" * 63) * 3 + b"\0"
    owner = b"\x3f" + b"b" * 63 + b"\xc0\x0c"
    record = owner + struct.pack("!HHIH", 1, 1, 0, 0)
    packet = header(0, (1, 1, 0, 0)) + long + b"\0\1\0\1" + record
    assert Rcode.FORMERR == fault_of(packet)


def test_a_pointer_that_leads_forwards_on_the_way_back_is_malformed() -> None:
    # The second record's owner points to rdata of the first, which points forwards in it.
    rdata = b"\xc0" + bytes((12 + len(QUESTION) + 11 + 2,)) + b"\1a\0"
    first = b"\0" + struct.pack("!HHIH", 1, 1, 0, len(rdata)) + rdata
    owner = b"\xc0" + bytes((12 + len(QUESTION) + 11,))
    second = owner + struct.pack("!HHIH", 1, 1, 0, 0)
    assert Rcode.FORMERR == fault_of(header(0, (1, 2, 0, 0)) + QUESTION + first + second)
    assert fault_of(header(0, (1, 1, 0, 0)) + QUESTION + first) is None


@pytest.mark.parametrize(("jumps", "fault"), [(127, None), (128, Rcode.FORMERR)])
def test_a_chain_of_pointers_ends_after_as_many_as_a_name_has_labels(
    jumps: int, fault: Rcode | None
) -> None:
    # The first record holds a root and pointers, each to the one before it; the
    # owner of the second record starts at the last of them.
    start = 12 + 5 + 11
    links = b"\0" + struct.pack("!H", 0xC000 | start)
    links += b"".join(struct.pack("!H", 0xC001 + start + 2 * i) for i in range(jumps - 2))
    first = b"\0" + struct.pack("!HHIH", 1, 1, 0, len(links)) + links
    last = struct.pack("!H", 0xC001 + start + 2 * (jumps - 2))
    second = last + struct.pack("!HHIH", 1, 1, 0, 0)
    packet = header(0, (1, 2, 0, 0)) + b"\0\0\1\0\1" + first + second
    assert fault == fault_of(packet)
