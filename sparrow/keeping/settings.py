"""The settings that the daemon tells to workers that run: a file in the run directory.

Law: it is replaced whole, and what cannot be read changes nothing. Start from
`store_limits` and `LimitsFile`.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from sparrow.keeping.layout import TcpLimits

if TYPE_CHECKING:
    from pathlib import Path

FILE = "limits.json"
"""Name of the file in the run directory."""


def store_limits(run_dir: Path, limits: TcpLimits) -> None:
    """Tell the TCP worker its limits. Raises `OSError`."""
    aside = run_dir / f".{FILE}.{os.getpid()}"
    aside.write_text(json.dumps(asdict(limits)), "utf-8")
    aside.rename(run_dir / FILE)


class LimitsFile:
    """The file as the TCP worker follows it."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / FILE
        self._seen = (0, 0)

    def look(self) -> TcpLimits | None:
        """Give the limits where they were replaced since the last look; None otherwise."""
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_mtime_ns)
            if seen == self._seen:
                return None
            self._seen = seen
            return TcpLimits(**json.loads(self._path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
