"""`sparrow journal`: read with a daemon and without, in full and since a moment."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from running import run

from sparrow.keeping.journal import Journal

if TYPE_CHECKING:
    from running import Home

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


@pytest.fixture
def written(home: Home) -> Home:
    """A home whose state directory has a journal, and which no server runs in."""
    (home.path / "state").mkdir()
    journal = Journal(home.path / "state" / "journal.jsonl")
    journal.append("order", NOON, {"site": "au", "to": "drain", "reason": "a kernel", "end": None})
    journal.append("site", NOON + 3600, {"site": "nl", "family": 4, "to": "failed"})
    journal.append("site", time.time() - 60, {"site": "us", "family": 6, "to": "serving"})
    journal.close()
    return home


def test_what_happened_is_told_in_order(written: Home) -> None:
    outcome = run("journal", "-c", written.config)
    lines = outcome.out.splitlines()
    assert (0, "", 3) == (outcome.code, outcome.err, len(lines))
    assert [
        '2026-01-01T12:00:00Z order site=au to=drain reason="a kernel" end=-',
        "2026-01-01T13:00:00Z site site=nl family=4 to=failed",
    ] == lines[:2]


def test_programs_get_each_entry_as_it_was_written(written: Home) -> None:
    rows = [
        json.loads(line) for line in run("journal", "--json", "-c", written.config).out.splitlines()
    ]
    assert ["order", "site", "site"] == [row["event"] for row in rows]
    assert {"at": NOON, "event": "order", "site": "au", "to": "drain"}.items() <= rows[0].items()


@pytest.mark.parametrize(
    ("since", "sites"),
    [
        ("2026-01-01T12:00Z", ["au", "nl", "us"]),
        ("2026-01-01T14:00+01:00", ["nl", "us"]),
        ("2026-01-01 13:00:01Z", ["us"]),
        ("5min", ["us"]),
        ("90", ["us"]),
        ("1s", []),
    ],
)
def test_what_is_older_is_left_out(written: Home, since: str, sites: list[str]) -> None:
    outcome = run("journal", "--json", "--since", since, "-c", written.config)
    assert sites == [json.loads(line)["site"] for line in outcome.out.splitlines()]


REFUSED = {
    "2026-01-01T12:00": "--since: '2026-01-01T12:00' has no zone: write it with its zone, such as",
    "2026-01-01": "--since: '2026-01-01' has no zone",
    "yesterday": "--since: 'yesterday' is not a time: write it with its zone, such as",
    "2 weeks": "--since: '2 weeks' has a unit that is not known here",
}


@pytest.mark.parametrize("since", REFUSED)
def test_a_time_without_a_zone_is_refused_with_an_example(home: Home, since: str) -> None:
    outcome = run("journal", "--since", since, "-c", home.config)
    assert (2, "") == (outcome.code, outcome.out)
    assert f"error: {REFUSED[since]}" in outcome.err


def test_no_journal_is_nothing_to_tell(home: Home) -> None:
    outcome = run("journal", "-c", home.config)
    assert (0, "", "") == (outcome.code, outcome.out, outcome.err)


def test_a_journal_that_cannot_be_read_is_named(home: Home) -> None:
    (home.path / "state" / "journal.jsonl").mkdir(parents=True)
    outcome = run("journal", "-c", home.config)
    path = home.path / "state" / "journal.jsonl"
    assert (2, f"error: {path}: the journal cannot be read: Is a directory\n") == (
        outcome.code,
        outcome.err,
    )
