"""Telling people: log, journal and a program, in order, and nobody waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from sparrow.keeping.journal import Journal, read_journal
from sparrow.keeping.telling import MAX_WAITING, Program, Teller, render_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NOW = 1_767_268_800.0  # 2026-01-01T12:00:00Z
PROGRAM = Program(("/bin/tell", "-x"), 7.5)


@dataclass(frozen=True)
class Ended:
    exit_code: int | None = 0
    first_line: str = ""
    was_killed: bool = False


@dataclass
class Programs:
    """Stands where programs are run; each takes until the next turn of the loop."""

    ended: Ended = Ended()
    runs: list[tuple[Sequence[str], Mapping[str, str], float]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def run(self, argv: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Ended:
        self.runs.append((argv, env, timeout_s))
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.ended


def tell_all(teller: Teller, notices: Sequence[tuple[str, Mapping[str, object]]]) -> None:
    """Tell of all at once, and let the program run until none waits."""

    async def tell() -> None:
        for event, fields in notices:
            teller.tell(event, fields)
        work = asyncio.create_task(teller.run())
        for _ in range(3 * len(notices) + 5):  # a run takes two turns of the loop
            await asyncio.sleep(0)
        assert 0 == teller.snapshot()["waiting"]
        work.cancel()

    asyncio.run(tell())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_an_event_is_logged_journaled_and_given_to_the_program(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    programs = Programs()
    teller = Teller(Journal(path), programs.run, lambda: NOW)
    teller.configure(PROGRAM)
    fields = {"site": "au", "family": 4, "from": "serving", "to": "failed", "reason": "3 of 3"}
    tell_all(teller, [("site", fields)])
    assert ['site site=au family=4 from=serving to=failed reason="3 of 3"'] == caplog.messages
    assert [{"at": NOW, "event": "site", **fields}] == list(read_journal(path))
    environment = {
        "SPARROW_EVENT": "site",
        "SPARROW_AT": "2026-01-01T12:00:00Z",
        "SPARROW_SITE": "au",
        "SPARROW_FAMILY": "4",
        "SPARROW_FROM": "serving",
        "SPARROW_TO": "failed",
        "SPARROW_REASON": "3 of 3",
    }
    assert [(PROGRAM.argv, environment, 7.5)] == programs.runs
    assert {
        "told": 1,
        "dropped": 0,
        "failed": 0,
        "waiting": 0,
        "problem": None,
    } == teller.snapshot()


def test_without_a_program_nothing_is_run(path: Path) -> None:
    programs = Programs()
    teller = Teller(Journal(path), programs.run, lambda: NOW)
    teller.configure(None)
    tell_all(teller, [("site", {})])
    assert ([], 1) == (programs.runs, len(list(read_journal(path))))


def test_what_is_told_before_the_program_is_known_waits_for_it(path: Path) -> None:
    programs = Programs()
    teller = Teller(Journal(path), programs.run, lambda: NOW)
    teller.tell("order_ended", {"site": "au"})
    teller.configure(PROGRAM)
    tell_all(teller, [("site", {"site": "nl"})])
    assert ["au", "nl"] == [environment["SPARROW_SITE"] for _, environment, _ in programs.runs]


def test_programs_run_one_after_the_other_in_order(path: Path) -> None:
    programs = Programs()
    teller = Teller(Journal(path), programs.run, lambda: NOW)
    teller.configure(PROGRAM)
    tell_all(teller, [("site", {"number": number}) for number in range(20)])
    assert 1 == programs.most_at_once
    numbers = [environment["SPARROW_NUMBER"] for _, environment, _ in programs.runs]
    assert [str(number) for number in range(20)] == numbers


def test_too_many_are_dropped_counted_and_journaled_all_the_same(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    programs = Programs()
    teller = Teller(Journal(path), programs.run, lambda: NOW)
    teller.configure(PROGRAM)
    count = MAX_WAITING + 30
    tell_all(teller, [("site", {"number": number}) for number in range(count)])
    assert (MAX_WAITING, 30) == (teller.snapshot()["told"], teller.snapshot()["dropped"])
    assert count == len(list(read_journal(path)))
    assert 1 == len([record for record in caplog.records if record.levelname == "WARNING"])


ENDS = {
    "a code": (Ended(2, "cannot send"), "/bin/tell ended with 2: cannot send"),
    "a signal": (Ended(-9), "/bin/tell ended with -9"),
    "its time": (Ended(-9, "on my", was_killed=True), "/bin/tell was killed after 7.5 s: on my"),
    "nothing": (Ended(None, "No such file"), "/bin/tell could not be run: No such file"),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_program_that_fails_is_counted_and_logged(
    path: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    ended, words = ENDS[case]
    teller = Teller(Journal(path), Programs(ended).run, lambda: NOW)
    teller.configure(PROGRAM)
    tell_all(teller, [("site", {})])
    found = teller.snapshot()
    assert (0, 1, words) == (found["told"], found["failed"], found["problem"])
    assert [f"notify: {words}"] == [
        record.message for record in caplog.records if record.levelname == "WARNING"
    ]


def test_a_failure_is_forgotten_when_a_program_takes_a_notice_or_is_another(path: Path) -> None:
    programs = Programs(Ended(2))
    teller = Teller(Journal(path), programs.run, lambda: NOW)
    teller.configure(PROGRAM)
    tell_all(teller, [("site", {})])
    teller.configure(PROGRAM)
    assert "/bin/tell ended with 2" == teller.snapshot()["problem"]
    programs.ended = Ended()
    tell_all(teller, [("site", {})])
    assert teller.snapshot()["problem"] is None
    programs.ended = Ended(2)
    tell_all(teller, [("site", {})])
    teller.configure(Program(("/bin/other",), 1.0))
    assert teller.snapshot()["problem"] is None


def test_a_value_cannot_break_the_line_or_the_environment(path: Path) -> None:
    programs = Programs()
    teller = Teller(Journal(path), programs.run, lambda: NOW)
    teller.configure(PROGRAM)
    tell_all(teller, [("order", {"reason": "a\nb\0c" + "x" * 10_000, "end": None})])
    environment = programs.runs[0][1]
    assert ("a\nbc", "", 4096) == (
        environment["SPARROW_REASON"][:4],
        environment["SPARROW_END"],
        len(environment["SPARROW_REASON"]),
    )


def test_the_log_has_each_field_in_quotes_where_it_needs_them() -> None:
    fields = {"a": "plain-1.2", "b": 'say "so"\n', "c": None, "d": 2.5, "e": "", "f": "ü"}
    assert 'x a=plain-1.2 b="say \\"so\\"\\n" c=- d=2.5 e="" f="ü"' == render_fields("x", fields)
