"""Gives orders at a desk in a child, kills it at a random moment, and looks at the disk.

Run as a program: `deskkilling.py FOLDER ROUNDS SEED`. Prints what was found, a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parents[1]))

from killedwriters import kill_one, tell_step

from sparrow.control.ordering import name_giver, parse_draft, plan_order
from sparrow.keeping.journal import Journal, read_journal
from sparrow.keeping.orders import OrderBook
from sparrow.keeping.telling import Teller
from sparrow.knowing.ordering import OrderDesk, OrderEnds
from sparrow.policy.orders import Orders

if TYPE_CHECKING:
    from sparrow.policy.orders import Order

SITES = ("au", "nl", "us")
START_S = 1_767_268_800.0
LONGEST_S = 0.01
"""Longest time between a step of a child and its end: an order or two."""


def arguments(number: int) -> dict[str, Any]:
    """Give an order by its number: at once or planned, for a time or for good, of any kind."""
    chance = random.Random(number)
    action = chance.choice(("up", "drain", "down", "auto"))
    given = {
        "action": action,
        "site": chance.choice(SITES),
        "reason": f"{number} " + "x" * chance.randrange(200),
        "by": "eve",
    }
    if chance.random() < 0.3:
        given["at_s"] = clock(number) + chance.randint(1, 5)
    if action != "auto" and chance.random() < 0.3:
        given["for_s"] = chance.randint(1, 5)
    return given


def clock(number: int) -> float:
    """Give the time at which an order is given."""
    return START_S + number


async def give_orders(folder: Path, first: int, pipe: int) -> None:
    now = [clock(first)]
    teller = Teller(Journal(folder / "journal"), _run_nothing, lambda: now[0])
    ends = OrderEnds(lambda: SITES, lambda: None, lambda _: None)
    desk = OrderDesk(OrderBook(folder / "orders.json"), teller, ends, lambda: now[0])
    settling = asyncio.create_task(desk.run())
    for number in range(first, first + 1_000_000):
        now[0] = clock(number)
        tell_step(pipe, number, is_done=False)
        await desk.give(arguments(number), None)
        tell_step(pipe, number, is_done=True)
    settling.cancel()


def give_all(folder: Path, first: int, pipe: int) -> None:
    asyncio.run(give_orders(folder, first, pipe))


async def _run_nothing(*_: object) -> Any:
    raise AssertionError("no program is configured")


def expect(orders: Orders, number: int) -> Orders:
    """Give what becomes of orders by one more."""
    draft = parse_draft(arguments(number))
    order, _ = plan_order(orders, draft, name_giver(draft.by, None), clock(number))
    return orders.give(order)


def stands(orders: Orders, now_s: float) -> list[tuple[Order | None, Order | None]]:
    """Give for each site what is in force and what is planned; what is over counts for nothing."""
    return [(orders.in_force(site, now_s), orders.planned(site, now_s)) for site in SITES]


def main(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    found = {"rounds": rounds, "torn": 0, "wrong": 0, "between": 0, "untold": 0, "taken": 0}
    kept, first = Orders(), 0
    for _ in range(rounds):
        steps = kill_one(partial(give_all, folder, first), chance, LONGEST_S)
        done = [number for number, is_done in steps if is_done]
        old = kept
        for number in done:
            old = expect(old, number)
        last = max((number for number, _ in steps), default=first - 1)
        is_between = last not in done and last >= first
        new = expect(old, last) if is_between else old
        book = OrderBook(folder / "orders.json")
        book.refresh()
        kept = book.orders
        found["torn"] += bool(book.problem)
        now_s = clock(max(last, 0))
        found["wrong"] += stands(kept, now_s) not in (stands(old, now_s), stands(new, now_s))
        found["between"] += is_between
        found["taken"] += len(done)
        told = {
            int(row["reason"].split()[0])
            for row in read_journal(folder / "journal")
            if row["event"] == "order"
        }
        found["untold"] += not told.issuperset(done)
        first = last + 1
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
