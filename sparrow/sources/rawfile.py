"""A table on disk while it is read: its octets, how far it is, and that nobody writes to it.

Law: what was read is what one writer wrote, not half of it; and reading never waits.
Start from `open_table` and `Meter`.
"""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from sparrow.errors import InputError, Problem
from sparrow.sources.octets import IrregularFileError, open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Progress: TypeAlias = Callable[[int, int], None]

_PIECE = 256 * 1024
"""Octets read at once."""


class Meter:
    """Counts octets over all files for a progress callback."""

    def __init__(self, paths: Iterable[str], progress: Progress | None) -> None:
        """Tell `progress` of octets read and octets in all, as they are on disk."""
        self._before = 0
        self._total = sum(map(_size_of, paths))
        self._progress = progress

    def show(self, read: int) -> None:
        """Report `read` octets of the present file."""
        if self._progress is not None:
            self._progress(min(self._before + read, self._total), self._total)

    def end_file(self, size: int) -> None:
        """Count a file of `size` octets as done."""
        self.show(size)
        self._before += size


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0  # reading it will say what is wrong


def open_table(path: str) -> IO[bytes]:
    """Open a table. Raises `OSError`, and `InputError` where it is no regular file."""
    try:
        return os.fdopen(open_regular(path), "rb", buffering=0)
    except IsADirectoryError:
        kind = "a directory"
    except IrregularFileError as error:
        kind = error.kind
    except ValueError:
        raise InputError([Problem("this is not the name of a file", path)]) from None
    raise InputError([Problem(f"this is {kind}; a route file is a regular file", path)])


def read_pieces(raw: IO[bytes], meter: Meter) -> Iterator[bytes]:
    """Give the octets of a file as they are on disk, and tell `meter`.

    Not beyond the size at the start: a writer that appends faster than we read would
    keep us here for ever.
    """
    size = os.fstat(raw.fileno()).st_size
    while raw.tell() <= size and (piece := raw.read(_PIECE)):
        yield piece
        meter.show(raw.tell())


def read_failure(path: str, error: OSError) -> Problem:
    """Say that a file cannot be read."""
    return Problem(f"the file cannot be read: {error.strerror or error}", path)


def check_unchanged(path: str, before: os.stat_result, after: os.stat_result) -> None:
    """Refuse a file that was written to meanwhile. Raises `InputError`."""
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        what = "the file changed while it was read: write a new one beside it and rename that"
        raise InputError([Problem(what, path)])


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Have no garbage collected meanwhile.

    Nothing that is read is garbage: the collector would walk 100,000 new routes over
    and over to find that, for half of the time that making them takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
