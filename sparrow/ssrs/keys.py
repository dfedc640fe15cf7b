"""Keys: what a person pressed, whatever number of octets it took.

Law: a key is an int; below 256 it is the octet, from `META` on it is what stands
behind Escape. Arrow keys become the control keys that do the same, as every
terminal sends them in its own way. Start from `KeyDecoder`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BACKSPACE, TAB, LINE_FEED, CARRIAGE_RETURN, ESCAPE, DELETE = 0x08, 0x09, 0x0A, 0x0D, 0x1B, 0x7F

META = 0x100
"""Added to the octet that followed Escape."""


def control(letter: str) -> int:
    """Give the key that Control and `letter` make."""
    return ord(letter) & 0x1F


_ARROWS = {
    ord("A"): control("P"),
    ord("B"): control("N"),
    ord("C"): control("F"),
    ord("D"): control("B"),
    ord("H"): control("A"),
    ord("F"): control("E"),
}
"""Last octet of a cursor key (ECMA-48 8.3; Home and End as xterm sends them)."""


class KeyDecoder:
    """Joins escape sequences into keys, one octet at a time, in constant memory."""

    def __init__(self) -> None:
        """Start outside any sequence."""
        self._next: Callable[[int], int | None] = self._plain
        self._has_parameters = False

    def decode(self, octet: int) -> int | None:
        """Give the key that `octet` completes, or None where there is none (yet)."""
        return self._next(octet)

    def _plain(self, octet: int) -> int | None:
        if octet == ESCAPE:
            self._next = self._escaped
            return None
        return octet

    def _escaped(self, octet: int) -> int | None:
        if octet in b"[O":  # CSI; SS3 in the keypad's application mode
            self._next = self._sequence
            self._has_parameters = False
            return None
        self._next = self._plain
        return self._plain(octet) if octet in (ESCAPE, CARRIAGE_RETURN, LINE_FEED) else META + octet

    def _sequence(self, octet: int) -> int | None:
        if 0x20 <= octet <= 0x3F:  # parameters (ECMA-48 5.4)
            self._has_parameters = True
            return None
        self._next = self._plain
        if octet < 0x20:  # the sequence was cut; the control key counts
            return self._plain(octet)
        return None if self._has_parameters else _ARROWS.get(octet)
