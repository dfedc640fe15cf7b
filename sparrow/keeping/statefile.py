"""Small JSON files that outlive a restart: orders, verdicts, accepted tables.

Law: on the disk stands the old tree or the new one, whole, whenever the process or the
machine dies. Start from `store_json`.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError, Problem
from sparrow.sources.octets import load_octets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MODE = 0o640
_FOLDER_MODE = 0o750
MAX_OCTETS = 64 * 2**20
"""Octets of a file that is read; ours have some kilobytes."""


def store_json(path: Path, tree: object) -> None:
    """Write a tree in the place of what `path` held; its folder is made where it is missing.

    What is written has reached the disk when this returns. Raises `OSError`, and then
    the old file stands.
    """
    with _folder_of(path) as folder_fd:
        _replace(path, tree, folder_fd)


def change_json(path: Path, change: Callable[[Any], object]) -> None:
    """Put what `change` makes of the present tree in its place; None where there is no file.

    No other writer comes in between. Raises `InputError` where the present tree cannot
    be read, `OSError`, and what `change` raises; then the old file stands.
    """
    with _folder_of(path) as folder_fd:
        _replace(path, change(load_json(path)), folder_fd)


@contextmanager
def _folder_of(path: Path) -> Iterator[int]:
    """Give the folder of a file, open, made where it was missing, and ours alone until the end.

    While one server takes the place of another both may write; the lock ends with its
    process.
    """
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _replace(path: Path, tree: object, folder_fd: int) -> None:
    octets = json.dumps(tree, indent=1).encode() + b"\n"
    # One name for all: what a killed writer left is removed, and none gathers. Root may
    # write here, in a folder of an account's: what that account has laid under the name,
    # a link for one, is never written through.
    aside = path.with_name(f".{path.name}.aside")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, _MODE)
            give_to_owner_of(path.parent, descriptor)
            stream.write(octets)
            stream.flush()
            os.fsync(descriptor)
        aside.rename(path)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise
    os.fsync(folder_fd)  # the name has to reach the disk too


def give_to_owner_of(folder: Path, descriptor: int) -> None:
    """Give an open file to whom its folder belongs, where we may: the daemon is to read it."""
    if os.geteuid() == 0:
        found = folder.stat()
        os.fchown(descriptor, found.st_uid, found.st_gid)


def load_json(path: Path) -> Any:
    """Read a tree; None where there is no file. Raises `InputError` where it cannot be read."""
    try:
        return json.loads(load_octets(str(path), MAX_OCTETS))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        what = f"this file of the state directory cannot be read ({why}): mend or remove it"
        raise InputError([Problem(what, str(path))]) from None
