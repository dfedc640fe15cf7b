"""Writes orders and journal entries in a child, kills it at a random moment, and looks.

Run as a program: `killing.py FOLDER ROUNDS SEED`. Prints what was found, a line of JSON.
"""

from __future__ import annotations

import json
import random
import sys
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from killedwriters import kill_one, tell_step

from sparrow.keeping.journal import Journal, read_journal
from sparrow.keeping.orders import OrderBook
from sparrow.policy.orders import Order
from sparrow.policy.outcome import Action

LONGEST_S = 0.006
"""Longest time between a step of a child and its end: a write or two."""
JOURNAL_OCTETS = 2000
"""So few that files are put aside all the time."""


def write(folder: Path, first: int, pipe: int) -> None:
    book, journal = OrderBook(folder / "orders.json"), Journal(folder / "journal", JOURNAL_OCTETS)
    for number in range(first, first + 1_000_000):
        reason = f"{number} " + "x" * (number * 37 % 5000)
        order = Order("au", Action.DRAIN, "test", reason, number, number)
        tell_step(pipe, number, is_done=False)
        book.change(lambda orders, order=order: orders.give(order))
        journal.append("order", number, {"number": number, "reason": "y" * (number * 17 % 300)})
        tell_step(pipe, number, is_done=True)


def is_whole(path: Path) -> bool:
    """Tell whether every line of a journal file is an entry with all that belongs to it."""
    lines = path.read_bytes().splitlines(keepends=True)
    return all(line.endswith(b"\n") and json.loads(line)["reason"] is not None for line in lines)


def main(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    found = {"rounds": rounds, "torn": 0, "wrong": 0, "between": 0, "written": 0}
    done, kept_before, first = -1, -1, 0
    for _ in range(rounds):
        steps = kill_one(partial(write, folder, first), chance, LONGEST_S)
        started = max((number for number, _ in steps), default=first - 1)
        done = max((number for number, is_done in steps if is_done), default=done)
        found["between"] += started > done
        try:
            book = OrderBook(folder / "orders.json")
            book.refresh()
            kept = int(book.orders.all[0].reason.split()[0]) if book.orders.all else -1
            journal = max((row["number"] for row in read_journal(folder / "journal")), default=-1)
            files = list(folder.glob("journal*"))
            found["torn"] += bool(book.problem) or not all(map(is_whole, files))
        except (ValueError, KeyError):
            found["torn"] += 1
            continue
        found["wrong"] += not (max(done, kept_before) <= kept <= started)
        found["wrong"] += not (done <= journal <= kept)
        kept_before, first = kept, started + 1
    found["written"] = done
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
