"""The map of a table: the native sweep and projection against the pure ones."""

from __future__ import annotations

from array import array
from random import Random
from typing import TYPE_CHECKING

import pytest
from slowmap import random_rows

from sparrow.policy.intervals import Intervals, sweep, sweep_table
from sparrow.rib.snapshot import FamilyTable
from sparrow.rib.twin import native
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat
from sparrow.values.address import IPV4

if TYPE_CHECKING:
    from pathlib import Path

    from slowmap import Row

DEFAULT = 3
CODES = (0, 1, 2, DEFAULT, 1)
CLASSES = ((1, 0, 1, 0), (0, 0, 0, 0), (3, 2, 1, 0))


def table_of(family: int, rows: list[Row]) -> FamilyTable:
    numbers = [row[0] for row in rows]
    columns = (
        (array("I", numbers),)
        if family == IPV4
        else (array("Q", [n >> 64 for n in numbers]), array("Q", [n % 2**64 for n in numbers]))
    )
    lengths = array("B", [row[1] for row in rows])
    return FamilyTable(family, columns, lengths, array("I", [row[2] for row in rows]))


def assert_same(expected: Intervals, actual: Intervals) -> None:
    assert type(expected.starts) is type(actual.starts)
    assert expected == actual


@pytest.mark.parametrize("family", [4, 6])
class TestBothWays:
    @pytest.mark.parametrize("seed", range(400))
    def test_random_tables_give_equal_maps(self, seed: int, family: int) -> None:
        rows = random_rows(Random(seed), family, len(CODES))
        table = table_of(family, rows)
        pure = sweep(family, rows, CODES, DEFAULT)
        assert_same(pure, sweep_table(table, CODES, DEFAULT, is_pure=True))
        assert_same(pure, sweep_table(table, array("I", CODES), DEFAULT, is_pure=False))
        for classes in CLASSES:
            projected = pure.project(classes, is_pure=True)
            assert_same(projected, pure.project(classes, is_pure=False))

    def test_every_nesting_of_lengths_is_open_at_once(self, family: int) -> None:
        bits = 32 if family == IPV4 else 128
        rows = [(0, length, length % 5) for length in range(bits + 1)]
        table = table_of(family, rows)
        pure = sweep(family, rows, CODES, DEFAULT)
        assert_same(pure, sweep_table(table, CODES, DEFAULT, is_pure=False))

    def test_rows_that_break_the_law_of_tables_are_refused_or_harmless(self, family: int) -> None:
        top = (1 << (32 if family == IPV4 else 128)) - 1
        rows = [(top, 0, 1) for _ in range(1000)]
        with pytest.raises(ValueError, match="not sorted"):
            sweep_table(table_of(family, rows), CODES, DEFAULT, is_pure=False)
        with pytest.raises(IndexError):
            sweep_table(table_of(family, [(0, 0, 5)]), CODES, DEFAULT, is_pure=False)

    def test_real_table_gives_the_same_map(self, tables: Path, family: int) -> None:
        (file,) = tables.glob(f"internet-*.v{family}.pfx2as.gz")
        snapshot = load_snapshot([RouteFile(str(file), RouteFormat.PFX2AS)]).snapshot
        table = snapshot.family(family)
        codes = array("I", [route.origins[0] % 8 for route in snapshot.routes])
        pure = sweep_table(table, codes, 8, is_pure=True)
        assert_same(pure, sweep_table(table, codes, 8, is_pure=False))
        classes = (0, 1, 0, 2, 2, 0, 3, 4, 0)
        assert_same(pure.project(classes, is_pure=True), pure.project(classes, is_pure=False))


@pytest.mark.parametrize(
    "codes", [(), (0,), (5, 0, 5, 2**16, 2**17), (2**18 - 1, 2**18, 2**32 - 1, 2**18, 7)]
)
def test_distinct_codes_are_those_of_a_set(codes: tuple[int, ...]) -> None:
    assert set(codes) == native.list_distinct(array("I", codes))
