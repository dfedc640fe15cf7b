"""Messages on the wire, read back with dnspython."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rdata
import dns.rdatatype
import pytest
from dnspackets import uncompressed
from hypothesis import given
from hypothesis import strategies as st

from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.wire import Buffer, MalformedError, Message, Opt, encode_message
from sparrow.values.name import Name, parse_name

EXAMPLE = parse_name("example.org.")
WWW = parse_name("www.example.org.")
OPT = Opt(payload=1232, is_dnssec_ok=True, extended_rcode=0, options=((3, b"ns1"),))
OPT_SIZE = 11 + 4 + 3


def a_set(owner: Name, count: int, first: int = 0) -> RRset:
    """Make an RRset of A records, 16 octets each where the owner is compressed."""
    rdatas = tuple((0xC6336400 + first + i).to_bytes(4, "big") for i in range(count))
    return RRset(owner, RRType.A, 60, rdatas)


def message_of(**sections: tuple[RRset, ...]) -> Message:
    return Message(0xBEEF, 0x8400, ((b"wWw", b"ExAmple", b"ORG"), 1, 1), opt=OPT, **sections)


def parse(wire: bytes) -> dns.message.Message:
    return dns.message.from_wire(wire)


def sizes(message: dns.message.Message) -> tuple[int, int, int]:
    """Count the records of answer, authority and additional section, OPT left out."""
    sections = (message.answer, message.authority, message.additional)
    counts = [sum(len(rrset) for rrset in section) for section in sections]
    return counts[0], counts[1], counts[2]


def test_header_question_and_opt_are_where_they_belong() -> None:
    wire = encode_message(message_of(), 512)
    assert "beef 8400 0001 0000 0000 0001" == wire[:12].hex(" ", 2)
    assert b"\3wWw\7ExAmple\3ORG\0\0\1\0\1" == wire[12:33]
    assert "0000 29 04d0 0000 8000 0007 0003 0003 6e7331".replace(" ", "") == wire[33:].hex()


def test_without_a_question_there_is_none() -> None:
    wire = encode_message(Message(1, 0x8001, None), 512)
    assert "0001 8001 0000 0000 0000 0000" == wire.hex(" ", 2)


def test_the_upper_rcode_is_in_the_opt() -> None:
    opt = Opt(1232, is_dnssec_ok=False, extended_rcode=1, options=())
    assert "00 0029 04d0 01000000 0000".replace(" ", "") == opt.encode().hex()


def test_names_are_compressed_without_regard_to_case_and_keep_the_question_s() -> None:
    cname = RRset(WWW, RRType.CNAME, 60, (uncompressed("web.example.org."),))
    wire = encode_message(message_of(answer=(cname, a_set(parse_name("web.example.org."), 1))), 512)
    assert bytes.fromhex("c00c 0005 0001 0000003c 0006 03776562 c010") == wire[33:51]
    assert bytes.fromhex("c02d 0001 0001 0000003c 0004 c6336400") == wire[51:67]


def test_a_root_owner_is_one_octet() -> None:
    soa = RRset((), RRType.NS, 60, (b"\0",))
    wire = encode_message(Message(1, 0x8400, ((), 2, 1), answer=(soa,)), 512)
    assert bytes.fromhex("00 0002 0001 0000003c 0001 00") == wire[17:]
    assert ". 60 IN NS ." == parse(wire).answer[0].to_text()


@pytest.mark.parametrize(
    ("rtype", "text"),
    [
        ("A", "198.51.100.1"),
        ("AAAA", "2001:db8::1"),
        ("NS", "ns.example.org."),
        ("SOA", "ns.example.org. host.example.org. 1 28800 7200 604800 300"),
        ("CNAME", "a.b.example.org."),
        ("DNAME", "b.example.org."),
        ("MX", "10 mail.example.org."),
        ("TXT", '"one" "two" "\\255\\000"'),
        ("SRV", "1 2 443 www.example.org."),
        ("CAA", '0 issue "ca.example.net"'),
        ("PTR", "host.example.org."),
        ("NAPTR", '100 50 "s" "http" "" www.example.org.'),
        ("DS", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
        ("TLSA", "3 1 1 " + "ab" * 32),
        ("SSHFP", "2 1 123456789abcdef67890123456789abcdef67890"),
        ("HTTPS", '1 . alpn="h2,h3" ipv4hint="198.51.100.1"'),
        ("SVCB", '16 svc.example.org. mandatory="alpn" alpn="h2" port="8004"'),
        ("HINFO", '"RFC8482" ""'),
        ("TYPE65280", r"\# 4 0a000001"),
    ],
)
def test_every_type_is_read_back(rtype: str, text: str) -> None:
    number = dns.rdatatype.from_text(rtype)
    rdata = dns.rdata.from_text("IN", number, text)
    rrset = RRset(WWW, int(number), 300, (rdata.to_wire(),))
    answer = parse(encode_message(message_of(answer=(rrset,)), 1232)).answer
    assert [(300, number, [rdata])] == [(r.ttl, r.rdtype, list(r)) for r in answer]


@pytest.mark.parametrize(
    ("rtype", "text", "is_compressed"),
    [
        ("NS", "www.example.org.", True),
        ("CNAME", "www.example.org.", True),
        ("PTR", "www.example.org.", True),
        ("MX", "10 www.example.org.", True),
        ("SOA", "www.example.org. www.example.org. 1 2 3 4 5", True),
        ("DNAME", "www.example.org.", False),
        ("SRV", "1 2 3 www.example.org.", False),
        ("NAPTR", '1 2 "" "" "" www.example.org.', False),
        ("SVCB", "1 www.example.org.", False),
    ],
)
def test_only_rdata_of_rfc_1035_is_compressed(
    rtype: str, text: str, *, is_compressed: bool
) -> None:
    number = dns.rdatatype.from_text(rtype)
    rdata = dns.rdata.from_text("IN", number, text).to_wire()
    wire = encode_message(message_of(answer=(RRset(WWW, int(number), 1, (rdata,)),)), 1232)
    length = len(wire) - 33 - 12 - OPT_SIZE
    assert is_compressed == (length < len(rdata))
    assert (rdata in wire) != is_compressed


def test_a_message_beyond_what_pointers_reach_is_read_back() -> None:
    targets = [parse_name(f"host{i}.pool{i % 40}.example.org.") for i in range(1000)]
    sets = tuple(a_set(target, 1, i) for i, target in enumerate(targets))
    wire = encode_message(message_of(answer=(*sets, *reversed(sets))), 65535)
    assert len(wire) > 40_000
    assert 2000 == int.from_bytes(wire[6:8], "big")
    found = parse(wire)
    owners = [parse_name(str(rrset.name)) for rrset in found.answer]
    assert targets == owners  # dnspython puts the repeated ones to the first
    assert [1] * 1000 == [len(rrset) for rrset in found.answer]


@given(st.lists(st.lists(st.sampled_from([b"a", b"A", b"b", b"ab", b"\xff"]), max_size=6)))
def test_any_names_are_read_back_with_equal_labels(names: list[list[bytes]]) -> None:
    buffer = Buffer(bytes(12))
    buffer.offset = 12
    for name in names:
        buffer.encode_name(tuple(name))
    buffer.offset = 12
    for name in names:
        found = buffer.decode_name()
        assert [label.lower() for label in name] == [label.lower() for label in found]


def test_what_was_rewound_is_never_pointed_at() -> None:
    buffer = Buffer(bytes(12))
    buffer.offset = 12
    buffer.encode_name(EXAMPLE)
    start = buffer.offset
    buffer.encode_name(WWW)
    buffer.rewind(start)
    buffer.append(b"\1xx")
    buffer.encode_name(WWW)
    assert b"\3www\xc0\x0c" == bytes(buffer.data[-6:])


def test_a_buffer_notes_where_its_pointers_are_and_forgets_those_rewound() -> None:
    buffer = Buffer()
    buffer.append(bytes(12))
    buffer.encode_name(WWW)
    first = buffer.offset
    buffer.encode_name(WWW)
    second = buffer.offset
    buffer.encode_name((b"other", *EXAMPLE))
    assert [first, second + 6] == buffer.pointers
    buffer.rewind(second)
    assert [first] == buffer.pointers


@pytest.mark.parametrize("limit", range(33 + OPT_SIZE, 33 + OPT_SIZE + 16 * 5 + 1))
def test_a_set_that_does_not_fit_is_left_out_whole_and_tc_is_set(limit: int) -> None:
    sets = (a_set(WWW, 2), a_set(WWW, 3, 2))
    wire = encode_message(message_of(answer=sets, authority=(a_set(EXAMPLE, 1),)), limit)
    found = parse(wire)
    room = limit - 33 - OPT_SIZE
    expected = 5 if room >= 16 * 5 else 2 if room >= 16 * 2 else 0
    assert (expected, 0, 0) == sizes(found)
    assert found.flags & dns.flags.TC
    assert len(wire) <= limit
    assert found.edns == 0


@pytest.mark.parametrize(
    ("room", "expected", "is_cut"),
    [
        (16 * 4, (1, 1, 2), False),
        (16 * 4 - 1, (1, 1, 1), False),  # what is left out is not needed
        (16 * 3, (1, 1, 1), False),
        (16 * 3 - 1, (1, 1, 0), True),  # glue is needed (RFC 9471)
        (16 * 2 - 1, (1, 0, 0), True),
        (15, (0, 0, 0), True),
        (0, (0, 0, 0), True),
    ],
)
def test_glue_is_not_left_out_in_silence_and_other_addresses_are(
    room: int, expected: tuple[int, int, int], *, is_cut: bool
) -> None:
    one = [(a_set(EXAMPLE, 1, i),) for i in range(4)]
    message = message_of(answer=one[0], authority=one[1], glue=one[2], additional=one[3])
    wire = encode_message(message, 33 + OPT_SIZE + room)
    found = parse(wire)
    assert expected == sizes(found)
    assert is_cut == bool(found.flags & dns.flags.TC)
    assert len(wire) <= 33 + OPT_SIZE + room
    assert found.edns == 0


def test_behind_a_set_that_does_not_fit_nothing_is_sent_though_it_would() -> None:
    message = message_of(answer=(a_set(WWW, 5),), authority=(a_set(WWW, 1),))
    assert (0, 0, 0) == sizes(parse(encode_message(message, 33 + OPT_SIZE + 40)))
    message = message_of(glue=(a_set(WWW, 5),), additional=(a_set(WWW, 1),))
    assert (0, 0, 0) == sizes(parse(encode_message(message, 33 + OPT_SIZE + 40)))


def test_no_opt_no_room_for_it() -> None:
    message = Message(1, 0x8400, (WWW, 1, 1), answer=(a_set(WWW, 2),))
    assert 33 + 32 == len(encode_message(message, 33 + 32))
    assert 33 == len(encode_message(message, 33 + 31))


@pytest.mark.parametrize("form", ["!H", "!HHIH"])
def test_reading_beyond_the_end_is_malformed(form: str) -> None:
    with pytest.raises(MalformedError, match="ends inside a record"):
        Buffer(b"\0").read(form)
    with pytest.raises(MalformedError, match="ends inside a record"):
        Buffer(b"\0").read_octets(2)
