"""What a reader gave, as plain texts to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.sources.dumps import DumpFormat, open_dump
from sparrow.sources.entry import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_all(
    octets: bytes | Iterable[bytes], dump_format: DumpFormat | None = None
) -> tuple[list[str], Skipped]:
    """Give a line for each path: prefix, path, neighbour, `lp=` where there is one, `best`."""
    skipped = Skipped()
    pieces = [octets] if isinstance(octets, bytes) else octets
    lines = []
    for entry in open_dump("dump", pieces, skipped, dump_format):
        for path in entry.paths:
            parts = [str(entry.prefix), str(path.route)]
            parts += [] if path.peer is None else [f"from {path.peer}"]
            parts += [] if path.local_pref is None else [f"lp={path.local_pref}"]
            parts += ["best"] if path.is_best else []
            lines.append(" ".join(parts))
    return lines, skipped


def counts(skipped: Skipped) -> dict[str, tuple[int, list[int]]]:
    """Give count and places by the name of the reason."""
    return {reason.name: (each.count, each.places) for reason, each in skipped.counts.items()}
