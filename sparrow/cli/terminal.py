"""What commands show to people: problems, and how they end.

Law: results go to stdout, everything else to stderr. Start from `ending`.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from sparrow.errors import SparrowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sparrow.errors import Problem


def say(text: str) -> None:
    """Write a line for a person to stderr."""
    click.echo(text, err=True)


def say_problems(kind: str, problems: Iterable[Problem]) -> None:
    """List problems on stderr, `kind` being error or warning."""
    for problem in problems:
        say(f"{kind}: {problem}")


def say_error(text: str) -> None:
    """Write a line that says why nothing came of it to stderr."""
    say(f"error: {text}")


@contextmanager
def ending(tell: Callable[[str], None] = say_error) -> Iterator[None]:
    """Turn an error that was raised on purpose into its text, line by line, and exit code."""
    try:
        yield
    except SparrowError as error:
        for line in str(error).splitlines():
            tell(line)
        sys.exit(error.exit_code)
