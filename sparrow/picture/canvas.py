"""A picture while it is drawn.

Law: a pixel has a colour and a shade of it; who writes upon a colour deepens shades, and
never takes ink away. Start from `Canvas`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sparrow.picture.colours import SHADES
from sparrow.picture.letters import GRID_HEIGHT, draw_letter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    Change: TypeAlias = Callable[[int, int], int]

FULL_INK = SHADES - 1


@dataclass(frozen=True, slots=True)
class Pen:
    """How something is written."""

    height: int
    """Pixels of a capital."""
    ink: int = FULL_INK
    """Shade of its strokes: 0 for nothing to `FULL_INK`."""
    halo: int = 0
    """Pixels around strokes that become paper, so that they can be read upon anything."""


class Canvas:
    """Rows of pixels, an octet each: eight times the number of the colour, and the shade."""

    def __init__(self, width: int, height: int) -> None:
        """Start with colour 0 everywhere."""
        self.rows = [bytearray(width) for _ in range(height)]
        """The pixels, for whoever encodes them."""

    def paste(self, x: int, y: int, rows: Sequence[bytes | bytearray]) -> None:
        """Put rows of whole pixels in place of what is there."""
        for number, row in enumerate(rows, y):
            self.rows[number][x : x + len(row)] = row

    def fill(self, x: int, y: int, width: int, height: int, *, colour: int) -> None:
        """Fill a rectangle with a colour."""
        self.paste(x, y, [bytes((colour * SHADES,)) * width] * height)

    def shade(self, x: int, y: int, width: int, height: int, *, ink: int) -> None:
        """Lay ink upon a rectangle."""
        deepen = bytes(_deepen(pixel, ink) for pixel in range(256))
        for row in self.rows[y : y + height]:
            row[x : x + width] = row[x : x + width].translate(deepen)

    def frame(self, x: int, y: int, width: int, height: int, *, ink: int) -> None:
        """Lay ink upon the outermost pixels of a rectangle."""
        for top in (y, y + height - 1):
            self.shade(x, top, width, 1, ink=ink)
        for left in (x, x + width - 1):
            self.shade(left, y, 1, height, ink=ink)

    def write(self, x: int, y: int, text: str, pen: Pen) -> None:
        """Write text whose capitals have their upper left corner here."""
        if pen.halo:
            self._strike(x, y, text, pen, _clear)
        self._strike(x, y, text, replace(pen, halo=0), _deepen)

    def _strike(self, x: int, y: int, text: str, pen: Pen, change: Change) -> None:
        place = float(x)
        for letter in text:
            drawn = draw_letter(letter, pen.height, pen.halo)
            left, top = round(place) - drawn.margin, y - drawn.margin
            for row, inks in zip(self.rows[max(top, 0) :], drawn.rows, strict=False):
                for at, ink in enumerate(inks, left):
                    if ink and 0 <= at < len(row):
                        row[at] = change(row[at], round(ink * pen.ink))
            place += drawn.width


def _clear(pixel: int, ink: int) -> int:
    return 0 if ink > FULL_INK // 2 else pixel


def _deepen(pixel: int, ink: int) -> int:
    return max(pixel, pixel - pixel % SHADES + ink)


def line_height(pen: Pen) -> int:
    """Give the pixels from one line of text to the next."""
    return round(pen.height * (GRID_HEIGHT + 5) / GRID_HEIGHT)
