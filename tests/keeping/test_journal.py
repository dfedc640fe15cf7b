"""The journal: entries whole, bounded, and no reason to stop for anything."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sparrow.errors import InputError
from sparrow.keeping.journal import KEPT, Journal, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    opened = Journal(path)
    yield opened
    opened.close()


def numbers(path: Path, since_s: float = 0) -> list[int]:
    return [row["number"] for row in read_journal(path, since_s)]


def test_entries_are_read_back_in_order_with_time_and_event(path: Path, journal: Journal) -> None:
    journal.append("order", 1000.12345, {"site": "au", "reason": "line\nbreak"})
    journal.append("site", 1001, {"site": "nl", "to": None})
    assert [
        {"at": 1000.123, "event": "order", "site": "au", "reason": "line\nbreak"},
        {"at": 1001, "event": "site", "site": "nl", "to": None},
    ] == list(read_journal(path))
    assert 2 == path.read_bytes().count(b"\n")
    assert 0o640 == stat.S_IMODE(path.stat().st_mode)


def test_entries_since_a_moment(path: Path, journal: Journal) -> None:
    for number in range(5):
        journal.append("site", number, {"number": number})
    assert [3, 4] == numbers(path, 3)


def test_no_journal_has_no_entries(path: Path) -> None:
    assert [] == list(read_journal(path))


@pytest.mark.parametrize("tail", [b'{"at": 1', b"x" * 200_000, b"{"])
def test_a_torn_tail_is_passed_over_by_readers_and_cut_at_the_next_start(
    path: Path, journal: Journal, tail: bytes
) -> None:
    journal.append("site", 1, {"number": 1})
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    assert [1] == numbers(path)
    again = Journal(path)
    again.append("site", 2, {"number": 2})
    again.close()
    assert [1, 2] == numbers(path)
    assert path.read_bytes().startswith(whole + b'{"at":2')


def test_a_file_that_is_one_torn_line_is_emptied(path: Path, journal: Journal) -> None:
    path.write_bytes(b'{"at": 1')
    journal.append("site", 2, {"number": 2})
    assert ([2], 1) == (numbers(path), path.read_bytes().count(b"\n"))


@pytest.mark.parametrize("line", ["[]", "{}", '{"at": "1", "event": "x"}', "\x00", "[" * 100_000])
def test_a_line_that_is_no_entry_is_passed_over(path: Path, journal: Journal, line: str) -> None:
    path.write_text(f"{line}\n")
    journal.append("site", 2, {"number": 2})
    assert [2] == numbers(path)


def test_the_journal_is_bounded_and_loses_the_oldest_first(path: Path) -> None:
    journal = Journal(path, max_octets=1000)
    for number in range(300):
        journal.append("site", number, {"number": number})
    journal.close()
    kept = [each.stat().st_size for each in path.parent.iterdir()]
    assert KEPT + 1 == len(kept)
    assert 1000 >= max(kept)
    found = numbers(path)
    assert list(range(found[0], 300)) == found
    assert 50 < len(found) < 300


def test_an_entry_that_is_larger_than_a_file_may_be_is_written_all_the_same(path: Path) -> None:
    journal = Journal(path, max_octets=100)
    for number in range(3):
        journal.append("site", number, {"number": number, "reason": "x" * 200})
    journal.close()
    assert [0, 1, 2] == numbers(path)


def test_a_journal_that_is_moved_away_is_begun_again(path: Path, journal: Journal) -> None:
    journal.append("site", 1, {"number": 1})
    path.rename(path.with_name("mine"))
    journal.append("site", 2, {"number": 2})
    assert [2] == numbers(path)


def test_two_daemons_may_write_while_one_takes_the_place_of_the_other(path: Path) -> None:
    both = [Journal(path, max_octets=1000) for _ in range(2)]
    for number in range(40):
        both[number % 2].append("site", number, {"number": number})
    for journal in both:
        journal.close()
    found = numbers(path)
    assert list(range(found[0], 40)) == found


def test_a_folder_that_cannot_be_written_is_counted_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state" / "journal.jsonl"
    journal = Journal(path)
    for number in range(3):
        journal.append("site", number, {"number": number})
    assert {"failures": 3, "problem": "No such file or directory"} == journal.snapshot()
    path.parent.mkdir()
    journal.append("site", 4, {"number": 4})
    assert {"failures": 3, "problem": None} == journal.snapshot()
    journal.close()
    assert [4] == numbers(path)
    assert ["ERROR"] == [record.levelname for record in caplog.records if record.levelno > 20]


def test_a_link_in_the_place_of_the_journal_is_not_followed(path: Path) -> None:
    victim = path.with_name("victim")
    victim.write_text("whole")
    path.symlink_to(victim)
    journal = Journal(path)
    journal.append("site", 1, {})
    assert (1, "whole") == (journal.snapshot()["failures"], victim.read_text())


@pytest.mark.parametrize("room", range(0, 60, 7))
def test_what_a_full_disk_takes_of_an_entry_is_taken_back(path: Path, room: int) -> None:
    """The limit of a file's size stands for the disk: a write comes back short."""
    script = (
        "import json, resource, signal, sys\n"
        "from pathlib import Path\n"
        "from sparrow.keeping.journal import Journal\n"
        "path, room = Path(sys.argv[1]), int(sys.argv[2])\n"
        "journal = Journal(path)\n"
        "journal.append('site', 1, {'number': 1})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "before = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, before[1]))\n"
        "journal.append('site', 2, {'number': 2, 'reason': 'x' * 100})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, before)\n"
        "journal.append('site', 3, {'number': 3})\n"
        "print(json.dumps(journal.snapshot()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(room)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"failures": 1, "problem": None} == json.loads(done.stdout)
    assert [1, 3] == numbers(path)
    assert 2 == path.read_bytes().count(b"\n")


def test_a_journal_that_may_not_be_read_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(InputError, match="the journal cannot be read: Is a directory") as refused:
        list(read_journal(path))
    assert [str(path)] == [problem.file for problem in refused.value.problems]
