"""When what checks found goes to disk."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from peers import eventually

from sparrow.health.storing import Storing

if TYPE_CHECKING:
    from collections.abc import Mapping

SOON_S = 0.5
"""Half of what two stores would have between them if all were spread evenly."""


@pytest.fixture
def stored() -> list[Mapping[str, Any]]:
    return []


def test_a_change_is_stored_at_once_though_others_were_just_now(
    stored: list[Mapping[str, Any]],
) -> None:
    tree = {"verdict": "unknown"}

    async def change() -> None:
        storing = Storing(lambda: dict(tree), stored.append)
        async with asyncio.timeout(SOON_S):
            for verdict in ("unknown", "up", "up", "up", "down"):
                tree["verdict"] = verdict
                storing.note_change()
                await eventually(lambda: bool(stored) and stored[-1] == tree)
        await storing.finish()

    asyncio.run(change())
    assert ["unknown", "up", "down"] == [tree["verdict"] for tree in stored]


def test_what_the_disk_did_not_take_is_stored_when_it_does(
    stored: list[Mapping[str, Any]],
) -> None:
    is_full = True

    def keep(tree: Mapping[str, Any]) -> None:
        if is_full:
            raise OSError("no space left")
        stored.append(tree)

    async def change_once() -> None:
        nonlocal is_full
        storing = Storing(lambda: {"verdict": "down"}, keep, retry_s=0.01)
        assert storing.problem is None
        storing.note_change()
        await eventually(lambda: storing.problem == "no space left")
        is_full = False
        async with asyncio.timeout(SOON_S):
            await eventually(lambda: bool(stored))
        await storing.finish()
        assert storing.problem is None

    asyncio.run(change_once())
    assert [{"verdict": "down"}] == stored


def test_what_flaps_is_stored_once_in_a_while_and_last_as_it_is_at_the_end(
    stored: list[Mapping[str, Any]],
) -> None:
    tree = {"number": 0}

    async def flap() -> None:
        storing = Storing(lambda: dict(tree), stored.append)
        for number in range(200):
            tree["number"] = number
            storing.note_change()
            await asyncio.sleep(0.005)
        await storing.finish()

    asyncio.run(flap())
    assert {"number": 199} == stored[-1]
    assert len(stored) <= 9
