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
"""Half of the time that lies between two stores."""


@pytest.fixture
def stored() -> list[Mapping[str, Any]]:
    return []


def test_notes_that_change_nothing_put_off_no_store(stored: list[Mapping[str, Any]]) -> None:
    tree = {"verdict": "up"}

    async def note() -> None:
        storing = Storing(lambda: dict(tree), stored.append)
        storing.note_change()
        await eventually(lambda: len(stored) == 1)
        await asyncio.sleep(1.1)  # until what is stored next need not wait
        for _ in range(3):
            storing.note_change()
            await asyncio.sleep(0.01)
        tree["verdict"] = "down"
        storing.note_change()
        async with asyncio.timeout(SOON_S):
            await eventually(lambda: len(stored) == 2)
        await storing.finish()

    asyncio.run(note())
    assert [{"verdict": "up"}, {"verdict": "down"}] == stored


def test_what_flaps_is_stored_once_in_a_while_and_last_as_it_is_at_the_end(
    stored: list[Mapping[str, Any]],
) -> None:
    tree = {"number": 0}

    async def flap() -> None:
        storing = Storing(lambda: dict(tree), stored.append)
        for number in range(50):
            tree["number"] = number
            storing.note_change()
            await asyncio.sleep(0.001)
        await storing.finish()

    asyncio.run(flap())
    assert {"number": 49} == stored[-1]
    assert len(stored) <= 3
