"""The octets of a file that an operator names.

Law: what is read is a regular file, whole, of bounded size, and nothing waits: a
FIFO would keep a reload, and then the end of the process, for ever. Start from
`load_octets`.
"""

from __future__ import annotations

import os
import stat


def load_octets(path: str, most: int) -> bytes:
    """Give the content of the regular file at `path`.

    Raises `OSError` where it cannot be read, and `ValueError` with the reason
    where it is no regular file or longer than `most` octets.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        if status.st_size > most:
            raise ValueError(f"it is over {most} octets long")
        return file.read(status.st_size)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for a FIFO's writer; for a regular file it makes no difference."""
    return os.open(path, flags | os.O_NONBLOCK)
