"""The outcome words of a plan's directory, kept as the sites stand.

Law: a word is written with one aligned store of 64 bits, and only where it differs, so
whoever answers meets the outcome before or the one behind, whichever generation it has;
the words of a generation are right before it is the present one. Start from `OutcomeBoard`.
"""

from __future__ import annotations

import math
import mmap
import os
import re
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from sparrow.plan.format import (
    ANSWERS_MAGIC,
    OUTCOMES_MAGIC,
    AnswersSection,
    OutcomesSection,
    PlanError,
    decode_file,
)
from sparrow.plan.meta import decode_meta
from sparrow.plan.outcomes import WHAT, encode_words
from sparrow.plan.reader import map_octets, open_file
from sparrow.policy.outcome import Condition
from sparrow.policy.site import is_static_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from sparrow.plan.meta import Meta
    from sparrow.policy.outcome import Conditions

    Merged = Mapping[int, tuple[int, ...]]

_OUTCOMES = re.compile(r"outcomes-(\d+)", re.ASCII)


class Written(NamedTuple):
    """What became of the outcomes."""

    words: int
    """Words that were stored, as they differed."""
    has_moved: bool
    """Whether a class gets another site, or another kind of answer: more than another TTL."""


_NOTHING = Written(0, has_moved=False)


class Table(NamedTuple):
    """The outcome words of one answers file."""

    name: str
    """The outcomes file."""
    meta: Meta
    """What its words stand for."""
    words: memoryview
    """"Q", mapped and writable."""
    file: tuple[int, int]
    """Device and inode: a generation that could not be published leaves its name to another."""


class OutcomeBoard:
    """The outcomes files that anybody may answer from. Any thread may use it."""

    def __init__(self, directory: Path) -> None:
        """Take a plan's directory, which need not be there yet."""
        self._directory = directory
        self._lock = Lock()
        self._tables: dict[str, Table] = {}
        self._merged: dict[str, Merged] = {}
        self._conditions: Conditions | None = None

    def open(self) -> None:
        """Map what is in the directory already, whoever wrote it; what cannot be read is left."""
        if not self._directory.exists():
            return
        for path in self._directory.iterdir():
            if _OUTCOMES.fullmatch(path.name):
                with suppress(OSError, PlanError):
                    self.admit(path.name)

    def admit(self, name: str) -> None:
        """Map an outcomes file and write its words. Raises `PlanError`, `OSError`."""
        with self._lock:
            table = self._tables.get(name)
            if table is None or table.file != _identify((self._directory / name).stat()):
                table = self._tables[name] = _open_table(self._directory, name)
            self._store(table)

    def list_sites(self) -> tuple[str, ...]:
        """Give the names of the sites of the latest plan that is mapped; () without one."""
        with self._lock:
            latest = max(self._tables, key=lambda name: int(name.partition("-")[2]), default=None)
            sites = self._tables[latest].meta.sites if latest else ()
        return tuple(name for name in sites if not is_static_name(name))

    def keep(self, names: Collection[str]) -> None:
        """Let go of all files but these."""
        with self._lock:
            for name in self._tables.keys() - set(names):
                del self._tables[name]
                self._merged.pop(name, None)

    def write(self, conditions: Conditions) -> Written:
        """Have all words say how the sites stand."""
        rounded = {name: (_round(v4), _round(v6)) for name, (v4, v6) in conditions.items()}
        with self._lock:
            if rounded == self._conditions:
                return _NOTHING
            self._conditions = rounded
            return _total(self._store(table) for table in self._tables.values())

    def merge(self, name: str, merged: Merged) -> None:
        """Have classes stand for others, by number of the policy; see `encode_words`."""
        with self._lock:
            self._merged[name] = merged
            if name in self._tables:
                self._store(self._tables[name])

    def table(self, name: str) -> Table | None:
        """Give the words of a file as they are now, a copy; None for one that is not mapped."""
        with self._lock:
            found = self._tables.get(name)
            return found and found._replace(words=memoryview(bytes(found.words)).cast("Q"))

    def _store(self, table: Table) -> Written:
        """Store the words that differ."""
        if self._conditions is None:
            return _NOTHING
        wanted = encode_words(table.meta, self._conditions, self._merged.get(table.name, {}))
        words = table.words
        if words[: len(wanted)] == memoryview(wanted):
            return _NOTHING
        stored, moved = 0, 0
        for place, word in enumerate(wanted):
            before = words[place]
            if before != word:
                words[place] = word  # one store of 64 bits: no reader meets half a word
                stored += 1
                moved |= (before ^ word) & WHAT
        return Written(stored, bool(moved))


def _round(condition: Condition) -> Condition:
    """Give a condition in the whole seconds that words have, so that no difference is seen."""
    change, planned = condition.change_in_s, condition.planned_in_s
    return Condition(
        condition.standing,
        None if change is None else math.ceil(change),
        None if planned is None else math.floor(planned),
    )


def _total(written: Iterable[Written]) -> Written:
    every = list(written)
    return Written(sum(each.words for each in every), any(each.has_moved for each in every))


def _open_table(directory: Path, name: str) -> Table:
    """Map an outcomes file to be written to, and read the META that goes with it."""
    meta = _load_meta(directory / name.replace("outcomes", "answers", 1))
    fd = os.open(directory / name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        file = _identify(os.fstat(fd))
        octets = memoryview(mmap.mmap(fd, 0))
    except ValueError as error:
        raise PlanError(f"{name}: {error}") from None
    finally:
        os.close(fd)
    section = decode_file(OUTCOMES_MAGIC, octets)[OutcomesSection.WORDS]
    words = octets[section.offset : section.offset + section.count * section.item_size].cast("Q")
    if len(words) < sum(len(policy.classes) for policy in meta.policies):
        raise PlanError(f"{name} has fewer words than there are classes")
    return Table(name, meta, words, file)


def _identify(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _load_meta(path: Path) -> Meta:
    fd = open_file(path)
    try:
        octets = map_octets(fd, os.fstat(fd).st_size)
    finally:
        os.close(fd)
    section = decode_file(ANSWERS_MAGIC, octets)[AnswersSection.META]
    return decode_meta(bytes(octets[section.offset : section.offset + section.count]))
