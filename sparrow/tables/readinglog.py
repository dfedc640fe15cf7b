"""What the log says while tables are read: which files, how far, and what was found.

Law: nothing is said of files that are not read, and of how far at most every few seconds:
a log is no place for a bar. Start from `ReadingLog`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sparrow.rib.snapshot import Snapshot
    from sparrow.tables.state import Content

    Progress: TypeAlias = Callable[[int, int], None]

_log = logging.getLogger(__name__)

_EACH_S = 5.0
"""Seconds between two lines; both full tables as text take less than one in all."""
_NAMED = 3
"""Files that are named; of more their number is given."""


class ReadingLog:
    """The lines of one reading: `begin`, `follow` what is read, `end`."""

    def __init__(self, contents: Sequence[Content], clock: Callable[[], float]) -> None:
        """Tell of files; `clock` gives seconds and only grows."""
        self._contents = contents
        self._clock = clock
        self._began_s = self._told_s = clock()

    def begin(self) -> None:
        """Say what is going to be read."""
        if self._contents:
            _log.info("reading %s", _describe(self._contents))

    def follow(self, progress: Progress | None) -> Progress:
        """Give what is to be told of octets read and in all, and tells `progress` of them."""

        def show(done: int, total: int) -> None:
            if self._clock() - self._told_s >= _EACH_S:
                self._told_s = self._clock()
                _log.info("%d %% of the route files is read", 100 * done // max(total, 1))
            if progress:
                progress(done, total)

        return show

    def end(self, snapshot: Snapshot) -> None:
        """Say what was found."""
        if self._contents:
            _log.info(
                "read %d IPv4 and %d IPv6 prefixes in %.1f s",
                *(len(snapshot.v4), len(snapshot.v6), self._clock() - self._began_s),
            )


def _describe(contents: Sequence[Content]) -> str:
    named = [f"{each.path} ({_amount(each.size)})" for each in contents[:_NAMED]]
    rest = contents[_NAMED:]
    if rest:
        named.append(f"{len(rest)} more ({_amount(sum(each.size for each in rest))})")
    return ", ".join(named)


def _amount(octets: int) -> str:
    for unit, name in ((1e6, "MB"), (1e3, "kB")):
        if octets >= unit:
            return f"{octets / unit:.1f} {name}"
    return f"{octets} octets"
