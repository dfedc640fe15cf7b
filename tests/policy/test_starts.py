"""Starts in arrays: they are read as the integers that they were built of."""

from __future__ import annotations

from array import array
from bisect import bisect_right

import pytest

from sparrow.policy.starts import WideStarts, build_starts, join_columns, split_columns

NUMBERS = [0, 1, 2**64 - 1, 2**64, 2**64 + 7, 2**127, 2**128 - 1]


class TestWideStarts:
    def test_what_went_in_comes_out(self) -> None:
        starts = build_starts(128, NUMBERS)
        assert NUMBERS == list(starts)
        assert NUMBERS == [starts[place] for place in range(len(starts))]
        assert NUMBERS[-1] == starts[-1]

    def test_a_part_is_equal_to_the_starts_of_that_part(self) -> None:
        assert build_starts(128, NUMBERS[2:5]) == build_starts(128, NUMBERS)[2:5]

    def test_it_is_bisected_as_a_list_is(self) -> None:
        starts = build_starts(128, NUMBERS)
        for number in (*NUMBERS, 5, 2**64 + 8, 2**100):
            assert bisect_right(NUMBERS, number) == bisect_right(starts, number)

    def test_a_place_outside_is_refused(self) -> None:
        with pytest.raises(IndexError):
            build_starts(128, NUMBERS)[len(NUMBERS)]


class TestColumns:
    @pytest.mark.parametrize(("bits", "count"), [(32, 1), (128, 2)])
    def test_split_starts_are_joined_again(self, bits: int, count: int) -> None:
        starts = build_starts(bits, [0, 1, 7])
        assert count == len(split_columns(starts))
        assert starts == join_columns(split_columns(starts))

    def test_each_half_has_64_bits(self) -> None:
        high, low = array("Q", (3,)), array("Q", (4,))
        assert (high, low) == split_columns(WideStarts(high, low))
        assert [3 << 64 | 4] == list(WideStarts(high, low))

    def test_a_list_is_refused(self) -> None:
        with pytest.raises(TypeError, match="not in a list"):
            split_columns([0, 1])
