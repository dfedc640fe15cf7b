"""Master files against the RFCs, against BIND and NSD, and against noise."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparrow.dns.rrset import RRType
from sparrow.dns.zonecheck import ZoneSource, build_zone
from sparrow.dns.zonefile import MAX_DEPTH, Record, parse_zone
from sparrow.errors import MAX_PROBLEMS, InputError, Problem
from sparrow.values.name import Name, decode_name, parse_name, render_name

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = parse_name("example.org.")
ZONES = Path(__file__).parent / "zones"
HEAD = "$TTL 1h\n"


def no_files(path: str) -> str:
    raise InputError([Problem("there is no such file", path)])


def records_of(text: str, files: dict[str, str] | None = None) -> tuple[Record, ...]:
    def load_text(path: str) -> str:
        return files[path] if files and path in files else no_files(path)

    return parse_zone(text, ORIGIN, "z", load_text).records


def problems_of(text: str, files: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        records_of(text, files)
    return [str(problem) for problem in caught.value.problems]


def owners_of(text: str, files: dict[str, str] | None = None) -> list[str]:
    return [render_name(record.owner) for record in records_of(text, files)]


def rdata_of(text: str) -> bytes:
    (record,) = records_of(HEAD + text)
    return record.rdata


# Entries


def test_a_record_knows_its_file_and_the_line_on_which_it_starts() -> None:
    text = "; first\n\n$TTL 60\n@ TXT (\n  a ; one\n  b )\n\nb A 192.0.2.1\n"
    assert [
        Record(ORIGIN, RRType.TXT, 60, b"\x01a\x01b", "z", 4),
        Record((b"b", *ORIGIN), RRType.A, 60, bytes((192, 0, 2, 1)), "z", 8),
    ] == list(records_of(text))


@pytest.mark.parametrize(
    ("written", "owner"),
    [
        ("a", "a.example.org."),
        ("A.B", "a.b.example.org."),
        ("a.example.net.", "a.example.net."),
        ("@", "example.org."),
        (r"\@", r"\@.example.org."),
        (r"a\.b", r"a\.b.example.org."),
        (r"a\032b", r"a\032b.example.org."),
        (r"a\ b", r"a\032b.example.org."),
        (r"a\;b", r"a\;b.example.org."),
        ("*", "*.example.org."),
        ("é", r"\195\169.example.org."),
        (".", "."),
        ("IN", "in.example.org."),
        ("300", "300.example.org."),
    ],
)
def test_owner_names(written: str, owner: str) -> None:
    assert [owner] == owners_of(f"{HEAD}{written} A 192.0.2.1")


def test_a_line_that_starts_with_a_blank_has_the_owner_above() -> None:
    text = f"{HEAD}a A 192.0.2.1\n\tAAAA ::1\n ; comment\n   \n TXT b\n"
    assert ["a.example.org."] * 3 == owners_of(text)


def test_a_line_that_starts_with_a_parenthesis_has_an_owner() -> None:
    assert ["a.example.org."] == owners_of(f"{HEAD}( a\nA\n192.0.2.1 )")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_end_with_lf_or_crlf(end: str) -> None:
    text = f'{HEAD}a TXT ( "x"\n "y" )\n  A 192.0.2.1\nb A 192.0.2.2'
    assert records_of(text) == records_of(text.replace("\n", end))


@pytest.mark.parametrize(
    ("header", "ttl"),
    [
        ("A", 3600),
        ("IN A", 3600),
        ("in a", 3600),
        ("CLASS1 TYPE1", 3600),
        ("5 A", 5),
        ("5 IN A", 5),
        ("IN 5 A", 5),
        ("1h30m A", 5400),
        ("1W2D3H4M5S A", 788645),
        ("0 A", 0),
        ("2147483647 A", 2147483647),
    ],
)
def test_ttl_and_class_stand_in_either_order_or_not_at_all(header: str, ttl: int) -> None:
    (record,) = records_of(f"{HEAD}a {header} 192.0.2.1")
    assert (RRType.A, ttl) == (record.rtype, record.ttl)


# Default TTLs (RFC 2308 section 4, RFC 1035 section 5.1)


SOA = "@ {ttl} SOA ns host 1 2 3 4 300\n"


@pytest.mark.parametrize(
    ("text", "ttls"),
    [
        ("$TTL 7\na A 192.0.2.1\nb 9 A 192.0.2.1\nc A 192.0.2.1\n", [7, 9, 7]),
        ("$TTL 7\na A 192.0.2.1\n$TTL 8\nb A 192.0.2.1\n", [7, 8]),
        ("a 9 A 192.0.2.1\nb A 192.0.2.1\nc 5 A 192.0.2.1\nd A 192.0.2.1\n", [9, 9, 5, 5]),
        (SOA.format(ttl="") + "a 9 A 192.0.2.1\nb A 192.0.2.1\n", [300, 9, 300]),
        (SOA.format(ttl="60") + "a A 192.0.2.1\n", [60, 60]),
        ("a 9 A 192.0.2.1\n$TTL 7\nb A 192.0.2.1\n", [9, 7]),
    ],
)
def test_a_record_without_ttl_takes_the_default(text: str, ttls: list[int]) -> None:
    assert ttls == [record.ttl for record in records_of(text)]


def test_a_soa_minimum_in_place_of_a_ttl_is_warned_about() -> None:
    parsed = parse_zone(f"\n{SOA.format(ttl='')}", ORIGIN, "z", no_files)
    (warning,) = parsed.warnings
    what = "there is no $TTL, so the SOA's minimum of 300 s stands for it"
    assert f"z:2: {what}: write $TTL above the SOA" == str(warning)


def test_the_ttl_of_an_included_file_holds_after_it() -> None:
    text = "$TTL 1\na A 192.0.2.1\n$INCLUDE i\nc A 192.0.2.1\n"
    found = records_of(text, {"i": "$TTL 2\nb A 192.0.2.1\n"})
    assert [1, 2, 2] == [record.ttl for record in found]


# Rdata


@pytest.mark.parametrize(
    ("text", "rdata"),
    [
        ("A 192.0.2.1", b"\xc0\x00\x02\x01"),
        ("AAAA 2001:DB8::1", bytes.fromhex("20010db8000000000000000000000001")),
        ("AAAA ::ffff:192.0.2.1", bytes.fromhex("00000000000000000000ffffc0000201")),
        ("NS Ns.Example.NET.", b"\x02Ns\x07Example\x03NET\x00"),
        ("CNAME Www", b"\x03Www\x07example\x03org\x00"),
        ("CNAME @", b"\x07example\x03org\x00"),
        (r"CNAME a\.b\200.", b"\x04a.b\xc8\x00"),
        ("CNAME é.", b"\x02\xc3\xa9\x00"),
        ("MX 10 .", b"\x00\x0a\x00"),
        (r'TXT "a b" c\009d "" é \\é', b"\x03a b\x03c\x09d\x00\x02\xc3\xa9\x03\\\xc3\xa9"),
        ('TXT "a;(b" "c\\"d"', b'\x04a;(b\x03c"d'),
        ('TXT "a""b"', b"\x01a\x01b"),
        (r"HINFO \200 é", b"\x01\xc8\x02\xc3\xa9"),
        ("SRV 1 2 3 .", b"\0\1\0\2\0\3\0"),
        (r"A \# 4 C0000201", b"\xc0\x00\x02\x01"),
        (r"TYPE65280 \# 4 0A0000 01", b"\x0a\x00\x00\x01"),
        (r"TYPE65280 \# 0", b""),
        (r"type16 \# 2 0161", b"\x01a"),
        ('HTTPS 1 . alpn="h2,h3"', b"\0\1\0\0\1\0\6\2h2\2h3"),
    ],
)
def test_rdata_becomes_wire_octets(text: str, rdata: bytes) -> None:
    assert rdata == rdata_of(f"a {text}")


# Directives


def test_origin_is_relative_to_the_one_before() -> None:
    text = f"{HEAD}$ORIGIN sub\na A 192.0.2.1\n$origin Other.Example.ORG.\na A 192.0.2.1\n"
    assert ["a.sub.example.org.", "a.other.example.org."] == owners_of(text)


def test_include_has_its_own_origin_and_owner_and_gives_back_both() -> None:
    text = f"{HEAD}a A 192.0.2.1\n$INCLUDE d/one sub\n A 192.0.2.4\nb A 192.0.2.5\n"
    files = {
        "d/one": ' A 192.0.2.2\nx A 192.0.2.3\n$ORIGIN y\n$INCLUDE "t\\"wo"\n',
        'd/t"wo': "z A 192.0.2.6",
    }
    assert [
        ("a.example.org.", "z", 2),
        ("a.example.org.", "d/one", 1),
        ("x.sub.example.org.", "d/one", 2),
        ("z.y.sub.example.org.", 'd/t"wo', 1),
        ("a.example.org.", "z", 4),
        ("b.example.org.", "z", 5),
    ] == [(render_name(r.owner), r.file, r.line) for r in records_of(text, files)]


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("1-3 a$ A 192.0.2.$", ["a1", "a2", "a3"]),
        ("0-9/4 a$ A 192.0.2.1", ["a0", "a4", "a8"]),
        ("5-5 a${1} 7 IN A 192.0.2.$", ["a6"]),
        ("5-5 a${-7} IN 7 A 192.0.2.$", ["a-2"]),
        ("5-5 a${0,3} CLASS1 A 192.0.2.$", ["a005"]),
        ("5-5 a${-7,4} A 192.0.2.$", ["a-002"]),
        ("254-254 a${0,4,x} A 192.0.2.$", ["a00fe"]),
        ("8-8 a${0,0,o} A 192.0.2.$", ["a10"]),
        ("254-254 ${0,4,n}x A 192.0.2.$", ["e.f.x"]),
        ("254-254 ${0,7,N} A 192.0.2.$", ["e.f.0.0"]),
        ("16-16 ${0,0,n} A 192.0.2.$", ["0.1"]),
        (r"5-5 a$$\$ A 192.0.2.$", [r"a\$\$"]),
        ("5-5 ${1}-$-${0}-$ A 192.0.2.1", ["6-6-5-5"]),
    ],
)
def test_generate_makes_owners(line: str, made: list[str]) -> None:
    owners = owners_of(f"{HEAD}$GENERATE {line}")
    assert [f"{name}.example.org." for name in made] == owners


def test_generate_makes_rdata_of_several_words_and_keeps_ttl_and_line() -> None:
    (record,) = records_of(f'{HEAD}$GENERATE 7-7 @ 5 MX "1$ mx${{0,2}}" ; comment')
    rdata = b"\x00\x11\x04mx07\x07example\x03org\x00"
    assert Record(ORIGIN, RRType.MX, 5, rdata, "z", 2) == record


def test_generate_leaves_the_owner_of_the_next_line_alone() -> None:
    text = f"{HEAD}a A 192.0.2.1\n$GENERATE 1-1 g A 192.0.2.1\n TXT x"
    assert ["a.example.org.", "g.example.org.", "a.example.org."] == owners_of(text)


# Refusals


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("a", "there is no record type: write owner, TTL, IN, type, rdata"),
        ("a IN 5", "there is no record type: write owner, TTL, IN, type, rdata"),
        (
            "a FOO b",
            "'FOO' is not a record type: write its mnemonic, or TYPE and its number",
        ),
        ("a TYPE65536 \\# 0", "'TYPE65536' is not a record type: write its mnemonic, or "),
        ("a CH TXT b", "class CH is not served: zones are of class IN, which may be left out"),
        ("a CLASS3 TXT b", "class CLASS3 is not served"),
        ("a IN IN A 192.0.2.1", "'IN' is not a record type"),
        ("a 1 2 A 192.0.2.1", "'2' is not a record type"),
        ("a 1h30 A 192.0.2.1", "'1h30' is not a record type"),
        ("a 2147483648 A 192.0.2.1", "a TTL of 2147483648 s is too long: at most 2147483647"),
        ("a 9999999999w A 192.0.2.1", "a TTL of 6047999999395200 s is too long"),
        ("a IN ANY b", "'ANY' is a type for queries and messages: a zone cannot hold it"),
        ("a AXFR b", "'AXFR' is a type for queries"),
        ("a OPT b", "'OPT' is a type for queries"),
        ("a TSIG b", "'TSIG' is a type for queries"),
        ("a TYPE0 \\# 0", "'TYPE0' is a type for queries"),
        ("a TYPE200 \\# 0", "'TYPE200' is a type for queries"),
        ("a RRSIG b", "RRSIG records are made by signing, and sparrow does not sign or serve "),
        ("a nsec b", "NSEC records are made by signing"),
        ("a NSEC3 b", "NSEC3 records are made by signing"),
        ("a NSEC3PARAM 1 0 0 -", "NSEC3PARAM records are made by signing"),
        ("a A 192.0.2", "A '192.0.2' is refused (Text input is malformed): behind A stands an "),
        ("a A 192.0.2.01", "A '192.0.2.01' is refused"),
        ("a A", "A '' is refused"),
        ("a A 192.0.2.1 x", "A '192.0.2.1 x' is refused"),
        ("a MX mail", "MX 'mail' is refused (expecting an integer): behind MX stands a preference"),
        ("a TXT " + "b" * 256, "TXT 'bbb"),
        ("a TXT", "TXT '' is refused"),
        ("a CNAME b..c", "CNAME 'b..c' is refused (A DNS label is empty): behind CNAME stands one"),
        ("a TYPE65280 1.2.3.4", "TYPE65280 '1.2.3.4' is refused"),
        ("a TYPE65280 \\# 2 00", "TYPE65280 '\\\\# 2 00' is refused"),
        ("a..b A 192.0.2.1", "'a..b' is not a domain name: it has an empty label"),
        (f"{'a' * 64} A 192.0.2.1", f"'{'a' * 64}' is not a domain name: a label is over 63"),
        ('"a" A 192.0.2.1', "the owner name stands in quotes: write it without them"),
        ('a TXT "b', 'a quoted string is not closed: write the second " on the same line'),
        ("a TXT b\\", "the line ends with a backslash: write \\\\ for a backslash"),
        ("a TXT b )", "there is a ) without a ( before it"),
        ("a TXT ( b", "the ( that stands here is never closed: write ) behind the record"),
        ("$DATE 1", "$DATE is not a directive: there are $ORIGIN, $TTL, $INCLUDE and $GENERATE"),
        (" $TTL 1", "the line starts with a blank, but no record above it has an owner"),
        ("$TTL", "$TTL takes one word, such as $ORIGIN example.org. or $TTL 1h"),
        ("$TTL 1 2", "$TTL takes one word"),
        ("$TTL soon", "$TTL takes one time, such as $TTL 3600 or $TTL 1h30m"),
        ("$TTL 2147483648", "a TTL of 2147483648 s is too long"),
        ("$ORIGIN", "$ORIGIN takes one word"),
        ("$ORIGIN a..b", "'a..b' is not a domain name"),
        ("$INCLUDE", "$INCLUDE takes a file, and behind it an origin if it has its own"),
        ("$INCLUDE a b c", "$INCLUDE takes a file"),
        ("$INCLUDE gone", "gone: there is no such file"),
        ("$INCLUDE ./z", "$INCLUDE z: the file includes itself (z)"),
        ("$GENERATE", "$GENERATE: '' is not a range: write start-stop or start-stop/step"),
        ("$GENERATE 3-1 a A 192.0.2.1", "$GENERATE: '3-1' is not a range"),
        ("$GENERATE 1-3/0 a A 192.0.2.1", "$GENERATE: '1-3/0' is not a range"),
        ("$GENERATE 1-9999999999 a A 192.0.2.1", "$GENERATE: '1-9999999999' is not a range"),
        ("$GENERATE 0-100000 a$ A 192.0.2.1", "$GENERATE: the range 0-100000 makes 100001 "),
        ("$GENERATE 1-2 a${1 A 192.0.2.1", "$GENERATE: ${1 is not understood: write ${offset,wid"),
        ("$GENERATE 1-2 a${1,2,q} A 192.0.2.1", "$GENERATE: ${1,2,q} is not understood"),
        ("$GENERATE 1-2 a${1,128} A 192.0.2.1", "$GENERATE: ${1,128} is not understood"),
        ("$GENERATE 1-2 a${-2,0,x} A 192.0.2.1", "$GENERATE: 1 with offset -2 is negative"),
        ("$GENERATE 1-2 a A", "$GENERATE takes a range, an owner, a type and one word of rdata"),
        ("$GENERATE 1-2 a MX 10 b", "$GENERATE takes a range"),
        ("$GENERATE 255-257 a A 192.0.2.$", "A '192.0.2.256' is refused"),
    ],
)
def test_a_refusal_says_where_and_why(line: str, what: str) -> None:
    (problem,) = problems_of(f"{HEAD}\n{line}\n")
    assert f"z:3: {what}" == problem[: len(what) + 5]


def test_a_refused_line_hides_no_other() -> None:
    lines = ["a A x", "$FOO", "b FOO", "c A 192.0.2.1 )", 'd TXT "', "e TXT x", "$INCLUDE f", "g"]
    problems = problems_of(HEAD + "\n".join(lines))
    assert [2, 3, 4, 5, 6, 8, 9] == [int(problem.split(":")[1]) for problem in problems]


def test_the_first_record_needs_an_owner_and_a_ttl() -> None:
    assert [
        "z:1: the line starts with a blank, but no record above it has an owner",
        "z:2: the record has no TTL: write $TTL above it, such as $TTL 1h",
    ] == problems_of(" A 192.0.2.1\na A 192.0.2.1\nb 5 A 192.0.2.1\nc A 192.0.2.1\n")


def test_an_rdata_longer_than_a_record_can_be_is_refused() -> None:
    (problem,) = problems_of(f"{HEAD}a TXT {'abcdefghi ' * 6554}")
    assert "it is over 65535 octets long" in problem


def test_a_fault_inside_parentheses_ends_with_them() -> None:
    assert [
        'z:2: a quoted string is not closed: write the second " on the same line',
        "z:5: 'BAR' is not a record type: write its mnemonic, or TYPE and its number",
    ] == problems_of(f'{HEAD}a TXT ( "b\n c )\nd A 192.0.2.1\ne BAR\n')


def test_the_first_problems_are_shown_and_the_rest_are_counted() -> None:
    problems = problems_of(HEAD + "a A b\n" * (MAX_PROBLEMS + 5))
    assert MAX_PROBLEMS + 1 == len(problems)
    assert "z: and 5 more like these" == problems[-1]


def test_problems_of_included_files_have_their_own_place() -> None:
    text = f"{HEAD}$INCLUDE i\nb A x\n"
    assert ["i:2", "z:3"] == [p.split(": ")[0] for p in problems_of(text, {"i": "\na A x\n"})]


def test_files_that_include_each_other_are_refused() -> None:
    files = {"d/a": "$INCLUDE b", "d/b": "$INCLUDE ../d/a"}
    assert ["d/b:1: $INCLUDE d/a: the file includes itself (z > d/a > d/b)"] == problems_of(
        "$INCLUDE d/a", files
    )


def test_includes_have_a_greatest_depth() -> None:
    files = {f"f{number}": f"$INCLUDE f{number + 1}" for number in range(MAX_DEPTH + 1)}
    (problem,) = problems_of("$INCLUDE f0", files)
    what = f"at most {MAX_DEPTH} files may include each other"
    assert f"f{MAX_DEPTH - 1}:1: $INCLUDE f{MAX_DEPTH}: {what}" == problem


# Peers


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    """Copy the zones to where a peer may run; it opens $INCLUDE from its working directory."""
    shutil.copytree(ZONES, tmp_path, dirs_exist_ok=True)
    shutil.copy(ZONES / "inc" / "two.inc", tmp_path)
    return tmp_path


def ours(path: Path) -> set[tuple[Name, int, int, bytes]]:
    def load_text(name: str) -> str:
        return Path(name).read_text("utf-8")

    parsed = parse_zone(load_text(str(path)), ORIGIN, str(path), load_text)
    return {(each.owner, each.rtype, each.ttl, each.rdata) for each in parsed.records}


def decode_raw(octets: bytes) -> set[tuple[Name, int, int, bytes]]:
    """Read BIND's raw zone format, version 1: sets of rdata in wire form."""
    found = set()
    offset = 24
    while offset < len(octets):
        _, _, rtype, _, ttl, count = struct.unpack_from("!IHHHII", octets, offset)
        owner, offset = decode_name(octets, offset + 20)
        for _ in range(count):
            (length,) = struct.unpack_from("!H", octets, offset)
            found.add((owner, rtype, ttl, octets[offset + 2 : offset + 2 + length]))
            offset += 2 + length
    return found


