r"""The entries of a master file: text cut where RFC 1035 section 5.1 ends a record.

Law: one entry is one record or directive, made flat: comments are gone,
parentheses are blanks, line ends inside them too; escapes and quoted strings
stand as they were written. A fault in one entry does not touch the next. Start
from `split_entries`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS = " \t\r"
_SPECIAL = re.compile(r'["();\\\r]')
"""What a line must hold for it to be more than words and blanks."""
_PIECE = re.compile(r'[^"();\\\r]+|\\.|"(?:[^"\\]++|\\.)*+"|["();\\\r]', re.DOTALL)
"""One step through a line. A quote or backslash that stands alone has no end."""

_OPEN_QUOTE = 'a quoted string is not closed: write the second " on the same line'
_OPEN_ESCAPE = r"the line ends with a backslash: write \\ for a backslash"
_OPEN_PARENTHESIS = "the ( that stands here is never closed: write ) behind the record"
_STRAY_PARENTHESIS = "there is a ) without a ( before it"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record or directive on one line, whatever it looked like in the file."""

    line: int
    """Line of the file on which the entry starts, counted from 1."""
    text: str
    """The entry without comments, parentheses and line ends."""
    is_indented: bool
    """Whether the entry starts with a blank, and so has the owner of the one before."""
    fault: str | None = None
    """What is wrong with its form; None where it can be read."""


def split_entries(text: str) -> Iterator[Entry]:
    """Give the entries of a master file in order, blank and comment lines left out.

    Lines end with LF or CRLF. A fault ends at the end of its entry; only a
    parenthesis that is never closed takes the rest of the file with it.
    """
    rows = enumerate(text.replace("\r\n", "\n").split("\n"), 1)
    for number, row in rows:
        if _SPECIAL.search(row):
            entry = _gather(number, row, rows)
        else:
            entry = Entry(number, row, row[:1] in (" ", "\t"))
        if entry.fault or entry.text.strip(_BLANKS):
            yield entry


def _gather(number: int, row: str, rows: Iterator[tuple[int, str]]) -> Entry:
    """Join the lines of an entry that has more in it than words and blanks."""
    is_indented = row[:1] in (" ", "\t")
    pieces: list[str] = []
    depth, fault = _take_row(row, 0, pieces)
    while depth:
        following = next(rows, None)
        if following is None:
            return Entry(number, "", is_indented, _OPEN_PARENTHESIS)
        pieces.append(" ")
        depth, row_fault = _take_row(following[1], depth, pieces)
        fault = fault or row_fault
    return Entry(number, "".join(pieces).strip(_BLANKS), is_indented, fault)


def _take_row(row: str, depth: int, pieces: list[str]) -> tuple[int, str | None]:
    """Append what counts of a line; give the open parentheses and the fault behind it."""
    fault = None
    for match in _PIECE.finditer(row):
        piece = match[0]
        if piece == ";":
            break
        if piece == '"':
            return depth, _OPEN_QUOTE
        if piece == "\\":
            return depth, _OPEN_ESCAPE
        if piece == "(":
            depth += 1
        elif piece == ")" and not depth:
            fault = _STRAY_PARENTHESIS
        elif piece == ")":
            depth -= 1
        pieces.append(" " if piece in "()\r" else piece)
    return depth, fault
