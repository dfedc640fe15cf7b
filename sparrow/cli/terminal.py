"""What commands show to people: results, problems, and how they end.

Law: results go to stdout, everything else to stderr; a result that cannot be
written is an end like any other, with a line that says so. Start from `ending`.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

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


class OutputError(SparrowError):
    """A result cannot be written. Without a text where its reader has gone, which is his affair."""

    exit_code = 1


class _Results:
    """stdout, whose errors are told from those of everything else that is read and written."""

    def __init__(self, stream: TextIO | None) -> None:
        """Write to `stream`; None for a stdout that was closed when we were started."""
        self._stream = stream
        self._has_failed = False

    def write(self, text: str) -> int:
        """Write text. Raises `OutputError`."""
        if text == "":
            return 0  # click looks whether this is text, and would swallow what it meets there
        if self._stream is None:
            raise OutputError("the result cannot be written: stdout is closed")
        try:
            return self._stream.write(text)
        except OSError as error:
            raise self._give_up(self._stream, error) from None

    def flush(self) -> None:
        """Have what was written arrive. Raises `OutputError`, unless writing has done so."""
        if self._stream is None or self._has_failed:
            return
        try:
            self._stream.flush()
        except OSError as error:
            raise self._give_up(self._stream, error) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self, stream: TextIO, error: OSError) -> OutputError:
        """Send what the stream still holds nowhere: the interpreter flushes it once more."""
        self._has_failed = True
        with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
        if error.errno == errno.EPIPE:
            return OutputError("")
        return OutputError(f"the result cannot be written to stdout: {error.strerror}")


@contextmanager
def delivering() -> Iterator[None]:
    """Have all that is printed meanwhile arrive, or end with exit code 1 and a line that says so.

    Quietly where the reader of a pipe has seen enough, as `head` has.
    """
    stream = sys.stdout
    sys.stdout = cast("TextIO", _Results(stream))
    try:
        with ending():
            try:
                yield
            finally:
                sys.stdout.flush()
    finally:
        sys.stdout = stream
