"""A bar that shows how far the reading of tables is.

It stands apart because rich takes long to import, and a server's start has no bar.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress_bar(
    title: str, unit: str | None = None
) -> Iterator[Callable[[int, int], None] | None]:
    """Give a callback for (done, total) that draws a bar; None off a terminal.

    What is counted are octets, or what `unit` says.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    counted = (DownloadColumn(), TransferSpeedColumn())
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        *(counted if unit is None else (MofNCompleteColumn(), TextColumn(unit))),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
