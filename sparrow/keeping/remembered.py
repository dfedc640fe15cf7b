"""The layout of the last start, kept so that the next need not read the configuration first.

Law: a layout that is remembered is the one that reading the configuration would give,
or none; whoever could not write the configuration cannot have written it. Whether
tables and zones are good is the daemon's to say, at every start. Start from `Origin`.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sparrow
from sparrow.config.locate import LAYOUT, VARIABLES
from sparrow.errors import SparrowError
from sparrow.keeping.layout import decode_layout, encode_layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparrow.keeping.layout import Layout

_MODE = 0o600
_MAX_OCTETS = 2**20
"""Of the file; a listener takes some 20."""


@dataclass(frozen=True, slots=True)
class Origin:
    """All that a layout is made of, but for what stands on the command line."""

    octets: bytes
    """The configuration as it stands in its file."""
    config_path: str
    """That file, absolute: paths in it are relative to its folder."""
    environ: Mapping[str, str]
    """The environment."""
    uid: int
    """The real user."""
    processors: int
    """Processors that we may use."""

    @property
    def digest(self) -> str:
        """What tells this origin from any other, for this version of the program."""
        row = (
            sparrow.__version__,
            hashlib.sha256(self.octets).hexdigest(),
            self.config_path,
            [self.environ.get(name) for name in VARIABLES],
            self.uid,
            self.processors,
        )
        return hashlib.sha256(json.dumps(row).encode()).hexdigest()


def store_layout(layout: Layout, origin: Origin) -> None:
    """Remember the layout of an origin in its run directory; where that fails, none is."""
    row = {"digest": origin.digest, "layout": encode_layout(layout)}
    path = Path(layout.run_dir, LAYOUT)
    aside = path.with_name(f".{LAYOUT}.{os.getpid()}")
    # The folder may belong to the account that is served as, whom root does not trust here.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with suppress(OSError):
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, flags, _MODE), "w", encoding="utf-8") as file:
            json.dump(row, file)
        aside.rename(path)


def load_layout(run_dir: str, origin: Origin) -> Layout | None:
    """Give the layout of an origin where it is remembered in a folder, and None otherwise."""
    try:
        row = json.loads(_load_own(Path(run_dir, LAYOUT)))
        layout = decode_layout(row["layout"]) if row["digest"] == origin.digest else None
    except (OSError, ValueError, KeyError, TypeError, SparrowError):
        return None
    return layout if layout and layout.run_dir == run_dir else None


def _load_own(path: Path) -> bytes:
    """Read a file that `store_layout` made, and nobody else can have; otherwise empty.

    A server of root gives away what lies in its folder, so who it serves as could have
    written there, or laid a link to a file of root's that others write. Raises `OSError`.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        is_ours = found.st_uid == os.geteuid() and found.st_nlink == 1
        is_made_here = is_ours and found.st_mode == stat.S_IFREG | _MODE
        return file.read(_MAX_OCTETS) if is_made_here else b""
