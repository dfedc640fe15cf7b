"""Dumps on disk, read into the choice of a route for each prefix.

Law: a dump is read as far as it is good, and what was passed over is told; one that gives
nothing is refused. Start from `load_dumps`; `DumpTable` is for a dump among route files,
which is taken whole or not at all, as they are.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from sparrow.errors import InputError, Problem
from sparrow.rib.snapshot import SnapshotBuilder
from sparrow.sources.dumps import DumpFormat, open_dump
from sparrow.sources.entry import Skipped
from sparrow.sources.rawfile import (
    Meter,
    check_unchanged,
    collector_at_rest,
    open_table,
    read_failure,
    read_pieces,
)
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sparrow.policy.bestpath import PathChooser
    from sparrow.policy.sanity import Reason, Sieve
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Repeats, Snapshot
    from sparrow.sources.rawfile import Progress
    from sparrow.values.address import Prefix

_BATCH = 4096
"""Rows that go to the builder at once."""


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A dump as named by who wants it read."""

    path: str
    """Messages name it so; gzip and bzip2 are found out by themselves."""
    format: DumpFormat | None = None
    """How it is written; None to tell by its content."""


@dataclass(frozen=True, slots=True)
class LoadedDump:
    """What one dump gave."""

    path: str
    """As it was named."""
    format: DumpFormat
    """How it is written."""
    paths: int
    """Paths that were read, those that were not chosen included."""
    skipped: Skipped
    """What was passed over."""

    def problems(self) -> tuple[Problem, ...]:
        """Tell what was passed over, for people."""
        return tuple(Problem(line, self.path) for line in self.skipped.lines())


def load_dumps(
    files: Sequence[DumpFile], chooser: PathChooser, progress: Progress | None = None
) -> tuple[LoadedDump, ...]:
    """Give the paths of all dumps to `chooser`, and tell of each what became of it.

    `progress` is called with the octets read and the octets in all, as they are on disk.
    Raises `InputError` with the problems of every file that gives nothing.
    """
    meter = Meter((file.path for file in files), progress)
    problems: list[Problem] = []
    found = []
    with collector_at_rest():
        for file in files:
            try:
                found.append(_load_dump(file, chooser, meter))
            except InputError as error:
                problems += error.problems
    if problems:
        raise InputError(problems)
    return tuple(found)


def _load_dump(file: DumpFile, chooser: PathChooser, meter: Meter) -> LoadedDump:
    try:
        with open_table(file.path) as raw:
            before = os.fstat(raw.fileno())
            found = read_dump(file, raw, chooser, meter)
            check_unchanged(file.path, before, os.fstat(raw.fileno()))
    except OSError as error:
        raise InputError([read_failure(file.path, error)]) from None
    meter.end_file(before.st_size)
    return found


def read_dump(file: DumpFile, raw: IO[bytes], chooser: PathChooser, meter: Meter) -> LoadedDump:
    """Give the paths of an open dump to `chooser`. Raises `InputError` where there is none."""
    skipped = Skipped()
    dump = open_dump(file.path, read_pieces(raw, meter), skipped, file.format)
    before = chooser.paths
    for entry in dump:
        chooser.take(entry)
    if chooser.paths == before:
        lines = skipped.lines()
        what = f"there is no route in it, read as {dump.format}"
        raise InputError([Problem("; ".join([what, *lines]), file.path)])
    return LoadedDump(file.path, dump.format, chooser.paths - before, skipped)


