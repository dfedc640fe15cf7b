"""AS paths as routers print them."""

from __future__ import annotations

import pytest

from sparrow.routeserver.pathtext import MAX_PATH, parse_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("64600", "64600"),
        ("64600 64601 64602", "64600 64601 64602"),
        ("64600 {1,2}", "64600 1,2"),
        ("64600 {7}", "64600 7"),
        ("(65001 65002) 701", "65001 65002 701"),
        ("(65001)", "65001"),
        ("[65001,65002] 701", "65001,65002 701"),
        ("64600 [7 8] 9", "64600 7,8 9"),
        ("1.10 64600", "65546 64600"),
        ("{1, 2}{3,4}", "1,2 3,4"),
        ("4294967295", "4294967295"),
    ],
)
def test_a_path_has_everybody_who_is_in_it(text: str, expected: str) -> None:
    assert expected == str(parse_path(text))


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_path_is_none(text: str) -> None:
    assert parse_path(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "{1,2",
        "1,2}",
        "{}",
        "()",
        "{1 (2) 3}",
        "x",
        "1.2.3.4",
        "4294967296",
        "1 -2",
        "64600 IGP",
        "1" * (MAX_PATH + 1),
        "{1)",
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_path(text)
