"""The words of command lines, and how a typed word fits one.

Law: a keyword is lower-case and stands for itself and its abbreviations; a word
with a capital or a parenthesis is a variable from `VARIABLES`. Start from
`fit_of`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from sparrow.errors import InputError
from sparrow.values.address import parse_address, parse_network

if TYPE_CHECKING:
    from collections.abc import Callable


class Fit(IntEnum):
    """How well a typed word fits a word of a command; of several the best counts."""

    NONE = 0
    """It is something else."""
    MALFORMED = 1
    """It can only be meant as this variable, and is not a value of it."""
    SHORT = 2
    """It abbreviates this keyword."""
    WHOLE = 3
    """It is this keyword, or a value of this variable."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A place in a command for something that the user knows."""

    beginning: re.Pattern[str]
    """What a value looks like while it is being typed."""
    sign: str
    """What a word has that can only be meant as this; where it is empty, no word is malformed."""
    is_value: Callable[[str], bool]
    """Whether a word is a value."""


def _is_address(text: str) -> bool:
    return _parses(parse_address, text)


def _is_prefix(text: str) -> bool:
    return "/" in text and _parses(parse_network, text)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except InputError:
        return False
    return True


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_IPV4 = rf"(?:{_OCTET}\.){{0,3}}{_OCTET}?"
_IPV6 = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f:.]*)?"

VARIABLES = {
    "A.B.C.D": Variable(re.compile(_IPV4), ".", lambda text: ":" not in text and _is_address(text)),
    "A.B.C.D/M": Variable(
        re.compile(_IPV4 + r"(?:/(?:3[0-2]|[0-2]?[0-9])?)?"),
        "/",
        lambda text: ":" not in text and _is_prefix(text),
    ),
    "X:X::X:X": Variable(re.compile(_IPV6), ":", lambda text: ":" in text and _is_address(text)),
    "X:X::X:X/M": Variable(
        re.compile(_IPV6 + r"(?:/(?:12[0-8]|1[01][0-9]|[0-9]?[0-9])?)?"),
        "/",
        lambda text: ":" in text and _is_prefix(text),
    ),
    "NAME": Variable(re.compile(r"[!-~]+"), "", bool),
    "(0-512)": Variable(
        re.compile(r"[0-9]{1,3}"),
        "",
        lambda text: bool(re.fullmatch(r"[0-9]{1,3}", text)) and int(text) <= 512,
    ),
}
"""The variables, by the word that stands for each in a command."""


def fit_of(typed: str, word: str) -> Fit:
    """Tell how a typed word fits a word of a command."""
    variable = VARIABLES.get(word)
    if variable is None:
        if typed == word:
            return Fit.WHOLE
        return Fit.SHORT if word.startswith(typed) else Fit.NONE
    if variable.is_value(typed):
        return Fit.WHOLE
    is_meant = variable.sign and variable.sign in typed and variable.beginning.fullmatch(typed)
    return Fit.MALFORMED if is_meant else Fit.NONE


def is_beginning(typed: str, word: str) -> bool:
    """Tell whether typing on may make `typed` fit `word`; nothing typed fits everything."""
    variable = VARIABLES.get(word)
    if variable is None or not typed:
        return word.startswith(typed) or not typed
    return variable.beginning.fullmatch(typed) is not None
