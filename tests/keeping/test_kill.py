"""kill -9 at random moments: what is on disk is the old or the new, never torn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = 250


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_while_orders_and_entries_are_written_leaves_the_old_or_the_new(
    tmp_path: Path, seed: int
) -> None:
    program = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(program), str(tmp_path), str(ROUNDS), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert (ROUNDS, 0, 0) == tuple(found[key] for key in ("rounds", "torn", "wrong"))
    assert found["between"] > ROUNDS / 10  # so many were killed in the middle of a write
    assert found["written"] > 0


PLAN_ROUNDS = 100


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_while_plans_are_published_leaves_a_whole_one_to_readers_and_successors(
    tmp_path: Path, seed: int
) -> None:
    program = Path(__file__).with_name("killedpublishers.py")
    command = [sys.executable, str(program), str(tmp_path), str(PLAN_ROUNDS), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert (PLAN_ROUNDS, 0, 0) == tuple(found[key] for key in ("rounds", "refused", "wrong")), found
    assert found["between"] > 0  # some were killed while they wrote a file
    assert found["last"] > PLAN_ROUNDS  # generations came and went meanwhile
