"""Which dump a file is, and what the plain formats give."""

from __future__ import annotations

import bz2
import gzip

import pytest
from entrylist import counts, read_all
from mrtmaking import peer_table, record

from sparrow.errors import InputError
from sparrow.sources.dumps import DumpFormat, detect_format

BGPDUMP = (
    "TABLE_DUMP2|1400824800|B|192.0.2.1|64500|1.0.0.0/24|64500 {8,7} 9|IGP|"
    "192.0.2.1|100|0|1:2|NAG||\n"
)
HEAD = b"   Network          Next Hop            Metric LocPrf Weight Path\n"
SSRS = "1.0.0.0/24 7 8_9 # why\r\n\n192.0.2.1 AS7\nrubbish\n"
PFX2AS = "1.0.0.0 24 7_8\n2001:db8:: 32 9,10\n2001:db8:: 132 9\n"


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (peer_table(), DumpFormat.MRT),
        (record(16, 4, bytes(9)), DumpFormat.MRT),
        (record(12, 1, bytes(9)), DumpFormat.MRT),
        (BGPDUMP.encode(), DumpFormat.BGPDUMP),
        (b"BGP4MP|1|A|192.0.2.1|7|1.0.0.0/8|7|IGP|192.0.2.1|0|0||NAG||\n", DumpFormat.BGPDUMP),
        (b"BGP table version is 0, local router ID is 192.0.2.1\n", DumpFormat.SHOW_BGP),
        (HEAD, DumpFormat.SHOW_BGP),
        (b'{"vrfId": 0, "routes": {', DumpFormat.FRR_JSON),
        (b'frr# show bgp json\n{"ipv4Unicast":{\n "routes": {', DumpFormat.FRR_JSON),
        (b"BIRD 2.0.12 ready.\n", DumpFormat.BIRD),
        (b"Table master4:\n", DumpFormat.BIRD),
        (b"1.0.0.0/24           unicast [up1 2026-06-19] * (100) [AS7i]\n", DumpFormat.BIRD),
        (b"1.0.0.0\t24\t13335\n2001:db8::\t32\t7_8\n", DumpFormat.PFX2AS),
        (b"# a table\n\n1.0.0.0/24 13335\n192.0.2.1 7\n", DumpFormat.SSRS),
        (b"\xef\xbb\xbf1.0.0.0/24 7 8 9\n", DumpFormat.SSRS),
        (b"", None),
        (b"hello world\n", None),
        (bytes(40), None),
    ],
)  # fmt: skip
def test_a_dump_is_known_by_its_beginning(sample: bytes, expected: DumpFormat | None) -> None:
    assert expected == detect_format(sample)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_packing_makes_no_difference(pack: object) -> None:
    assert callable(pack)
    lines, skipped = read_all(pack(BGPDUMP.encode() * 3))
    assert ["1.0.0.0/24 64500 8,7 9 from 192.0.2.1 AS64500 lp=100"] * 3 == lines
    assert ({}, None) == (skipped.counts, skipped.cut_at)


def test_a_format_that_is_named_is_not_guessed() -> None:
    lines, skipped = read_all(b"1.0.0.0 24 7\n", DumpFormat.SSRS)
    assert (["1.0.0.0/32 24 7"], {}) == (lines, counts(skipped))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("BGP4MP|1|A|192.0.2.1|7|1.0.0.0/8|7|IGP", "UPDATE"),
        ("TABLE_DUMP2|1|B|192.0.2.1|7|1.0.0.0/8", "BAD_LINE"),
        ("TABLE_DUMP2|1|B|192.0.2|7|1.0.0.0/8|7|IGP", "BAD_LINE"),
        ("TABLE_DUMP2|1|B|192.0.2.1|x|1.0.0.0/8|7|IGP", "BAD_LINE"),
        ("TABLE_DUMP2|1|B|192.0.2.1|7|1.0.0.0/88|7|IGP", "BAD_LINE"),
        ("TABLE_DUMP2|1|B|192.0.2.1|7|1.0.0.0/8|7 {8|IGP", "BAD_LINE"),
        ("TABLE_DUMP2|1|B|192.0.2.1|7|1.0.0.0/8||IGP", "NO_PATH"),
        ("rubbish", "BAD_LINE"),
        ("x" * 70_000, "BAD_LINE"),
    ],
)
def test_a_line_of_bgpdump_that_is_no_path_is_counted(line: str, reason: str) -> None:
    lines, skipped = read_all(f"{BGPDUMP}{line}\n{BGPDUMP}".encode())
    assert (2, {reason: (1, [2])}) == (len(lines), counts(skipped))


def test_the_old_table_dump_is_read_in_the_text_of_bgpdump_too() -> None:
    text = BGPDUMP.replace("TABLE_DUMP2", "TABLE_DUMP").replace("|100|", "|0|")
    assert ["1.0.0.0/24 64500 8,7 9 from 192.0.2.1 AS64500"] == read_all(text.encode())[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SSRS, ["1.0.0.0/24 7 8_9", "192.0.2.1/32 7"]),
        (PFX2AS, ["1.0.0.0/24 7_8", "2001:db8::/32 9,10"]),
    ],
)
def test_route_files_are_dumps_too_whose_bad_lines_are_counted(
    text: str, expected: list[str]
) -> None:
    lines, skipped = read_all(text.encode())
    assert (expected, ["BAD_LINE"]) == (lines, list(counts(skipped)))


def test_a_cut_text_ends_with_its_last_whole_line() -> None:
    packed = gzip.compress(b"1.0.0.0/24 7\n" * 50_000 + b"2.0.0.0/8 1234567")
    lines, skipped = read_all(packed[:-12])
    assert {"1.0.0.0/24 7"} == set(lines)
    assert skipped.cut_at is not None


def test_what_is_no_dump_is_refused_with_the_formats_that_there_are() -> None:
    with pytest.raises(InputError, match=r"dump: .*\(mrt, bgpdump, show-bgp, frr-json, bird"):
        read_all(b"hello world\n")
