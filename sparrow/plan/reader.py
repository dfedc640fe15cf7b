"""A plan directory, opened: `current` read strictly, the files mapped and verified whole.

Law: a plan is taken whole or not at all; what is wrong is a `PlanError` that says what
and in which file, and nothing else is raised. Start from `open_plan`.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.plan.format import (
    ANSWERS_MAGIC,
    FORMAT,
    MAP_MAGIC,
    OUTCOMES_MAGIC,
    OutcomesSection,
    PlanError,
    decode_file,
)
from sparrow.plan.plan import MapFile, Plan, PlanFile
from sparrow.plan.verify import verify_answers, verify_policies
from sparrow.plan.verifymap import verify_map
from sparrow.sources.octets import open_regular

if TYPE_CHECKING:
    from pathlib import Path

CURRENT = "current"
"""The file that says which files make the present generation."""
_MAX_CURRENT = 2**20
"""Octets; each map takes some 150, and there is at most one for each policy."""
_NAMES = {"answers": r"answers-\d+", "maps": r"map-\d+-\d+", "outcomes": r"outcomes-\d+"}
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What `current` says of a file."""

    name: str
    """Its name in the directory."""
    size: int
    """Octets."""
    sha256: str
    """Digest in hexadecimal; empty for the outcomes, which change."""


@dataclass(frozen=True, slots=True)
class Current:
    """The file `current`, read."""

    generation: int
    """Number of the generation."""
    answers: FileEntry
    """The answers file."""
    maps: tuple[FileEntry, ...]
    """The maps, by number."""
    outcomes: FileEntry
    """The outcomes file."""


def open_plan(directory: Path, *previous: Plan) -> Plan:
    """Map and verify the present generation of a directory. Raises `PlanError`.

    A map or an answers file that one of `previous` has too is taken from there, as these
    never change.
    """
    if sys.byteorder != "little":
        raise PlanError("plans are little-endian, and this machine is not")
    current = parse_current(_read_current(directory / CURRENT))
    known = {_key_of(each.file): each for plan in previous for each in plan.maps}
    maps = tuple(
        known.get((entry.name, entry.sha256)) or _open_map(directory, entry)
        for entry in current.maps
    )
    outcomes = _map_file(directory, current.outcomes, OUTCOMES_MAGIC)
    words = outcomes.view(OutcomesSection.WORDS, "Q")
    had = {_key_of(plan.answers.file): plan.answers for plan in previous}
    answers = had.get((current.answers.name, current.answers.sha256))
    try:
        if answers:
            verify_policies(answers, maps, len(words))
        else:
            file = _map_file(directory, current.answers, ANSWERS_MAGIC)
            answers = verify_answers(file, maps, len(words))
    except PlanError as error:
        raise PlanError(f"{current.answers.name}: {error}") from None
    return Plan(current.generation, answers, maps, outcomes, words)


def _key_of(file: PlanFile) -> tuple[str, str]:
    return file.name, file.sha256


def _open_map(directory: Path, entry: FileEntry) -> MapFile:
    file = _map_file(directory, entry, MAP_MAGIC)
    try:
        return verify_map(file)
    except PlanError as error:
        raise PlanError(f"{file.name}: {error}") from None


# The file `current`.


def _read_current(path: Path) -> bytes:
    try:
        fd = open_file(path)
        with os.fdopen(fd, "rb") as file:
            text = file.read(_MAX_CURRENT + 1)
    except (OSError, PlanError) as error:
        raise PlanError(f"{path}: {_words_of(error)}") from None
    if len(text) > _MAX_CURRENT:
        raise PlanError(f"{path} is longer than {_MAX_CURRENT} octets")
    return text


def parse_current(text: bytes) -> Current:
    """Read the text of `current`; a key more or less is an error. Raises `PlanError`."""
    try:
        return _take_current(json.loads(text, object_pairs_hook=_distinct))
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{CURRENT} cannot be read: {error}") from None


def _take_current(tree: Any) -> Current:
    if not isinstance(tree, dict) or _take_number(tree.get("format")) != FORMAT:
        raise ValueError(f"it is not of format {FORMAT}")
    _take_keys(tree, {"format", "generation", "answers", "maps", "outcomes"})
    return Current(
        generation=_take_number(tree["generation"]),
        answers=_take_entry(tree["answers"], "answers"),
        maps=tuple(_take_entry(each, "maps") for each in _take_list(tree["maps"])),
        outcomes=_take_entry(tree["outcomes"], "outcomes"),
    )


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise ValueError("a key stands there twice")
    return tree


def _take_keys(tree: Any, keys: set[str]) -> None:
    if not isinstance(tree, dict) or tree.keys() != keys:
        raise ValueError(f"it has not the keys {', '.join(sorted(keys))}")


def _take_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list")  # noqa: TRY004 (what is wrong is the text)
    return value


def _take_number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**64:
        raise ValueError(f"{value!r} is not a number of 64 bits")
    return value


def _take_entry(tree: Any, kind: str) -> FileEntry:
    has_digest = kind != "outcomes"
    _take_keys(tree, {"file", "size", "sha256"} if has_digest else {"file", "size"})
    name, digest = tree["file"], tree["sha256"] if has_digest else ""
    if not isinstance(name, str) or not re.fullmatch(_NAMES[kind], name, re.ASCII):
        raise ValueError(f"{name!r} is not the name of a file of {kind}")
    if has_digest and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise ValueError(f"the sha256 of {name} is none")
    return FileEntry(name, _take_number(tree["size"]), digest)


# The other files.


def _map_file(directory: Path, entry: FileEntry, magic: bytes) -> PlanFile:
    """Map a file read-only, check size and digest, and read its section table."""
    try:
        octets = _map_octets(directory / entry.name, entry.size)
        _check_digest(octets, entry.sha256)
        return PlanFile(entry.name, entry.sha256, octets, decode_file(magic, octets))
    except (OSError, PlanError) as error:
        raise PlanError(f"{directory / entry.name}: {_words_of(error)}") from None


def _check_digest(octets: memoryview, digest: str) -> None:
    if digest and hashlib.sha256(octets).hexdigest() != digest:
        raise PlanError("its digest is not the one that current names")


def _map_octets(path: Path, size: int) -> memoryview:
    fd = open_file(path)
    try:
        found = os.fstat(fd).st_size
        if found != size or size == 0:
            raise PlanError(f"it has {found} octets, and current says {size}")
        return map_octets(fd, size)
    finally:
        os.close(fd)


def open_file(path: Path) -> int:
    """Open a file to be read. Raises `OSError`, or `PlanError` where it is none.

    Neither a symbolic link nor a pipe in the place of a file leads elsewhere or blocks.
    """
    try:
        return open_regular(path, os.O_NOFOLLOW)
    except ValueError as error:
        raise PlanError(str(error)) from None


def map_octets(fd: int, size: int) -> memoryview:
    """Map `size` octets, shared and read-only. Raises `OSError` or `PlanError`."""
    try:
        return memoryview(mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ))
    except ValueError as error:  # it became shorter just now
        raise PlanError(str(error)) from None


def rest_file(file: PlanFile) -> None:
    """Give back the memory of a mapped file; whoever reads it again finds it on disk."""
    octets = file.octets.obj
    if isinstance(octets, mmap.mmap):
        octets.madvise(mmap.MADV_DONTNEED)


def _words_of(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
