"""Changes of route files, made in every way that people and programs make them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sparrow.tables.watch import RouteWatch, Stillness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE_S = 30.0
QUIET_S = 0.7
"""Seconds in which a change that must not be told would have been, were it told at all."""

BOTH = pytest.mark.parametrize("is_polled", [False, True], ids=["inotify", "polling"])


class Told:
    """What a watch has told."""

    def __init__(self) -> None:
        self.count = 0
        self.seen = asyncio.Event()

    def tell(self) -> None:
        self.count += 1
        self.seen.set()

    async def next(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.seen.wait()
        self.seen.clear()


@asynccontextmanager
async def watching(*paths: Path, is_polled: bool = False) -> AsyncIterator[Told]:
    told = Told()
    watch = RouteWatch(told.tell, is_polled=is_polled)
    watch.follow(map(str, paths))
    run = asyncio.create_task(watch.run())
    await told.next()
    try:
        yield told
    finally:
        run.cancel()
        await asyncio.wait((run,))


def shell(script: str, folder: Path) -> None:
    subprocess.run(["sh", "-ec", script], cwd=folder, check=True)


def table(folder: Path) -> Path:
    """Lay `table`, a link to `link`, which is one to `normal`; beside them stands `other`."""
    folder.mkdir(exist_ok=True)
    for name in ("normal", "other"):
        (folder / name).write_text(f"10.0.0.0/8 1 # {name}\n")
    (folder / "link").symlink_to("normal")
    (folder / "table").symlink_to(folder / "link")
    return folder / "table"


CHANGES = {
    "a table written in place": "echo '10.0.0.0/8 2' > normal",
    "a line appended": "echo '11.0.0.0/8 2' >> normal",
    "ln -sf": "ln -sf other link",
    "ln -sfn of the first link": "ln -sfn other table",
    "a link removed and made": "rm link; ln -s other link",
    "a link renamed over": "ln -s other new; mv new link",
    "a file renamed over": "echo '10.0.0.0/8 3' > new; mv new normal",
    "a file copied over": "cp other normal",
    "a hard link in its place": "ln -f other normal",
    "sed -i": "sed -i s/1/4/ normal",
    "an editor's backup": "mv normal normal~; cat normal~ > normal; rm normal~",
}


@pytest.mark.parametrize("script", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_is_told(tmp_path: Path, script: str) -> None:
    async def case() -> None:
        async with watching(table(tmp_path)) as told:
            shell(script, tmp_path)
            await told.next()

    asyncio.run(case())


@pytest.mark.parametrize("name", ["ln -sf", "a file renamed over", "a table written in place"])
def test_a_change_is_told_where_files_are_polled(tmp_path: Path, name: str) -> None:
    async def case() -> None:
        async with watching(table(tmp_path), is_polled=True) as told:
            shell(CHANGES[name], tmp_path)
            await told.next()

    asyncio.run(case())


@BOTH
def test_a_folder_made_again_is_watched_again(tmp_path: Path, *, is_polled: bool) -> None:
    async def case() -> None:
        path = table(tmp_path / "a")
        async with watching(path, is_polled=is_polled) as told:
            shutil.rmtree(tmp_path / "a")
            table(tmp_path / "a")
            await told.next()
            (tmp_path / "a" / "normal").write_text("12.0.0.0/8 5\n")
            await told.next()

    asyncio.run(case())


@BOTH
def test_a_folder_swapped_by_a_link_is_noticed(tmp_path: Path, *, is_polled: bool) -> None:
    async def case() -> None:
        table(tmp_path / "v1")
        table(tmp_path / "v2")
        (tmp_path / "current").symlink_to("v1")
        async with watching(tmp_path / "current" / "normal", is_polled=is_polled) as told:
            shell("ln -s v2 new; mv -T new current", tmp_path)
            await told.next()
            (tmp_path / "v2" / "normal").write_text("12.0.0.0/8 5\n")
            await told.next()

    asyncio.run(case())


def test_a_half_written_file_is_not_told_before_it_is_closed(tmp_path: Path) -> None:
    async def case() -> None:
        path = table(tmp_path)
        async with watching(path, tmp_path / "other") as told:
            with (tmp_path / "normal").open("w") as stream:
                stream.write("10.0.0.0/8 2\n")
                stream.flush()
                (tmp_path / "other").write_text("10.0.0.0/8 9\n")  # closed, but not alone
                await asyncio.sleep(QUIET_S)
                assert told.count == 1
            await told.next()

    asyncio.run(case())


def test_a_file_made_anew_is_not_told_before_it_is_closed(tmp_path: Path) -> None:
    async def case() -> None:
        path = table(tmp_path)
        async with watching(path) as told:
            (tmp_path / "normal").unlink()
            with (tmp_path / "normal").open("w") as stream:
                await asyncio.sleep(QUIET_S)
                assert told.count == 1
                stream.write("10.0.0.0/8 2\n")
            await told.next()

    asyncio.run(case())


@BOTH
def test_a_missing_file_is_waited_for(tmp_path: Path, *, is_polled: bool) -> None:
    async def case() -> None:
        path = table(tmp_path)
        async with watching(path, is_polled=is_polled) as told:
            (tmp_path / "normal").rename(tmp_path / "away")
            await asyncio.sleep(QUIET_S)
            assert told.count == 1
            (tmp_path / "away").rename(tmp_path / "normal")
            (tmp_path / "normal").write_text("10.0.0.0/8 6\n")
            await told.next()

    asyncio.run(case())


def test_other_files_of_the_folder_are_not_told(tmp_path: Path) -> None:
    async def case() -> None:
        async with watching(table(tmp_path)) as told:
            shell("echo 1 > elsewhere; mv elsewhere away; rm away; mkdir d", tmp_path)
            await asyncio.sleep(QUIET_S)
            assert told.count == 1

    asyncio.run(case())


def test_a_link_that_led_there_before_is_left_alone(tmp_path: Path) -> None:
    async def case() -> None:
        async with watching(table(tmp_path)) as told:
            shell("ln -sf other link", tmp_path)
            await told.next()
            (tmp_path / "normal").write_text("10.0.0.0/8 6\n")
            await asyncio.sleep(QUIET_S)
            assert told.count == 2
            (tmp_path / "other").write_text("10.0.0.0/8 6\n")
            await told.next()

    asyncio.run(case())


def test_a_burst_is_told_once(tmp_path: Path) -> None:
    async def case() -> None:
        async with watching(table(tmp_path)) as told:
            for number in range(20):
                (tmp_path / "normal").write_text(f"10.0.0.0/8 {number}\n")
            await told.next()
            await asyncio.sleep(QUIET_S)
            assert told.count == 2

    asyncio.run(case())


def test_a_queue_that_overflows_is_a_change(tmp_path: Path) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())

    async def case() -> None:
        async with watching(table(tmp_path)) as told:
            # All before the event loop has a turn; the names are none of the table's, so
            # that nothing but the overflow can be what is told.
            for number in range(most // 2 + 1):
                path = tmp_path / f"x{number}"
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
            await told.next()

    asyncio.run(case())


def test_other_paths_are_followed_from_then_on(tmp_path: Path) -> None:
    async def case() -> None:
        first, second = table(tmp_path / "a"), table(tmp_path / "b")
        told = Told()
        watch = RouteWatch(told.tell)
        watch.follow([str(first)])
        run = asyncio.create_task(watch.run())
        await told.next()
        watch.follow([str(second)])
        await told.next()
        (tmp_path / "a" / "normal").write_text("10.0.0.0/8 6\n")
        await asyncio.sleep(QUIET_S)
        assert told.count == 2
        (tmp_path / "b" / "normal").write_text("10.0.0.0/8 6\n")
        await told.next()
        run.cancel()
        await asyncio.wait((run,))

    asyncio.run(case())


def test_a_loop_of_links_is_a_missing_file(tmp_path: Path) -> None:
    async def case() -> None:
        path = table(tmp_path)
        async with watching(path) as told:
            shell("ln -sfn table link", tmp_path)
            await asyncio.sleep(QUIET_S)
            assert told.count == 1
            shell("ln -sfn other link", tmp_path)
            await told.next()

    asyncio.run(case())


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ("a at 0, a at 0.4", [False, False]),
        ("a at 0, a at 0.5, a at 9", [False, True, False]),
        ("a at 0, b at 0.4, b at 0.8, b at 0.9", [False, False, False, True]),
        ("a at 0, a at 1, b at 2, a at 3, a at 4", [False, True, False, False, False]),
        ("- at 0, - at 1, a at 2, a at 3", [False, False, False, True]),
        ("a at 0, a at 1, - at 2, b at 3, b at 4", [False, True, False, False, True]),
    ],
)
def test_what_is_polled_is_at_rest_after_two_equal_readings(seen: str, told: list[bool]) -> None:
    stillness = Stillness()
    found = []
    for part in seen.split(", "):
        name, _, at = part.partition(" at ")
        reading = None if name == "-" else (1, ord(name), 3, 4)
        found.append(stillness.observe((reading,), float(at)))
    assert told == found
