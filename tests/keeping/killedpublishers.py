"""Publishes plans in a child, kills it at a random moment, and looks what readers have.

Run as a program: `killedpublishers.py FOLDER ROUNDS SEED`. Prints what was found, a line of JSON.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parents[1]))

from statesites import NAMES, ROUTES, build_state_authority

from sparrow.keeping.layout import TcpLimits
from sparrow.keeping.publishing import Publisher
from sparrow.plan.outcomes import encode_words
from sparrow.plan.watch import PlanSource
from sparrow.policy.outcome import Condition, Standing

if TYPE_CHECKING:
    from sparrow.plan.plan import Plan
    from sparrow.policy.outcome import Conditions

LIMITS = TcpLimits(100, 10, 10)
LONGEST_S = 0.05
"""Longest time between a step of a child and its end: a generation or two."""
STEPS = 4
"""Fewer than so many steps are waited for, however slow the machine is."""
AUTHORITIES = (
    build_state_authority(),
    build_state_authority(ROUTES[:5]),
    build_state_authority(names=5),
)


def draw_conditions(chance: random.Random) -> Conditions:
    """Give a state of the sites, with changes in sight for some."""
    return {
        name: (draw_condition(chance), draw_condition(chance))
        for name in NAMES
        if chance.random() < 0.6
    }


def draw_condition(chance: random.Random) -> Condition:
    return Condition(chance.choice(list(Standing)), chance.choice((None, 7.0, 44.0)))


def publish(folder: Path, chance: random.Random, pipe: int) -> None:
    """Do what a daemon does, in any order, until killed."""
    publisher = Publisher(folder)
    publisher.write(draw_conditions(chance))
    for _ in range(1_000_000):
        publisher.publish(chance.choice(AUTHORITIES), LIMITS)
        os.write(pipe, b".")
        publisher.write(draw_conditions(chance))
        publisher.coarsen()
        os.write(pipe, b".")
        publisher.write(draw_conditions(chance))
        publisher.refine()
        os.write(pipe, b".")


def kill_one(folder: Path, chance: random.Random, source: PlanSource | None) -> None:
    """Let a child live for a while, with a reader at its heels."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            publish(folder, chance, writer)
        finally:
            os._exit(1)
    os.close(writer)
    steps = chance.randrange(STEPS) if source else STEPS
    end_s = time.monotonic() + chance.uniform(0, LONGEST_S)
    while steps or time.monotonic() < end_s:
        if source is not None:
            source.poll()
        if select.select([reader] if steps else [], [], [], 0.002)[0]:
            os.read(reader, 1)
            steps -= 1
            end_s = time.monotonic() + chance.uniform(0, LONGEST_S)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(reader)


def has_words(plan: Plan, conditions: Conditions) -> bool:
    return list(encode_words(plan.answers.meta, conditions)) == list(plan.words)


def main(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    found = {"rounds": rounds, "refused": 0, "wrong": 0, "between": 0}
    kill_one(folder, chance, None)
    source = PlanSource(folder / "plan")
    for number in range(rounds):
        kill_one(folder, random.Random(seed * rounds + number), source)
        found["between"] += any(path.name.startswith(".") for path in folder.glob("plan/.*"))
        # The next daemon writes words before anything else; whoever reads has them at once.
        conditions = draw_conditions(chance)
        Publisher(folder).write(conditions)
        worker = PlanSource(folder / "plan")
        found["wrong"] += not has_words(source.poll(), conditions)
        found["wrong"] += not has_words(worker.plan, conditions)
        found["wrong"] += worker.plan.generation < source.plan.generation
    found["refused"], found["last"] = source.refused, source.plan.generation
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
