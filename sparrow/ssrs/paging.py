"""Long output, cut into pages of the peer's screen.

Law: a line is taken from its command only when it is printed, so output of any
length costs the memory of one line. Start from `Listing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.ssrs.keys import control

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.ssrs.telnet import Window

MORE = b" --More-- "
ERASE = b"\b" * len(MORE) + b" " * len(MORE) + b"\b" * len(MORE)

STOP_KEYS = frozenset((ord("q"), ord("Q"), control("C")))
"""Keys that end a listing at its page break; every other key shows the next page (Zebra)."""


class Listing:
    """The lines that a command still has to print."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Start at the top of the first page."""
        self.is_waiting = False
        """Whether a page is full and a key decides what comes next."""
        self.is_done = False
        """Whether there is nothing left to print."""
        self._lines = iter(lines)
        self._rows = 0
        self._kept = b""
        self._fetch()

    def print_next(self, window: Window) -> bytes:
        """Give the next line, or the mark of a full page and wait there.

        `window.height` 0 is a page without end, `window.width` 0 a line without one.
        """
        line = self._kept
        rows = _count_rows(line, window.width)
        if window.height and self._rows and self._rows + rows > max(window.height - 1, 1):
            self.is_waiting = True
            return MORE
        self._rows += rows
        self._fetch()
        return line

    def press(self, key: int) -> bytes:
        """Take the key at a full page: stop, or go on with the next page."""
        self.is_waiting = False
        self._rows = 0
        if key in STOP_KEYS:
            self.is_done = True
        return ERASE

    def _fetch(self) -> None:
        """Look one line ahead, as the end of the output is no reason for a page break."""
        text = next(self._lines, None)
        self.is_done = text is None
        self._kept = (text or "").encode("ascii", "backslashreplace") + b"\r\n"


def _count_rows(line: bytes, width: int) -> int:
    """Tell how many rows of the screen a printed line takes."""
    parts = line.split(b"\n")[:-1]
    return sum(max(-(-len(part.rstrip(b"\r")) // width), 1) if width else 1 for part in parts)
