"""`kill -9` at any moment: what stands on disk is the old state or the new one."""

from __future__ import annotations

import os
import signal
import time
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest
from gatehouse import Gatehouse, rows

from sparrow.tables.accepted import AcceptedTables
from sparrow.tables.link import read_link, swap_link

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 200
SIZES = range(10, 30)


def work(folder: Path, seed: int, steps: int) -> None:
    """Swap links and tables, hold, approve and roll back, for ever; write a byte after each."""
    rng = Random(seed)
    house = Gatehouse(folder, {"max_shrink": "10%"}, modes=("normal", "au"))
    for _ in count():
        step = rng.randrange(4)
        if step == 0:
            house.write("normal.routes", rows(rng.choice(SIZES)))
        elif step == 1:
            name = rng.choice(("normal", "au"))
            swap_link(str(folder / "routes"), str(folder / f"{name}.routes"))
        elif step == 2 and house.gate.held:
            house.approve()
        elif step == 3 and house.gate.describe()["way_back"]:
            house.roll_back()
        house.admit()
        os.write(steps, b".")


def run_and_kill(folder: Path, seed: int) -> int:
    """Let a child do some steps, and kill it in the middle of one; give how it ended."""
    rng = Random(seed)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            work(folder, seed, writing)
        finally:
            os._exit(1)
    os.close(writing)
    for _ in range(rng.randrange(1, 4)):
        os.read(reading, 1)
    time.sleep(rng.uniform(0, 0.02))
    os.kill(pid, signal.SIGKILL)
    os.close(reading)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.timeout(240)
def test_the_record_the_copies_and_the_link_are_old_or_new(tmp_path: Path) -> None:
    (tmp_path / "au.routes").write_text("0.0.0.0/0 1\n")
    (tmp_path / "normal.routes").write_text(rows(20))
    swap_link(str(tmp_path / "routes"), str(tmp_path / "normal.routes"))
    Gatehouse(tmp_path).admit()
    accepted = AcceptedTables(tmp_path / "state" / "tables")
    serials = [0]
    for seed in range(KILLS):
        assert -signal.SIGKILL == run_and_kill(tmp_path, seed)
        state = accepted.load()
        accepted.contents.check(state.contents)
        assert state.present
        assert state.last_of(state.present.mode) == state.present
        assert (read_link(str(tmp_path / "routes")) or "").endswith(".routes")
        serials.append(state.present.serial)
    assert serials == sorted(serials)
    assert serials[-1] > KILLS // 4, "too little was done between two kills to find anything"
    # And the next start goes on from there.
    house = Gatehouse(tmp_path, {"max_shrink": "10%"}, modes=("normal", "au"))
    house.admit()
    assert house.count in {1, *SIZES}
    assert not [path for path in accepted_files(tmp_path) if path.name.endswith(".aside")]


def accepted_files(folder: Path) -> list[Path]:
    """List what is kept, once a change has tidied up."""
    house = Gatehouse(folder)
    house.write("normal.routes", rows(31))
    house.write("au.routes", "0.0.0.0/0 3\n")
    house.admit()
    return list((folder / "state" / "tables").iterdir())
