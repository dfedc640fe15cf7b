from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes, read_routes

from sparrow.rib.route import parse_route
from sparrow.ssrs.paths import (
    render_entry,
    render_path,
    render_table,
    render_time,
)
from sparrow.values.address import parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix

HEAD = [
    "BGP table version is 0, local router ID is 192.0.2.1",
    "Status codes: s suppressed, d damped, h history, * valid, > best, i - internal",
    "Origin codes: i - IGP, e - EGP, ? - incomplete",
    "",
    "   Network          Next Hop            Metric LocPrf Weight Path",
]


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("64600", "64600"),
        ("64600 64601", "64600 64601"),
        ("1_2", "{1,2}"),
        ("7 3,4", "7 {3,4}"),
        ("1.10", "65546"),
    ],
)
def test_a_path_is_printed_as_bgp_does(route: str, path: str) -> None:
    assert path == render_path(parse_route(route))


@pytest.mark.parametrize(("prefix", "hop"), [("10.0.0.0/8", "0.0.0.0"), ("2001:db8::/32", "::")])
def test_an_entry_has_the_lines_of_zebra(prefix: str, hop: str) -> None:
    source = ListedRoutes()
    expected = (
        f"BGP routing table entry for {prefix}",
        "Paths: (1 available, best #1, table Default-IP-Routing-Table)",
        "  Not advertised to any peer",
        "  7 {1,2}",
        f"    {hop} from {hop} (192.0.2.1)",
        "      Origin incomplete, localpref 100, valid, sourced, best",
        f"      Last update: {time.ctime(source.loaded_at)}\n",
    )
    assert expected == render_entry(parse_prefix(prefix), parse_route("7 1_2"), source)


@pytest.mark.parametrize("unix_s", [0, 970847248.9, 1700000000, 2**32])
def test_time_is_printed_as_ctime_does(unix_s: float) -> None:
    assert time.ctime(unix_s) == render_time(unix_s)


def rows(family: int, text: str) -> list[str]:
    lines = list(render_table(family, ListedRoutes(read_routes(text))))
    assert HEAD == lines[:5]
    assert ["", f"Total number of prefixes {len(text.splitlines())}"] == lines[-2:]
    return lines[5:-2]


@pytest.mark.parametrize(
    ("line", "network"),
    [
        ("10.0.0.0/8 1", "10.0.0.0"),
        ("10.0.0.0/9 1", "10.0.0.0/9"),
        ("172.16.0.0/16 1", "172.16.0.0"),
        ("192.0.2.0/24 1", "192.0.2.0"),
        ("10.0.0.0/24 1", "10.0.0.0/24"),
        ("224.0.0.0/24 1", "224.0.0.0/24"),
        ("0.0.0.0/0 1", "0.0.0.0"),
        ("192.168.1.0/30 1", "192.168.1.0/30"),
    ],
)
def test_a_classful_mask_is_left_out(line: str, network: str) -> None:
    row = f"*> {network:<17}0.0.0.0                                0 1 ?"
    assert [row] == rows(4, line)


def test_a_long_network_breaks_the_line() -> None:
    expected = [
        "*> 192.168.10.128/25",
        "                    0.0.0.0                                0 1 ?",
    ]
    assert expected == rows(4, "192.168.10.128/25 1")
    expected = ["*> 2001:db8:1::/48  ::                                     0 1 {2,3} ?"]
    assert expected == rows(6, "2001:db8:1::/48 1 2_3")


def test_an_empty_table_says_so() -> None:
    assert ["No BGP network exists"] == list(render_table(4, ListedRoutes({})))


def test_a_table_is_made_line_by_line() -> None:
    class Endless(ListedRoutes):
        def rows(self, family: int) -> Iterator[tuple[Prefix, Route]]:
            while True:
                yield next(super().rows(family))

    lines = render_table(4, Endless())
    assert HEAD[0] == next(lines)
    assert 1000 == sum(1 for _ in zip(lines, range(1000), strict=False))
