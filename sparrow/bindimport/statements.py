"""What `named.conf` consists of: statements of words, and blocks of more statements.

Law: pure; an included file is read by whoever calls. What BIND would refuse may pass, what it
takes is understood: all three kinds of comments, texts over several lines. Start from
`parse_statements`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Include = Callable[[str, str], Sequence["Source"]]
    """Gives the files that an `include` names, by its text and the last `directory`."""

MAX_DEPTH = 100
"""Blocks within blocks, and files within files; a file that includes itself ends here."""

_TOKEN = re.compile(
    r"""(?P<blank>(?:\s|//[^\n]*|\#[^\n]*|/\*.*?\*/)+)
    |   "(?P<text>(?:[^"\\]|\\.)*)"
    |   (?P<mark>[{};])
    |   (?P<word>(?:(?!//|/\*)[^\s"{};\#])+)""",
    re.VERBOSE | re.DOTALL,
)


class Source(NamedTuple):
    """A file of the configuration."""

    file: str
    """Its name, as people know it."""
    text: str
    """What it holds."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a statement, or a text in quotes, without these."""

    text: str
    """As it stands there; of a text's backslashes only those before quotes are gone."""
    file: str
    """Where it stands."""
    line: int
    """Where it begins, counted from 1."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Words, and the block behind them, if there is one."""

    words: tuple[Word, ...]
    """At least one."""
    block: tuple[Statement, ...] = ()
    """What stands between its braces, in order."""


class _Token(NamedTuple):
    mark: str
    """One of "{};", or "" for a word."""
    word: Word


def parse_statements(source: Source, include: Include) -> tuple[Statement, ...]:
    """Read a file and those that it includes. Raises `InputError`."""
    return _Reader(include).read(source, 0)


class _Reader:
    """Reads statements; knows the directory that relative names start from."""

    def __init__(self, include: Include) -> None:
        self._include = include
        self._directory = ""

    def read(self, source: Source, depth: int) -> tuple[Statement, ...]:
        return tuple(self._statements(_split(source), depth, None))

    def _statements(
        self, tokens: Iterator[_Token], depth: int, opening: Word | None
    ) -> Iterator[Statement]:
        """Give the statements of a block; of a file where there is no `opening` brace."""
        words: list[Word] = []
        block: tuple[Statement, ...] = ()
        for token in tokens:
            if token.mark == "{":
                self._check_depth(depth, token.word)
                block += tuple(self._statements(tokens, depth + 1, token.word))
            elif token.mark == "}" and opening:
                opening = None
                break
            elif token.mark == "}":
                raise _error("there is a '}' too many", token.word)
            elif token.mark == ";":
                yield from self._finish(words, block, depth)
                words, block = [], ()
            else:
                words.append(token.word)
        if opening:
            raise _error("the block that begins here does not end", opening)
        if words:
            raise _error("there is no ';' behind this", words[-1])

    def _finish(
        self, words: list[Word], block: tuple[Statement, ...], depth: int
    ) -> Iterator[Statement]:
        if not words:
            return
        statement = Statement(tuple(words), block)
        first, *rest = words
        if first.text == "directory" and rest:
            self._directory = rest[0].text
        if first.text == "include" and rest:
            self._check_depth(depth, first)
            for source in self._read_included(rest[0]):
                yield from self.read(source, depth + 1)
        else:
            yield statement

    def _read_included(self, name: Word) -> Sequence[Source]:
        try:
            return self._include(name.text, self._directory)
        except InputError as error:
            what = "; ".join(str(problem) for problem in error.problems)
            raise _error(f"what is included here cannot be read: {what}", name) from None

    def _check_depth(self, depth: int, word: Word) -> None:
        if depth == MAX_DEPTH:
            raise _error(f"this is more than {MAX_DEPTH} blocks or files deep", word)


def _split(source: Source) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(source.text):
        found = _TOKEN.match(source.text, at)
        word = Word("", source.file, line)
        if found is None:
            raise _error("a quote or a comment that begins here does not end", word)
        if (text := found["text"]) is not None:
            yield _Token("", Word(text.replace('\\"', '"'), source.file, line))
        elif found["word"]:
            yield _Token("", Word(found["word"], source.file, line))
        elif found["mark"]:
            yield _Token(found["mark"], word)
        at = found.end()
        line += found[0].count("\n")


def _error(what: str, word: Word) -> InputError:
    return InputError([Problem(what, word.file, word.line)])
