"""A plan's files into its directory, and a generation made the present one.

Law: whoever reads sees the old generation whole or the new one whole, also where
this process, or the machine, stops in between. Start from `publish_plan`.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sparrow.plan.format import (
    FORMAT,
    GENERATION,
    GENERATION_MAGIC,
    HEADER,
    PlanError,
    UnwrittenPlanError,
)
from sparrow.plan.reader import CURRENT, Current, FileEntry, parse_current
from sparrow.plan.watch import GENERATION_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from sparrow.plan.compile import PlanFiles

_DIRECTORY_MODE = 0o750
_FILE_MODE = 0o640
_PLAN_FILE = re.compile(r"(?:answers|outcomes|map)-(\d+)(?:-\d+)?", re.ASCII)
_ASIDE = re.compile(r"\..+\.aside")
_SERIAL = slice(HEADER.size - 8, HEADER.size)
"""Where a file's header has the serial, by which alone equal maps differ."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What is done beside writing a generation."""

    admit: Callable[[str], None] = lambda _: None
    """Told the name of the outcomes file before anybody can read it."""
    kept: Collection[FileEntry] = ()
    """Files that stay although no generation of the two latest names them."""


@dataclass(frozen=True, slots=True)
class Remap:
    """A generation that differs from the one before in its maps alone."""

    maps: tuple[bytes | FileEntry, ...]
    """By number: a map's content, or what is said of one whose file is there."""


def publish_plan(
    directory: Path, files: PlanFiles | Remap, generation: int, ways: Ways | None = None
) -> Current:
    """Write the files of a generation, make it the present one, and give what it is made of.

    `generation` also numbers the files, and is above that of any that is there. A
    map that the generation before has too is not written again. Raises `UnwrittenPlanError`
    where something cannot be written, and `PlanError` where the number is not above the
    others; then the generation before stays.
    """
    ways = ways or Ways()
    try:
        _make_directory(directory)
        if generation <= last_generation(directory):
            raise PlanError(f"{directory} has generation {last_generation(directory)} already")
        previous = load_current(directory)
        with _number(directory / GENERATION_FILE) as tell:
            current = _Writing(directory, generation, previous).run(files, ways.admit)
            tell(generation)
    except OSError as error:
        raise UnwrittenPlanError(f"{error.filename or directory}: {error.strerror}") from None
    kept = {entry.name for entry in ways.kept} | _names_of(current)
    # It is served by now, and what fails from here on undoes nothing of that.
    with suppress(OSError):
        _sync(directory)
    _remove_others(directory, kept | (_names_of(previous) if previous else set()))
    return current


def last_generation(directory: Path) -> int:
    """Give the highest number that a generation of the directory has, or had; 0 for none.

    Raises `PlanError` where the directory cannot be read.
    """
    try:
        names = [path.name for path in directory.iterdir()] if directory.exists() else []
    except OSError as error:
        raise UnwrittenPlanError(f"{directory}: {error.strerror}") from None
    matches = map(_PLAN_FILE.fullmatch, names)
    serials = [int(match[1]) for match in matches if match]
    current = load_current(directory)
    stored = _load_generation(directory / GENERATION_FILE)
    return max((*serials, current.generation if current else 0, stored or 0))


def load_current(directory: Path) -> Current | None:
    """Read what makes the present generation; None where nothing does, or none can tell."""
    try:
        return parse_current((directory / CURRENT).read_bytes())
    except (OSError, PlanError):
        return None


def _make_directory(directory: Path) -> None:
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(_DIRECTORY_MODE)


