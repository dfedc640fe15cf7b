r"""Options in a file: `/etc/supersparrow.conf`, by the quoting rules of its author.

Law: a line is a key and, behind blanks, a value; what the file says does not depend on
blanks around either. Start from `parse_conf`.

    blank line              nothing
    key                     a flag
    key value and more      the value is `value and more`
    # and what follows      nothing, wherever the # stands
    \ at the end of a line  the next line belongs to this one, that of a comment too
    \ before another sign   that sign itself: a blank, a #, a quote, a \
    '...' and "..."         each sign between itself, a \ and the other quote too

A key is the long name of an option without `--`, or a letter without `-`, of which none has
a meaning. A quote ends on its line: one that is left open would swallow the rest of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from sparrow.config.fields import shown, suggest
from sparrow.errors import InputError, Problem
from sparrow.supersparrow.vocabulary import VOCABULARY, Reach
from sparrow.supersparrow.words import Given, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS = frozenset(" \t\v\f")
_KEYS = [name for name, option in VOCABULARY.items() if option.reach is not Reach.COMMAND_LINE]


def parse_conf(text: str, file: str) -> tuple[Given, ...]:
    """Read the options of a file. Raises `InputError` with everything that is wrong."""
    given: list[Given] = []
    problems: list[Problem] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    for entry in _scan(lines):
        place = Place(file, entry.line)
        try:
            given.append(_read_entry(entry, place))
        except InputError as error:
            problems += [place.blame(problem.what) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return tuple(given)


def _read_entry(entry: _Entry, place: Place) -> Given:
    if entry.fault:
        raise InputError([Problem(entry.fault)])
    key, value = str(entry.key), str(entry.value) if entry.value.is_there else None
    option = VOCABULARY.get(key)
    if option is None:
        bare = key.removeprefix("--")
        hint = f"write {bare}" if bare in _KEYS else f"{suggest(key, _KEYS)}see --help"
        raise InputError([Problem(f"there is no option {shown(key)}: {hint}")])
    if option.reach is Reach.COMMAND_LINE:
        raise InputError([Problem(f"{key} can be given on the command line only")])
    if value is None and not option.is_flag:
        raise InputError([Problem(f"{key} needs a value: write {key} {option.metavar}")])
    return Given(option, value, place)


class _Part(Enum):
    """Where in a line the scan is."""

    KEY = auto()
    VALUE = auto()
    COMMENT = auto()


@dataclass(slots=True)
class _Token:
    """A key or a value while it is read."""

    signs: list[str] = field(default_factory=list)
    """What it is made of so far, blanks behind it included."""
    solid: int = 0
    """How many of the signs stay when the blanks behind are cut off."""
    is_there: bool = False
    """Whether anything of it was written: an empty pair of quotes is."""

    def take(self, sign: str, *, is_literal: bool = False) -> None:
        """Add a sign; blanks before the first count only where they are literal."""
        if sign in _BLANKS and not is_literal:
            if self.is_there:
                self.signs.append(sign)
            return
        self.signs.append(sign)
        self.solid = len(self.signs)
        self.is_there = True

    def __str__(self) -> str:
        return "".join(self.signs[: self.solid])


@dataclass(slots=True)
class _Entry:
    """A line while it is read, with those that are joined to it."""

    line: int
    """Where it begins, counted from 1."""
    key: _Token = field(default_factory=_Token)
    """What it begins with."""
    value: _Token = field(default_factory=_Token)
    """What is behind the key."""
    part: _Part = _Part.KEY
    """What the next sign belongs to."""
    fault: str = ""
    """What is wrong with its quotes; empty where nothing is."""

    def take(self, sign: str) -> None:
        """Take a sign that is neither quoted nor the start of anything else."""
        if self.part is _Part.KEY and sign in _BLANKS and self.key.is_there:
            self.part = _Part.VALUE
        elif self.part is not _Part.COMMENT:
            self.token.take(sign)

    @property
    def token(self) -> _Token:
        """What literal signs belong to."""
        return self.key if self.part is _Part.KEY else self.value


def _scan(text: str) -> Iterator[_Entry]:
    """Give the lines that say something, or are wrong; those that are joined as one."""
    signs = _Signs(text)
    while not signs.is_over:
        entry = _Entry(signs.line)
        _scan_line(entry, signs)
        if entry.key.is_there or entry.fault:
            yield entry


@dataclass(slots=True)
class _Signs:
    """The signs of a file, one after the other."""

    text: str
    """All of them."""
    index: int = 0
    """Which comes next."""
    line: int = 1
    """The line that it stands in."""

    @property
    def is_over(self) -> bool:
        """Whether none is left."""
        return self.index >= len(self.text)

    def next(self) -> str:
        """Give the next one; behind the last, a line feed."""
        sign = self.text[self.index] if not self.is_over else "\n"
        self.index += 1
        self.line += sign == "\n"
        return sign


def _scan_line(entry: _Entry, signs: _Signs) -> None:
    while (sign := signs.next()) != "\n":
        if sign == "\\":
            _scan_escape(entry, signs)
        elif entry.part is _Part.COMMENT:
            continue
        elif sign == "#":
            entry.part = _Part.COMMENT
        elif sign in "'\"":
            _scan_quote(entry, signs, sign)
        else:
            entry.take(sign)


def _scan_escape(entry: _Entry, signs: _Signs) -> None:
    if signs.is_over:
        entry.fault = entry.fault or "the file ends behind a \\: write what it stands before"
        return
    sign = signs.next()
    if entry.part is not _Part.COMMENT and sign != "\n":
        entry.token.take(sign, is_literal=True)


def _scan_quote(entry: _Entry, signs: _Signs, quote: str) -> None:
    entry.token.is_there = True
    end = signs.text.find(quote, signs.index)
    stop = signs.text.find("\n", signs.index)
    stop = len(signs.text) if stop < 0 else stop
    if not 0 <= end < stop:
        entry.fault = f"the quote {quote} is not closed on its line: close it, or write \\{quote}"
        signs.index = stop
        return
    for sign in signs.text[signs.index : end]:
        entry.token.take(sign, is_literal=True)
    signs.index = end + 1