@pytest.mark.parametrize("zone", ["types.zone", "directives.zone"])
def test_named_compilezone_reads_the_same_octets(
    zones: Path, zone: str, needs: Callable[[str], str]
) -> None:
    program = needs("named-compilezone")
    lenient = [word for flag in "iknmr" for word in (f"-{flag}", "none" if flag == "i" else "warn")]
    command = [program, *lenient, "-F", "raw=1", "-o", "out", "example.org", zone]
    done = run(command, zones)
    assert 0 == done.returncode, done.stdout
    assert decode_raw((zones / "out").read_bytes()) == ours(zones / zone)


def test_nsd_checkzone_reads_the_same_records(zones: Path, needs: Callable[[str], str]) -> None:
    program = needs("nsd-checkzone")
    command = [program, "-p", "example.org", "types.zone"]
    done = run(command, zones)
    assert 0 == done.returncode, done.stderr
    (zones / "printed").write_text(done.stdout)
    # NSD writes every name in lower case.
    expected, actual = (
        {(owner, rtype, ttl, rdata.lower()) for owner, rtype, ttl, rdata in records}
        for records in (ours(zones / "printed"), ours(zones / "types.zone"))
    )
    assert expected == actual


# Noise


GOOD = (ZONES / "types.zone").read_text("utf-8") + (
    "$GENERATE 1-9/4 g${0,3}-${-2,4,d} 77 TXT host${1,2,x}\n$INCLUDE inc sub\n$ORIGIN a\n"
)
SPLICES = st.tuples(
    st.integers(0, len(GOOD)),
    st.integers(0, 9),
    st.one_of(st.text(max_size=4), st.sampled_from(['"', "\\", "(", ")", ";", "$", "\n", "\n "])),
)


def check(text: str) -> None:
    try:
        parsed = parse_zone(text, ORIGIN, "z", lambda _: "x A 192.0.2.1")
        build_zone(ZoneSource(ORIGIN, parsed.records, ("config", 1)))
    except InputError:
        return


@settings(deadline=None, max_examples=150)
@given(st.lists(SPLICES, min_size=1, max_size=6))
def test_a_mutated_zone_is_read_or_refused(splices: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for place, cut, insert in splices:
        text = text[:place] + insert + text[place + cut :]
    check(text)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([line for line in GOOD.split("\n") if line]),
    st.lists(SPLICES, min_size=1, max_size=3),
)
def test_a_mutated_line_is_read_or_refused(line: str, splices: list[tuple[int, int, str]]) -> None:
    for place, cut, insert in splices:
        start = place % (len(line) + 1)
        line = line[:start] + insert + line[start + cut :]
    check(f"$TTL 5\n@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.1\n{line}")


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    check(text)
