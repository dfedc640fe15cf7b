"""Letters as strokes, at any size.

Law: a letter is dots on a grid of 5 by 8, the last row below the line; a round pen goes
from each dot to its neighbours. Start from `draw_letter`.
"""

from __future__ import annotations

from functools import cache
from math import ceil, hypot
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

GRID_HEIGHT = 7
"""Rows from the top of a capital to the line."""
_ROWS = 8
_PEN = 0.42
"""Half the width of a stroke, in steps of the grid."""
_GAP = 1.1
"""Steps between two letters."""
_BLANK = 3.0
"""Steps of a blank."""

_LETTERS = (
    "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\u2192"
)
_COLUMNS = """
5f 070007 147f147f14 242a7f2a12 2313086462 3649562050 07 1c2241 41221c 14083e0814
08083e0808 8060 08080808 40 6010080403 3e41413e 42427f4040 6251494946 2241494936
1814127f10 2745454539 3c4a494930 0171090503 3649494936 060949291e 14 8054 08142241
1414141414 41221408 0201510906 3e415d551e 7e1111117e 7f49494936 3e41414122 7f4141413e
7f49494941 7f09090901 3e4149497a 7f0808087f 417f41 2040413f01 7f08142241 7f40404040
7f020c027f 7f0408107f 3e4141413e 7f09090906 3e4151215e 7f09192946 4649494931 01017f0101
3f4040403f 1f2040201f 3f4038403f 6314081463 0708700807 6151494543 7f4141 0304081060
41417f 0402010204 4040404040 0102 2054545478 7f48444438 3844444428 384444487f 3854545418
087e0902 18a4a4a47c 7f08040478 7d 4080847d 7f102844 7f 7c04780478 7c08040478 3844444438
fc24242418 18242424fc 7c08040408 4854545420 043f4440 3c4040207c 1c2040201c 3c4030403c
4428102844 1ca0a0a07c 4464544c44 083641 ff 413608 0804081008 08082a1c08
"""
_DOTS = dict(zip(_LETTERS, map(bytes.fromhex, _COLUMNS.split()), strict=True))
"""Columns of each letter from the left, two hexadecimal digits each, the lowest bit on top."""


class Drawn(NamedTuple):
    """A letter as it is laid upon a picture."""

    width: float
    """Pixels to the beginning of the next letter."""
    rows: tuple[tuple[float, ...], ...]
    """How much ink there is in each pixel, 0 to 1, from one pen's width above and left of it."""
    margin: int
    """Pixels above and left of the letter's own corner."""


@cache
def draw_letter(letter: str, height: int, halo: int = 0) -> Drawn:
    """Draw a letter whose capitals are `height` pixels high; what is not known as `?`.

    With a halo the pen is wider by as many pixels on each side.
    """
    step = height / GRID_HEIGHT
    if letter == " ":
        return Drawn(_BLANK * step, (), 0)
    columns = _DOTS.get(letter, _DOTS["?"])
    strokes = tuple(_strokes(columns))
    pen = max(_PEN * step, 0.6) + halo
    margin = ceil(pen)
    width = ceil((len(columns) - 1) * step) + 2 * margin + 1
    rows = tuple(
        tuple(
            _ink(strokes, ((x - margin) / step, (y - margin) / step), pen / step, step)
            for x in range(width)
        )
        for y in range(ceil((_ROWS - 1) * step) + 2 * margin + 1)
    )
    return Drawn((len(columns) - 1 + 2 * _PEN + _GAP) * step, rows, margin)


def measure_text(text: str, height: int) -> int:
    """Give the width of a text in pixels."""
    return ceil(sum(draw_letter(letter, height).width for letter in text))


def _strokes(columns: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Give the ends of all strokes: right and down from each dot, and across where else none is."""
    dots = {(x, y) for x, column in enumerate(columns) for y in range(_ROWS) if column >> y & 1}
    for x, y in sorted(dots):
        ends = [(x + 1, y), (x, y + 1)]
        ends += [(x + 1, y + step) for step in (-1, 1) if not dots & {(x + 1, y), (x, y + step)}]
        found = [end for end in ends if end in dots]
        yield from ((x, y, *end) for end in found)
        if not found:
            yield x, y, x, y


def _ink(
    strokes: tuple[tuple[int, int, int, int], ...],
    place: tuple[float, float],
    pen: float,
    step: float,
) -> float:
    """Give how much of the pixel at `place` lies under the pen."""
    nearest = min(_distance(stroke, place) for stroke in strokes)
    return min(max((pen - nearest) * step + 0.5, 0.0), 1.0)


def _distance(stroke: tuple[int, int, int, int], place: tuple[float, float]) -> float:
    left, top, right, bottom = stroke
    along, down = right - left, bottom - top
    x, y = place[0] - left, place[1] - top
    length = along * along + down * down
    part = min(max((x * along + y * down) / length, 0.0), 1.0) if length else 0.0
    return hypot(x - part * along, y - part * down)
