"""Parts of the daemon that go on whatever goes wrong in them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sparrow.knowing.persisting import go_on

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Part:
    """Fails so many times, and then ends, or waits to be cancelled."""

    def __init__(self, failures: int, *, is_endless: bool = False) -> None:
        self.tries = 0
        self._failures = failures
        self._is_endless = is_endless
        self.is_going = asyncio.Event()

    async def run(self) -> None:
        self.tries += 1
        if self.tries <= self._failures:
            raise OSError(f"failure {self.tries}")
        self.is_going.set()
        if self._is_endless:
            await asyncio.Event().wait()


def test_what_fails_is_done_again_and_told_each_time(caplog: pytest.LogCaptureFixture) -> None:
    part = Part(3)
    asyncio.run(go_on("the watch", part.run, 0.001))
    assert 4 == part.tries
    head = "the watch: something went wrong inside, trying again in"
    assert [f"{head} {each} s" for each in (0.001, 0.002, 0.004)] == caplog.messages
    assert "OSError: failure 3" in caplog.text


def test_others_go_on_meanwhile_and_all_can_be_cancelled() -> None:
    failing, sound = Part(2, is_endless=True), Part(0, is_endless=True)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(go_on("a part", part.run, 0.001)) for part in (failing, sound)
            ]
            await failing.is_going.wait()
            for task in tasks:
                task.cancel()

    asyncio.run(run())
    assert (3, 1) == (failing.tries, sound.tries)


def test_a_part_that_is_cancelled_while_it_waits_ends() -> None:
    async def cancel(step: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(go_on("a part", step, 3600))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    part = Part(9)
    asyncio.run(cancel(part.run))
    assert 1 == part.tries
