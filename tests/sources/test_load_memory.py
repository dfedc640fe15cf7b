from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINES = 100_000

# Loads a table, then loads it again and again beside a changed one, as a daemon does;
# prints its resident memory in KiB after the first load and at the end.
PROGRAM = """
import sys
from pathlib import Path
from sparrow.rib.delta import diff
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.table import Rib
from sparrow.sources.files import RouteFile, load_snapshot

def resident():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])

rib, snapshot = Rib(), EMPTY
for path in sys.argv[1:]:
    old, snapshot = snapshot, load_snapshot([RouteFile(path)], previous=snapshot).snapshot
    rib.apply(diff(old, snapshot))
    del old
    print(len(rib), resident())
"""


def test_memory_returns_to_what_it_was_after_reloads(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("whole", "thinned")]
    lines = [f"10.{n >> 8 & 255}.{n & 255}.{n >> 16 << 6}/26 {n % 9973}\n" for n in range(LINES)]
    for path, step in zip(paths, (LINES + 1, 50), strict=True):
        path.write_text("".join(line for n, line in enumerate(lines, start=1) if n % step))
    order = paths * 8
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, order)],
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [tuple(map(int, line.split())) for line in result.stdout.splitlines()]
    sizes, memory = zip(*rows, strict=True)
    assert [LINES, LINES * 49 // 50] * 8 == list(sizes)
    # The RIB takes 14 MiB, a snapshot one. The heap settles some 6 MiB above the first
    # load, and moves by one; a snapshot leaked each time would come to 15 and to 6.
    assert memory[-1] - memory[0] < 10 * 1024
    assert memory[-1] - memory[9] < 4 * 1024
