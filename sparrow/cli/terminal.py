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

from sparrow.errors import InputError, SparrowError

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


@contextmanager
def ending() -> Iterator[None]:
    """Turn an error that was raised on purpose into its text and exit code."""
    try:
        yield
    except InputError as error:
        say_problems("error", error.problems)
        sys.exit(error.exit_code)
    except SparrowError as error:
        say(f"error: {error}")
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
