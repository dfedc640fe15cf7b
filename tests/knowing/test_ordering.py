"""The desk that takes orders: kept, told, begun and ended, on a clock that the test sets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sparrow.errors import InputError
from sparrow.keeping.journal import Journal, read_journal
from sparrow.keeping.orders import OrderBook
from sparrow.keeping.telling import Teller
from sparrow.knowing.ordering import OrderDesk, OrderEnds
from sparrow.policy.outcome import Action

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

NOW = 1_767_268_800.0  # 2026-01-01T12:00:00Z


@dataclass
class Office:
    """A desk and all around it."""

    folder: Path
    now_s: float = NOW
    sites: tuple[str, ...] = ("au", "nl")
    changes: int = 0
    resumed: list[str] = field(default_factory=list)

    def open(self) -> OrderDesk:
        """Give a desk, as a daemon that starts would have it."""
        teller = Teller(Journal(self.folder / "journal"), run_nothing, self.clock)
        ends = OrderEnds(lambda: self.sites, self.on_change, self.resumed.append)
        return OrderDesk(OrderBook(self.folder / "orders.json"), teller, ends, self.clock)

    def clock(self) -> float:
        return self.now_s

    def on_change(self) -> None:
        self.changes += 1

    def told(self) -> list[str]:
        """Give what the journal has, in short."""
        rows = read_journal(self.folder / "journal")
        return [f"{row['event']} {row['site']} {row['to']}" for row in rows]


async def run_nothing(*_: object) -> Any:
    raise AssertionError("no program is configured")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def ask(action: str, site: str = "au", **more: Any) -> dict[str, Any]:
    return {"action": action, "site": site, "reason": "works", "by": "alice", **more}


def give(desk: OrderDesk, arguments: Mapping[str, Any], uid: int | None = 1000) -> dict[str, Any]:
    return asyncio.run(desk.give(arguments, uid))


def stand(desk: OrderDesk, site: str, now_s: float = NOW) -> tuple[Action, float | None]:
    """Give what is in force for a site, and when that changes."""
    return desk.orders.action(site, now_s), desk.orders.next_change_at(site, now_s)


def refusal(desk: OrderDesk, arguments: Mapping[str, Any]) -> list[str]:
    with pytest.raises(InputError) as refused:
        give(desk, arguments)
    return [problem.what for problem in refused.value.problems]


def let_run(desk: OrderDesk, *steps: Callable[[], Awaitable[None]]) -> None:
    """Run a desk, do each step while it waits, and give it the time to look at the clock."""

    async def work() -> None:
        task = asyncio.create_task(desk.run())
        for step in steps:
            await asyncio.sleep(0.05)
            await step()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())


def test_an_order_is_kept_told_and_in_force(office: Office) -> None:
    desk = office.open()
    row = give(desk, ask("drain", for_s=7200))
    expected = {
        "site": "au",
        "action": "drain",
        "by": "alice, uid 1000",
        "reason": "works",
        "given_at_s": NOW,
        "starts_at_s": NOW,
        "ends_at_s": NOW + 7200,
    }
    assert {"order": expected, "replaced": [], "dry_run": False} == row
    assert (Action.DRAIN, NOW + 7200) == stand(desk, "au")
    assert (Action.AUTO, None) == stand(desk, "nl")
    assert (Action.DRAIN, NOW + 7200) == stand(office.open(), "au")
    assert (["order au drain"], 1) == (office.told(), office.changes)


def test_a_dry_run_changes_nothing(office: Office) -> None:
    desk = office.open()
    give(desk, ask("drain"))
    row = give(desk, ask("down", dry_run=True))
    assert ("down", ["drain"]) == (
        row["order"]["action"],
        [each["action"] for each in row["replaced"]],
    )
    assert Action.DRAIN is stand(desk, "au")[0]
    assert (["order au drain"], 1) == (office.told(), office.changes)


def test_a_planned_order_is_known_before_it_begins(office: Office) -> None:
    desk = office.open()
    give(desk, ask("drain", at_s=NOW + 600))
    assert (Action.AUTO, NOW + 600) == stand(desk, "au")
    assert 1 == office.changes


def test_auto_removes_an_order_and_resumes_the_site(office: Office) -> None:
    desk = office.open()
    give(desk, ask("drain"))
    row = give(desk, {"action": "auto", "site": "au"})
    assert ["drain"] == [each["action"] for each in row["replaced"]]
    assert (Action.AUTO, None) == stand(desk, "au")
    assert ["au"] == office.resumed
    assert ["order au drain", "order au auto"] == office.told()


def test_an_order_of_a_site_that_is_gone_can_be_removed_and_not_given(office: Office) -> None:
    desk = office.open()
    give(desk, ask("drain"))
    office.sites = ("nl",)
    assert ["there is no site 'au': the sites are nl"] == refusal(desk, ask("down"))
    give(desk, ask("auto"))
    assert () == desk.orders.all


def test_an_end_is_told_and_leaves_the_disk(office: Office) -> None:
    desk = office.open()
    give(desk, ask("drain", for_s=60))

    async def wait() -> None:
        office.now_s += 60

    async def look() -> None:
        await asyncio.sleep(1.1)  # the desk looks at the clock once a second

    let_run(desk, wait, look)
    assert ["order au drain", "order_ended au drain"] == office.told()
    assert () == office.open().orders.all
    assert 2 == office.changes


def test_a_start_is_told_once(office: Office) -> None:
    give(office.open(), ask("down", at_s=NOW + 60))
    desk = office.open()
    office.now_s += 60
    let_run(desk)
    let_run(office.open())
    assert ["order au down", "order_began au down"] == office.told()


def test_an_end_while_no_daemon_ran_is_told_by_the_next(office: Office) -> None:
    give(office.open(), ask("drain", for_s=60))
    office.now_s += 3600
    let_run(office.open())
    assert ["order au drain", "order_ended au drain"] == office.told()
    assert () == office.open().orders.all


def test_an_order_that_another_process_wrote_is_taken_up(office: Office) -> None:
    desk, other = office.open(), office.open()

    async def write() -> None:
        await other.give(ask("down"), 0)
        await asyncio.sleep(1.1)

    let_run(desk, write)
    assert Action.DOWN is stand(desk, "au")[0]
    assert 2 == office.changes


def test_orders_that_cannot_be_kept_are_refused(office: Office) -> None:
    desk = office.open()
    (office.folder / "orders.json").mkdir()
    assert ["Is a directory" in what for what in refusal(desk, ask("drain"))] == [True]
    assert (Action.AUTO, []) == (stand(desk, "au")[0], office.told())


REFUSED = {
    "another action": (ask("stop"), ["action is one of auto, up, drain, down"]),
    "no site": ({"action": "auto"}, ["site must be given, as text"]),
    "an unknown site": (
        ask("drain", "AUS"),
        ["there is no site 'AUS': did you mean 'au'? the sites are au, nl"],
    ),
    "no reason": ({"action": "drain", "site": "au"}, ["reason must be given, as text"]),
    "a blank reason": (ask("down", reason=" "), ["reason must be given, as text"]),
    "a long reason": (ask("down", reason="x" * 301), ["reason is over 300 characters long"]),
    "a line break": (
        ask("down", reason="a\nb"),
        ["reason is one line of characters that can be shown"],
    ),
    "a giver of lines": (
        ask("down", by="a\x1b[2J"),
        ["by is one line of characters that can be shown"],
    ),
    "no time": (ask("down", for_s=0), ["for_s is a number of seconds above 0"]),
    "a time of text": (ask("down", for_s="2h"), ["for_s is a number of seconds above 0"]),
    "a time that is none": (
        ask("down", at_s=float("nan")),
        ["at_s is a number of seconds above 0"],
    ),
    "a boolean": (ask("down", at_s=True), ["at_s is a number of seconds above 0"]),
    "an endless number": (ask("down", for_s=10**400), ["for_s is a number of seconds above 0"]),
    "a start that has passed": (
        ask("down", at_s=NOW - 60),
        ["the start 2026-01-01T11:59:00Z has passed: leave it out to begin at once"],
    ),
    "a start in another life": (
        ask("down", at_s=NOW + 4e8),
        ["the order starts more than ten years from now: is that meant?"],
    ),
    "an end in another life": (
        ask("down", for_s=4e8),
        ["the order lasts more than ten years: is that meant?"],
    ),
    "an end of auto": (
        ask("auto", for_s=60),
        ["auto has no end: health decides until the next order"],
    ),
    "a dry run of text": (ask("down", dry_run="yes"), ["dry_run is true or false"]),
    "much at once": (
        {"action": 1, "site": 2, "reason": 3},
        [
            "action is one of auto, up, drain, down",
            "site must be given, as text",
            "reason must be given, as text",
        ],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_order_is_refused_with_all_that_is_wrong(office: Office, case: str) -> None:
    arguments, whats = REFUSED[case]
    assert whats == refusal(office.open(), arguments)
    assert ([], 0) == (office.told(), office.changes)


@pytest.mark.parametrize(
    ("claim", "uid", "giver"),
    [("alice", 0, "alice, uid 0"), ("", 0, "uid 0"), ("alice", None, "alice")],
)
def test_who_gave_an_order_is_what_they_say_and_what_the_kernel_says(
    office: Office, claim: str, uid: int | None, giver: str
) -> None:
    row = give(office.open(), ask("drain", by=claim), uid)
    assert giver == row["order"]["by"]
