"""What commands show to people: problems, progress, and how they end.

Law: results go to stdout, everything else to stderr. Start from `ending`.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

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


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give a callback for (done, total) octets that draws a bar; None off a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
