"""Tables of measured round-trip times: what is read and what is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import MAX_PROBLEMS, InputError
from sparrow.sources.rtt import RttTable, parse_rtts
from sparrow.values.address import parse_prefix

SITES = ("au", "nl")


def problems_of(*lines: str) -> list[tuple[int | None, str]]:
    with pytest.raises(InputError) as caught:
        parse_rtts(lines, "r.csv", SITES)
    assert {"r.csv"} == {problem.file for problem in caught.value.problems}
    return [(problem.line, problem.what) for problem in caught.value.problems]


def test_prefixes_and_as_numbers_have_their_times_by_site() -> None:
    lines = [
        "clients,site,milliseconds",
        "# measured by hand",
        "",
        "192.0.2.0/24,nl,12.5",
        "  192.0.2.0/24 , au , 280\n",
        "2001:db8::/32,au,0",
        "::1,nl,60000",
        "192.0.2.1,nl,7",
        "64600,nl,3",
        "AS1.10,au,4",
    ]
    assert RttTable(
        SITES,
        {
            parse_prefix("192.0.2.0/24"): (280.0, 12.5),
            parse_prefix("2001:db8::/32"): (0.0, None),
            parse_prefix("::1/128"): (None, 60000.0),
            parse_prefix("192.0.2.1/32"): (None, 7.0),
        },
        {64600: (None, 3.0), 65546: (4.0, None)},
    ) == parse_rtts(lines, "r.csv", SITES)


@pytest.mark.parametrize("lines", [(), ("prefix,site,rtt",), ("# 64600,nl,3", "")])
def test_a_table_without_a_time_is_refused(lines: tuple[str, ...]) -> None:
    ((line, what),) = problems_of(*lines)
    assert (None, True) == (line, what.startswith("the file holds no time; an empty table"))


WRONG = [
    ("192.0.2.0/24,nl", "write `PREFIX or ASN, SITE, MILLISECONDS`, such as 192.0.2.0/24,nl,12.5"),
    ("192.0.2.0/24,nl,1,2", "write `PREFIX or ASN, SITE, MILLISECONDS`"),
    ("192.0.2.1/24,nl,1", "has bits set behind /24; the block is 192.0.2.0/24"),
    ("192.0.2/24,nl,1", "is not an IPv4 or IPv6 address"),
    ("ASx,nl,1", "'ASx' is not an AS number"),
    ("4294967296,nl,1", "is not an AS number"),
    ("64600,n1,1", "there is no site 'n1': did you mean 'nl'? the sites are au, nl"),
    ("64600,nl,-1", "'-1' is no time: write milliseconds, 0 to 60000"),
    ("64600,nl,60000.1", "'60000.1' is no time"),
    ("64600,nl,nan", "'nan' is no time"),
    ("64600,nl,1e3", "'1e3' is no time"),
    ("64600,nl,", "'' is no time"),
]


@pytest.mark.parametrize(("line", "what"), WRONG)
def test_a_wrong_line_is_named(line: str, what: str) -> None:
    ((number, message),) = problems_of("# a comment", line)
    assert 2 == number
    assert what in message


def test_the_names_of_columns_stand_in_the_first_line_alone() -> None:
    ((number, _),) = problems_of("64600,nl,1", "clients,site,time")
    assert 2 == number


def test_two_times_for_one_are_refused() -> None:
    lines = ("64600,nl,1", "AS64600,au,2", "AS64600,nl,1")
    assert [(3, "AS64600 has a time to 'nl' already: keep one")] == problems_of(*lines)


def test_all_that_is_wrong_is_told_at_once_but_not_without_end() -> None:
    found = problems_of("1,nl,1", *["1,mars,1"] * (MAX_PROBLEMS + 5))
    assert list(range(2, MAX_PROBLEMS + 2)) == [number for number, _ in found[:-1]]
    assert (None, "and 5 more like these") == found[-1]


@given(st.lists(st.text("0123456789.,:/ASnla#\t\u0661 -", max_size=20), max_size=5))
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    with suppress(InputError):
        assert SITES == parse_rtts(lines, "r.csv", SITES).sites
