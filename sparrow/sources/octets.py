"""The octets of a file that an operator names.

Law: what is read is a regular file, whole, of bounded size, and nothing waits: a
FIFO would keep a reload, and then the end of the process, for ever. Start from
`load_octets`.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


class IrregularFileError(ValueError):
    """Something that is neither a regular file nor a directory has its name."""

    def __init__(self, kind: str) -> None:
        """Name it, as `a named pipe`."""
        super().__init__(f"it is {kind}, not a regular file")
        self.kind = kind
        """What it is."""


def open_regular(path: str | Path, flags: int = 0) -> int:
    """Open a regular file to be read; give its descriptor, which the caller closes.

    `flags` are more of those of open(2), as O_NOFOLLOW. Raises `OSError`,
    `IrregularFileError`, and `ValueError` for what no file can be called. What is no
    regular file is neither opened (that alone does something to some devices) nor
    waited for.
    """
    _check_kind(Path(path).stat(follow_symlinks=not flags & os.O_NOFOLLOW).st_mode)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | flags)
    try:
        _check_kind(os.fstat(fd).st_mode)  # by now something else may have taken its place
    except (OSError, ValueError):
        os.close(fd)
        raise
    return fd


def load_octets(path: str, most: int) -> bytes:
    """Give the content of the regular file at `path`.

    Raises `OSError` where it cannot be read, and `ValueError` with the reason
    where it is no regular file or longer than `most` octets.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError(f"it is over {most} octets long")
        return file.read(size)


def _check_kind(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise IrregularFileError(_KINDS.get(stat.S_IFMT(mode), "something else"))
