"""The address map against a search line by line."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from slowmap import Row, SlowMap, random_rows

from sparrow.policy.intervals import SPECIAL, WRAPPED, Intervals, Leaf, sweep
from sparrow.values.address import BITS, IPV4, IPV6, parse_prefix

DEFAULT = 3
CODES = (0, 1, 2, DEFAULT, 1)

SEEDS = range(40)


def rows_of(*lines: str) -> list[Row]:
    """Make sorted rows of lines `prefix code`."""
    words = (line.split() for line in lines)
    rows = [(parse_prefix(prefix), int(code)) for prefix, code in words]
    return sorted((int.from_bytes(p.network, "big"), p.length, code) for p, code in rows)


def map_of(*lines: str) -> Intervals:
    """Sweep lines `prefix code`, all of one family."""
    family = parse_prefix(lines[0].split()[0]).family
    return sweep(family, rows_of(*lines), range(10), DEFAULT)


def look_up(intervals: Intervals, text: str) -> Leaf:
    return intervals.find(int.from_bytes(parse_prefix(text).network, "big"))


def slow_code(slow: SlowMap, address: int) -> int:
    is_wrapped, is_special, route = slow.find(address)
    if is_wrapped:
        return WRAPPED
    code = DEFAULT if route is None else CODES[route]
    return code | SPECIAL if is_special else code


@pytest.mark.parametrize("family", [IPV4, IPV6])
@pytest.mark.parametrize("seed", SEEDS)
def test_code_and_scope_are_those_of_a_search_line_by_line(family: int, seed: int) -> None:
    rng = Random(seed)
    rows = random_rows(rng, family, len(CODES))
    slow = SlowMap(family, rows)
    intervals = sweep(family, rows, CODES, DEFAULT)
    for address in slow.probes(rng, 100):
        scope = slow.scope(address, lambda point: slow_code(slow, point))
        assert Leaf(slow_code(slow, address), scope) == intervals.find(address), hex(address)


@pytest.mark.parametrize("family", [IPV4, IPV6])
@pytest.mark.parametrize("seed", SEEDS)
def test_intervals_ascend_from_zero_and_no_neighbours_are_equal(family: int, seed: int) -> None:
    rows = random_rows(Random(seed), family, len(CODES))
    intervals = sweep(family, rows, CODES, DEFAULT).project((0, 1, 1, 0))
    starts, codes = list(intervals.starts), list(intervals.codes)
    assert 0 == starts[0]
    assert sorted(set(starts)) == starts
    assert all(left != right for left, right in itertools.pairwise(codes))


@pytest.mark.parametrize("family", [IPV4, IPV6])
@pytest.mark.parametrize("seed", SEEDS)
def test_projecting_a_map_is_sweeping_with_the_projected_classes(family: int, seed: int) -> None:
    rows = random_rows(Random(seed), family, len(CODES))
    classes = (1, 0, 1, 0)
    projected = sweep(family, rows, CODES, DEFAULT).project(classes)
    swept = sweep(family, rows, [classes[code] for code in CODES], classes[DEFAULT])
    assert (list(swept.starts), swept.codes) == (list(projected.starts), projected.codes)


@pytest.mark.parametrize("family", [IPV4, IPV6])
def test_edges_enclose_the_address_and_have_its_code(family: int) -> None:
    rows = random_rows(Random(7), family, len(CODES))
    intervals = sweep(family, rows, CODES, DEFAULT)
    for index, start in enumerate(intervals.starts):
        first, end = intervals.edges(start)
        assert start == first
        assert (first, end) == intervals.edges(end - 1)
        assert intervals.codes[index] == intervals.find(end - 1).code
    assert 1 << BITS[family] == end


@pytest.mark.parametrize("zero", ["0.0.0.0/0", "::/0"])
def test_a_default_route_covers_the_family_from_end_to_end(zero: str) -> None:
    intervals = map_of(f"{zero} 5")
    top = (1 << intervals.bits) - 1
    assert (5, 5) == (intervals.find(0).class_number, intervals.find(top).class_number)
    assert {5, 5 | SPECIAL, WRAPPED} >= set(intervals.codes)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("0.0.0.0/32", "255.255.255.255/32"),
        ("::/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"),
    ],
)
def test_host_routes_at_both_ends_of_the_family_count(first: str, last: str) -> None:
    intervals = map_of(f"{first} 5", f"{last} 6")
    bits = intervals.bits
    assert Leaf(5, bits) == look_up(intervals, first)
    assert Leaf(6, bits) == look_up(intervals, last)
    assert DEFAULT | SPECIAL == intervals.find((1 << bits) - 2).code


def test_two_more_specifics_that_cover_their_parent_hide_it() -> None:
    intervals = map_of("20.0.0.0/8 5", "20.0.0.0/9 6", "20.128.0.0/9 7")
    assert Leaf(6, 9) == look_up(intervals, "20.127.255.255")
    assert Leaf(7, 9) == look_up(intervals, "20.128.0.0")
    assert 5 not in intervals.codes


def test_more_specifics_with_the_answer_of_their_neighbour_are_joined() -> None:
    intervals = map_of("20.0.0.0/8 5", "20.0.0.0/9 6", "20.128.0.0/9 6", "21.0.0.0/8 6")
    assert Leaf(6, 7) == look_up(intervals, "20.1.2.3")


def test_an_empty_table_has_the_marked_blocks_alone() -> None:
    intervals = sweep(IPV4, [], [], DEFAULT)
    assert Leaf(DEFAULT | SPECIAL, 8) == look_up(intervals, "10.1.2.3")
    assert Leaf(DEFAULT, 7) == look_up(intervals, "9.255.255.255")
    assert Leaf(DEFAULT | SPECIAL, 3) == look_up(intervals, "255.255.255.255")


@pytest.mark.parametrize(
    ("route", "address", "expected"),
    [
        ("10.0.0.0/8 5", "10.1.2.3", Leaf(5, 8)),  # as long as the block
        ("10.1.0.0/16 5", "10.1.2.3", Leaf(5, 16)),  # longer
        ("10.1.0.0/16 5", "10.2.0.0", Leaf(DEFAULT | SPECIAL, 15)),  # beside the longer one
        ("8.0.0.0/6 5", "10.1.2.3", Leaf(5 | SPECIAL, 8)),  # shorter, over the block
        ("8.0.0.0/6 5", "11.0.0.0", Leaf(5, 8)),
        ("192.0.0.0/24 5", "192.0.0.9", Leaf(5, 24)),  # ordinary inside the special
        ("192.0.0.8/29 5", "192.0.0.9", Leaf(5, 29)),
        ("0.0.0.0/0 5", "192.0.0.9", Leaf(5, 32)),
        ("0.0.0.0/0 5", "192.0.0.8", Leaf(5 | SPECIAL, 32)),
        ("2002:102::/32 5", "2002:102::1", Leaf(WRAPPED, 16)),  # wraps IPv4: no route counts
        ("2002::/16 5", "2002:102::1", Leaf(WRAPPED, 16)),
        ("2001::/32 5", "2001:0:1::", Leaf(WRAPPED, 32)),
        ("2000::/3 5", "2003::", Leaf(5, 16)),  # behind the wrapped block the route counts again
    ],
)
def test_a_special_block_yields_to_routes_inside_it_and_a_wrapped_one_never(
    route: str, address: str, expected: Leaf
) -> None:
    assert expected == look_up(map_of(route), address)
