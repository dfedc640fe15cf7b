"""What hysteresis remembers."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sparrow.knowing.damping import Damper, parse_held, render_held
from sparrow.policy.damping import MINUTE_S, Held, Wish

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 30.0
HELD = Held(
    {
        ("default", 4): (
            Wish(4, 20 << 24, 21 << 24, ("nl", "us"), "us", 1000.5),
            Wish(4, 22 << 24, 23 << 24, ("nl", "us"), "us", 1000.5),
            Wish(6, 1 << 125, 1 << 126, ("us",), "nl", 7.0),
        ),
        ("default", 6): (Wish(6, 0, 1 << 128, ("us",), "nl", 7.0),),
    }
)


def test_what_is_written_is_read_back() -> None:
    assert HELD == parse_held(json.loads(json.dumps(render_held(HELD))))
    assert Held() == parse_held(None)


def row(**changes: Any) -> list[Any]:
    keys = ("service", "of", "family", "start", "end", "order", "target", "since_s")
    values = ("default", 4, 4, "0", "256", ["nl"], "us", 1.0)
    return [*(dict(zip(keys, values, strict=True)) | changes).values()]


@pytest.mark.parametrize(
    "tree",
    [
        [],
        {"version": 2, "wishes": []},
        {"version": 1},
        {"version": 1, "wishes": [["default"]]},
        {"version": 1, "wishes": [row(family=5)]},
        {"version": 1, "wishes": [row(end="0")]},
        {"version": 1, "wishes": [row(end=str(2**33))]},
        {"version": 1, "wishes": [row(start="-1")]},
        {"version": 1, "wishes": [row(start="x")]},
        {"version": 1, "wishes": [row(), row(start="128", end="300")]},
        {"version": 1, "wishes": [row(family=6), row()]},
        {"version": 1, "wishes": [row(order=None)]},
    ],
)
def test_what_is_no_record_is_refused(tree: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_held(tree)


def test_what_is_due_is_looked_through_again_after_something_went_wrong(tmp_path: Path) -> None:
    now_s, tries = [1000.0], []

    async def renew() -> None:
        tries.append(now_s[0])
        now_s[0] += MINUTE_S
        raise RuntimeError("something went wrong inside")

    async def look_through() -> None:
        damper = Damper(tmp_path / "held.json", lambda: now_s[0], renew)
        view: Any = SimpleNamespace(held=Held(HELD.wishes, next_s=1000.0))
        damper.take_up(view)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="something went wrong inside"):
                async with asyncio.timeout(PATIENCE_S):
                    await damper.run()

    asyncio.run(look_through())
    assert [1000.0, 1000.0 + MINUTE_S] == tries


def test_what_is_held_is_looked_through_when_the_clock_was_set_back(tmp_path: Path) -> None:
    now_s = [90_000.0]

    async def look_through() -> None:
        has_come = asyncio.Event()

        async def renew() -> None:
            has_come.set()

        damper = Damper(tmp_path / "held.json", lambda: now_s[0], renew, look_s=0.05)
        view: Any = SimpleNamespace(held=Held(HELD.wishes, next_s=90_001.0))
        damper.take_up(view)
        now_s[0] = 1000.0
        running = asyncio.create_task(damper.run())
        async with asyncio.timeout(PATIENCE_S):
            await has_come.wait()
        running.cancel()
        await asyncio.wait((running,))

    asyncio.run(look_through())
