"""Text of master files, from disk.

Law: what is read is a regular file, whole, of bounded size, in UTF-8; anything
else is refused with a reason, and nothing waits (a FIFO would). Start from
`load_text`.
"""

from __future__ import annotations

from sparrow.errors import InputError, Problem
from sparrow.sources.octets import load_octets

MAX_OCTETS = 512 * 2**20
"""Largest master file; a zone of ten million records is about that long."""


def load_text(path: str) -> str:
    """Give the text of the master file at `path`, without a byte order mark.

    Raises `InputError` where there is no such regular file, it cannot be read,
    it is over `MAX_OCTETS` long, or it is not UTF-8.
    """
    try:
        octets = load_octets(path, MAX_OCTETS)
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        what = f"octet {octets[error.start]:#04x} is not UTF-8: save the file as UTF-8"
        raise InputError([Problem(what, path, line)]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError([Problem(f"the zone file cannot be read: {reason}", path)]) from None
