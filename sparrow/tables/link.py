"""A symbolic link that says which route file is in force, and is swapped whole.

Law: whoever opens the link finds the old file or the new one, never none; and a path that
is not a link is nobody's to replace. Start from `swap_link`.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Swap:
    """What became of a link."""

    link: str
    """Path of the link."""
    before: str | None
    """What it named; None where it was not there."""
    after: str
    """What it names now, or would name."""

    @property
    def is_needed(self) -> bool:
        """Tell whether the link named something else."""
        return self.before != self.after


def swap_link(link: str, target: str, *, is_dry_run: bool = False) -> Swap:
    """Make `link` name `target`; a link that does so already is not touched.

    Both are absolute paths. With `is_dry_run` nothing is written. Raises `InputError`
    where `target` is no file that can be read, where something that is not a link stands
    at `link`, and where the link cannot be written.
    """
    _check_target(target)
    swap = Swap(link, read_link(link), target)
    if swap.is_needed and not is_dry_run:
        try:
            _replace(Path(link), target)
        except OSError as error:
            what = f"the link cannot be swapped: {error.strerror or error}; see failover.link"
            raise InputError([Problem(what, link)]) from None
    return swap


def read_link(link: str) -> str | None:
    """Give what a link names, as it is written there; None where nothing is at its path.

    Raises `InputError` where something else stands there.
    """
    try:
        if not stat.S_ISLNK(os.lstat(link).st_mode):
            what = (
                "this is not a symbolic link, so it is left alone: failover.link is swapped "
                "between the files of failover.modes; move what stands here to one of them"
            )
            raise InputError([Problem(what, link)])
        return str(Path(link).readlink())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError([Problem(f"the link cannot be read: {error.strerror}", link)]) from None


def _check_target(target: str) -> None:
    # A link to a file that is not there would take the table away from every reload.
    try:
        is_file = stat.S_ISREG(Path(target).stat().st_mode)
        is_readable = os.access(target, os.R_OK)
    except OSError as error:
        what = f"the link is not swapped to this file: {error.strerror}; see failover.modes"
        raise InputError([Problem(what, target)]) from None
    if not (is_file and is_readable):
        why = "it cannot be read" if is_file else "it is not a regular file"
        what = f"the link is not swapped to this file, as {why}; see failover.modes"
        raise InputError([Problem(what, target)])


def _replace(link: Path, target: str) -> None:
    with _folder_alone(link.parent) as folder_fd:
        # One name for all, so that what a killed process left is removed and none gathers.
        aside = link.with_name(f".{link.name}.aside")
        aside.unlink(missing_ok=True)
        aside.symlink_to(target)
        try:
            _refuse_what_came(link)
            aside.rename(link)
        except (OSError, InputError):
            aside.unlink(missing_ok=True)
            raise
        os.fsync(folder_fd)  # the new name has to reach the disk too


def _refuse_what_came(link: Path) -> None:
    """Look once more, as a rename would replace a file as readily as a link."""
    read_link(str(link))


@contextmanager
def _folder_alone(folder: Path) -> Iterator[int]:
    """Open a folder that no other of our processes swaps in meanwhile: cron's and the daemon."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
