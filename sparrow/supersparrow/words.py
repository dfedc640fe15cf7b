"""Options as words: those of a command line, or of a `database` line of BIND.

Law: a word that begins with `--` is an option of the vocabulary, or a mistake that is
named with its place; nothing is passed over. Start from `read_words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.config.fields import shown, suggest
from sparrow.errors import InputError, Problem
from sparrow.supersparrow.vocabulary import VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.supersparrow.vocabulary import Option


@dataclass(frozen=True, slots=True)
class Place:
    """Where an option was written."""

    file: str
    """The file, or what else it stands in."""
    line: int | None = None
    """Line in the file, counted from 1; None where there are no lines."""

    def blame(self, what: str) -> Problem:
        """Make a problem of what is wrong here."""
        return Problem(what, self.file, self.line)


COMMAND_LINE = Place("command line")


@dataclass(frozen=True, slots=True)
class Given:
    """An option as somebody gave it, its value not looked at yet."""

    option: Option
    """Which one."""
    text: str | None
    """Its value; None for a flag that stands alone."""
    place: Place
    """Where it was given."""


@dataclass(frozen=True, slots=True)
class Words:
    """What words say."""

    given: tuple[Given, ...]
    """Options, in the order in which they were given."""
    rest: tuple[str, ...]
    """What is no option: addresses."""


def read_words(words: Sequence[str], place: Place = COMMAND_LINE) -> Words:
    """Tell options from other words: `--name value`, `--name=value`, `--flag`.

    Behind `--` no word is an option. Raises `InputError` with everything that is wrong.
    """
    given: list[Given] = []
    rest: list[str] = []
    problems: list[Problem] = []
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if word == "--":
            rest += reversed(waiting)
            break
        if not word.startswith("-"):
            rest.append(word)
            continue
        try:
            given.append(_read_option(word, waiting, place))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return Words(tuple(given), tuple(rest))


def _read_option(word: str, waiting: list[str], place: Place) -> Given:
    """Read the option that `word` begins; its value may be the last of those that wait."""
    written, equals, text = word.partition("=")
    name = "help" if written == "-h" else written[2:] if written.startswith("--") else ""
    option = VOCABULARY.get(name)
    if option is None:
        hint = suggest(written, [f"--{known}" for known in VOCABULARY])
        raise InputError([place.blame(f"there is no option {shown(written)}: {hint}see --help")])
    if equals or option.is_flag:
        return Given(option, text if equals else None, place)
    if not waiting or waiting[-1].startswith("--"):
        what = f"--{name} needs a value: write --{name}={option.metavar}"
        raise InputError([place.blame(what)])
    return Given(option, waiting.pop(), place)
