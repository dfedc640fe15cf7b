"""kill -9 while orders are given: each is taken whole or not at all, and what was said is so."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from failsites import AU, US, Sampler, order
from running import wait_until

if TYPE_CHECKING:
    from failsites import Ground
    from running import Daemon

ROUNDS = 150
KILLS = 6
"""Of a whole daemon; each takes its successor longer to be started."""
LONGEST_S = 0.02
"""Seconds between an order and the end of who was to take it."""


@pytest.mark.parametrize("seed", [1, 2])
def test_a_desk_that_is_killed_has_taken_an_order_whole_or_not_at_all(
    tmp_path: Path, seed: int
) -> None:
    program = Path(__file__).with_name("deskkilling.py")
    command = [sys.executable, str(program), str(tmp_path), str(ROUNDS), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    wanted = {"rounds": ROUNDS, "torn": 0, "wrong": 0, "untold": 0}
    assert wanted == {key: found[key] for key in wanted}, found
    assert found["between"] > ROUNDS / 10  # so many were killed while one was being taken
    assert found["taken"] > ROUNDS / 10


def kill_while_ordering(
    ground: Ground, daemon: Daemon, action: str, pause_s: float
) -> dict[str, Any] | None:
    """Send an order and kill the daemon; give its response, if there was one."""
    pid = ground.find_daemon()
    assert pid
    request = {"version": 1, "command": "site", "action": action, "site": "au"}
    with daemon.talk() as talk:
        talk.send(json.dumps(request | {"reason": "test", "by": "eve"}).encode() + b"\n")
        time.sleep(pause_s)
        os.kill(pid, signal.SIGKILL)
        line = b""
        with suppress(ConnectionResetError):
            line = talk.stream.readline()
    wait_until(lambda: ground.find_daemon() not in (None, pid))
    return dict(json.loads(line)) if line.endswith(b"\n") else None


def in_force(daemon: Daemon) -> str:
    row = next(row for row in daemon.status()["sites"] if row["name"] == "au")
    return str(row["order"]["action"]) if row["order"] else "auto"


def test_a_server_whose_daemon_is_killed_during_orders_answers_by_the_old_or_the_new(
    ground: Ground,
) -> None:
    daemon = ground.watch_files("us").home.serve()
    chance = random.Random(5)
    answers = {"auto": AU, "down": US}
    with Sampler(daemon.port) as client:
        for number in range(KILLS):
            before = in_force(daemon)
            action = "auto" if before == "down" else "down"
            pause_s = chance.uniform(0, LONGEST_S) * (number % 3)
            response = kill_while_ordering(ground, daemon, action, pause_s)
            after = in_force(daemon)
            assert after in ([action] if response else [before, action])
            client.await_more(100)
            assert answers[after] == client.last.addresses
        order(daemon, "auto", "au")
        client.await_answer(AU, since_s=client.last.first_s)
    assert {AU, US} >= set(client.addresses())
    assert 0 == client.lost
    assert KILLS == ground.daemon_post()["restarts"]
    assert all(row["by"] for row in ground.journal("order"))
