"""What `show ip walkup` of GateD lists, and the one line of a static route server."""

from __future__ import annotations

import pytest

from sparrow.rib.route import parse_route
from sparrow.routeserver.gated import WalkReading
from sparrow.routeserver.reading import Nonsense, Outcome, Refusal
from sparrow.routeserver.server import Learnt
from sparrow.routeserver.ssrs import LineReading
from sparrow.values.address import parse_address, parse_prefix


def read(reading: WalkReading | LineReading, *lines: str) -> Outcome:
    for line in lines:
        reading.take(line)
    return reading.finish()


def walk(*lines: str) -> Outcome:
    return read(WalkReading(parse_address("10.1.2.3")), *lines)


def line(*lines: str, address: str = "10.1.2.3") -> Outcome:
    return read(LineReading(parse_address(address)), *lines)


def learnt(prefix: str, path: str | None) -> Learnt:
    return Learnt(parse_prefix(prefix), parse_route(path) if path else None)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("192.0.2.1       (64702) 64602 IGP (Id 5)", "64602"),
        ("192.0.2.1       64602 7 Incomplete (Id 51234)", "64602 7"),
        ("192.0.2.1       (64702 64703) 64602 [7 8] EGP (Id 5)", "64602 7,8"),
        ("192.0.2.1       (64702) IGP (Id 1)", None),
        ("192.0.2.1       IGP (Id 1)", None),
        ("---             (64702) 64602 0f (Id 5)", "64602"),
        ("---             ", None),
        ("64602 IGP (Id 5)", "64602"),
        ("", None),
    ],
)
def test_a_row_has_a_path_between_next_hop_and_origin(tail: str, expected: str | None) -> None:
    assert learnt("10.1.0.0/16", expected) == walk(f"100 BGP       10.1.0.0/16 {tail}")


def test_the_first_row_is_the_longest_match() -> None:
    rows = ("100 BGP       10.1.0.0/16 192.0.2.1       64602 IGP (Id 5)",)
    rows += ("100 BGP        10.0.0.0/8  192.0.2.1       7 IGP (Id 6)",)
    assert learnt("10.1.0.0/16", "64602") == walk(*rows)


def test_a_row_that_is_not_active_is_passed_over() -> None:
    rows = ("100 ---       10.1.0.0/16 ---             ",)
    rows += ("100 BGP        10.0.0.0/8  192.0.2.1       7 IGP (Id 6)",)
    assert learnt("10.0.0.0/8", "7") == walk(*rows)


@pytest.mark.parametrize(
    "words",
    [
        "500 No less specific IP route 10.1.2.3 mask 255.255.255.255",
        "500 No IP route 10.1.2.3 mask 255.255.255.255",
        "100 ---       10.1.0.0/16 ---             ",
    ],
)
def test_no_active_route_is_a_miss(words: str) -> None:
    assert Learnt(None, None) == walk(words)


def test_an_error_of_gated_is_a_refusal() -> None:
    assert Refusal("it answers '500 Syntax error'") == walk("500 Syntax error")


@pytest.mark.parametrize(
    "words",
    [
        "",
        "100 hello",
        "100 BGP       10.2.0.0/16 192.0.2.1       64602 IGP (Id 5)",
        "100 BGP       10.1.0.0/40 192.0.2.1       64602 IGP (Id 5)",
        "100 BGP       10.1.0.0/16 192.0.2.1       64602 x IGP (Id 5)",
        "100 BGP       10.1.0.0/16 192.0.2.1       IGP (Id 5) 64602",
        "100 BGP       10.1.0.0/16 192.0.2.1       [7 8 IGP (Id 5)",
        "100 BGP       10.1.0.0/16 192.0.2.1       what (Id 5)",
        "100 BGP       10.1.0.0/16 (Id 5)",
    ],
)
def test_what_is_no_row_for_the_address_is_nonsense(words: str) -> None:
    assert isinstance(walk(words), Nonsense)


@pytest.mark.parametrize(
    ("answer", "prefix", "path"),
    [
        ("10.1.0.0/16 64600 64601", "10.1.0.0/16", "64600 64601"),
        ("10.1.2.0/25 1_2", "10.1.2.0/25", "1_2"),
        ("10.0.0.0/8 3,4", "10.0.0.0/8", "3,4"),
        ("0.0.0.0/0 64600", "0.0.0.0/0", "64600"),
    ],
)
def test_a_line_of_a_route_file_is_learnt(answer: str, prefix: str, path: str) -> None:
    assert learnt(prefix, path) == line("ns1> 10.1.2.3", answer)


def test_a_line_says_that_there_is_no_route() -> None:
    assert Learnt(None, None) == line("10.1.2.3", "% Network not in table")


def test_a_line_may_be_a_refusal() -> None:
    assert Refusal("it answers '% Unknown command.'") == line("10.1.2.3", "% Unknown command.")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("10.1.2.3",),
        ("% Network not in table",),
        ("10.1.2.4", "% Network not in table"),
        ("10.1.2.3", "10.2.0.0/16 7"),
        ("10.1.2.3", "10.1.0.0/16"),
        ("10.1.2.3", "10.1.0.0/16 x"),
        ("10.1.2.3", "hello"),
        ("10.1.2.3", "2001:db8::/32 7"),
    ],
)
def test_a_line_that_does_not_fit_is_nonsense(lines: tuple[str, ...]) -> None:
    assert isinstance(line(*lines), Nonsense)
