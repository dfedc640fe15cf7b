"""The curve: neighbours stay together."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from sparrow.picture.cells import fill_cells
from sparrow.picture.hilbert import lay_out, trace


@pytest.mark.parametrize("order", range(7))
def test_the_curve_goes_through_every_cell_by_steps_of_one(order: int) -> None:
    places = [(x, y) for x, y, _ in trace(order)]
    assert {(x, y) for x in range(1 << order) for y in range(1 << order)} == {*places}
    assert all(abs(x - u) + abs(y - v) == 1 for (x, y), (u, v) in pairwise(places))
    assert [(0, 0), ((1 << order) - 1, 0)] == [places[0], places[-1]]


@pytest.mark.parametrize("order", [0, 1, 3, 6, 7, 8])
def test_cells_are_laid_out_along_the_curve(order: int) -> None:
    rng = Random(order)
    cells = rng.randbytes(1 << 2 * order)
    rows = lay_out(cells, order)
    assert list(cells) == [rows[y][x] for x, y, _ in trace(order)]


def test_an_aligned_block_is_a_square_in_its_place_at_any_order() -> None:
    corners = {}
    for order in (4, 6, 8):
        cells = bytes(number >> 2 * (order - 4) & 0xFF for number in range(1 << 2 * order))
        rows = lay_out(cells, order)
        side = 1 << order - 4
        corners[order] = [
            {rows[y + down][x + across] for down in range(side) for across in range(side)}
            for y in range(0, 1 << order, side)
            for x in range(0, 1 << order, side)
        ]
        assert all(len(block) == 1 for block in corners[order])
    assert corners[4] == corners[6] == corners[8]
    assert [{0}, {1}, {14}, {15}] == corners[4][:4]


@pytest.mark.parametrize("seed", range(30))
def test_a_cell_has_the_colour_of_most_of_its_addresses(seed: int) -> None:
    rng = Random(seed)
    order, shift = 2, 28
    points = {rng.randrange(1, 1 << 32) >> rng.choice((0, 20, 26, 28, 29)) for _ in range(30)}
    starts = sorted({0, *(point << rng.choice((0, 4, 28)) for point in points)})
    starts = [start for start in starts if start < 1 << 32]
    colours = [rng.randrange(3) for _ in starts]
    stretches = list(zip(starts, [*starts[1:], 1 << 32], colours, strict=True))
    expected = []
    for cell in range(1 << 2 * order):
        first, behind = cell << shift, cell + 1 << shift
        sizes = [0, 0, 0]
        for start, end, colour in stretches:
            sizes[colour] += max(min(end, behind) - max(start, first), 0)
        expected.append(sizes.index(max(sizes)))
    assert bytes(expected) == fill_cells(stretches, order)
