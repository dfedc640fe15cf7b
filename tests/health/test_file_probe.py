from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from peers import LOOPBACK, check_of

from sparrow.health.kinds import find_probe
from sparrow.health.probes.attempt import Attempt
from sparrow.health.spawning import Programs
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S = 0.5


async def probe(kind: str, address: str = LOOPBACK, /, **settings: Any) -> Finding:
    check = check_of(kind, **settings)
    return await find_probe(check)(check, Attempt(address, TIMEOUT_S, Programs()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up", Finding(Result.OK, "says 'up'")),
        ("UP since noon\nmore\n", Finding(Result.OK, "says 'UP since noon'")),
        ("down for repairs\n", Finding(Result.FAILED, "says 'down for repairs'")),
        (
            "degraded: disk\n",
            Finding(Result.UNKNOWN, "says 'degraded: disk': neither up, down nor degraded"),
        ),
        ("degraded disk\n", Finding(Result.DEGRADED, "says 'degraded disk'")),
        ("", Finding(Result.UNKNOWN, "says '': neither up, down nor degraded")),
        ("\x1b[2J", Finding(Result.UNKNOWN, "says ' [2J': neither up, down nor degraded")),
    ],
)
def test_a_file_is_judged_by_its_first_word(tmp_path: Path, text: str, expected: Finding) -> None:
    path = tmp_path / "state"
    path.write_text(text)
    assert expected == asyncio.run(probe("file", path=str(path), max_age="1min"))


@pytest.mark.parametrize(("shift_s", "words"), [(-61, "61 s old"), (90, "90 s ahead of the clock")])
def test_a_file_from_another_time_is_no_evidence(tmp_path: Path, shift_s: int, words: str) -> None:
    path = tmp_path / "state"
    path.write_text("down")
    os.utime(path, (time.time() + shift_s,) * 2)
    found = asyncio.run(probe("file", path=str(path), max_age="1min"))
    assert Finding(Result.UNKNOWN, f"{words}: 60 s allowed") == found


def test_what_cannot_be_read_is_no_evidence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    found = [
        asyncio.run(probe("file", path=str(tmp_path / name), max_age=60))
        for name in ("missing", ".", "pipe")
    ]
    assert [Result.UNKNOWN] * 3 == [each.result for each in found]
    assert ["cannot be read: no such file or directory", "cannot be read: is a directory"] == [
        each.words for each in found[:2]
    ]


def test_off_is_up() -> None:
    assert Finding(Result.OK, "not checked") == asyncio.run(probe("off"))
