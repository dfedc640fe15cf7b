"""How long a plan takes: from text tables to a published generation, and after changes.

    python bench/compiling.py

First each step from the text tables on; then the same from the change of so many routes
on, as a daemon that hears of them does. Each generation is really published: written,
synced, and opened again with every check.
"""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from confs import write_sparrow
from ground import load_ground
from tabular import print_table

from sparrow.dns.respond import Authority
from sparrow.plan.compile import compile_plan
from sparrow.plan.native import Responder
from sparrow.plan.publish import last_generation, publish_plan
from sparrow.plan.reader import open_plan
from sparrow.policy.configured import build_services
from sparrow.policy.steering import build_base_map, build_steering
from sparrow.rib.delta import diff
from sparrow.rib.snapshot import EMPTY, Snapshot
from sparrow.rib.table import Rib, build_rib
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat
from sparrow.staging import Staging, stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ground import Ground

    from sparrow.view import View

_CHANGES = (1, 100, 10_000)
"""Routes that change at once."""
_RUNS = 3
_SEED = 7871
_STEPS = ("read text", "diff", "sweep", "compile", "publish", "open")
"""Until it is served; the RIB is filled behind."""


class Clock:
    """Times steps, one behind the other, for a row of a table."""

    def __init__(self) -> None:
        self._last_s = time.perf_counter()
        self.steps: dict[str, float] = {}
        """Seconds by step, in order."""

    def note(self, step: str) -> None:
        """End a step, and begin the next one."""
        now_s = time.perf_counter()
        self.steps[step] = now_s - self._last_s
        self._last_s = now_s


def publish(view: View, snapshot: Snapshot, directory: Path, clock: Clock) -> None:
    """Go from a table to a generation that is served."""
    site_set = view.site_set
    assert site_set is not None  # noqa: S101  (the ground has sites)
    base_map = build_base_map(site_set, snapshot)
    clock.note("sweep")
    steering = build_steering(site_set, build_services(view.config), base_map)
    authority = Authority(view.authority.zones, steering, view.authority.identity)
    generation = last_generation(directory) + 1
    files = compile_plan(authority, generation, seed=_SEED)
    clock.note("compile")
    publish_plan(directory, files, generation)
    clock.note("publish")
    Responder(open_plan(directory))
    clock.note("open")


def change_routes(snapshot: Snapshot, count: int, seed: int) -> Snapshot:
    """Give the table with other routes to `count` random IPv4 prefixes."""
    chance = random.Random(seed)
    routes = snapshot.v4.routes[:]
    for row in chance.sample(range(len(routes)), count):
        routes[row] = chance.randrange(len(snapshot.routes))
    return replace(snapshot, v4=replace(snapshot.v4, routes=routes))


def best(runs: list[Clock]) -> dict[str, float]:
    """Give the shortest time of each step: what disturbs only makes it longer."""
    return {step: min(run.steps[step] for run in runs) for step in runs[0].steps}


def measure_start(ground: Ground, view: View, plan: Path) -> tuple[dict[str, float], Snapshot]:
    """Go from the text tables to a plan and to a RIB, a few times."""
    files = [RouteFile(str(file), RouteFormat.PFX2AS) for file in ground.files]
    runs = []
    for _ in range(_RUNS):
        clock, rib = Clock(), Rib()
        snapshot = load_snapshot(files).snapshot
        clock.note("read text")
        publish(view, snapshot, plan, clock)
        rib.apply(diff(EMPTY, snapshot))
        clock.note("RIB")
        runs.append(clock)
    return best(runs), snapshot


def measure_changes(
    view: View, snapshot: Snapshot, rib: Rib, count: int, plan: Path
) -> tuple[dict[str, float], Snapshot]:
    """Go from changes to a plan and to the RIB, a few times; give the steps and the table."""
    runs = []
    for seed in range(_RUNS):
        other = change_routes(snapshot, count, seed)
        clock = Clock()
        delta = diff(snapshot, other)
        clock.note("diff")
        publish(view, other, plan, clock)
        rib.apply(delta)
        clock.note("RIB")
        runs.append(clock)
        snapshot = other
    return best(runs), snapshot


def measure(folder: Path) -> None:
    """Print the steps from the beginning, and the steps after changes."""
    ground = load_ground()
    view = stage(Staging(str(write_sparrow(folder, 5300, ground)))).view
    plan = folder / "plan"
    steps, snapshot = measure_start(ground, view, plan)
    rows = [("both tables", *_seconds(steps))]
    rib = build_rib(snapshot)
    for count in _CHANGES:
        steps, snapshot = measure_changes(view, snapshot, rib, count, plan)
        rows.append((f"{count:,} changes", *_seconds(steps)))
    heads = ("", *_STEPS, "served", "RIB")
    title = f"Seconds from tables, or from changes of routes, to a plan; the best of {_RUNS}"
    print_table(title, heads, rows)
    served = open_plan(plan)
    files = (served.answers.file, *(each.file for each in served.maps), served.outcomes)
    sizes = [(each.name, f"{each.octets.nbytes:,}") for each in files]
    print_table("Files of the last generation", ("file", "octets"), sizes)


def _seconds(steps: Mapping[str, float]) -> tuple[str, ...]:
    shown = (f"{steps[step]:.3f}" if step in steps else "" for step in _STEPS)
    return (*shown, f"{sum(steps.get(step, 0) for step in _STEPS):.3f}", f"{steps['RIB']:.3f}")


def main() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as folder:
        measure(Path(folder))


if __name__ == "__main__":
    main()
