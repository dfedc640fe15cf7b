"""How long each server takes from its start to its first answer, and what it keeps in memory.

    python bench/starts.py [SERVER ...]

Each is started alone, from the same tables. Sparrow is started twice: from nothing, and
where the last plan lies in its run directory.
"""

from __future__ import annotations

import compileall
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from costs import disk_mib, family_of, pss_mib
from ground import load_ground
from servers import LOOP, MAKES, SERVE, Make, choose_makes, serving
from tabular import print_table

import sparrow

if TYPE_CHECKING:
    from ground import Ground

_SETTLED_S = 15.0
"""What a server still does behind its first answer, such as filling its RIB, is done by then."""
_RUNS = 3


def measure(make: Make, ground: Ground, folder: Path) -> tuple[str, ...]:
    """Start a server a few times; give its row."""
    starts, folders = [], [folder / str(number) for number in range(_RUNS)]
    for each in folders:
        with serving(make, each, ground) as server:
            starts.append(server.start_s)
            if each is folders[-1]:
                time.sleep(_SETTLED_S)
                pids = family_of(server.process.pid)
                memory, files = pss_mib(pids), disk_mib(server)
    return (
        make.name,
        f"{min(starts):.2f}",
        f"{max(starts):.2f}",
        f"{memory:.0f}",
        f"{files:.0f}",
        str(len(pids)),
    )


def measure_again(ground: Ground, folder: Path) -> tuple[str, ...]:
    """Start sparrow where it has run before: the last plan answers first."""
    with serving(SERVE, folder, ground) as server:
        time.sleep(_SETTLED_S)
        command = [*map(str, server.process.args)]
    again = replace(SERVE, name="sparrow serve, again", prepare=lambda *_: command)
    starts = []
    for _ in range(_RUNS):
        with serving(again, folder, ground, port=server.port) as server:
            starts.append(server.start_s)
    return (again.name, f"{min(starts):.2f}", f"{max(starts):.2f}", "", "", "")


def main() -> None:
    """Measure."""
    # As an installer does; where nobody may write byte code, each start would compile anew.
    compileall.compile_dir(Path(sparrow.__file__).parent, quiet=1)
    ground = load_ground()
    makes = [make for make in choose_makes(MAKES, sys.argv[1:]) if make.steers and make != LOOP]
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as name:
        folder = Path(name)
        rows = []
        for make in makes:
            rows.append(measure(make, ground, folder / make.needs))
            if make == SERVE:
                rows.append(measure_again(ground, folder / "again"))
    heads = ("server", "best s", "worst s", "PSS MiB", "files MiB", "processes")
    print_table(f"Start to first answer, {_RUNS} times, and memory afterwards", heads, rows)


if __name__ == "__main__":
    main()
