"""Times as people write them on a command line: spans such as 2h, and moments with a zone."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from sparrow.config.amounts import duration
from sparrow.control.ordering import MAX_AHEAD_S
from sparrow.errors import InputError, Problem
from sparrow.values.moment import parse_moment

_parse_span = duration(0.001, MAX_AHEAD_S)


def parse_span(option: str, text: str) -> float:
    """Read a duration as the configuration has it; give seconds.

    Raises `InputError`, which names the option.
    """
    try:
        return _parse_span(_number_or_text(text))
    except InputError as error:
        raise _of_option(option, error) from None


def parse_moment_option(option: str, text: str) -> float:
    """Read a time with its zone; give Unix seconds. Raises `InputError`, naming the option."""
    try:
        return parse_moment(text)
    except InputError as error:
        raise _of_option(option, error) from None


def parse_since(option: str, text: str, now_s: float) -> float:
    """Read a time with its zone, or a duration up to now; give Unix seconds.

    Raises `InputError`, which names the option.
    """
    if text[:1].isdigit() and "-" not in text and ":" not in text:
        return now_s - parse_span(option, text)
    return parse_moment_option(option, text)


def _number_or_text(text: str) -> object:
    """Give a number where YAML would have one: seconds are written without a unit too."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _of_option(option: str, error: InputError) -> InputError:
    return InputError(Problem(f"{option}: {problem.what}") for problem in error.problems)
