"""The traps of `show ip bgp`, each in a few rows."""

from __future__ import annotations

import re

import pytest
from dumptexts import show_row as row
from entrylist import counts, read_all

from sparrow.sources.dumps import DumpFormat

TITLE = "BGP table version is 7, local router ID is 192.0.2.9\n"
HEAD = "   Network          Next Hop            Metric LocPrf Weight Path\n"
PEER = "from 192.0.2.1 AS"


def read_rows(rows: str, head: str = HEAD) -> tuple[list[str], dict[str, tuple[int, list[int]]]]:
    """Read rows behind a title and a head: the first of them is line 3."""
    lines, skipped = read_all((TITLE + head + rows).encode(), DumpFormat.SHOW_BGP)
    return lines, counts(skipped)


def test_a_row_of_a_route_server_is_read() -> None:
    sample = "*  3.0.0.0          207.126.96.1            20             0 6461 701 80 i\n"
    assert (["3.0.0.0/8 6461 701 80 from 207.126.96.1 AS6461"], {}) == read_rows(sample)


@pytest.mark.parametrize(
    ("network", "prefix"),
    [
        ("3.0.0.0", "3.0.0.0/8"),
        ("127.0.0.0", "127.0.0.0/8"),
        ("128.1.0.0", "128.1.0.0/16"),
        ("191.255.0.0", "191.255.0.0/16"),
        ("192.5.5.0", "192.5.5.0/24"),
        ("223.255.255.0", "223.255.255.0/24"),
        ("0.0.0.0", "0.0.0.0/0"),
        ("3.0.0.0/9", "3.0.0.0/9"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_network_without_a_length_has_that_of_its_class(network: str, prefix: str) -> None:
    assert ([f"{prefix} 7 8 {PEER}7 best"], {}) == read_rows(row(network, "7 8 i"))


@pytest.mark.parametrize(
    "network", ["10.1.0.0", "172.16.1.0", "224.0.0.0", "1.2.3.4.5", "300.1.1.0"]
)
def test_a_network_that_its_class_cannot_hold_is_counted_with_the_rows_below_it(
    network: str,
) -> None:
    rows = row("3.0.0.0", "7 i") + row(network, "7 i") + row("", "8 i", "*  ")
    assert ([f"3.0.0.0/8 7 {PEER}7 best"], {"BAD_LINE": (2, [4, 5])}) == read_rows(rows)


def test_a_blank_network_is_another_path_to_the_network_above() -> None:
    rows = row("3.0.0.0", "7 80 i", "*  ") + row("", "8 80 i", "*> ", "192.0.2.2")
    expected = [f"3.0.0.0/8 7 80 {PEER}7", "3.0.0.0/8 8 80 from 192.0.2.2 AS8 best"]
    assert (expected, {}) == read_rows(rows)


def test_a_row_below_an_unreadable_line_belongs_to_nothing() -> None:
    rows = row("3.0.0.0", "7 i") + "#$%&/()=\n" + row("", "8 i")
    assert ([f"3.0.0.0/8 7 {PEER}7 best"], {"BAD_LINE": (2, [4, 5])}) == read_rows(rows)


@pytest.mark.parametrize(
    "network", ["198.51.100.128/25", "255.255.255.128/25", "2001:db8:1:2:3::/80"]
)
def test_a_long_network_goes_on_in_the_next_line(network: str) -> None:
    network = network.replace("255.255.255", "203.255.255")
    rows = row(network, "7 8 i", numbers=("5", "120")) + row("", "9 8 i", "*  ")
    expected = [f"{network} 7 8 {PEER}7 lp=120 best", f"{network} 9 8 {PEER}9"]
    assert (expected, {}) == read_rows(rows)


def test_long_next_hops_of_ipv6_go_on_too() -> None:
    hop = "2001:db8:ffff:ffff::1"
    rows = row("2001:db8::/32", "7 8 i", hop=hop, numbers=("0", "")) + row(
        "2001:db8:1:2:3::/80", "9 i", hop=hop
    )
    expected = [
        f"2001:db8::/32 7 8 from {hop} AS7 best",
        f"2001:db8:1:2:3::/80 9 from {hop} AS9 best",
    ]
    assert (expected, {}) == read_rows(rows)


@pytest.mark.parametrize(
    ("metric", "local_pref"),
    [("", ""), ("0", ""), ("", "100"), ("4294967295", "100"), ("1", "1000000")],
)
def test_metric_and_local_preference_may_be_blank_and_are_no_part_of_the_path(
    metric: str, local_pref: str
) -> None:
    rows = row("3.0.0.0", "64600 7 i", numbers=(metric, local_pref))
    shown = f" lp={local_pref}" if local_pref else ""
    assert ([f"3.0.0.0/8 64600 7 {PEER}64600{shown} best"], {}) == read_rows(rows)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("7 {8,9} i", "7 8,9"),
        ("7 {8 9} ?", "7 8,9"),
        ("(65001 65002) 7 e", "7"),
        ("[65001,65002] 7 i", "7"),
        ("7 7 7 8 i", "7 7 7 8"),
        ("1.10 4200000001 i", "65546 4200000001"),
    ],
)
def test_paths_may_have_sets_confederations_prepends_and_dots(text: str, path: str) -> None:
    lines, found = read_rows(row("3.0.0.0", text))
    first = re.split("[ ,]", path)[0]
    assert ([f"3.0.0.0/8 {path} {PEER}{first} best"], {}) == (lines, found)


@pytest.mark.parametrize("flags", [" h ", "*d ", "  i", "   ", "R  ", "*hi"])
def test_a_path_that_the_router_does_not_use_is_counted(flags: str) -> None:
    rows = row("3.0.0.0", "7 i", flags) + row("", "8 i")
    expected = ([f"3.0.0.0/8 8 {PEER}8 best"], {"UNUSED": (1, [3])})
    assert expected == read_rows(rows)


@pytest.mark.parametrize("flags", ["*> ", "*>i", "s> ", "r>i", "S> ", "*= ", "s  ", "* i"])
def test_a_path_that_is_valid_counts_whatever_else_its_flags_say(flags: str) -> None:
    lines, found = read_rows(row("3.0.0.0", "7 i", flags))
    assert (1, {}) == (len(lines), found)
    assert (">" in flags) == lines[0].endswith("best")


def test_an_own_network_has_no_path_and_is_counted() -> None:
    rows = row("3.0.0.0", "i", hop="0.0.0.0") + row("4.0.0.0", "7 i")
    assert ([f"4.0.0.0/8 7 {PEER}7 best"], {"NO_PATH": (1, [3])}) == read_rows(rows)


@pytest.mark.parametrize("cut", ["7 8", "7 8 1234", "", "7 8 x"])
def test_a_row_without_its_origin_code_was_cut_and_is_counted(cut: str) -> None:
    rows = row("3.0.0.0", cut) + row("4.0.0.0", "7 i")
    assert ([f"4.0.0.0/8 7 {PEER}7 best"], {"BAD_LINE": (1, [3])}) == read_rows(rows)


def test_a_row_whose_rest_never_comes_is_counted() -> None:
    rows = "*> 198.51.100.128/25\n" + row("4.0.0.0", "7 i") + "*> 198.51.100.0/25\n"
    assert ([f"4.0.0.0/8 7 {PEER}7 best"], {"BAD_LINE": (2, [3, 5])}) == read_rows(rows)


def test_rows_may_be_a_column_off_the_head() -> None:
    rows = row("3.0.0.0", "64600 7 i", numbers=("1", "99"))
    for head in (HEAD, f" {HEAD}", HEAD[1:]):
        assert ([f"3.0.0.0/8 64600 7 {PEER}64600 lp=99 best"], {}) == read_rows(rows, head)


def test_codes_of_rpki_may_stand_before_the_flags() -> None:
    rows = "".join(f"{code}{row(f'{n}.0.0.0', '7 i')}" for n, code in enumerate("VIN ", 3))
    lines, found = read_rows(rows, f" {HEAD}")
    assert (4, {}) == (len(lines), found)


def test_headers_trailers_and_what_a_session_leaves_are_no_rows() -> None:
    text = (
        "router> show ip bgp\r\n"
        "BGP table version is 6, local router ID is 192.0.2.1, vrf id 0\r\n"
        "Default local pref 100, local AS 65000\r\n"
        "Status codes:  s suppressed, d damped, h history, * valid, > best, = multipath,\r\n"
        "               i internal, r RIB-failure, S Stale, R Removed\r\n"
        "Nexthop codes: @NNN nexthop's vrf id, < announce-nh-self\r\n"
        "Origin codes:  i - IGP, e - EGP, ? - incomplete\r\n"
        "RPKI validation codes: V valid, I invalid, N Not found\r\n"
        "\r\n"
        f"{HEAD.strip(chr(10))}\r\n"
        f"{row('3.0.0.0', '7 i')}"
        f" --More-- \b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\b{row('4.0.0.0', '7 i')}"
        "\r\n"
        "Displayed  2 routes and 2 total paths\r\n"
        "Total number of prefixes 2\r\n"
        "router> exit\r\n"
    )
    lines, skipped = read_all(text.encode())
    assert [f"3.0.0.0/8 7 {PEER}7 best", f"4.0.0.0/8 7 {PEER}7 best"] == lines
    assert {} == counts(skipped)


def test_next_hops_may_be_names_and_have_a_vrf_behind_them() -> None:
    rows = row("3.0.0.0", "7 i", hop="spine1") + row("4.0.0.0", "7 i", hop="192.0.2.1@0<")
    assert (["3.0.0.0/8 7 from AS7 best", f"4.0.0.0/8 7 {PEER}7 best"], {}) == read_rows(rows)


def test_a_wide_table_has_its_columns_elsewhere() -> None:
    head = f"   {'Network':<45}{'Next Hop':<42}Metric LocPrf Weight Path\n"
    network = "198.51.100.128/25"
    wide = f"*> {network:<45}{'192.0.2.1':<38}{'0':>10}{'100':>7}{'0':>7} 64600 7 i\n"
    lines = read_rows(wide, head)[0]
    assert [f"{network} 64600 7 {PEER}64600 lp=100 best"] == lines
