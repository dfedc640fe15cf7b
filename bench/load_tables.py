"""Times for loading the real tables, natively and purely, and what stays in memory.

    python bench/load_tables.py [FILE.pfx2as.gz ...]

Without files it takes the two tables of the folder that SPARROW_TABLES names. First
each step alone, in CPU seconds, the best of a few runs. Then it loads the tables once,
and reloads three times with a delta between, as a daemon does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from array import array
from pathlib import Path
from time import perf_counter, process_time

from tables import build_snapshot
from tabular import print_table

from sparrow.plan.maps import encode_map
from sparrow.policy.intervals import sweep_table
from sparrow.policy.steering import AddressMap
from sparrow.rib.delta import diff
from sparrow.rib.snapshot import EMPTY, Snapshot
from sparrow.rib.table import Rib
from sparrow.sources.files import Loaded, RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat
from sparrow.values.address import FAMILIES

TABLES = Path(
    os.environ.get("SPARROW_TABLES", Path(__file__).resolve().parents[2] / "shared" / "data")
)
_RUNS = 5
_STEPS = "--steps"
"""First argument of the process that times one way."""


def rss_mib(field: str = "VmRSS") -> float:
    """Resident memory of this process, now (`VmRSS`) or at its peak (`VmHWM`)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def time_steps(files: list[RouteFile]) -> dict[str, float]:
    """Give the CPU seconds of each step from text tables to a map file, in this process's way."""
    best: dict[str, float] = {}
    for _ in range(_RUNS):
        start = process_time()
        loaded = load_snapshot(files)
        marks = {"unpack, parse, build": process_time() - start}
        start = process_time()
        # Eight sites, as far as the map is concerned.
        homes = array("I", [route.origins[0] % 8 for route in loaded.snapshot.routes])
        marks["home of each route"] = process_time() - start
        start = process_time()
        swept = [sweep_table(loaded.snapshot.family(family), homes, 7) for family in FAMILIES]
        marks["sweep"] = process_time() - start
        start = process_time()
        base_map = AddressMap(*swept)
        projected = base_map.project((0, 1, 2, 3, 0, 1, 2, 3))
        marks["project on a policy"] = process_time() - start
        start = process_time()
        encode_map(projected, 1)
        marks["write a map file"] = process_time() - start
        best = {step: min(took, best.get(step, took)) for step, took in marks.items()}
        del loaded, swept, base_map, projected
    return best


def compare_ways(names: list[str]) -> None:
    """Print the steps of both ways side by side; each is a process of its own."""
    ways = {}
    for way, choice in (("native", "0"), ("pure", "1")):
        command = [sys.executable, __file__, _STEPS, *names]
        environment = os.environ | {"SPARROW_PURE": choice}
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
        ways[way] = json.loads(ran.stdout)
    rows = [
        (step, f"{ways['native'][step]:.3f}", f"{took:.3f}", f"{took / ways['native'][step]:.1f}")
        for step, took in ways["pure"].items()
    ]
    sums = [sum(each.values()) for each in ways.values()]
    rows.append(("all", f"{sums[0]:.3f}", f"{sums[1]:.3f}", f"{sums[1] / sums[0]:.1f}"))
    heads = ("step", "native", "pure", "times")
    print_table(f"CPU seconds of each step, the best of {_RUNS} runs", heads, rows)


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
    """Compare both ways; load, then reload three times."""
    names = sys.argv[1:] or sorted(map(str, TABLES.glob("internet-*.pfx2as.gz")))
    if names[0] == _STEPS:
        print(json.dumps(time_steps([RouteFile(name, RouteFormat.PFX2AS) for name in names[1:]])))
        return
    compare_ways(names)
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
