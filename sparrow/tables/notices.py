"""What the kernel tells of the trails of some files (inotify(7)).

Law: every name of every trail is watched before the trail is believed; and a file that
somebody writes is not at rest before it is closed. Start from `Notices`.
"""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from asyncinotify import Mask

from sparrow.tables.trail import Trail, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncinotify import Event, Inotify, Watch

_FOLDER_MASK = (
    Mask.CLOSE_WRITE | Mask.CREATE | Mask.DELETE | Mask.MOVED_FROM | Mask.MOVED_TO | Mask.ONLYDIR
)
_FILE_MASK = Mask.MODIFY
_VANISHED = {errno.ENOENT, errno.ENOTDIR}
"""Errors of a folder that went away just now; its own folder is watched and will tell."""
_WALKS = 8
"""Walks until a trail that changes all the time is left to the notices that will come."""


class Notices:
    """The watches of one inotify instance. Used in one thread."""

    def __init__(self, inotify: Inotify) -> None:
        """Nothing is watched before `aim`."""
        self._inotify = inotify
        self._paths: tuple[str, ...] = ()
        self._trails: list[Trail] = []
        self._watches: dict[int, Watch] = {}
        self._names: dict[int, set[tuple[str, str]]] = {}
        self._files: dict[int, str] = {}
        self._unclosed: set[str] = set()

    def aim(self, paths: Iterable[str]) -> None:
        """Watch the trails of these absolute paths, and no other.

        Raises `OSError` where the system refuses a watch.
        """
        self._paths = tuple(paths)
        trails: list[Trail] = []
        for _ in range(_WALKS):
            before, trails = trails, [walk(path) for path in self._paths]
            if trails == before:
                break
            self._place(trails)
        self._trails = trails
        self._unclosed &= {trail.file for trail in trails if trail.file} | {
            str(Path(*trail.steps[-1])) for trail in trails if trail.steps
        }

    def obstacle(self) -> str | None:
        """Say why the files should not be read now; None where they are at rest."""
        for path in sorted(self._unclosed):
            return f"{path} is being written"
        for path, trail in zip(self._paths, self._trails, strict=True):
            if trail.file is None:
                return f"{path} is not there"
        return None

    def heed(self, event: Event) -> bool:
        """Take an event; tell whether a file may have changed, so that `aim` is due."""
        if event.mask & Mask.Q_OVERFLOW:
            self._unclosed.clear()  # the close may be among what was lost
            return True
        watch = event.watch
        if watch is None or watch.wd not in self._watches:
            return False
        if event.mask & Mask.IGNORED:
            self._forget(watch.wd)
            return True
        if watch.wd in self._files and event.mask & Mask.MODIFY:
            self._unclosed.add(self._files[watch.wd])
        here = {pair for pair in self._names.get(watch.wd, ()) if pair[1] == str(event.name)}
        for folder, name in here:
            path = Path(folder, name)
            if event.mask & Mask.CREATE and _is_being_written(path):
                self._unclosed.add(str(path))
            else:
                self._unclosed.discard(str(path))
        return bool(here)

    def _place(self, trails: Sequence[Trail]) -> None:
        """Watch all folders and files of the trails; parents first, so that nothing slips by."""
        names: dict[int, set[tuple[str, str]]] = {}
        files: dict[int, str] = {}
        for trail in trails:
            for folder, name in trail.steps:
                watch = self._watch(folder, _FOLDER_MASK)
                if watch is not None:
                    names.setdefault(watch.wd, set()).add((folder, name))
            watch = self._watch(trail.file, _FILE_MASK) if trail.file else None
            if watch is not None and trail.file:
                files[watch.wd] = trail.file
        for wd in self._watches.keys() - names.keys() - files.keys():
            self._remove(wd)
        self._names, self._files = names, files

    def _watch(self, path: str, mask: Mask) -> Watch | None:
        try:
            watch = self._inotify.add_watch(path, mask)
        except OSError as error:
            if error.errno in _VANISHED:
                return None
            raise
        self._watches[watch.wd] = watch
        return watch

    def _remove(self, wd: int) -> None:
        watch = self._watches.pop(wd)
        try:
            self._inotify.rm_watch(watch)
        except OSError as error:
            if error.errno != errno.EINVAL:  # the kernel dropped it with its folder already
                raise

    def _forget(self, wd: int) -> None:
        self._watches.pop(wd)
        self._names.pop(wd, None)
        self._files.pop(wd, None)


def _is_being_written(path: Path) -> bool:
    """Tell whether what was just created is a file whose writer has yet to close it.

    A link, a folder and a second name of a file that was there are whole at once.
    """
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1
