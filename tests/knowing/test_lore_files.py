"""Files of lore that change and overrides that end are noticed by themselves."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from sparrow.config.load import parse_config
from sparrow.errors import InputError, Problem
from sparrow.knowing.lorefiles import LoreFiles
from sparrow.lore import Library
from sparrow.values.moment import render_exact_moment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sparrow.config.model import Config

SITES = "sites: {nl: {vips: [192.0.2.2]}}\nssrs: {}\n"
PATIENCE_S = 30.0


def config_of(folder: Path, text: str) -> Config:
    return parse_config(SITES + text, str(folder / "sparrow.yaml")).config


class Followed:
    """A library that is followed, and what came of it."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config, self.folder = config, str(folder)
        self.library = Library()
        self.found: list[dict[int, tuple[float | None, ...]] | int | None] = []
        self.has_come = asyncio.Event()
        self.load()
        self.files = LoreFiles(self.library, self.folder, self.renew)

    def load(self) -> None:
        loaded = self.library.load(self.config, self.folder, time.time())
        times = loaded.lore.rtts_of_asn
        self.found.append(len(loaded.overrides) if times is None else dict(times))
        self.has_come.set()

    async def renew(self) -> None:
        try:
            self.load()
        except InputError:
            self.found.append(None)
            self.has_come.set()
            raise

    async def follow(self, act: Callable[[Followed], Awaitable[None]]) -> None:
        self.files.configure(self.config)
        running = asyncio.create_task(self.files.run())
        try:
            await act(self)
        finally:
            running.cancel()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.found) < count:
                self.has_come.clear()
                await self.has_come.wait()


def test_a_table_that_changes_is_read_again_also_after_a_wrong_one(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("7,nl,1\n")
    followed = Followed(config_of(tmp_path, "ranking: {rtt: r.csv}"), tmp_path)

    async def act(followed: Followed) -> None:
        for number, text in enumerate(("7,nl,20\n", "7,mars,20\n", "7,nl,300\n"), 2):
            path.write_text(text)
            await followed.wait_for(number)

    asyncio.run(followed.follow(act))
    assert [{7: (1.0,)}, {7: (20.0,)}, None, {7: (300.0,)}] == followed.found


def test_what_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("7,nl,1\n")
    followed = Followed(config_of(tmp_path, "ranking: {rtt: r.csv}"), tmp_path)

    async def act(followed: Followed) -> None:
        # The watch has stood, and told so, when it tells of the change behind it.
        for _ in range(3):
            followed.files.configure(followed.config)
            await asyncio.sleep(0.05)
        path.write_text("7,nl,20\n")
        await followed.wait_for(2)

    asyncio.run(followed.follow(act))
    assert [{7: (1.0,)}, {7: (20.0,)}] == followed.found


def test_an_override_that_ends_is_left_out(tmp_path: Path) -> None:
    until = render_exact_moment(time.time() + 1)
    text = f'overrides: [{{asn: 1, site: nl, until: "{until}"}}, {{asn: 2, site: nl}}]'
    followed = Followed(config_of(tmp_path, text), tmp_path)

    async def act(followed: Followed) -> None:
        await followed.wait_for(2)

    asyncio.run(followed.follow(act))
    assert [2, 1] == followed.found


@pytest.mark.parametrize(("now_s", "is_outdated"), [(9.0, False), (10.0, True), (99.0, True)])
def test_a_library_is_outdated_when_an_override_has_ended(
    tmp_path: Path, now_s: float, *, is_outdated: bool
) -> None:
    library = Library()
    assert not library.is_outdated(0)
    text = "overrides: [{asn: 1, site: nl, until: 1970-01-01T00:00:10Z}]"
    library.load(config_of(tmp_path, text), str(tmp_path), 5)
    assert is_outdated == library.is_outdated(now_s)


def test_what_was_read_and_could_not_be_served_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("64496,nl,10\n")
    library, tries = Library(), []
    config = config_of(tmp_path, "ranking: {rtt: times.csv}\n")
    library.load(config, str(tmp_path), time.time())

    async def follow() -> None:
        has_come = asyncio.Event()

        async def renew() -> None:
            tries.append(library.load(config, str(tmp_path), time.time()))
            if len(tries) < 3:
                raise InputError([Problem("the disk is full")])
            has_come.set()

        files = LoreFiles(library, str(tmp_path), renew, retry_s=0.01)
        files.configure(config)
        running = asyncio.create_task(files.run())
        (tmp_path / "times.csv").write_text("64496,nl,2000\n")
        async with asyncio.timeout(PATIENCE_S):
            await has_come.wait()
        running.cancel()

    asyncio.run(follow())
    assert 3 == len(tries)
