"""A file that is written aside and then takes the place of what had its name.

Law: under the name stands the old file or the new one, whole. Start from `open_aside`.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sparrow.errors import FatalError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASIDE = ".aside"
_MODE = 0o666
"""Less the umask, as for any file that a command makes."""


@contextmanager
def open_aside(path: str) -> Iterator[BinaryIO]:
    """Open a file for octets that takes the place of `path` when all went well.

    Raises `FatalError` where it cannot be written; then the old file stands.
    """
    try:
        with _open(Path(path)) as raw:
            yield raw
    except OSError as error:
        what = f"{path}: the file cannot be written: {error.strerror or error}"
        raise FatalError(what) from None


@contextmanager
def _open(place: Path) -> Iterator[BinaryIO]:
    aside = place.with_name(f".{place.name}.{os.getpid()}{_ASIDE}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            yield raw
            raw.flush()
            os.fsync(raw.fileno())
        aside.rename(place)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise
