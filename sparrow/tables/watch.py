"""Route files that change: noticed within a second of the end of the change.

Law: a change is told when all files are whole and at rest, and never earlier. Start from
`RouteWatch`.

Inotify tells of every name on the way to each file. Where the system refuses it, files are
looked at four times a second instead, and one that stays the same for half a second is at rest.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from asyncinotify import Inotify

from sparrow.tables.notices import Notices
from sparrow.tables.settling import Settling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Reading: TypeAlias = tuple[int, int, int, int] | None

_log = logging.getLogger(__name__)

_LOOK_S = 0.25
"""Seconds between two looks where files are polled."""
_REST_S = 0.5
"""Seconds for which a file's readings are equal when it is at rest."""


class RouteWatch:
    """Watches the files behind some paths, from `run` in an event loop."""

    def __init__(self, on_change: Callable[[], None], *, is_polled: bool = False) -> None:
        """Call `on_change` after each change, and once when the watch stands.

        A change between reading the files and watching them is so not missed. Bursts are
        one call; contents may be what they were. With `is_polled` the system is not asked
        to tell, as for a file system that others write to.
        """
        self._on_change = on_change
        self._is_polled = is_polled
        self._paths: tuple[str, ...] = ()
        self._round: asyncio.Task[None] | None = None

    def follow(self, paths: Iterable[str]) -> None:
        """Watch these absolute paths from now on, and no other."""
        before, self._paths = self._paths, tuple(paths)
        if self._round and self._paths != before:
            self._round.cancel()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._round = asyncio.create_task(self._watch(self._paths))
            try:
                await asyncio.wait((self._round,))
            finally:
                self._round.cancel()
            if not self._round.cancelled():
                self._round.result()

    async def _watch(self, paths: tuple[str, ...]) -> None:
        if not self._is_polled:
            try:
                with Inotify() as inotify:
                    await self._heed(Notices(inotify), inotify, paths)
            except OSError as error:
                _log.warning("route files are polled, as inotify is refused: %s", error)
        await self._poll(paths)

    async def _heed(self, notices: Notices, inotify: Inotify, paths: tuple[str, ...]) -> None:
        settling = Settling(self._on_change, notices.obstacle)
        try:
            notices.aim(paths)
            settling.notice()
            async for event in inotify:
                if notices.heed(event):
                    notices.aim(paths)
                    settling.notice()
        finally:
            settling.close()

    async def _poll(self, paths: tuple[str, ...]) -> None:
        loop, stillness = asyncio.get_running_loop(), Stillness()
        while True:
            if stillness.observe(tuple(map(_read, paths)), loop.time()):
                self._on_change()
            await asyncio.sleep(_LOOK_S)


class Stillness:
    """Tells from readings when something has changed and is at rest again."""

    def __init__(self) -> None:
        """Begin; what is read first counts as a change."""
        self._present: tuple[Reading, ...] | None = None
        self._since_s = 0.0
        self._told: tuple[Reading, ...] | None = None

    def observe(self, readings: tuple[Reading, ...], now_s: float) -> bool:
        """Take readings, None for a file that is missing; tell whether a change has ended."""
        if readings != self._present:
            self._present, self._since_s = readings, now_s
        is_due = now_s - self._since_s >= _REST_S and readings != self._told
        if not is_due or None in readings:
            return False
        self._told = readings
        return True


def _read(path: str) -> Reading:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
