"""What the sites' own views cost: memory, and the time from tables to answers.

    python bench/views.py [VIEWS ...]

Each view is a full table: every prefix of the real tables, to its real origin, by paths that
the neighbours of a collector had, one neighbour for each view. So paths are as long, and
views as unlike each other, as in the wild; some 200,000 paths of a view are distinct. Places
are those of the country table. By default 1, 2 and 16 views are measured, each in a process
of its own that does what the daemon does between tables and a published plan; then one
prefix of one view changes. Times are of the CPU, as they are what other load leaves alone.
"""

from __future__ import annotations

import bz2
import itertools
import json
import os
import subprocess
import sys
import tempfile
from array import array
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

from costs import pss_mib
from load_tables import rss_mib
from tabular import print_table

from sparrow.dns.respond import Authority
from sparrow.keeping.memory import give_back
from sparrow.plan.compile import compile_plan
from sparrow.plan.publish import last_generation, publish_plan
from sparrow.policy.chart import Chart
from sparrow.policy.configured import build_rules, build_services
from sparrow.policy.knowledge import Views
from sparrow.policy.steering import build_ranked_steering
from sparrow.policy.survey import Survey
from sparrow.rib.delta import diff
from sparrow.rib.snapshot import EMPTY, Snapshot, SnapshotBuilder
from sparrow.rib.stack import Stack
from sparrow.rib.table import Rib
from sparrow.sources.dumps import open_dump
from sparrow.sources.entry import Skipped
from sparrow.sources.files import Loaded, RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat
from sparrow.sources.parse import RouteNumbers
from sparrow.sources.rawfile import collector_at_rest
from sparrow.staging import Staging, stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sparrow.policy.site import SiteSet
    from sparrow.sources.entry import Entry
    from sparrow.view import View

TABLES = Path(
    os.environ.get("SPARROW_TABLES") or Path(__file__).resolve().parents[2] / "shared" / "data"
)
COUNTS = (1, 2, 16)
BARS_MIB = {2: 500, 16: 1536}
"""Memory that so many views may take."""
_SAMPLE = "rib.2014-05-23.35peers.v4.mrt.bz2"
_CHILD = "--child"
"""First argument of the process that measures one number of views."""
_PREFIXES_PER_PATH = 3
"""With so many prefixes of an origin for each way to it, 200,000 paths are distinct."""
_MOST_PATHS = 60
"""Ways to one origin at most."""
_PLACES = (
    *((52.4, 4.9), (40.7, -74.0), (-33.9, 151.2), (-23.5, -46.6), (1.3, 103.8), (35.7, 139.7)),
    *((51.5, -0.1), (19.1, 72.9), (37.4, -122.1), (25.8, -80.2), (-26.2, 28.0), (50.1, 8.7)),
    *((41.9, -87.6), (59.3, 18.1), (25.3, 55.3), (-33.4, -70.7)),
)
"""Where the sites are: as many cities as there are views at most."""


def load_ways() -> list[tuple[str, ...]]:
    """Give the ways of the sample to some origins: of each neighbour a path without its end."""
    octets = bz2.BZ2Decompressor().decompress((TABLES / _SAMPLE).read_bytes())
    entries = list(open_dump(_SAMPLE, [octets], Skipped()))
    peers = [path.peer for path in max(entries, key=lambda entry: len(entry.paths)).paths]
    found = (_ways_of(entry, [str(peer) for peer in peers[: len(_PLACES)]]) for entry in entries)
    return [ways for ways in found if ways]


def _ways_of(entry: Entry, peers: Sequence[str]) -> tuple[str, ...]:
    """Give the ways of these neighbours; () where one of them has none."""
    paths = {str(path.peer): path.route for path in entry.paths}
    if not all(peer in paths for peer in peers):
        return ()
    return tuple(" ".join(map(str, paths[peer].hops[:-1])) for peer in peers)


