"""How sites stand, over time: what is planned comes nearer, whoever publishes meanwhile."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.health.site import FamilyHealth, SiteHealth
from sparrow.knowing.standing import Standings, build_conditions
from sparrow.plan.board import Written
from sparrow.policy.orders import Order, Orders
from sparrow.policy.outcome import Action, Condition, Conditions, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_767_268_800.0  # 2026-01-01T12:00:00Z
UP, DOWN = FamilyHealth(), FamilyHealth(is_up=False, change_in_s=4.0, why="refused")


@dataclass
class Answers:
    """Takes the conditions that answers are to follow, and remembers them."""

    written: list[Conditions] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    is_coarse: bool = False

    def write(self, conditions: Conditions) -> Written:
        """Tell that outcomes moved where a standing is another one than before."""
        before = self.written[-1] if self.written else {}
        self.written.append(conditions)
        return Written(1, has_moved=_standings(before) != _standings(conditions))

    def coarsen(self) -> None:
        self.is_coarse = True
        self.steps.append("coarsen")

    def refine(self) -> None:
        self.is_coarse = False
        self.steps.append("refine")


def _standings(conditions: Conditions) -> dict[str, tuple[Standing, Standing]]:
    return {
        name: (v4.standing, v6.standing)
        for name, (v4, v6) in conditions.items()
        if (v4.standing, v6.standing) != (Standing.SERVING, Standing.SERVING)
    }


@dataclass
class World:
    """What a `Standings` asks, and tells."""

    health: dict[str, SiteHealth] = field(default_factory=dict)
    orders: Orders = field(default_factory=Orders)
    answers: Answers = field(default_factory=Answers)
    told: list[Mapping[str, object]] = field(default_factory=list)
    changes: int = 0

    def begin(self, remap_after_s: float = 60.0) -> Standings:
        standings = Standings(
            self.answers,  # type: ignore[arg-type]
            lambda: self.health,
            lambda: self.orders,
            lambda _, fields: self.told.append(fields),
            self.note_change,
        )
        standings.configure(remap_after_s, {})
        standings.refresh()
        return standings

    def note_change(self) -> None:
        self.changes += 1


def drain(starts_at_s: float, given_at_s: float = NOW) -> Orders:
    order = Order("au", Action.DRAIN, "eve", "test", given_at_s, starts_at_s)
    return Orders().give(order)


async def follow(standings: Standings, lock: asyncio.Lock, seconds: float) -> None:
    task = asyncio.create_task(standings.run(lock))
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_what_is_planned_counts_as_nearer_than_it_is_and_never_as_past() -> None:
    def planned(in_s: float) -> float | None:
        v4, _ = build_conditions(["au"], {}, drain(NOW + in_s), NOW)["au"]
        return v4.planned_in_s

    assert [9.0, 0.5, 0.0] == [planned(10.0), planned(1.5), planned(0.2)]


def test_an_order_in_force_goes_before_checks_and_their_next_change() -> None:
    health = {"au": SiteHealth(DOWN, UP)}
    assert {
        "au": (Condition(Standing.FAILED, 4.0), Condition(Standing.SERVING)),
    } == build_conditions(["au"], health, Orders(), NOW)
    assert {
        "au": (Condition(Standing.DRAINED_FAILED, 4.0), Condition(Standing.DRAINED)),
    } == build_conditions(["au"], health, drain(NOW), NOW)


def test_what_is_planned_comes_nearer_while_somebody_publishes() -> None:
    now_s = time.time()
    world = World(orders=drain(now_s + 3600, now_s))

    async def publish_meanwhile() -> None:
        lock = asyncio.Lock()
        async with lock:
            await follow(world.begin(), lock, 1.2)

    asyncio.run(publish_meanwhile())
    planned = [conditions["au"][0].planned_in_s for conditions in world.answers.written]
    assert sorted(set(planned), reverse=True) == planned
    assert len(planned) > 2
    assert [] == world.answers.steps


def test_a_state_that_lasts_widens_scopes_once_and_its_end_narrows_them() -> None:
    world = World(health={"au": SiteHealth(UP, UP)})

    async def fail_and_return() -> None:
        standings = world.begin(remap_after_s=0.0)
        await follow(standings, asyncio.Lock(), 0.7)
        assert [] == world.answers.steps
        for health in (DOWN, UP):
            world.health["au"] = SiteHealth(health, UP)
            await follow(standings, asyncio.Lock(), 1.2)

    asyncio.run(fail_and_return())
    assert ["coarsen", "refine"] == world.answers.steps
    assert ["failed", "serving"] == [fields["to"] for fields in world.told]
    assert 2 == world.changes


def test_a_state_lasts_though_tables_are_published_more_often_than_that() -> None:
    world = World(health={"au": SiteHealth(DOWN, UP)})

    async def publish_often() -> None:
        standings = world.begin(remap_after_s=0.6)
        task = asyncio.create_task(standings.run(asyncio.Lock()))
        for _ in range(8):
            await asyncio.sleep(0.3)
            world.answers.is_coarse = False
            standings.configure(0.6, {})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(publish_often())
    assert {"coarsen"} == set(world.answers.steps)