class DumpTable:
    """A dump as one of the files of a table: `read` it, then `finish`.

    Its rows are of no use where either raised.
    """

    def __init__(self, path: str, builder: SnapshotBuilder, chooser: PathChooser) -> None:
        """Read what messages call `path`, an MRT file; `chooser` has seen none before."""
        self._file = DumpFile(path, DumpFormat.MRT)
        self._builder = builder
        self._chooser = chooser
        self._starts = {family: builder.count(family) for family in FAMILIES}
        self._stops = dict(self._starts)
        self._loaded: LoadedDump | None = None
        self.problems: tuple[Problem, ...] = ()
        """Nothing: what is wrong is raised."""

    def read(self, raw: IO[bytes], meter: Meter) -> None:
        """Take the whole file. Raises `InputError` where there is no route in it."""
        self._loaded = read_dump(self._file, raw, self._chooser, meter)

    def finish(self) -> None:
        """Choose a route for each prefix. Raises `InputError` where the file is cut, or of no use.

        A route file that is cut is refused, and half of a dump is no better.
        """
        path = self._file.path
        cut_at = self._loaded.skipped.cut_at if self._loaded else None
        if cut_at is not None:
            what = f"the file is cut or damaged at octet {cut_at}: fetch it anew"
            raise InputError([Problem(what, path)])
        if not len(self._chooser):
            raise InputError([Problem(no_route_left(self._chooser), path)])
        for family, networks, lengths, routes in _batches(self._chooser.choices(), self._builder):
            self._builder.extend(family, networks, lengths, routes)
        self._stops = {family: self._builder.count(family) for family in FAMILIES}

    @property
    def refused(self) -> Mapping[Reason, int]:
        """Count the paths that were left out, by reason."""
        return self._chooser.sieve.refused

    def count_prefixes(self, family: int, _: Repeats) -> int:
        """Count the prefixes of the file."""
        return self._stops[family] - self._starts[family]

    def warnings(self, repeats: Mapping[int, Repeats]) -> tuple[Problem, ...]:
        """Tell what was passed over, refused, or takes the place of an earlier file's routes."""
        found = list(self._loaded.problems()) if self._loaded else []
        found += [Problem(line, self._file.path) for line in refusals(self._chooser.sieve)]
        replaced = sum(
            bisect_left(each.later, self._stops[family])
            - bisect_left(each.later, self._starts[family])
            for family, each in repeats.items()
        )
        if replaced:
            what = f"{replaced} prefixes stand in an earlier file too; this file's routes count"
            found.append(Problem(what, self._file.path))
        return tuple(found)


def build_chosen(chooser: PathChooser) -> Snapshot:
    """Give what was chosen as a table."""
    builder = SnapshotBuilder()
    for family, networks, lengths, routes in _batches(chooser.choices(), builder):
        builder.extend(family, networks, lengths, routes)
    return builder.build().snapshot


def no_route_left(chooser: PathChooser) -> str:
    """Say why nothing was chosen."""
    whose = f" of neighbour {chooser.peer}" if chooser.peer else ""
    return "; ".join([f"there is no route{whose} that can be used", *refusals(chooser.sieve)])


def refusals(sieve: Sieve) -> list[str]:
    """Say in a sentence for each reason how many routes were refused."""
    return [f"left out {count:,}: {reason}" for reason, count in sieve.refused.items()]


def _batches(
    choices: Iterator[tuple[Prefix, Route]], builder: SnapshotBuilder
) -> Iterator[tuple[int, bytes, bytes, array[int]]]:
    """Give rows as `SnapshotBuilder.extend` takes them, each batch of one family."""
    # By identity, as hashing a path is slow; the chooser holds the routes meanwhile.
    numbers: dict[int, int] = {}
    family, networks, lengths, routes = 0, bytearray(), bytearray(), array("I")
    for prefix, route in choices:
        if lengths and (prefix.family != family or len(lengths) == _BATCH):
            yield family, bytes(networks), bytes(lengths), routes
            networks, lengths, routes = bytearray(), bytearray(), array("I")
        family = prefix.family
        number = numbers.get(id(route))
        if number is None:
            number = numbers[id(route)] = builder.number(route)
        networks += prefix.network
        lengths.append(prefix.length)
        routes.append(number)
    if lengths:
        yield family, bytes(networks), bytes(lengths), routes
