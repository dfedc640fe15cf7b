"""Colours, and how each is drawn upon.

Law: the sixteen colours of sites can be told apart side by side, and what is written upon
any colour can be read. Start from `SITE_COLOURS` and `build_palette`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each (sRGB)."""

SHADES = 8
"""Shades of a colour in a palette: from the colour alone to the ink upon it."""
PAPER: Colour = (255, 255, 255)
_DARK: Colour = (28, 30, 36)
_DARKEST_FOR_DARK = 0.2
"""Relative luminance from which on dark ink reads better than white: (L + 0.05)**2 = 1.05 * 0.06,
the contrast rule of WCAG 2."""


def parse_colour(text: str) -> Colour:
    """Read `0072b2`."""
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


SITE_COLOURS: tuple[Colour, ...] = tuple(
    map(
        parse_colour,
        (
            # Okabe and Ito's, which colour-blind people tell apart, go to the largest parts.
            "0072b2", "e69f00", "009e73", "d55e00", "56b4e9", "cc79a7", "f0e442",
            "5e3c99", "7a4a1e", "1b2450", "a6d96a", "8c1438", "e7298a", "b9a6e8",
            "3fd4c4", "70726e",
        ),
    )
)  # fmt: skip
"""For sites by their share, the largest first; the seventeenth has the first one again."""


def site_colour(place: int) -> int:
    """Give the place among `SITE_COLOURS` of the site that is `place`th by share, from 0."""
    return place % len(SITE_COLOURS)


def build_palette(bases: Sequence[Colour]) -> tuple[Colour, ...]:
    """Give all shades of each colour, one colour after the other; at most 32 colours."""
    return tuple(_mix(base, _ink(base), shade) for base in bases for shade in range(SHADES))


def _ink(base: Colour) -> Colour:
    return _DARK if luminance(base) > _DARKEST_FOR_DARK else PAPER


def _mix(base: Colour, ink: Colour, shade: int) -> Colour:
    red, green, blue = (
        round(ours + (theirs - ours) * shade / (SHADES - 1))
        for ours, theirs in zip(base, ink, strict=True)
    )
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Give the relative luminance, 0 to 1 (WCAG 2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (octet / 255 for octet in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
