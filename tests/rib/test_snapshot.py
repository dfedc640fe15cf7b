from __future__ import annotations

from array import array
from itertools import chain, groupby
from random import Random

import pytest
from built_tables import build_snapshot
from hypothesis import given
from hypothesis import strategies as st
from listed_tables import ROUTES, prefixes, random_table

from sparrow.rib.route import Route, parse_route
from sparrow.rib.snapshot import EMPTY, Built, SnapshotBuilder
from sparrow.values.address import Prefix, parse_prefix


def entry(prefix: str, route: str = "1") -> tuple[Prefix, Route]:
    return parse_prefix(prefix), parse_route(route)


def order(prefix: Prefix) -> tuple[int, bytes, int]:
    return prefix.family, prefix.network, prefix.length


def test_empty_table_has_no_row_and_no_route() -> None:
    assert (0, [], ()) == (len(EMPTY), list(EMPTY.entries()), EMPTY.routes)
    assert build_snapshot([]) == EMPTY


def test_rows_are_integers_sorted_by_network_then_length() -> None:
    snapshot = build_snapshot(
        [
            entry("10.0.0.0/16", "7"),
            entry("2001:db8::/32", "8"),
            entry("0.0.0.0/0", "7"),
            entry("10.0.0.0/8", "9"),
            entry("::/0", "9"),
        ]
    )
    assert [(0, 0, 0), (10 << 24, 8, 2), (10 << 24, 16, 0)] == list(snapshot.family(4).rows())
    assert [(0, 0, 2), (0x20010DB8 << 96, 32, 1)] == list(snapshot.family(6).rows())
    assert ("7", "8", "9") == tuple(map(str, snapshot.routes))


def test_networks_are_held_as_the_documented_arrays() -> None:
    snapshot = build_snapshot([entry("10.0.0.0/8"), entry("2001:db8::1/128")])
    assert (array("I", [10 << 24]),) == snapshot.v4.networks
    assert (array("Q", [0x20010DB8 << 32]), array("Q", [1])) == snapshot.v6.networks
    assert (array("B", [8]), array("B", [128])) == (snapshot.v4.lengths, snapshot.v6.lengths)
    assert {"I"} == {snapshot.v4.routes.typecode, snapshot.v6.routes.typecode}


def test_last_of_several_rows_of_a_prefix_counts_and_is_reported() -> None:
    builder = SnapshotBuilder()
    for text, route in (("10.0.0.0/8", "1"), ("9.0.0.0/8", "2"), ("10.0.0.0/8", "3")) * 2:
        prefix = parse_prefix(text)
        number = array("I", [builder.number(parse_route(route))])
        builder.extend(4, prefix.network, bytes([prefix.length]), number)
    built = builder.build()
    expected = [entry("9.0.0.0/8", "2"), entry("10.0.0.0/8", "3")]
    assert expected == list(built.snapshot.entries())
    repeats = built.repeats[4]
    assert [(2, 0), (3, 2), (4, 1), (5, 3)] == list(
        zip(repeats.later, repeats.earlier, strict=True)
    )
    assert [] == list(built.repeats[6].later)


def test_a_prefix_given_again_at_the_seam_of_two_blocks_is_reported() -> None:
    builder = SnapshotBuilder()
    number = array("I", [builder.number(ROUTES[0])])
    for _ in range(2):
        builder.extend(6, bytes(16), b"\x07", number)
    built = builder.build()
    assert (1, [1]) == (len(built.snapshot), list(built.repeats[6].later))


def test_builder_refuses_columns_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="different numbers of rows"):
        SnapshotBuilder().extend(4, bytes(8), b"\x08", array("I", [0]))


def test_routes_of_the_table_before_are_shared_by_identity() -> None:
    known = parse_route("64600 64601")
    builder = SnapshotBuilder([known])
    builder.number(parse_route("1"))
    builder.number(parse_route("64600 64601"))
    routes = builder.build().snapshot.routes
    assert ("1", "64600 64601") == tuple(map(str, routes))
    assert known is routes[1]


@given(st.lists(st.tuples(prefixes(), st.sampled_from(ROUTES))))
def test_rows_in_any_order_give_the_table_of_a_dictionary(
    rows: list[tuple[Prefix, Route]],
) -> None:
    expected = sorted(dict(rows).items(), key=lambda item: order(item[0]))
    assert expected == list(build_snapshot(rows).entries())


