"""What the log says of tables while they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.rib.snapshot import EMPTY
from sparrow.sources.files import RouteFile
from sparrow.tables.contents import ContentStore, Reading
from sparrow.tables.readinglog import ReadingLog
from sparrow.tables.state import Content

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def content(path: str, size: int) -> Content:
    return Content(path, "ssrs", "", size, 0.0)


def test_files_are_named_with_their_sizes_and_many_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    ReadingLog([content("/a", 4_000_000), content("/b", 1_500)], lambda: 0.0).begin()
    ReadingLog([content(f"/{name}", 700_000) for name in "abcde"], lambda: 0.0).begin()
    assert [
        "reading /a (4.0 MB), /b (1.5 kB)",
        "reading /a (700.0 kB), /b (700.0 kB), /c (700.0 kB), 2 more (1.4 MB)",
    ] == caplog.messages


def test_how_far_it_is_is_said_every_few_seconds_and_told_always(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    times, told = [100.0], []
    log = ReadingLog([content("/a", 200)], lambda: times[-1])
    show = log.follow(lambda done, total: told.append((done, total)))
    for now_s, done in ((101.0, 10), (105.0, 50), (109.9, 100), (110.0, 150), (111.0, 200)):
        times.append(now_s)
        show(done, 200)
    log.end(EMPTY)
    assert [
        "25 % of the route files is read",
        "75 % of the route files is read",
        "read 0 IPv4 and 0 IPv6 prefixes in 11.0 s",
    ] == caplog.messages
    assert [(done, 200) for done in (10, 50, 100, 150, 200)] == told


def test_what_is_read_is_said_at_its_beginning_and_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "routes"
    path.write_text("192.0.2.0/24 1\n198.51.100.0/24 2\n2001:db8::/32 1\n")
    store = ContentStore(tmp_path / "copies")
    taken = store.take(RouteFile(str(path)), str(path), None)
    store.load([taken], Reading())
    store.load([], Reading())
    first, last = caplog.messages
    assert f"reading {path} (49 octets)" == first
    assert last.startswith("read 2 IPv4 and 1 IPv6 prefixes in ")
