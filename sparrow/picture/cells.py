"""Stretches of addresses as the cells of a curve.

Law: a cell has the colour that most of its addresses have, the lower number of equals.
Start from `fill_cells`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_BITS = 32


def fill_cells(stretches: Iterable[tuple[int, int, int]], order: int) -> bytearray:
    """Give the 4**order cells of the IPv4 space, an octet each.

    `stretches` are (first address, first behind it, colour), ascending and without a gap
    from 0 to the end of the space.
    """
    shift = _BITS - 2 * order
    size = 1 << shift
    cells = bytearray()
    within: Counter[int] = Counter()
    for start, end, colour in stretches:
        first, last = start >> shift, end >> shift
        if start % size:
            # The cell was begun by others.
            stop = min(end, (first + 1) << shift)
            within[colour] += stop - start
            if stop % size == 0:
                cells.append(_most(within))
            first += 1
        if first < last:
            cells += bytes((colour,)) * (last - first)
        if end % size and last >= first:
            within[colour] += end % size
    return cells


def _most(within: Counter[int]) -> int:
    """Give the colour with the most addresses, and forget them all."""
    most = min(within, key=lambda colour: (-within[colour], colour))
    within.clear()
    return most
