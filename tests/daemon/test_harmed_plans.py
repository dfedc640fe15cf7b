"""A plan that was removed or harmed under a running server is there for the next worker."""

from __future__ import annotations

import json
import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest
from running import NEAREST, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Home


def clear(plan: Path) -> None:
    shutil.rmtree(plan)


def damage(plan: Path) -> None:
    """Put other octets in the place of the answers; who has the file mapped keeps it."""
    path = next(plan.glob("answers-*"))
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + bytes((content[-1] ^ 0xFF,)))


def udp_workers(home: Home) -> list[int]:
    rows = json.loads((home.run_dir / "keeper.json").read_text())["posts"]
    return [row["pid"] for row in rows if row["kind"] == "udp"]


@pytest.mark.parametrize("harm", [clear, damage])
def test_workers_that_start_after_the_plan_was_harmed_serve(
    home: Home, harm: Callable[[Path], None]
) -> None:
    daemon = home.serve()
    harm(home.run_dir / "plan")
    for pid in udp_workers(home):
        os.kill(pid, signal.SIGKILL)
    daemon.wait_for("the plan was damaged")

    def is_served() -> bool:
        workers = daemon.status()["workers"]
        generation = daemon.status()["plan"]["generation"]
        return all(row["ready"] and row["generation"] == generation for row in workers)

    wait_until(is_served)
    assert NEAREST == daemon.nearest()
    assert 1 == daemon.status()["serial"]


def test_a_run_directory_that_was_cleared_away_is_served_in_by_the_next_start(home: Home) -> None:
    daemon = home.serve()
    for path in home.run_dir.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    daemon.wait_for("the plan was damaged")
    assert 0 == daemon.stop()
    assert NEAREST == home.serve().nearest()
