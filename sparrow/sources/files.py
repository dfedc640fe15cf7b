"""Route files on disk, read into one snapshot.

Law: either every file is read whole and good, or nothing comes of any; and what
was read is what one writer wrote, not half of it. Start from `load_snapshot`.

What a file of either format may look like is in `docs/route-files.md`.
"""

from __future__ import annotations

import ctypes
import gzip
import os
import zlib
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, TYPE_CHECKING

from sparrow.errors import InputError, Problem
from sparrow.policy.bestpath import PathChooser
from sparrow.policy.sanity import DEFAULT_LIMITS, Sieve, parse_limits, render_limits
from sparrow.rib.overlay import overlay
from sparrow.rib.snapshot import EMPTY, Repeats, Snapshot, SnapshotBuilder
from sparrow.rib.stack import Stacks
from sparrow.sources.dumpfiles import DumpTable
from sparrow.sources.line import RouteFormat
from sparrow.sources.packed import GZIP_MAGIC
from sparrow.sources.parse import RouteNumbers, RouteParser
from sparrow.sources.rawfile import (
    Meter,
    check_unchanged,
    collector_at_rest,
    open_table,
    read_failure,
)
from sparrow.values.address import IPV4, IPV6
from sparrow.values.peer import parse_peer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sparrow.policy.sanity import Limits, Reason
    from sparrow.sources.rawfile import Progress
    from sparrow.values.peer import PeerChoice

_PIECE = 64 * 1024
"""Octets read at once. Measured: 16 to 64 KiB are alike, 256 KiB a third slower (what
a piece is split into falls out of the processor's cache), 1 MiB half as fast."""
_MMAP_THRESHOLD = 128 * 1024
"""Octets from which malloc maps a block by itself; glibc's own value at start."""
_M_MMAP_THRESHOLD = -3
"""Number of that parameter in glibc's `malloc.h`."""
_VIEW = "view="
_WHOLE = "whole"
"""Name of the stack of all views; that of one view has `_VIEW` before the view's name."""
_SANITY = "sanity="
_LOCAL_PREF = "local-pref"


@dataclass(frozen=True, slots=True)
class RouteFile:
    """A route file as configured."""

    path: str
    """As the operator wrote it; messages name it so."""
    format: RouteFormat = RouteFormat.SSRS
    """How its lines are written; gzip is found out by itself."""
    peer: PeerChoice | None = None
    """Of MRT, the neighbour whose paths count; None to choose among all of them."""
    view: str | None = None
    """Name of the site whose view it is of; None for the common one."""
    limits: Limits = DEFAULT_LIMITS
    """Of MRT, what its routes must keep to."""
    keeps_local_pref: bool = False
    """Of MRT, whether routes have their local preference."""

    @property
    def kind(self) -> str:
        """What it is read as, for `parse_route_file`: `ssrs`, `mrt AS64600`, `mrt view=nl`."""
        peer = f" {self.peer}" if self.peer else ""
        sanity = f" {_SANITY}{render_limits(self.limits)}" if self.limits != DEFAULT_LIMITS else ""
        view = f" {_VIEW}{self.view}" if self.view is not None else ""
        local_pref = f" {_LOCAL_PREF}" if self.keeps_local_pref else ""
        return f"{self.format}{peer}{sanity}{view}{local_pref}"


def parse_route_file(path: str, kind: str) -> RouteFile:
    """Give the file at `path` that is read as `kind` says.

    Raises `ValueError` and `InputError` where that is no kind.
    """
    route_format, *words = kind.split(" ")
    keeps_local_pref = _pop_word(words, _LOCAL_PREF) is not None
    view = _pop_word(words, _VIEW)
    sanity = _pop_word(words, _SANITY)
    limits = DEFAULT_LIMITS if sanity is None else parse_limits(sanity)
    peer = parse_peer(" ".join(words)) if words else None
    return RouteFile(path, RouteFormat(route_format), peer, view, limits, keeps_local_pref)


def _pop_word(words: list[str], label: str) -> str | None:
    """Take the last word away if it has this label, and give what stands behind that."""
    return words.pop().removeprefix(label) if words and words[-1].startswith(label) else None


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What one file gave."""

    path: str
    """As configured."""
    size: int
    """Octets on disk."""
    mtime_s: float
    """Time of its last change, in seconds since the epoch."""
    prefixes_v4: int
    """Distinct IPv4 prefixes in it, those that a later file replaced included."""
    prefixes_v6: int
    """Distinct IPv6 prefixes in it, those that a later file replaced included."""
    format: RouteFormat
    """How its lines were read."""
    view: str | None = None
    """Name of the site whose view it is of; None for the common one."""
    refused: Mapping[Reason, int] = field(default_factory=dict)
    """Of MRT, the paths that were left out, by reason."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """All route files, by view and as one table."""

    snapshot: Snapshot
    """The whole; of a prefix in several views the common one's route counts, or else that of
    the site whose routes are configured first."""
    files: tuple[LoadedFile, ...]
    """One for each file, in configured order."""
    warnings: tuple[Problem, ...]
    """What was read, but may not be what was meant."""
    views: Mapping[str, Snapshot] = field(default_factory=dict)
    """By name of the site: its own view; of a prefix in several files the last one counts."""
    outside: Snapshot | None = None
    """What is of no site's view; None for the whole."""

    @property
    def common(self) -> Snapshot:
        """The common view."""
        return self.snapshot if self.outside is None else self.outside

    def with_live(
        self, views: Mapping[str | None, Sequence[Snapshot]], stacks: Stacks | None = None
    ) -> Loaded:
        """Give the same with live tables laid over those of each view, None for the common one.

        With the `stacks` of the last time that costs what has changed since.
        """
        stacks = stacks or Stacks()
        own: dict[str, Snapshot] = dict(self.views)
        stacks.keep([_WHOLE, *((_VIEW, name) for name in views)])
        for name, tables in views.items():
            if name is not None:
                own[name] = stacks.lay((_VIEW, name), [own.get(name, EMPTY), *tables])
        common = stacks.lay((_VIEW, None), [self.common, *views.get(None, ())])
        return self.replace_views(common, own, partial(stacks.lay, _WHOLE))

    def replace_views(
        self,
        common: Snapshot,
        views: Mapping[str, Snapshot],
        lay_over: Callable[[Sequence[Snapshot]], Snapshot] = overlay,
    ) -> Loaded:
        """Give the same with other tables, which `lay_over` makes one of."""
        if not views:
            return replace(self, snapshot=common, views={}, outside=None)
        whole = lay_over([*reversed(list(views.values())), common])
        return replace(self, snapshot=whole, views=views, outside=common)