def build_view(whole: Snapshot, ways: Sequence[tuple[str, ...]], view: int) -> Snapshot:
    """Give the table of all prefixes as a neighbour would; routes are parsed from text."""
    builder = SnapshotBuilder()
    numbers = RouteNumbers(builder)
    for family in (4, 6):
        table = whole.family(family)
        texts = _choose_paths(table.routes, whole, ways, view)
        routes = array("I", map(numbers.__getitem__, texts))
        builder.extend(family, table.packed(), table.lengths.tobytes(), routes)
    return builder.build().snapshot


def _choose_paths(
    origins: array[int], whole: Snapshot, ways: Sequence[tuple[str, ...]], view: int
) -> Iterator[str]:
    """Give the path to each prefix. In all views the prefixes with equal paths are the same."""
    seen = [0] * len(whole.routes)
    for number in origins:
        seen[number] += 1
        variant = seen[number] // _PREFIXES_PER_PATH % _MOST_PATHS
        way = ways[(number * 7919 + variant * 104729) % len(ways)][view]
        yield f"{way} {whole.routes[number]}".lstrip()


def write_config(folder: Path, count: int) -> Path:
    """Write a configuration of so many sites, whose tables are handed over."""
    sites = {
        f"s{number:02}": {"vips": [f"192.0.2.{number}"], "location": list(place)}
        for number, place in enumerate(_PLACES[: max(count, 2)], 1)
    }
    config = {
        "server": {"run_dir": f"{folder}/run", "state_dir": f"{folder}/state"},
        "self": "s01",
        "sites": sites,
        "geo": "builtin",
        "zones": {
            "steered.example": {
                "soa": {"mname": "ns.steered.example.", "rname": "h.steered.example."},
                "ns": ["ns.steered.example."],
            }
        },
    }
    path = folder / "sparrow.yaml"
    path.write_text(json.dumps(config))
    return path


class Clock:
    """CPU seconds of steps, one behind the other."""

    def __init__(self) -> None:
        """Begin now."""
        self._last_s = process_time()
        self.steps: dict[str, float] = {}
        """By step, in order."""

    def note(self, step: str) -> None:
        """End a step, and begin the next one."""
        now_s = process_time()
        self.steps[step] = now_s - self._last_s
        self._last_s = now_s


def load_views(count: int, stack: Stack) -> Loaded:
    """Make the tables of so many views, and lay them over each other on a stack."""
    files = sorted(TABLES.glob("internet-*.pfx2as.gz"))
    with collector_at_rest():
        whole = load_snapshot([RouteFile(str(path), RouteFormat.PFX2AS) for path in files]).snapshot
        ways = load_ways()
        views = {f"s{number + 1:02}": build_view(whole, ways, number) for number in range(count)}
    return Loaded(EMPTY, (), ()).replace_views(EMPTY, views, stack.lay)


def publish(view: View, loaded: Loaded, survey: Survey, folder: Path, clock: Clock) -> None:
    """Go from tables to a published plan, step by step."""
    site_set = survey.site_set
    numbers = {site.name: number for number, site in enumerate(site_set.sites)}
    of_sites = {numbers[name]: table for name, table in loaded.views.items()}
    views = Views(loaded.common, of_sites, loaded.snapshot)
    knowledge = survey.build(views, view.lore.lore)
    clock.note("layers")
    chart = Chart(knowledge, site_set.self_site)
    clock.note("chart")
    services = build_services(view.config)
    steering = build_ranked_steering(site_set, services, chart, build_rules(view.config))
    clock.note("rank, draw")
    authority = Authority(view.authority.zones, steering, view.authority.identity)
    generation = last_generation(folder) + 1
    publish_plan(folder, compile_plan(authority, generation, seed=7871), generation)
    clock.note("plan")