class _Writing:
    """The files of a generation on their way to the disk: `current` last, or none at all."""

    def __init__(self, directory: Path, generation: int, previous: Current | None) -> None:
        self._directory = directory
        self._generation = generation
        self._previous = previous
        self._written: list[Path] = []

    def run(self, files: PlanFiles | Remap, admit: Callable[[str], None]) -> Current:
        """Write everything; where something fails leave nothing behind."""
        try:
            current = self._write_all(files)
            _sync(self._directory)  # the files have their names before `current` says them
            admit(current.outcomes.name)
            _write_file(self._directory / CURRENT, _render_current(current))
        except (OSError, PlanError):
            for path in self._written:
                path.unlink(missing_ok=True)
            raise
        return current

    def _write_all(self, files: PlanFiles | Remap) -> Current:
        number = self._generation
        has_new = any(isinstance(each, bytes) for each in files.maps)
        known = _load_maps(self._directory, self._previous) if has_new else {}
        if isinstance(files, Remap):
            if self._previous is None:
                raise PlanError(f"{self._directory} has no generation to take names from")
            return replace(self._previous, generation=number, maps=self._write_maps(files, known))
        return Current(
            generation=number,
            answers=self._write(f"answers-{number}", files.answers),
            maps=self._write_maps(files, known),
            outcomes=self._write(f"outcomes-{number}", files.outcomes),
        )

    def _write_maps(
        self, files: PlanFiles | Remap, known: Mapping[bytes, FileEntry]
    ) -> tuple[FileEntry, ...]:
        return tuple(
            each
            if isinstance(each, FileEntry)
            else known.get(_without_serial(each))
            or self._write(f"map-{self._generation}-{number}", each)
            for number, each in enumerate(files.maps)
        )

    def _write(self, name: str, content: bytes) -> FileEntry:
        self._written.append(self._directory / name)
        _write_file(self._directory / name, content)
        return FileEntry(name, len(content), hashlib.sha256(content).hexdigest())


def _load_maps(directory: Path, previous: Current | None) -> dict[bytes, FileEntry]:
    """Give the maps of the generation before, by the digest of all but their serials."""
    found = {}
    for entry in previous.maps if previous else ():
        try:
            content = (directory / entry.name).read_bytes()
        except OSError:
            continue
        if (entry.size, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest()):
            found[_without_serial(content)] = entry
    return found


def _without_serial(content: bytes) -> bytes:
    """Give the digest of a file with its serial left out."""
    digest = hashlib.sha256(content[: _SERIAL.start])
    digest.update(memoryview(content)[_SERIAL.stop :])
    return digest.digest()


def _render_current(current: Current) -> bytes:
    answers, outcomes = current.answers, current.outcomes
    tree = {
        "format": FORMAT,
        "generation": current.generation,
        "answers": _entry_tree(answers),
        "maps": [_entry_tree(entry) for entry in current.maps],
        "outcomes": {"file": outcomes.name, "size": outcomes.size},
    }
    return json.dumps(tree).encode() + b"\n"


def _entry_tree(entry: FileEntry) -> dict[str, str | int]:
    return {"file": entry.name, "size": entry.size, "sha256": entry.sha256}


def _write_file(path: Path, content: bytes) -> None:
    """Write a file aside, on the disk with every octet, and rename it.

    Room is claimed first: on a full file system of memory (tmpfs) a file that has
    none would be a fault (SIGBUS) to whoever maps it, instead of an error here.
    """
    aside = path.with_name(f".{path.name}.aside")
    aside.unlink(missing_ok=True)  # of a process that was killed just here
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, _FILE_MODE)
            os.posix_fallocate(fd, 0, len(content))
            file.write(content)
            file.flush()
            os.fsync(fd)
        aside.rename(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        what = f"{path} cannot be written, it takes {len(content)} octets: {error.strerror}"
        raise UnwrittenPlanError(what) from None


def _sync(directory: Path) -> None:
    """Have the names in a directory on the disk."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _load_generation(path: Path) -> int | None:
    """Read the number in the file `generation`; None where it is not such a file."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if len(content) != GENERATION.size or not content.startswith(GENERATION_MAGIC):
        return None
    return int(GENERATION.unpack(content)[1])


@contextmanager
def _number(path: Path) -> Iterator[Callable[[int], None]]:
    """Give what tells readers a number, who have the file mapped: one store of eight octets.

    All that can fail does so before: where the file is open there is nothing left to claim.
    """
    if _load_generation(path) is None:
        yield lambda number: _write_file(path, GENERATION.pack(GENERATION_MAGIC, number))
        return
    with path.open("r+b") as file, mmap.mmap(file.fileno(), GENERATION.size) as octets:

        def tell(number: int) -> None:
            with memoryview(octets) as view, view[8:] as place, place.cast("Q") as words:
                words[0] = number

        yield tell


def _names_of(current: Current) -> set[str]:
    return {entry.name for entry in (current.answers, *current.maps, current.outcomes)}


def _remove_others(directory: Path, kept: set[str]) -> None:
    """Remove the files of all generations but two, and what a killed process left behind.

    What cannot be removed is in nobody's way.
    """
    with suppress(OSError):
        for path in list(directory.iterdir()):
            is_ours = _PLAN_FILE.fullmatch(path.name) or _ASIDE.fullmatch(path.name)
            if is_ours and path.name not in kept:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
