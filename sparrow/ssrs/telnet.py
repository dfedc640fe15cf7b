"""The telnet protocol below the dialogue (RFC 854, RFC 1073).

Law: every octet that arrives goes through one `TelnetDecoder`, which gives the
typed octets and keeps the protocol's own to itself, in constant memory. Start
from `TelnetDecoder`.

Like Zebra, we offer our options once and never answer an offer or a request: an
option that the peer asks for on its own stays off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SE, SB, WILL, DO, DONT, IAC = 240, 250, 251, 253, 254, 255
"""Telnet commands (RFC 854); 251 to 254 are followed by an option."""

ECHO, SUPPRESS_GO_AHEAD, WINDOW_SIZE, LINEMODE = 1, 3, 31, 34
"""Telnet options (RFC 857, 858, 1073, 1184)."""

OFFER = bytes(
    (IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD, IAC, DONT, LINEMODE, IAC, DO, WINDOW_SIZE)
)
"""What Zebra sends before the first prompt: the peer's terminal goes into character mode."""

MAX_SUBNEGOTIATION = 512
"""Octets of one subnegotiation; ours has 5, the longest in use some hundred. Our own bound."""


@dataclass(frozen=True, slots=True)
class Window:
    """The size of the peer's terminal."""

    width: int
    """Columns; 0 where the peer does not know."""
    height: int
    """Rows; 0 where the peer does not know."""


class TelnetDecoder:
    """Takes telnet's own octets out of a stream, one octet at a time."""

    def __init__(self) -> None:
        """Start in the middle of text, with the window unknown."""
        self.window: Window | None = None
        """What the peer said last of its window; None while it has not."""
        self.is_broken = False
        """Whether a subnegotiation ran over its bound: the stream makes no sense any more."""
        self._subnegotiation = bytearray()
        self._next: Callable[[int], int | None] = self._text

    def decode(self, octet: int) -> int | None:
        """Give the octet where it is text, None where it belongs to telnet."""
        return self._next(octet)

    def _text(self, octet: int) -> int | None:
        if octet != IAC:
            return octet
        self._next = self._command
        return None

    def _command(self, octet: int) -> int | None:
        if octet == IAC:  # the octet 255 itself, doubled (RFC 854)
            self._next = self._text
            return octet
        if octet == SB:
            self._subnegotiation.clear()
            self._next = self._inside
        else:
            self._next = self._option if WILL <= octet <= DONT else self._text
        return None

    def _option(self, _octet: int) -> None:
        self._next = self._text

    def _inside(self, octet: int) -> None:
        if octet == IAC:
            self._next = self._inside_command
        else:
            self._collect(octet)

    def _inside_command(self, octet: int) -> None:
        if octet == SE:
            self._next = self._text
            self._read_window()
        else:
            self._next = self._inside
            self._collect(octet)

    def _collect(self, octet: int) -> None:
        if len(self._subnegotiation) < MAX_SUBNEGOTIATION:
            self._subnegotiation.append(octet)
        else:
            self.is_broken = True

    def _read_window(self) -> None:
        """Take the size out of `31 width width height height` (RFC 1073); skip anything else."""
        content = bytes(self._subnegotiation)
        if len(content) == 5 and content[0] == WINDOW_SIZE:
            self.window = Window(
                int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
            )
