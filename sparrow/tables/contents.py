"""Copies of route files, named by what is in them.

Law: a copy has the octets that its name is the digest of, or it is not there; it reached
the disk before anybody speaks of it. Start from `ContentStore`.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from sparrow.errors import InputError, Problem
from sparrow.keeping.statefile import give_to_owner_of
from sparrow.rib.snapshot import EMPTY
from sparrow.sources.files import load_snapshot, parse_route_file
from sparrow.sources.octets import open_regular
from sparrow.tables.readinglog import ReadingLog
from sparrow.tables.state import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sparrow.rib.snapshot import Snapshot
    from sparrow.sources.files import Loaded, RouteFile

    Progress: TypeAlias = Callable[[int, int], None]

_PIECE = 2**18
"""Octets copied at once."""
_MODE = 0o640
_FOLDER_MODE = 0o750
_ASIDE = ".aside"


@dataclass(frozen=True, slots=True)
class Reading:
    """How tables are read."""

    previous: Snapshot = EMPTY
    """The table to be replaced; routes that are the same are shared with it."""
    progress: Progress | None = None
    """Told the octets read so far, and in all."""


class ContentStore:
    """The copies in a folder. Two processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        """Keep copies in `folder`, which is made when there is one to keep."""
        self._folder = folder

    def take(self, file: RouteFile, source: str, mode: str | None) -> Content:
        """Read a file once, from where its path leads, and keep a copy of what was there.

        Without room for a copy there is none, and the file itself is read later. Raises
        `OSError` and `ValueError` where the file cannot be read, and `InputError` where
        it changed meanwhile.
        """
        with os.fdopen(open_regular(source), "rb") as stream:
            before = os.fstat(stream.fileno())
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            content = Content(file.path, file.kind, digest, before.st_size, before.st_mtime, mode)
            if not self._has_copy(content):
                stream.seek(0)
                with suppress(OSError):  # the table is served all the same
                    self._copy(stream.fileno(), content)
            after = os.fstat(stream.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise _changed(file.path)
        return content

    def path_of(self, content: Content) -> Path:
        """Give the path that the copy of a content has, or would have."""
        # What a file is called decides how a damaged one is refused.
        suffix = ".gz" if content.path.endswith(".gz") else ""
        return self._folder / f"{content.sha256}{suffix}"

    def load(self, contents: Sequence[Content], reading: Reading) -> Loaded:
        """Read the copies of contents into one table, under the names of their files.

        Where there is no copy the file itself is read. Raises `InputError` with every
        problem of every file.
        """
        paths = [self._readable(content) for content in contents]
        names = _name_copies(paths, contents)
        files = [
            parse_route_file(path, content.format)
            for path, content in zip(paths, contents, strict=True)
        ]
        log = ReadingLog(contents, time.monotonic)
        log.begin()
        try:
            loaded = load_snapshot(files, log.follow(reading.progress), reading.previous)
        except InputError as error:
            raise InputError(_rename(error.problems, names)) from None
        for path, content in zip(paths, contents, strict=True):
            if path == content.path and digest_file(path) != content.sha256:
                raise _changed(path)
        log.end(loaded.snapshot)
        found = zip(loaded.files, contents, strict=True)
        return replace(
            loaded,
            files=tuple(replace(f, path=c.path, size=c.size, mtime_s=c.mtime_s) for f, c in found),
            warnings=tuple(_rename(loaded.warnings, names)),
        )

    def check(self, contents: Iterable[Content]) -> None:
        """See that there is a whole copy of each content. Raises `InputError`."""
        problems = []
        for content in contents:
            path = str(self.path_of(content))
            if digest_file(path) != content.sha256:
                what = f"there is no whole copy of what {content.path} had"
                problems.append(Problem(what, path))
        if problems:
            raise InputError(problems)

    def prune(self, kept: Iterable[Content]) -> None:
        """Remove every copy but those of the contents given, and what killed processes left.

        What another process is writing stays.
        """
        names = {self.path_of(content).name for content in kept}
        with suppress(OSError):  # a copy too many does no harm
            for path in self._folder.iterdir():
                is_needed = path.name in names or _is_being_written(path.name)
                if _is_copy(path.name) and not is_needed:
                    path.unlink(missing_ok=True)

    def _readable(self, content: Content) -> str:
        return str(self.path_of(content)) if self._has_copy(content) else content.path

    def _has_copy(self, content: Content) -> bool:
        """Tell whether there is a copy that we can read."""
        return os.access(self.path_of(content), os.R_OK)

    def _copy(self, source: int, content: Content) -> None:
        """Write a copy aside, see that it is what was read before, and give it its name."""
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        aside = self._folder / f"{content.sha256}.{os.getpid()}{_ASIDE}"
        aside.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(aside, flags, _MODE)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                give_to_owner_of(self._folder, descriptor)
                digest = hashlib.sha256()
                while piece := os.read(source, _PIECE):
                    digest.update(piece)
                    stream.write(piece)
                stream.flush()
                os.fsync(descriptor)
            if digest.hexdigest() == content.sha256:
                aside.rename(self.path_of(content))
        finally:
            aside.unlink(missing_ok=True)
        _sync_folder(self._folder)


def digest_file(path: str) -> str | None:
    """Give the SHA-256 of a file in hexadecimal digits; None where it cannot be read."""
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _changed(path: str) -> InputError:
    what = "the file changed while it was read: write a new one beside it and rename that"
    return InputError([Problem(what, path)])


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder have reached the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_copy(name: str) -> bool:
    return len(name.partition(".")[0]) == hashlib.sha256().digest_size * 2


def _is_being_written(name: str) -> bool:
    """Tell whether a file is one that a process other than ours, which lives, has begun."""
    pid = name.removesuffix(_ASIDE).rpartition(".")[2]
    if not name.endswith(_ASIDE) or not pid.isdecimal() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)  # sends nothing, and tells whether it could
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _name_copies(paths: Sequence[str], contents: Sequence[Content]) -> dict[str, str]:
    """Give by the path of each copy the files that have its contents, which may be several."""
    names: dict[str, dict[str, None]] = {}
    for path, content in zip(paths, contents, strict=True):
        names.setdefault(path, {})[content.path] = None
    return {path: ", ".join(found) for path, found in names.items()}


def _rename(problems: Iterable[Problem], names: dict[str, str]) -> list[Problem]:
    return [
        replace(problem, file=names.get(problem.file, problem.file)) if problem.file else problem
        for problem in problems
    ]
