"""The journal: what happened to sites, orders and tables, one JSON object a line.

Law: an entry is one write to a file that is only ever appended to, so that a reader sees
whole entries whoever is killed when; and a disk that takes no more stops nothing but the
journal. Start from `Journal` and `read_journal`.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError, Problem
from sparrow.keeping.statefile import give_to_owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_log = logging.getLogger(__name__)

JOURNAL = "journal.jsonl"
"""Name in the state directory."""
_MODE = 0o640
MAX_OCTETS = 8 * 2**20
"""Octets of a file, some forty thousand entries; then another is begun."""
KEPT = 2
"""Files that are kept behind the present one."""
_TAIL = 2**16
"""Octets that are read at once in search of the last whole line."""
_ATTEMPTS = 10
"""Times that a reader begins again because a file was put aside under it."""


class Journal:
    """Appends entries; none of its methods raises anything that the disk does."""

    def __init__(self, path: Path, max_octets: int = MAX_OCTETS) -> None:
        """Append to `path`; at `max_octets` it is put aside. Nothing is opened yet."""
        self._path = path
        self._max_octets = max_octets
        self._descriptor: int | None = None
        self._is_torn = False
        self._failures = 0
        self._problem: str | None = None

    def snapshot(self) -> dict[str, Any]:
        """Give `failures`, entries that were lost since the start, and `problem`, the present."""
        return {"failures": self._failures, "problem": self._problem}

    def append(self, event: str, at_s: float, fields: Mapping[str, Any]) -> None:
        """Add an entry: what happened, when in Unix seconds, and what belongs to it.

        One that cannot be written is counted; the first of a row of them is logged.
        """
        row = {"at": round(at_s, 3), "event": event, **fields}
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        try:
            self._write(line)
        except OSError as error:
            self._failures += 1
            why = error.strerror or str(error)
            if self._problem is None:
                _log.error("the journal %s cannot be written: %s", self._path, why)
            self._problem = why
        else:
            if self._problem is not None:
                _log.info("the journal %s is written again", self._path)
            self._problem = None

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: bytes) -> None:
        descriptor = self._open()
        size = os.fstat(descriptor).st_size
        if size and size + len(line) > self._max_octets:
            _put_aside(self._path)
            descriptor, size = self._open(), 0
        octets = b"\n" + line if self._is_torn else line
        written = os.write(descriptor, octets)
        self._is_torn = False
        if written < len(octets):
            self._take_back(descriptor, size, written)
            raise OSError(None, "the disk is full")

    def _open(self) -> int:
        """Give the present file, which somebody may have moved away or put aside."""
        if self._descriptor is not None and _is_at(self._descriptor, self._path):
            return self._descriptor
        self.close()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, _MODE)
        os.fchmod(self._descriptor, _MODE)
        give_to_owner_of(self._path.parent, self._descriptor)
        _cut_tail(self._descriptor)
        self._is_torn = False
        return self._descriptor

    def _take_back(self, descriptor: int, size: int, written: int) -> None:
        """Cut off a part of an entry; where another daemon wrote behind it, end its line."""
        self._is_torn = True
        with suppress(OSError):
            if os.fstat(descriptor).st_size == size + written:
                os.ftruncate(descriptor, size)
                self._is_torn = False


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _cut_tail(descriptor: int) -> None:
    """Cut off what stands behind the last whole line."""
    end = os.fstat(descriptor).st_size
    at = end
    while at:
        start = max(at - _TAIL, 0)
        found = os.pread(descriptor, at - start, start).rfind(b"\n")
        if found >= 0:
            at = start + found + 1
            break
        at = start
    if at < end:
        os.ftruncate(descriptor, at)


def _put_aside(path: Path) -> None:
    """Rename the present file to `.1`, and what was there to `.2`; the oldest goes."""
    for number in range(KEPT, 0, -1):
        younger = _kept(path, number - 1)
        with suppress(FileNotFoundError):
            younger.rename(_kept(path, number))


def _kept(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path


def read_journal(path: Path, since_s: float = 0.0) -> Iterator[dict[str, Any]]:
    """Give the entries since a Unix time, the oldest first; none where there is no journal.

    A line that is no entry, torn by a full disk or a crash, is passed over. Raises
    `InputError` where a file cannot be read.
    """
    for octets in _load(path):
        for line in octets.split(b"\n")[:-1]:
            row = _parse_line(line)
            if row is not None and row["at"] >= since_s:
                yield row


def _load(path: Path) -> list[bytes]:
    """Read all files, the oldest first; again, where one was put aside meanwhile."""
    for _ in range(_ATTEMPTS):
        before = _inode(path)
        found = [_load_file(_kept(path, number)) for number in range(KEPT, -1, -1)]
        if _inode(path) == before:
            return found
    raise InputError([Problem("the journal grows faster than it is read: try again", str(path))])


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _load_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        what = f"the journal cannot be read: {error.strerror}"
        raise InputError([Problem(what, str(path))]) from None


def _parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_entry = (
        isinstance(row, dict)
        and isinstance(row.get("at"), int | float)
        and isinstance(row.get("event"), str)
    )
    return row if is_entry else None