def test_a_large_block_in_order_and_shuffled_give_equal_tables() -> None:
    random = Random(20)
    table = random_table(random, 5000)
    ascending = sorted(table.items(), key=lambda item: order(item[0]))
    builder = SnapshotBuilder()
    for family in (4, 6):
        rows = [(prefix, route) for prefix, route in ascending if prefix.family == family]
        builder.extend(
            family,
            b"".join(prefix.network for prefix, _ in rows),
            bytes(prefix.length for prefix, _ in rows),
            array("I", [builder.number(route) for _, route in rows]),
        )
    at_once = builder.build()
    assert [0, 0] == [len(at_once.repeats[family].later) for family in (4, 6)]
    assert ascending == list(at_once.snapshot.entries())
    shuffled = random.sample(ascending, len(ascending))
    assert ascending == list(build_snapshot(shuffled).entries())


@pytest.mark.parametrize("swapped", [0, 1, 998])
def test_a_single_pair_out_of_order_in_a_block_is_put_right(swapped: int) -> None:
    numbers = [number << 8 for number in range(1000)]
    numbers[swapped], numbers[swapped + 1] = numbers[swapped + 1], numbers[swapped]
    builder = SnapshotBuilder()
    networks = b"".join(number.to_bytes(4, "big") for number in numbers)
    route = builder.number(ROUTES[0])
    builder.extend(4, networks, bytes([24]) * 1000, array("I", [route]) * 1000)
    networks_built = [network for network, _, _ in builder.build().snapshot.v4.rows()]
    assert sorted(numbers) == networks_built


def test_a_part_and_picked_rows_are_tables_themselves() -> None:
    table = build_snapshot([entry(f"2001:db8:{n}::/48", str(n)) for n in range(1, 6)]).v6
    rows = list(table.rows())
    assert rows[1:3] == list(table.part(1, 3).rows())
    assert [rows[0], rows[4]] == list(table.pick([0, 4]).rows())
    assert table is table.pick(range(5))


def test_what_is_left_without_some_rows_is_what_is_picked_of_the_others() -> None:
    random = Random(5)
    table = build_snapshot(random_table(random, 300).items())
    for family in (4, 6):
        rows = table.family(family)
        for count in (0, 1, 7, len(rows)):
            gone = sorted(random.sample(range(len(rows)), count))
            kept = array("I", [row for row in range(len(rows)) if row not in gone])
            assert rows.pick(kept) == rows.drop(gone)
    assert table.v4 is table.v4.drop([])


def test_packed_networks_lie_end_to_end_in_network_order() -> None:
    snapshot = build_snapshot(map(entry, ("10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32")))
    assert bytes([10, 0, 0, 0, 192, 0, 2, 0]) == snapshot.v4.packed()
    assert bytes.fromhex("20010db8").ljust(16, b"\0") == snapshot.v6.packed()


def test_row_behind_a_key_is_the_first_that_is_above_it() -> None:
    texts = ("::/0", "2001:db8::/32", "2001:db8::/48", "2001:db8::1/128")
    table = build_snapshot(map(entry, texts)).v6
    assert [1, 2, 3, 4] == [table.row_behind(table.key(row), 0, 4) for row in range(4)]
    high = 0x20010DB8 << 32
    assert [1, 2, 3, 4] == [
        table.row_behind(key, 0, 4)
        for key in ((high, 0, 31), (high, 0, 47), (high, 0, 49), (high + 1, 0, 0))
    ]


def build(rows: list[tuple[Prefix, Route]], *, is_pure: bool) -> Built:
    """Build from runs of rows: each run of one family comes as one block."""
    builder = SnapshotBuilder(is_pure=is_pure)
    for family, run in groupby(rows, key=lambda row: row[0].family):
        block = list(run)
        builder.extend(
            family,
            b"".join(prefix.network for prefix, _ in block),
            bytes(prefix.length for prefix, _ in block),
            array("I", [builder.number(route) for _, route in block]),
        )
    return builder.build()


class TestBothWays:
    @given(st.lists(st.tuples(prefixes(), st.sampled_from(ROUTES))))
    def test_rows_of_any_kind_give_equal_tables_and_repeats(
        self, rows: list[tuple[Prefix, Route]]
    ) -> None:
        assert build(rows, is_pure=True) == build(rows, is_pure=False)

    @pytest.mark.parametrize("seed", range(20))
    def test_runs_of_rows_give_equal_tables_and_repeats(self, seed: int) -> None:
        random = Random(seed)
        rows = sorted(random_table(random, 1000).items(), key=lambda item: order(item[0]))
        runs = [random.sample(rows, 200) for _ in range(random.randint(0, 4))]
        runs += [sorted(run, key=lambda item: order(item[0])) for run in runs]
        every = [*rows, *chain.from_iterable(runs)]
        assert build(every, is_pure=True) == build(every, is_pure=False)
