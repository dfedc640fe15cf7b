"""One line as it is typed, with the editing keys of Zebra's vty.

Law: for each key the editor gives exactly the octets that make the peer's
screen show the line again, with the cursor in its place. Start from
`LineEditor`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.ssrs.keys import BACKSPACE, DELETE, META, control

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LINE = 512
"""Characters of a line; Zebra's buffer holds as many and cuts there."""

MAX_HISTORY = 20
"""Lines remembered, as Zebra does."""

_BACK = b"\b"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was ended."""

    text: str
    """What was typed, printable ASCII only, at most `MAX_LINE` characters."""
    is_overlong: bool
    """Whether more was typed than `text` holds."""


class LineEditor:
    """The line being typed, the cursor in it, and the lines before it."""

    def __init__(self) -> None:
        """Start with an empty line and no history."""
        self._text = bytearray()
        self._cursor = 0
        self._is_overlong = False
        self._history: deque[bytes] = deque(maxlen=MAX_HISTORY)
        self._place = 0  # in the history; its length stands for the line being typed

    @property
    def text(self) -> str:
        """The line so far."""
        return self._text.decode("ascii")

    def press(self, key: int) -> bytes:
        """Take one key; give the octets that show its effect.

        A key without a meaning here changes nothing and shows nothing.
        """
        if 0x20 <= key < DELETE:
            return self._insert(key)
        action = _ACTIONS.get(key)
        return action(self) if action else b""

    def take(self) -> Line:
        """End the line: give it, and start an empty one."""
        line = Line(self.text, self._is_overlong)
        self.clear()
        return line

    def clear(self) -> None:
        """Throw the line away without a trace on the screen."""
        self._text.clear()
        self._cursor = 0
        self._is_overlong = False
        self._place = len(self._history)

    def remember(self, text: str) -> None:
        """Add a line to the history, but no empty one and none twice in a row."""
        line = text.encode("ascii")
        if line.strip() and (not self._history or self._history[-1] != line):
            self._history.append(line)
        self._place = len(self._history)

    def redraw(self) -> bytes:
        """Give the whole line for a fresh prompt, the cursor at its end."""
        self._cursor = len(self._text)
        return bytes(self._text)

    def replace_tail(self, count: int, word: str) -> bytes:
        """Put `word` in place of the last `count` characters; the cursor is at the end.

        A word that would make the line too long changes nothing.
        """
        if len(self._text) - count + len(word) > MAX_LINE:
            return b""
        self._text[len(self._text) - count :] = word.encode("ascii")
        self._cursor = len(self._text)
        return _BACK * count + word.encode("ascii")

    def _insert(self, key: int) -> bytes:
        if len(self._text) >= MAX_LINE:
            self._is_overlong = True
            return b""
        self._text.insert(self._cursor, key)
        self._cursor += 1
        rest = self._text[self._cursor :]
        return bytes((key,)) + rest + _BACK * len(rest)

    def _move(self, cursor: int) -> bytes:
        step = self._text[self._cursor : cursor] or _BACK * (self._cursor - cursor)
        self._cursor = cursor
        return bytes(step)

    def left(self) -> bytes:
        """Move one character to the left."""
        return self._move(max(self._cursor - 1, 0))

    def right(self) -> bytes:
        """Move one character to the right."""
        return self._move(min(self._cursor + 1, len(self._text)))

    def home(self) -> bytes:
        """Move to the start of the line."""
        return self._move(0)

    def end(self) -> bytes:
        """Move to the end of the line."""
        return self._move(len(self._text))

    def left_word(self) -> bytes:
        """Move to the start of this word, or of the one before."""
        return self._move(self._word_start())

    def right_word(self) -> bytes:
        """Move to the start of the next word."""
        place = self._cursor
        while place < len(self._text) and self._text[place] != 0x20:
            place += 1
        while place < len(self._text) and self._text[place] == 0x20:
            place += 1
        return self._move(place)

    def delete(self) -> bytes:
        """Delete the character under the cursor."""
        if self._cursor == len(self._text):
            return b""
        del self._text[self._cursor]
        rest = self._text[self._cursor :]
        return bytes(rest + b" " + _BACK * (len(rest) + 1))

    def delete_left(self) -> bytes:
        """Delete the character to the left."""
        return self.left() + self.delete() if self._cursor else b""

    def delete_word_left(self) -> bytes:
        """Delete to the left, up to the start of a word."""
        count = self._cursor - self._word_start()
        return b"".join(self.delete_left() for _ in range(count))

    def delete_word_right(self) -> bytes:
        """Delete to the right, up to the end of a word."""
        rest = bytes(self._text[self._cursor :])
        spaces = len(rest) - len(rest.lstrip(b" "))
        count = spaces + len(rest.lstrip(b" ").partition(b" ")[0])
        return b"".join(self.delete() for _ in range(count))

    def delete_tail(self) -> bytes:
        """Delete from the cursor to the end."""
        count = len(self._text) - self._cursor
        del self._text[self._cursor :]
        return b" " * count + _BACK * count

    def delete_all(self) -> bytes:
        """Delete the whole line."""
        return self.home() + self.delete_tail()

    def transpose(self) -> bytes:
        """Exchange the two characters around the cursor, or the last two at the end."""
        if len(self._text) < 2 or self._cursor == 0:
            return b""
        echo = self.left() if self._cursor == len(self._text) else b""
        echo += self.left()
        pair = bytes(reversed(self._text[self._cursor : self._cursor + 2]))
        self._text[self._cursor : self._cursor + 2] = pair
        self._cursor += 2
        return echo + pair

    def older(self) -> bytes:
        """Put the line before this one, from the history, in its place."""
        return self._recall(self._place - 1) if self._place else b""

    def newer(self) -> bytes:
        """Put the line after this one in its place: at the end of the history, an empty one."""
        return self._recall(self._place + 1) if self._place < len(self._history) else b""

    def _recall(self, place: int) -> bytes:
        echo = self.delete_all()
        self._place = place
        if place < len(self._history):
            self._text[:] = self._history[place]
        return echo + self.redraw()

    def _word_start(self) -> int:
        place = self._cursor
        while place and self._text[place - 1] == 0x20:
            place -= 1
        while place and self._text[place - 1] != 0x20:
            place -= 1
        return place


_ACTIONS: dict[int, Callable[[LineEditor], bytes]] = {
    control("A"): LineEditor.home,
    control("B"): LineEditor.left,
    control("D"): LineEditor.delete,
    control("E"): LineEditor.end,
    control("F"): LineEditor.right,
    BACKSPACE: LineEditor.delete_left,
    DELETE: LineEditor.delete_left,
    control("K"): LineEditor.delete_tail,
    control("N"): LineEditor.newer,
    control("P"): LineEditor.older,
    control("T"): LineEditor.transpose,
    control("U"): LineEditor.delete_all,
    control("W"): LineEditor.delete_word_left,
    META + ord("b"): LineEditor.left_word,
    META + ord("d"): LineEditor.delete_word_right,
    META + ord("f"): LineEditor.right_word,
    META + BACKSPACE: LineEditor.delete_word_left,
    META + DELETE: LineEditor.delete_word_left,
}
"""The editing keys, each with what it does."""
