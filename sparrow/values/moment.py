"""Moments as people write them: a date and a time with its zone.

Law: inside the program a moment is Unix seconds; a time without its zone is none. Start
from `parse_moment`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sparrow.errors import InputError, Problem


def parse_moment(text: str) -> float:
    """Read a time with its zone, in ISO 8601; give Unix seconds. Raises `InputError`."""
    example = "write it with its zone, such as 2026-01-31T22:00Z or 2026-01-31T23:00+01:00"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError([Problem(f"{text!r} is not a time: {example}")]) from None
    if moment.tzinfo is None:
        raise InputError([Problem(f"{text!r} has no zone: {example}")])
    return moment.timestamp()


def render_moment(at_s: float) -> str:
    """Give a Unix time for people: `2026-01-31T22:00:00Z`."""
    return _render(at_s, "seconds")


def render_exact_moment(at_s: float) -> str:
    """Give a Unix time so that it reads back equal: with the fraction that it has."""
    return _render(at_s, "auto")


def _render(at_s: float, timespec: str) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
