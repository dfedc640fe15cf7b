"""Numbers by class, which outlive the plan that numbered the classes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from statesites import NAMES, build_state_authority

from sparrow.keeping.layout import Layout, TcpLimits
from sparrow.keeping.overview import Overview
from sparrow.keeping.tally import FOLDED, Sums, Tally
from sparrow.plan.compile import compile_plan
from sparrow.plan.counters import PlanCounters
from sparrow.plan.publish import publish_plan
from sparrow.plan.reader import open_plan
from sparrow.policy.shift import ClassKey

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.plan.plan import Plan

HALF = ClassKey("half", 4, ("jp", "us", "au"))
ALL_UP = ClassKey("all-up", 6, ("au", "jp", "za", "de", "us"))


def open_generation(folder: Path, generation: int, sites: int) -> Plan:
    publish_plan(
        folder, compile_plan(build_state_authority(names=sites), generation, 1), generation
    )
    return open_plan(folder)


def number_of(plan: Plan, key: ClassKey) -> int:
    """Give the outcome word of a class."""
    at = 0
    for policy in plan.answers.meta.policies:
        for order in policy.classes:
            names = tuple(plan.answers.meta.sites[site] for site in order)
            if (policy.service, policy.family, names) == key:
                return at
            at += 1
    raise LookupError(key)


def count(counters: PlanCounters, plan: Plan, key: ClassKey, times: int) -> None:
    base = counters.base(0)
    for _ in range(times):
        counters.count(base, plan.answers.meta.sites.index(key.sites[0]), number_of(plan, key))


def make_counters(folder: Path, plan: Plan) -> PlanCounters:
    folder.mkdir(exist_ok=True)
    return PlanCounters(folder, "udp-0", 1, plan)


def test_classes_are_counted_under_the_names_of_their_sites(tmp_path: Path) -> None:
    plan = open_generation(tmp_path / "plan", 1, len(NAMES))
    counters = make_counters(tmp_path / "counters", plan)
    count(counters, plan, HALF, 3)
    count(counters, plan, ALL_UP, 2)
    sums, _ = Tally(tmp_path / "counters").read()
    assert {HALF: 3, ALL_UP: 2} == sums.classes
    assert {"half": 3, "all-up": 2} == sums.services
    assert {"jp": 3, "au": 2} == sums.sites
    counters.release()


def test_classes_of_plans_that_are_gone_are_kept(tmp_path: Path) -> None:
    first = open_generation(tmp_path / "plan", 1, len(NAMES))
    counters = make_counters(tmp_path / "counters", first)
    count(counters, first, HALF, 3)
    counters.release()
    tally = Tally(tmp_path / "counters")
    tally.fold()
    assert [FOLDED] == [path.name for path in (tmp_path / "counters").iterdir()]
    # With five sites classes have other numbers, and the service is where it was.
    second = open_generation(tmp_path / "plan", 2, 5)
    counters = make_counters(tmp_path / "counters", second)
    count(counters, second, HALF, 4)
    key = ClassKey("half", 4, ("au", "jp", "us"))
    count(counters, second, key, 1)
    assert {HALF: 7, key: 1} == tally.read()[0].classes
    counters.release()
    tally.fold()
    assert {HALF: 7, key: 1} == Tally(tmp_path / "counters").read()[0].classes


def test_sums_of_a_version_without_classes_are_kept(tmp_path: Path) -> None:
    row = {"udp": {"queries": 5}, "tcp": {}, "rcodes": {}, "sites": {}, "services": {"web": 4}}
    (tmp_path / FOLDED).write_text(json.dumps(row | {"done": []}))
    sums, _ = Tally(tmp_path).read()
    assert (5, 4, {}) == (sums.udp["queries"], sums.services["web"], sums.classes)


def test_sums_add_up_class_by_class() -> None:
    sums, other = Sums(), Sums()
    sums.classes[HALF] = 1
    other.classes.update({HALF: 2, ALL_UP: 3})
    sums.add(other)
    assert {HALF: 3, ALL_UP: 3} == sums.classes


def test_the_overview_gives_the_classes(tmp_path: Path) -> None:
    plan = open_generation(tmp_path / "plan", 1, len(NAMES))
    counters = make_counters(tmp_path / "counters", plan)
    count(counters, plan, HALF, 1)
    layout = Layout("", str(tmp_path), "", "", None, (), None, 1, TcpLimits(1, 1, 1))
    assert {HALF: 1} == Overview(layout, tmp_path).read_classes()
    counters.release()