def load_snapshot(
    files: Sequence[RouteFile],
    progress: Progress | None = None,
    previous: Snapshot = EMPTY,
) -> Loaded:
    """Read all route files.

    `progress` is called with the octets read and the octets in all, as they are
    on disk. `previous` is the whole of the tables that will be replaced: routes that are the
    same are shared with it. Raises `InputError` with every problem of every file.
    """
    _keep_large_blocks_apart()
    with collector_at_rest():
        numbers = {
            view: RouteNumbers(SnapshotBuilder(previous.routes), previous.routes)
            for view in dict.fromkeys((None, *(file.view for file in files)))
        }
        meter = Meter((file.path for file in files), progress)
        readings = [_read_file(file, numbers[file.view], meter) for file in files]
        problems = [problem for reading in readings for problem in reading.problems]
        if problems:
            raise InputError(problems)
        built = {view: each.builder.build() for view, each in numbers.items()}
        repeats = [built[reading.file.view].repeats for reading in readings]
        loaded = Loaded(
            EMPTY,
            tuple(map(_Reading.describe, readings, repeats)),
            tuple(
                warning
                for reading, known in zip(readings, repeats, strict=True)
                for warning in reading.parser.warnings(known)
            ),
        )
        views = {view: each.snapshot for view, each in built.items() if view is not None}
        return loaded.replace_views(built[None].snapshot, views)


def _keep_large_blocks_apart() -> None:
    """Have the arrays of a table returned to the system when the table goes.

    glibc raises its threshold to the size of what was freed, so that the arrays of
    the next table come to lie in the heap among a million small nodes of the RIB,
    and leave holes there: 263 MiB became 317 by the fourth load of the real tables.
    With a fixed threshold they stay 264. Setting it once is enough, and where the
    C library has no such call there is nothing to do.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD)


@dataclass(slots=True)
class _Reading:
    """One file while it is read; written by `_read_file` alone."""

    file: RouteFile
    parser: RouteParser | DumpTable
    size: int = 0
    mtime_s: float = 0.0
    failures: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.parser.problems, *self.failures)

    def describe(self, repeats: Mapping[int, Repeats]) -> LoadedFile:
        v4, v6 = (self.parser.count_prefixes(each, repeats[each]) for each in (IPV4, IPV6))
        file = self.file
        return LoadedFile(
            path=file.path,
            size=self.size,
            mtime_s=self.mtime_s,
            prefixes_v4=v4,
            prefixes_v6=v6,
            format=file.format,
            view=file.view,
            refused=self.parser.refused if isinstance(self.parser, DumpTable) else {},
        )


def _read_file(file: RouteFile, numbers: RouteNumbers, meter: Meter) -> _Reading:
    reading = _Reading(file, _open_parser(file, numbers))
    try:
        with open_table(file.path) as raw:
            before = os.fstat(raw.fileno())
            reading.size, reading.mtime_s = before.st_size, before.st_mtime
            if isinstance(reading.parser, DumpTable):
                reading.parser.read(raw, meter)
            else:
                _parse_file(file.path, raw, reading.parser, meter)
            check_unchanged(file.path, before, os.fstat(raw.fileno()))
            reading.parser.finish()
    except InputError as error:
        reading.failures = error.problems
    except OSError as error:
        reading.failures = (read_failure(file.path, error),)
    meter.end_file(reading.size)
    return reading


def _open_parser(file: RouteFile, numbers: RouteNumbers) -> RouteParser | DumpTable:
    if file.format is RouteFormat.MRT:
        sieve, keeps = Sieve(file.limits), file.keeps_local_pref
        chooser = PathChooser(sieve, file.peer, keeps_local_pref=keeps)
        return DumpTable(file.path, numbers.builder, chooser)
    return RouteParser(file.path, file.format, numbers)


def _parse_file(path: str, raw: IO[bytes], parser: RouteParser, meter: Meter) -> None:
    """Feed the whole file to `parser`, unpacked if it is gzip."""
    size = os.fstat(raw.fileno()).st_size
    is_gzip = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    raw.seek(0)
    if path.endswith(".gz") and not is_gzip:
        raise InputError([Problem("the file is named .gz, but is not gzip", path)])
    try:
        with gzip.GzipFile(fileobj=raw) if is_gzip else nullcontext(raw) as text:
            # Not beyond the size at the start: a writer that appends faster than we read
            # would keep us here for ever.
            while raw.tell() <= size and (piece := text.read(_PIECE)):
                parser.feed(piece)
                meter.show(raw.tell())
    except EOFError:
        what = "the gzip file is cut off before its end: fetch it anew"
        raise InputError([Problem(what, path)]) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        what = f"the gzip file is damaged, fetch it anew: {error}"
        raise InputError([Problem(what, path)]) from None
