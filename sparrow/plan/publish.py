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
from typing import TYPE_CHECKING

from sparrow.plan.format import FORMAT, GENERATION, GENERATION_MAGIC, HEADER, PlanError
from sparrow.plan.reader import CURRENT, Current, FileEntry, parse_current
from sparrow.plan.watch import GENERATION_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.plan.compile import PlanFiles

_DIRECTORY_MODE = 0o750
_FILE_MODE = 0o640
_PLAN_FILE = re.compile(r"(?:answers|outcomes|map)-(\d+)(?:-\d+)?", re.ASCII)
_ASIDE = re.compile(r"\..+\.aside")
_SERIAL = slice(HEADER.size - 8, HEADER.size)
"""Where a file's header has the serial, by which alone equal maps differ."""


def publish_plan(directory: Path, files: PlanFiles, generation: int) -> None:
    """Write the files of a generation and make it the present one.

    `generation` also numbers the files, and is above that of any that is there. A
    map that the generation before has too is not written again. Raises `PlanError`
    where something cannot be written; then the generation before stays.
    """
    try:
        _make_directory(directory)
        if generation <= last_generation(directory):
            raise PlanError(f"{directory} has generation {last_generation(directory)} already")
        previous = load_current(directory)
        current = _write_files(directory, files, generation, previous)
        _store_generation(directory / GENERATION_FILE, generation)
        _remove_others(directory, _names_of(current) | (_names_of(previous) if previous else set()))
    except OSError as error:
        raise PlanError(f"{error.filename or directory}: {error.strerror}") from None


def last_generation(directory: Path) -> int:
    """Give the highest number that a generation of the directory has, or had; 0 for none.

    Raises `PlanError` where the directory cannot be read.
    """
    try:
        names = [path.name for path in directory.iterdir()] if directory.exists() else []
    except OSError as error:
        raise PlanError(f"{directory}: {error.strerror}") from None
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


def _write_files(
    directory: Path, files: PlanFiles, generation: int, previous: Current | None
) -> Current:
    """Write all files, `current` last; where one fails leave none behind."""
    written: list[Path] = []

    def write(name: str, content: bytes) -> FileEntry:
        written.append(directory / name)
        _write_file(directory / name, content)
        return FileEntry(name, len(content), hashlib.sha256(content).hexdigest())

    try:
        known = _load_maps(directory, previous)
        current = Current(
            generation=generation,
            answers=write(f"answers-{generation}", files.answers),
            maps=tuple(
                known.get(_without_serial(content)) or write(f"map-{generation}-{number}", content)
                for number, content in enumerate(files.maps)
            ),
            outcomes=write(f"outcomes-{generation}", files.outcomes),
        )
        _sync(directory)  # the files have their names before `current` says them
        _write_file(directory / CURRENT, _render_current(current))
    except (OSError, PlanError):
        for path in written:
            path.unlink(missing_ok=True)
        raise
    _sync(directory)
    return current


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
        raise PlanError(what) from None


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


def _store_generation(path: Path, generation: int) -> None:
    """Tell readers, who have the file mapped, with one aligned store of eight octets."""
    if _load_generation(path) is None:
        _write_file(path, GENERATION.pack(GENERATION_MAGIC, generation))
        return
    with path.open("r+b") as file, mmap.mmap(file.fileno(), GENERATION.size) as octets:
        with memoryview(octets) as view, view[8:] as number, number.cast("Q") as words:
            words[0] = generation
        octets.flush()


def _names_of(current: Current) -> set[str]:
    return {entry.name for entry in (current.answers, *current.maps, current.outcomes)}


def _remove_others(directory: Path, kept: set[str]) -> None:
    """Remove the files of all generations but two, and what a killed process left behind."""
    for path in directory.iterdir():
        is_ours = _PLAN_FILE.fullmatch(path.name) or _ASIDE.fullmatch(path.name)
        if is_ours and path.name not in kept:
            path.unlink(missing_ok=True)
