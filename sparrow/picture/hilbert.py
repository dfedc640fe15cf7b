"""The Hilbert curve: cells of a line put in a square, neighbours beside neighbours.

Law: every aligned block of 4**n cells is a square of 2**n by 2**n, whatever the order of
the curve. It begins at the upper left corner and ends at the upper right one. Start from
`lay_out`.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TILE_ORDER = 6
"""Cells are moved in squares of 64 by 64 at most. Measured: the whole of 4,096 by 4,096 takes
some 0.5 s so, and cell by cell it takes ten times as long."""


class Spot(NamedTuple):
    """Where a block of the line lies in the square, and how the curve is turned in it."""

    x: int
    """Columns from the left, in blocks."""
    y: int
    """Rows from above, in blocks."""
    turn: int
    """0: as the whole curve; bit 0: mirrored at the diagonal of its upper left corner, bit 1:
    at the other diagonal; both: turned upside down."""


@cache
def trace(order: int) -> tuple[Spot, ...]:
    """Give the spots of the 4**order blocks of a line, in its order."""
    if not order:
        return (Spot(0, 0, 0),)
    half, side = trace(order - 1), 1 << order - 1
    return tuple(
        chain(
            (Spot(y, x, turn ^ 1) for x, y, turn in half),
            (Spot(x, y + side, turn) for x, y, turn in half),
            (Spot(x + side, y + side, turn) for x, y, turn in half),
            (Spot(2 * side - 1 - y, side - 1 - x, turn ^ 2) for x, y, turn in half),
        )
    )


def lay_out(cells: Sequence[int], order: int) -> list[bytearray]:
    """Give the rows of the square that 4**order cells of an octet each make."""
    small = min(order, _TILE_ORDER)
    side, count = 1 << small, 1 << 2 * small
    pickers = [_pick_rows(small, turn) for turn in range(4)]
    rows = [bytearray(1 << order) for _ in range(1 << order)]
    for number, (x, y, turn) in enumerate(trace(order - small)):
        tile = bytes(pickers[turn](cells[number * count : (number + 1) * count]))
        for step in range(side):
            rows[y * side + step][x * side : (x + 1) * side] = tile[step * side : (step + 1) * side]
    return rows


def _pick_rows(order: int, turn: int) -> Callable[[Sequence[int]], Sequence[int]]:
    """Give what takes the cells of a tile, and gives them row by row."""
    last = (1 << order) - 1
    places = [0] * (1 << 2 * order)
    for number, (x, y, _) in enumerate(trace(order)):
        across, down = (y, x) if turn in {1, 2} else (x, y)
        if turn >= 2:
            across, down = last - across, last - down
        places[(down << order) + across] = number
    if len(places) == 1:
        return tuple  # itemgetter of one place gives no sequence
    return itemgetter(*places)