def change_one(loaded: Loaded, stack: Stack) -> Loaded:
    """Give the tables with another path to one prefix of the first view, all else shared."""
    name, table = next(iter(loaded.views.items()))
    routes = table.v4.routes[:]
    row = len(routes) // 2
    routes[row] = (routes[row] + 1) % len(table.routes)
    changed = replace(table, v4=replace(table.v4, routes=routes))
    views = dict(loaded.views) | {name: changed}
    return loaded.replace_views(loaded.common, views, stack.lay)


def measure(count: int) -> dict[str, object]:
    """Do in this process what the daemon does with so many views."""
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as name:
        folder = Path(name)
        stack, surveys = Stack(), []

        def survey_of(site_set: SiteSet) -> Survey:
            surveys.append(Survey(site_set))
            return surveys[0]

        loaded = load_views(count, stack)
        paths = len(next(iter(loaded.views.values())).routes)
        give_back()
        tables_mib = pss_mib([os.getpid()])
        path = str(write_config(folder, count))
        staging = Staging(path, read_tables=lambda _: loaded, survey=survey_of)
        view = stage(staging).view
        rib = Rib()
        rib.apply(diff(EMPTY, view.tables.snapshot))
        files = compile_plan(view.authority, 1, seed=7871)
        publish_plan(folder / "plan", files, 1)
        del files
        give_back()
        served_mib, peak_mib = pss_mib([os.getpid()]), rss_mib("VmHWM")
        clock = Clock()
        other = change_one(loaded, stack)
        clock.note("union")
        publish(view, other, surveys[0], folder / "plan", clock)
        delta = diff(loaded.snapshot, other.snapshot)
        clock.note("diff")
        knowledge = view.authority.steering.ranking.knowledge
        cells = Chart(knowledge, 0).atlas.cells
        memory = {"tables": tables_mib, "served": served_mib, "peak": peak_mib}
        changed = len(delta.announced)
        return memory | {"paths": paths, "cells": cells, "changed": changed, "steps": clock.steps}


def run_child(count: int) -> dict[str, object]:
    """Measure in a process of its own, so that nothing is shared or left over."""
    command = [sys.executable, __file__, _CHILD, str(count)]
    found: dict[str, object] = json.loads(subprocess.run(command, check=True, stdout=-1).stdout)
    return found


def report(found: dict[int, dict[str, object]]) -> int:
    """Print what was measured; give 1 where a bar is missed."""
    rows = [
        (
            f"{count}",
            *(f"{result[key]:,}" for key in ("paths", "cells")),
            *(f"{result[key]:.0f}" for key in ("tables", "served", "peak")),
            f"< {BARS_MIB[count]}" if count in BARS_MIB else "",
        )
        for count, result in found.items()
    ]
    heads = ("views", "paths of one", "cells", "tables", "served", "peak", "allowed")
    print_table("Memory (MiB, PSS; the peak is resident memory)", heads, rows)
    steps = list(itertools.chain.from_iterable(result["steps"] for result in found.values()))
    heads = ("views", *dict.fromkeys(steps), "in all")
    rows = [
        (f"{count}", *(f"{s:.2f}" for s in result["steps"].values()), _sum(result["steps"]))
        for count, result in found.items()
    ]
    print_table("CPU seconds from one changed prefix to the plan", heads, rows)
    return int(
        any(found[count]["served"] > bar for count, bar in BARS_MIB.items() if count in found)
    )


def _sum(steps: dict[str, float]) -> str:
    return f"{sum(steps.values()):.2f}"


def main() -> int:
    """Measure, and give 1 where a bar is missed."""
    if sys.argv[1:2] == [_CHILD]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return 0
    if not (TABLES / _SAMPLE).exists() or not any(TABLES.glob("internet-*.pfx2as.gz")):
        print(f"skipped: no real tables in {TABLES}; SPARROW_TABLES names their folder")
        return 0
    counts = [int(word) for word in sys.argv[1:]] or COUNTS
    return report({count: run_child(count) for count in counts})


if __name__ == "__main__":
    sys.exit(main())
