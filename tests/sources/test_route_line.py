from __future__ import annotations

import pytest

from sparrow.errors import InputError
from sparrow.rib.route import parse_route
from sparrow.sources.line import (
    MAX_LINE,
    RouteFormat,
    render_route_line,
    show_line,
    split_columns,
    split_line,
)
from sparrow.values.address import parse_prefix

SSRS, PFX2AS = RouteFormat.SSRS, RouteFormat.PFX2AS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"10.0.0.0/8 64600", ("10.0.0.0/8", "64600")),
        (b" \t2001:db8::/32\t\tAS1  1.10 ", ("2001:db8::/32", "AS1 1.10")),
        (b"10.0.0.1 7 # a router", ("10.0.0.1", "7")),
        (b"10.0.0.1 7#x\r", ("10.0.0.1", "7")),
        (b"10.0.0.1", ("10.0.0.1", "")),
        (b"# caf\xc3\xa9 \x07 10.0.0.0/8 1", None),
        (b" \t \r", None),
        (b"", None),
    ],
)
def test_line_of_a_route_server_is_split(line: bytes, expected: tuple[str, str] | None) -> None:
    assert expected == split_line(line, SSRS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"10.0.0.0\t8\t64600", ("10.0.0.0/8", "64600")),
        (b"2001:db8:: 32  1_2 \r", ("2001:db8::/32", "1_2")),
        (b"# all", None),
    ],
)
def test_line_of_a_prefix_to_as_table_is_split(
    line: bytes, expected: tuple[str, str] | None
) -> None:
    assert expected == split_line(line, PFX2AS)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"10.0.0.0 8", "expected three words: address, length, origin AS"),
        (b"10.0.0.0 8 1 2", "expected three words"),
        (b"10.0.0.0/8 8 1", "expected three words"),
        (b"10.0.0.0\x0b8 1", "there is a character that no address"),
        (b"10.0.0.0\xc2\xa08 1", "there is a character that no address"),
        (b"# \xff", "this is not UTF-8 text"),
        (b"# \0", "there is a NUL octet"),
        (b"#" * (MAX_LINE + 1), "longer than 8192 octets"),
        (b"1" * 65 + b" 8 1", "too long for a prefix"),
    ],
)
def test_line_that_cannot_be_split_says_why(line: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split_line(line, PFX2AS)


def test_longest_line_is_taken_with_either_ending() -> None:
    line = b"#" * MAX_LINE
    assert None is split_line(line, SSRS)
    assert None is split_line(line + b"\r", SSRS)


@pytest.mark.parametrize(
    ("block", "route_format", "expected"),
    [
        (b"1.0.0.0/8 7\n2.0.0.0/8 8\n", SSRS, [("1.0.0.0", "8", "7"), ("2.0.0.0", "8", "8")]),
        (b"1.0.0.0/8\t7\r\n", SSRS, [("1.0.0.0", "8", "7")]),
        (b"1.0.0.0/8 7 8\n::/0\t\t9\n", SSRS, [("1.0.0.0", "8", "7 8"), ("::", "0", "9")]),
        (
            b"1.0.0.0\t8\t7\n2.0.0.0\t8\t1_2\n",
            PFX2AS,
            [("1.0.0.0", "8", "7"), ("2.0.0.0", "8", "1_2")],
        ),
        (b"1.0.0.0 8 7\n", PFX2AS, [("1.0.0.0", "8", "7")]),
        (b"1.0.0.0/ 24 7\n", SSRS, [("1.0.0.0", "", "24 7")]),
    ],
)
def test_regular_lines_become_columns(
    block: bytes, route_format: RouteFormat, expected: list[tuple[str, str, str]]
) -> None:
    columns = split_columns(block, route_format)
    assert columns is not None
    assert expected == list(zip(*columns, strict=True))


@pytest.mark.parametrize(
    ("block", "route_format"),
    [
        (b"1.0.0.0 24\n13335 1.0.4.0 24 38803\n", PFX2AS),
        (b"1.0.0.0  24\n13335 1.0.4.0 24 \n", PFX2AS),
        (b"1.0.0.0/8\n1 2.0.0.0/8 3\n", SSRS),
        (b"1.0.0.0 1/2 3\n", SSRS),
        (b"/8 1\n", SSRS),
        (b"1.0.0.0/ 24\n7/1.0.4.0 24\n", SSRS),
        (b"1.0.0.0 7\n", SSRS),
        (b"1.0.0.0/8 7\n\n", SSRS),
        (b"1.0.0.0/8 7 # x\n", SSRS),
        (b"1.0.0.0/8\x0b7\n", SSRS),
        (b"1.0.0.0/8 7\r\r\n", SSRS),
        (b"1.0.0.0/8 7\xc2\xa0\n", SSRS),
        (b"1.0.0.0/8 7 \0\n", SSRS),
        (b"1.0.0.0/8 7" + b" " * MAX_LINE + b"8\n", SSRS),
    ],
)
def test_odd_lines_are_left_to_the_careful_way(block: bytes, route_format: RouteFormat) -> None:
    assert None is split_columns(block, route_format)


def test_bad_line_is_shown_in_plain_ascii_and_capped() -> None:
    assert r"'caf\xe9 \x1b[2J\x00 \\xff'" == show_line(b"caf\xc3\xa9 \x1b[2J\0 \xff")
    assert 80 + 4 == len(show_line(b"\x01" * 1000))
    assert "'" + "x" * 79 + "...'" == show_line(b"x" * 81)


def test_route_line_is_rendered_as_the_route_server_writes_it() -> None:
    line = "212.124.87.0/24 1234"
    prefix, route = line.split()
    assert line == render_route_line(parse_prefix(prefix), parse_route(route))
    path = render_route_line(parse_prefix("2001:db8::/32"), parse_route("AS1  1.10 {3,4}"))
    assert "2001:db8::/32 1 65546 3,4" == path
