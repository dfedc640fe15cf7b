"""Maps that follow how the sites stand: wide when a state lasts, and never wide for another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from statesites import build_state_authority

from sparrow.keeping.layout import TcpLimits
from sparrow.keeping.publishing import Publisher
from sparrow.knowing.standing import Standings
from sparrow.plan.reader import open_plan
from sparrow.policy.orders import Order, Orders
from sparrow.policy.outcome import Action

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AU_DOWN = Orders((Order("au", Action.DOWN, "test", "broken", 0, 0),))
PATIENCE_S = 20


class InterruptedPublisher(Publisher):
    """A publisher that is told something else as soon as it has widened scopes."""

    def __init__(self, run_dir: Path, interrupt: Callable[[], None]) -> None:
        super().__init__(run_dir)
        self._interrupt = interrupt

    def coarsen(self) -> int | None:
        generation = super().coarsen()
        self._interrupt()
        return generation


async def follow_interrupted(run_dir: Path) -> list[str]:
    """Let au be down and, while maps are made for that, up; give the maps in the end."""
    orders, loop = [AU_DOWN], asyncio.get_running_loop()

    def bring_back() -> None:
        orders[0] = Orders()
        future = asyncio.run_coroutine_threadsafe(refresh(), loop)
        future.result(PATIENCE_S)

    async def refresh() -> None:
        standings.refresh()

    publisher = InterruptedPublisher(run_dir, bring_back)
    publisher.publish(build_state_authority(), TcpLimits(100, 10, 10))
    standings = Standings(
        publisher, dict, lambda: orders[0], lambda *_: None, on_change=lambda: None
    )
    standings.configure(0, {})
    standings.refresh()
    running = asyncio.create_task(standings.run(asyncio.Lock()))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while open_plan(run_dir / "plan").generation < 3:  # noqa: ASYNC110 (files tell nobody)
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
    return [each.file.name for each in open_plan(run_dir / "plan").maps]


def test_a_state_that_changes_while_scopes_widen_narrows_them_again(tmp_path: Path) -> None:
    assert ["map-1-0", "map-1-1"] == asyncio.run(follow_interrupted(tmp_path))
