"""A square of cells with what people need to read it: title, grid, legend.

Law: everything is measured in parts of the square, so that a picture of any size looks the
same; only letters never get too small to read. Start from `compose`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.picture.canvas import Canvas, Pen, line_height
from sparrow.picture.colours import SHADES, build_palette
from sparrow.picture.hilbert import lay_out, trace
from sparrow.picture.letters import measure_text
from sparrow.picture.png import encode_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.picture.colours import Colour

_BLOCK_ORDER = 4
"""Order of the curve through the 256 blocks of length 8."""
_LEAST_HEIGHT = 9
"""Pixels of a capital that can be read."""
_GRID_INK, _FRAME_INK, _NUMBER_INK, _FAINT_INK = 2, 4, 7, 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the legend."""

    colour: int
    """Number of its colour."""
    name: str
    """What has this colour."""
    figure: str
    """How much of it there is; empty for no figure."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is to be drawn."""

    title: str
    """What the picture shows."""
    subtitle: str
    """A line below, in small letters."""
    order: int
    """Order of the curve: the square has 2**order pixels a side; at least 4."""
    cells: bytes | bytearray
    """Colour of each cell of the curve."""
    colours: Sequence[Colour]
    """Colours by number, 0 for the paper; at most 32."""
    heading: str
    """What the figures of the legend are."""
    legend: Sequence[Entry]
    """The most important first."""


def compose(sheet: Sheet) -> bytes:
    """Draw a sheet; give it as a PNG file."""
    return encode_png(_draw(sheet).rows, build_palette(sheet.colours))


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Lengths in pixels."""

    side: int
    margin: int
    title: Pen
    text: Pen
    faint: Pen

    @property
    def head(self) -> int:
        """Pixels from the upper edge to the square."""
        return self.margin + line_height(self.title) + line_height(self.faint) + self.margin // 2

    @property
    def foot(self) -> int:
        """Pixels from the square to the lower edge."""
        return self.margin // 2 + line_height(self.faint) + self.margin // 2


def _measure(order: int) -> _Sizes:
    side = 1 << order
    text = max(_LEAST_HEIGHT, side // 80)
    return _Sizes(
        side=side,
        margin=max(20, side // 26),
        title=Pen(text * 2),
        text=Pen(text),
        faint=Pen(max(_LEAST_HEIGHT - 1, text * 4 // 5), _FAINT_INK),
    )


def _draw(sheet: Sheet) -> Canvas:
    sizes = _measure(sheet.order)
    margin, side = sizes.margin, sizes.side
    least = measure_text(sheet.title, sizes.title.height) - side
    width = max(_legend_width(sheet, sizes), least)
    canvas = Canvas(margin + side + margin + width + margin, sizes.head + side + sizes.foot)
    base = margin + line_height(sizes.title)
    canvas.write(margin, margin, sheet.title, sizes.title)
    canvas.write(margin, base, sheet.subtitle, sizes.faint)
    colours = bytes(min(code * SHADES, 255) for code in range(256))
    rows = lay_out(sheet.cells.translate(colours), sheet.order)
    canvas.paste(margin, sizes.head, rows)
    _draw_grid(canvas, sizes)
    below = sizes.head + side + margin // 2
    canvas.write(margin, below, _explain(sheet.order), sizes.faint)
    _draw_legend(canvas, sheet, sizes, width)
    return canvas


def _explain(order: int) -> str:
    length = 2 * order
    return (
        f"Hilbert curve of order {order}: a pixel is a /{length}, a square the block "
        "whose first octet stands in it"
    )


def _draw_grid(canvas: Canvas, sizes: _Sizes) -> None:
    """Draw the outlines of all blocks of length 8, and their numbers."""
    left, top, side = sizes.margin, sizes.head, sizes.side
    step = side >> _BLOCK_ORDER
    for place in range(step, side, step):
        canvas.shade(left + place, top, 1, side, ink=_GRID_INK)
        canvas.shade(left, top + place, side, 1, ink=_GRID_INK)
    canvas.frame(left - 1, top - 1, side + 2, side + 2, ink=_FRAME_INK)
    pen = Pen(max(7, step // 9), _NUMBER_INK, halo=max(1, step // 80))
    inset = max(3, step // 14)
    for number, (x, y, _) in enumerate(trace(_BLOCK_ORDER)):
        canvas.write(left + x * step + inset, top + y * step + inset, str(number), pen)


def _legend_width(sheet: Sheet, sizes: _Sizes) -> int:
    names = max((measure_text(each.name, sizes.text.height) for each in sheet.legend), default=0)
    figures = max(
        (measure_text(each.figure, sizes.text.height) for each in sheet.legend), default=0
    )
    line = line_height(sizes.text)
    return max(2 * line + names + line + figures, measure_text(sheet.heading, sizes.faint.height))


def _draw_legend(canvas: Canvas, sheet: Sheet, sizes: _Sizes, width: int) -> None:
    """Draw as many entries as there is room for, and say how many there are beyond."""
    pen, line = sizes.text, line_height(sizes.text)
    left, place = sizes.margin * 2 + sizes.side, sizes.head
    canvas.write(left, place, sheet.heading, sizes.faint)
    place += line * 3 // 2
    room = (sizes.head + sizes.side - place) // line
    shown = sheet.legend if len(sheet.legend) <= room else sheet.legend[: room - 1]
    for entry in shown:
        swatch = line * 3 // 4
        above = place - (swatch - pen.height) // 2
        canvas.fill(left, above, swatch * 3 // 2, swatch, colour=entry.colour)
        canvas.frame(left, above, swatch * 3 // 2, swatch, ink=_GRID_INK)
        canvas.write(left + 2 * line, place, entry.name, pen)
        figure = left + width - measure_text(entry.figure, pen.height)
        canvas.write(figure, place, entry.figure, pen)
        place += line
    if len(shown) < len(sheet.legend):
        canvas.write(left + 2 * line, place, f"and {len(sheet.legend) - len(shown)} more", pen)
