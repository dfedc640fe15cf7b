"""The stream from a route server, cut into lines, and into what waits at its end.

Law: all that comes is counted and the longest line is bounded, so that garbage costs neither
memory nor more time than its length. Start from `LineCutter`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.ssrs.telnet import IAC, TelnetDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE = 65_536
"""Octets of a line: several times what the communities of a route can take."""
MAX_TAIL = 512
"""Octets of an unfinished line that may be a prompt; hostnames have at most 253."""


class LineCutter:
    """Takes octets, gives lines."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.is_broken = False
        """Whether a line, or a telnet command, was longer than any that makes sense."""
        self._telnet = TelnetDecoder()
        self._is_inside = False
        self._tail = bytearray()

    def cut(self, octets: bytes) -> Iterator[str]:
        """Take what came, and give the lines that it completes, one by one."""
        parts = self._decode(octets).split(b"\n")
        for part in parts[:-1]:
            self._append(part)
            line = _clean(bytes(self._tail))
            self._tail.clear()
            yield line
        self._append(parts[-1])

    def _append(self, part: bytes) -> None:
        if len(self._tail) + len(part) > MAX_LINE:
            self.is_broken = True
            self._tail.clear()
        else:
            self._tail += part

    def _decode(self, octets: bytes) -> bytes:
        """Take telnet's own octets out, and NUL, which telnet sends behind CR (RFC 854)."""
        if IAC in octets or self._is_inside:
            found = bytearray()
            for octet in octets:
                text = self._telnet.decode(octet)
                if text is not None:
                    found.append(text)
            # Whether a command goes on is not told, so all is decoded from the first one on.
            self._is_inside = True
            self.is_broken = self.is_broken or self._telnet.is_broken
            octets = bytes(found)
        return octets.replace(b"\0", b"")

    def tail(self) -> str:
        """Give the line that is not complete, blanks at its end cut; nothing where it is long."""
        return _clean(bytes(self._tail)).rstrip(" ") if len(self._tail) <= MAX_TAIL else ""

    def drop_tail(self) -> None:
        """Have read the tail: what comes is another line."""
        self._tail.clear()


def _clean(octets: bytes) -> str:
    """Give a line without its CR, and without a mark of pages that was wiped out in it."""
    line = octets.decode("latin-1").rstrip("\r")
    return line.replace("\b", "\r").rpartition("\r")[2]
