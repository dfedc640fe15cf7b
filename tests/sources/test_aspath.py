from __future__ import annotations

import pytest

from sparrow.errors import InputError
from sparrow.rib.route import parse_route
from sparrow.sources.aspath import PathTexts


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("7", "7"),
        (" 7  8 8 ", "7 8 8"),
        ("7 {8,9}", "7 8,9"),
        ("7 {8 9} 10", "7 8,9 10"),
        ("{7}", "7"),
        ("(65001 65002) 7", "7"),
        ("([65001,65002]) 7 (65003)", "7"),
        ("({65001 65002}) 7", "7"),
        ("1.10 AS7", "65546 7"),
    ],
)
def test_a_path_as_routers_print_it_is_a_route(text: str, route: str) -> None:
    paths = PathTexts()
    assert parse_route(route) == paths.route(text)
    assert paths.route(text) is paths.route(text)


@pytest.mark.parametrize("text", ["", "  ", "(65001)", "[65001]"])
def test_a_path_without_a_hop_is_none(text: str) -> None:
    assert PathTexts().route(text) is None


@pytest.mark.parametrize(
    "text", ["x", "7 {8", "7 8}", "{7)", "{}", "7 4294967296", "-1", "7 (x) 8"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises((InputError, ValueError)):
        PathTexts().route(text)
