"""Every name that a path leads through: folders, links, links to links, and the file.

Law: whatever makes a path lead elsewhere happens at one of the names of its trail. Start
from `walk`.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

_MOST_LINKS = 40
"""Links that the kernel follows in one path (`MAXSYMLINKS`)."""


@dataclass(frozen=True, slots=True)
class Trail:
    """How a path was resolved."""

    steps: tuple[tuple[str, str], ...]
    """Each name with the folder that it stands in, in order; the last may be missing."""
    file: str | None
    """Path of the regular file at the end, without links; None where there is none."""


def walk(path: str) -> Trail:
    """Resolve an absolute path, name by name, as far as it leads."""
    steps: list[tuple[str, str]] = []
    waiting = _names(path)
    place, links = Path("/"), 0
    mode = stat.S_IFDIR
    while waiting:
        name = waiting.pop(0)
        if name == "..":
            place = place.parent
            continue
        steps.append((str(place), name))
        here = place / name
        try:
            mode = here.lstat().st_mode
            target = str(here.readlink()) if stat.S_ISLNK(mode) else None
        except OSError:
            return Trail(tuple(steps), None)
        if target is None:
            place = here
            continue
        links += 1
        if links > _MOST_LINKS:
            return Trail(tuple(steps), None)
        waiting = [*_names(target), *waiting]
        place = Path("/") if target.startswith("/") else place
    return Trail(tuple(steps), str(place) if stat.S_ISREG(mode) else None)


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in {"", "."}]
