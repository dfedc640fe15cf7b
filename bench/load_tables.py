"""Times for loading the real tables, and what stays in memory.

    python bench/load_tables.py [FILE.pfx2as.gz ...]

Without files it takes the two tables of the folder that SPARROW_TABLES names. It
loads them once, then reloads three times with a delta between, as a daemon does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import perf_counter

from sparrow.rib.delta import diff
from sparrow.rib.snapshot import EMPTY, Snapshot, build_snapshot
from sparrow.rib.table import Rib
from sparrow.sources.files import Loaded, RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat

TABLES = Path(
    os.environ.get("SPARROW_TABLES", Path(__file__).resolve().parents[2] / "shared" / "data")
)


def rss_mib(field: str = "VmRSS") -> float:
    """Resident memory of this process, now (`VmRSS`) or at its peak (`VmHWM`)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def load(files: list[RouteFile], previous: Snapshot, rib: Rib) -> Loaded:
    """Load the files over `previous`, as a daemon does, and print how long it took."""
    start = perf_counter()
    loaded = load_snapshot(files, previous=previous)
    parsed = perf_counter()
    delta = diff(previous, loaded.snapshot)
    compared = perf_counter()
    rib.apply(delta)
    done = perf_counter()
    print(
        f"parse {parsed - start:5.2f} s   diff {compared - parsed:5.2f} s   "
        f"RIB {done - compared:5.2f} s   all {done - start:5.2f} s   "
        f"{len(rib):,} prefixes   peak RSS {rss_mib('VmHWM'):.0f} MiB"
    )
    return loaded


def thin(snapshot: Snapshot) -> Snapshot:
    """Give the table without every hundredth prefix, and routes moved around."""
    entries = list(snapshot.entries())
    return build_snapshot(
        (prefix, entries[row - 1][1] if row % 1000 == 0 else route)
        for row, (prefix, route) in enumerate(entries)
        if row % 100 != 7
    )


def main() -> None:
    """Load, then reload three times."""
    names = sys.argv[1:] or sorted(map(str, TABLES.glob("internet-*.pfx2as.gz")))
    files = [RouteFile(name, RouteFormat.PFX2AS) for name in names]
    print(f"before: RSS {rss_mib():.0f} MiB; files: {', '.join(names)}")
    rib = Rib()
    snapshot = EMPTY
    for _ in range(4):
        snapshot = load(files, snapshot, rib).snapshot
        print(f"  RSS {rss_mib():.0f} MiB")
    other = thin(snapshot)
    print(f"with another table beside it: RSS {rss_mib():.0f} MiB")
    for old, new in ((snapshot, other), (other, snapshot)):
        start = perf_counter()
        delta = diff(old, new)
        compared = perf_counter()
        rib.apply(delta)
        print(
            f"{len(delta.withdrawn):,} withdrawn, {len(delta.announced):,} announced: "
            f"diff {compared - start:.2f} s, apply {perf_counter() - compared:.2f} s"
        )
    del other, delta, old, new
    print(f"at the end: RSS {rss_mib():.0f} MiB")


if __name__ == "__main__":
    main()
