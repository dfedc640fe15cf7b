from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sparrow.errors import InputError
from sparrow.rib.snapshot import SnapshotBuilder
from sparrow.rib.twin import IS_PURE
from sparrow.sources.line import MAX_LINE, MAX_ROUTE, RouteFormat
from sparrow.sources.parse import MAX_ROWS, MAX_TEXT, RouteNumbers, RouteParser

if TYPE_CHECKING:
    from collections.abc import Iterable

SSRS, PFX2AS = RouteFormat.SSRS, RouteFormat.PFX2AS


class Outcome(NamedTuple):
    """What a file came to."""

    table: list[str]
    problems: list[str]
    warnings: list[str]


def parse(
    pieces: Iterable[bytes], route_format: RouteFormat = SSRS, *, is_pure: bool = IS_PURE
) -> Outcome:
    builder = SnapshotBuilder(is_pure=is_pure)
    parser = RouteParser("t", route_format, RouteNumbers(builder), is_pure=is_pure)
    for piece in pieces:
        parser.feed(piece)
    parser.finish()
    built = builder.build()
    return Outcome(
        [f"{prefix} {route}" for prefix, route in built.snapshot.entries()],
        list(map(str, parser.problems)),
        list(map(str, parser.warnings(built.repeats))),
    )


def parse_text(text: str, route_format: RouteFormat = SSRS) -> Outcome:
    return parse([text.encode()], route_format)


def test_everything_that_a_route_file_may_hold_is_read() -> None:
    text = (
        "# routes of the day\n"
        "\n"
        "10.0.0.0/8 64600\r\n"
        "0.0.0.0/0\tAS1\n"
        "::/0 1.10 # the rest\n"
        "  2001:db8::/32   64600 64601\t7_8 {9,10}  \n"
        "192.0.2.1 5\n"
        "2001:db8::1 5"
    )
    expected = [
        "0.0.0.0/0 1",
        "10.0.0.0/8 64600",
        "192.0.2.1/32 5",
        "::/0 65546",
        "2001:db8::/32 64600 64601 7_8 9,10",
        "2001:db8::1/128 5",
    ]
    assert Outcome(expected, [], []) == parse_text(text)


def test_prefix_to_as_table_is_read() -> None:
    text = "10.0.0.0\t8\t64600\n10.1.0.0 16 1_2\n2001:db8::\t32\t1,2\n2001:db8:1::\t48\t1_2,3\n"
    expected = ["10.0.0.0/8 64600", "10.1.0.0/16 1_2", "2001:db8::/32 1,2", "2001:db8:1::/48 1_2_3"]
    assert Outcome(expected, [], []) == parse_text(text, PFX2AS)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("10.0.0.0/33 1", "'10.0.0.0/33': the length behind / must be 0 to 32"),
        ("2001:db8::/129 1", "'2001:db8::/129': the length behind / must be 0 to 128"),
        ("10.0.0.0/-1 1", "'10.0.0.0/-1': the length behind / must be 0 to 32"),
        ("10.0.0.0/ 1", "'10.0.0.0/': the length behind / must be 0 to 32"),
        ("10.0.0.0/8/8 1", "'10.0.0.0/8/8': the length behind / must be 0 to 32"),
        ("10.0.0/8 1", "'10.0.0' is not an IPv4 or IPv6 address"),
        ("010.0.0.0/8 1", "'010.0.0.0' is not an IPv4 or IPv6 address"),
        ("256.0.0.0/8 1", "'256.0.0.0' is not an IPv4 or IPv6 address"),
        ("2001::db8::/32 1", "'2001::db8::' is not an IPv4 or IPv6 address"),
        ("fe80::1%eth0 1", "'fe80::1%eth0' is not an IPv4 or IPv6 address"),
        ("/8 1", "'' is not an IPv4 or IPv6 address"),
        ("10.0.0.0/8", "there is no AS number behind the prefix"),
        ("10.0.0.0/8 AS", "'AS' is not an AS number"),
        ("10.0.0.0/8 4294967296", "'4294967296' is not an AS number"),
        ("10.0.0.0/8 1.65536", "'1.65536' is not an AS number"),
        ("10.0.0.0/8 -1", "'-1' is not an AS number"),
        ("10.0.0.0/8 1__2", "'' is not an AS number"),
        ("10.0.0.0/8 1 x 2", "'x' is not an AS number"),
        ("10.0.0.0/8 1\x0b2", "there is a character that no address and no AS number has"),
        ("10.0.0.0/8 \u0661", "there is a character that no address and no AS number has"),
        ("10.0.0.0/8 1 \x7f", "there is a character that no address and no AS number has"),
        ("\ufeff10.0.0.0/8 1", "there is a character that no address and no AS number has"),
        ("10.0.0.0/8 1\0", "there is a NUL octet"),
        ("1" * 65 + "/8 1", "the first word is too long for a prefix"),
        ("10.0.0.0/8" + " 1" * (MAX_ROUTE // 2 + 1), "the AS path is longer than 4096 characters"),
        ("#" * 9000, "the line is longer than 8192 octets"),
        ("10.0.0.0/8 " + "#" * 200_000, "the line is longer than 8192 octets"),
    ],
)
@pytest.mark.parametrize(
    "around", ["9.0.0.0/8 1\n{}\n11.0.0.0/8 1\n", "# 1\n{}\n# 3\n4.0.0.0/8 1\n"]
)
def test_bad_line_is_reported_with_its_number_reason_and_text(
    around: str, line: str, reason: str
) -> None:
    outcome = parse_text(around.format(line))
    assert 1 == len(outcome.problems)
    assert outcome.problems[0].startswith(f"t:2: {reason}")
    assert f"; the line is {ascii(line[:79])[:-1]}" in outcome.problems[0]
    assert outcome.problems[0].isascii()
    assert outcome.problems[0].isprintable()
    assert len(outcome.problems[0]) < 400


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("is_pure", [False, True], ids=["native", "pure"])
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize("text", [b"10.0.0.0/8 1\n::/0 2\n", b"::/0 2", b"# none\n\n::/0 2\n"])
def test_a_byte_order_mark_at_the_start_stands_for_nothing(
    text: bytes, step: int, *, is_pure: bool
) -> None:
    marked = MARK + text
    pieces = [marked[at : at + step] for at in range(0, len(marked), step)]
    assert parse([text], is_pure=is_pure) == parse(pieces, is_pure=is_pure)
    assert "::/0 2" == parse(pieces, is_pure=is_pure).table[-1]


@pytest.mark.parametrize(
    ("octets", "where"),
    [
        (MARK * 2 + b"10.0.0.0/8 1\n", "t:1"),
        (b"10.0.0.0/8 1\n" + MARK + b"11.0.0.0/8 1\n", "t:2"),
        (MARK[:2], "t:1"),
        (MARK[1:] + b"10.0.0.0/8 1\n", "t:1"),
    ],
)
def test_a_mark_anywhere_else_or_half_of_one_is_refused(octets: bytes, where: str) -> None:
    assert [where] == [problem.partition(": ")[0] for problem in parse([octets]).problems]


def test_a_mark_alone_is_no_route() -> None:
    assert parse([MARK]).problems[0].startswith("t: the file holds no route")


def test_behind_a_mark_a_line_may_be_as_long_as_any() -> None:
    def line(size: int) -> bytes:
        return b"10.0.0.0/8 1 #".ljust(size, b"x")

    pieces = (MARK + line(MAX_LINE) + b"\n", MARK + line(MAX_LINE + 1) + b"\n")
    assert [0, 1] == [len(parse([piece]).problems) for piece in pieces]


def test_a_text_without_end_is_refused() -> None:
    parser = RouteParser("t", SSRS, RouteNumbers(SnapshotBuilder()))
    comments = (b"#".ljust(MAX_LINE, b"x") + b"\n") * 2048
    for _ in range(MAX_TEXT // len(comments)):
        parser.feed(comments)
    with pytest.raises(InputError, match=f"^t: the file is over {MAX_TEXT} octets of text"):
        parser.feed(comments)


def test_rows_without_end_are_refused_all_files_together() -> None:
    numbers = RouteNumbers(SnapshotBuilder())
    rows = b"".join(b"10.%d.%d.0/24 1\n" % (n >> 8, n & 255) for n in range(50_000))
    first, second = RouteParser("a", SSRS, numbers), RouteParser("b", SSRS, numbers)
    for _ in range(MAX_ROWS // 50_000 - 1):
        first.feed(rows)
    first.finish()
    second.feed(rows)
    second.feed(b"# as many as there may be\n::/0 1\n")
    expected = "b:50002: with this file the tables have over 10000000 lines with a prefix: too many"
    with pytest.raises(InputError) as refusal:
        second.feed(b"::/0 1\n")
    assert expected == str(refusal.value)


def test_line_that_is_not_utf8_is_reported() -> None:
    outcome = parse([b"9.0.0.0/8 1\n10.0.0.0/8 1 # \xff\n"])
    expected = r"t:2: this is not UTF-8 text; the line is '10.0.0.0/8 1 # \\xff'"
    assert [expected] == outcome.problems


@pytest.mark.parametrize(
    ("bad", "last"),
    [(20, "t:59: "), (21, "t: and 1 more like these"), (1000, "t: and 980 more like these")],
)
def test_first_twenty_bad_lines_are_shown_and_the_rest_is_counted(bad: int, last: str) -> None:
    problems = parse_text("10.0.0.0/8 1\nx\n\n" * bad).problems
    shown = [f"t:{3 * number + 2}: " for number in range(20)]
    assert shown == [problem[: len(where)] for problem, where in zip(problems, shown, strict=False)]
    assert min(bad, 21) == len(problems)
    assert last == problems[-1][: len(last)]


def test_host_bits_are_cleared_and_reported_once_with_the_first_line() -> None:
    outcome = parse_text("9.0.0.0/8 1\n10.1.2.3/8 1\n2001:db8::1/32 2\n11.0.0.0/8 1\n")
    expected = ["9.0.0.0/8 1", "10.0.0.0/8 1", "11.0.0.0/8 1", "2001:db8::/32 2"]
    warning = (
        "t:2: 2 lines, this one first: "
        "the prefix has bits set behind its length; those were set to zero"
    )
    assert Outcome(expected, [], [warning]) == outcome


def test_last_of_duplicates_counts_and_the_first_one_is_named() -> None:
    text = "# top\n10.0.0.0/8 1\n9.0.0.0/8 1\n\n10.0.0.0/8 2\n::/0 1\n10.9.0.0/8 3\n::/0 1\n"
    outcome = parse_text(text)
    assert ["9.0.0.0/8 1", "10.0.0.0/8 3", "::/0 1"] == outcome.table
    masked = "t:7: the prefix has bits set behind its length; those were set to zero"
    doubled = (
        "t:5: 3 lines, this one first: the prefix stands in this file before; the last line counts"
    )
    assert ([], [masked, doubled]) == (outcome.problems, outcome.warnings)


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n\n#\n", "#"])
def test_file_without_a_route_is_refused(text: str) -> None:
    outcome = parse_text(text)
    assert 1 == len(outcome.problems)
    assert outcome.problems[0].startswith("t: the file holds no route; an empty table would")


@pytest.mark.parametrize(
    ("spare", "expected"), [(0, []), (1, ["t:2: the file ends in the middle"])]
)
def test_last_line_needs_a_newline_from_64_kib_on(spare: int, expected: list[str]) -> None:
    route = b"\n10.0.0.0/8 64600"
    # Comment lines fill the file up to the limit.
    filler = b"#" * 4095 + b"\n"
    head = (filler * 17)[: 64 * 1024 - len(route) + spare]
    octets = head + route
    problems = parse([octets]).problems
    lines = octets.count(b"\n") + 1
    assert 64 * 1024 + spare == len(octets)
    assert [text.replace("t:2:", f"t:{lines}:") for text in expected] == [
        problem[: len(text.replace("t:2:", f"t:{lines}:"))]
        for problem, text in zip(problems, expected, strict=True)
    ]
    assert [] == parse([octets + b"\n"]).problems


def test_prefix_to_as_table_read_as_a_route_file_is_doubted() -> None:
    outcome = parse_text("10.0.0.0\t8\t64600\n11.0.0.0\t8\t64601_7\n12.0.0.0 8 1,2\n")
    rows = ["10.0.0.0/32 8 64600", "11.0.0.0/32 8 64601_7", "12.0.0.0/32 8 1,2"]
    assert (rows, []) == outcome[:2]
    assert ["t: every line is a bare address, a number and an origin"] == [
        warning.partition(", read")[0] for warning in outcome.warnings
    ]


@pytest.mark.parametrize("line", ["11.0.0.0/8 1", "11.0.0.0 8", "11.0.0.0 8 1 2", "11.0.0.0 33 1"])
def test_one_line_that_is_not_of_a_prefix_to_as_table_removes_that_doubt(line: str) -> None:
    assert () == tuple(parse_text(f"10.0.0.0 8 64600\n{line}\n").warnings)


@pytest.mark.parametrize("size", [1, 2, 7, 100, 10_000])
def test_lines_may_be_cut_anywhere_between_pieces(size: int) -> None:
    lines = [f"10.{n // 250}.{n % 250}.0/24 {n}" for n in range(500)]
    octets = ("\r\n".join(lines) + "\r\nbad\r\n" + "y" * 20_000 + "\r\n::/0 1\r\n").encode()
    pieces = [octets[start : start + size] for start in range(0, len(octets), size)]
    assert parse([octets]) == parse(pieces)
    problems = parse(pieces).problems
    assert ["t:501", "t:502"] == [problem[:5] for problem in problems]


def test_line_without_end_is_held_only_up_to_its_limit() -> None:
    builder = SnapshotBuilder()
    parser = RouteParser("t", SSRS, RouteNumbers(builder))
    for _ in range(100):
        parser.feed(b"\0" * 65536)
    parser.feed(b"\n10.0.0.0/8 1\nx")
    parser.feed(b"\n")
    parser.finish()
    assert [1, 3] == [problem.line for problem in parser.problems]
    assert MAX_LINE < 65536


ADDRESSES = st.sampled_from(
    (
        *("10.0.0.0", "10.0.0.1", "0.0.0.0", "255.255.255.255", "1.2.3", "01.2.3.4", "1.2.3.4.5"),
        *("2001:db8::", "::", "::ffff:1.2.3.4", "2001:DB8::1", "x", ""),
    )
)
LENGTHS = st.sampled_from(("0", "8", "24", "32", "33", "128", "129", "08", "+8", "8 ", "", "a"))
TEXTS = st.sampled_from(
    (
        *("1", "007", "64600", "AS7", "1.10", "1_2", "1,2", "{1,2}", "1 2", "1\t2 ", "4294967295"),
        *("4294967296", "99999999999", "x", "", "1/2", "1__2", "1\x0b2", "{1", "1\r"),
    )
)
GOOD = st.tuples(
    st.sampled_from(("10.0.0.0", "0.0.0.0", "128.0.0.0", "10.0.0.1")),
    st.sampled_from(("8", "9", "24", "32")),
    st.sampled_from(("1", "2", "64600", "1_2")),
)


@st.composite
def lines(draw: st.DrawFn, route_format: RouteFormat) -> list[str]:
    """Give lines that are regular, or nearly so: that is where both ways could differ."""
    first, second = draw(
        st.sampled_from(
            [("/", " "), ("/", "\t"), ("/", "  ")]
            if route_format is SSRS
            else [("\t", "\t"), (" ", " ")]
        )
    )
    odd = st.tuples(ADDRESSES, LENGTHS, TEXTS)
    fields = draw(st.lists(st.one_of(GOOD, GOOD, odd), min_size=1, max_size=8))
    texts = [f"{address}{first}{length}{second}{route}" for address, length, route in fields]
    return draw(
        st.permutations([*texts, *draw(st.lists(st.text(" /\t1.:#\r", max_size=9), max_size=1))])
    )


def assert_both_ways_agree(texts: list[str], route_format: RouteFormat) -> None:
    """Parse lines as one block, then each beside a comment, which is never regular."""
    block = "".join(text + "\n" for text in texts).encode()
    alone = [f"{text}\n#\n".encode() for text in texts]
    at_once, one_by_one = parse([block], route_format), parse(alone, route_format)
    numbered = one_by_one.table, *map(_halve_lines, one_by_one[1:])
    assert tuple(at_once) == numbered


def _halve_lines(messages: list[str]) -> list[str]:
    """Turn line numbers of a file with a comment behind each line into those without."""
    parts = [message.split(":", 2) for message in messages]
    return [
        f"{file}:{(int(number) + 1) // 2}:{rest[0]}" if number.isdigit() else message
        for message, (file, number, *rest) in zip(messages, parts, strict=True)
    ]


@given(lines(SSRS))
@example(["10.0.0.0/ 24 1", "10.0.0.0/8 1"])
@example(["10.0.0.0/8 1", "10.0.0.0/8", "1 10.0.0.0/8 2"])
def test_route_lines_are_judged_alike_in_a_block_and_alone(texts: list[str]) -> None:
    assert_both_ways_agree(texts, SSRS)


@given(lines(PFX2AS))
@example(["1.0.0.0\t24", "13335\t1.0.4.0\t24\t38803"])
def test_table_lines_are_judged_alike_in_a_block_and_alone(texts: list[str]) -> None:
    assert_both_ways_agree(texts, PFX2AS)


@given(st.binary(max_size=200), st.sampled_from(RouteFormat))
def test_any_octets_give_a_table_or_problems(octets: bytes, route_format: RouteFormat) -> None:
    outcome = parse([octets], route_format)
    assert bool(outcome.problems) or bool(outcome.table)
