"""Live sources that cannot be reached, and tables that cannot be served."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from sparrow.config.load import parse_config
from sparrow.errors import InputError, Problem
from sparrow.knowing.feeding import Feeds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sparrow.config.model import Config

PATIENCE_S = 30.0


def config_of(folder: Path, port: int) -> Config:
    text = (
        "sites: {nl: {vips: [192.0.2.1]}}\nssrs: {}\n"
        f'routes: [{{gobgp: "127.0.0.1:{port}", view: nl, withdraw_on_loss: true}}]\n'
    )
    return parse_config(text, str(folder / "sparrow.yaml")).config


async def never() -> None:
    raise AssertionError("there is nothing to reload")


def test_a_source_that_cannot_be_reached_is_waited_for_once(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    looks: list[None] = []

    def is_stopping() -> bool:
        looks.append(None)
        return True

    configs = config_of(tmp_path, free_port()).feeds
    feeds = Feeds(tmp_path, is_stopping, never)
    counts = []
    for _ in range(2):
        assert [0] == [len(table) for table in feeds.tables(configs)]
        counts.append(len(looks))
    feeds.keep(())
    assert [1, 1] == counts


def test_a_site_that_goes_with_its_source_is_gone_before_its_first_table(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    feeds = Feeds(tmp_path, lambda: True, never)
    found = feeds.tables_by_view(config_of(tmp_path, free_port()).feeds, ())
    feeds.keep(())
    assert ({"nl"}, [0]) == (found.stale, [len(table) for table in found.views["nl"]])


def test_a_source_that_is_dropped_ends_by_and_by(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    feeds = Feeds(tmp_path, lambda: True, never)
    others = set(threading.enumerate())
    feeds.tables(config_of(tmp_path, free_port()).feeds)
    threads = set(threading.enumerate()) - others
    assert threads
    assert 1 == len(feeds.describe())
    feeds.drop_others(())
    assert () == feeds.describe()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_live_tables_that_could_not_be_served_are_tried_again(tmp_path: Path) -> None:
    tries: list[None] = []

    async def follow() -> None:
        has_come = asyncio.Event()

        async def reload() -> None:
            tries.append(None)
            if len(tries) < 3:
                raise InputError([Problem("the disk is full")])
            has_come.set()

        running = asyncio.create_task(Feeds(tmp_path, bool, reload, retry_s=0.01).run())
        async with asyncio.timeout(PATIENCE_S):
            await has_come.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(follow())
    assert 3 == len(tries)


def test_after_a_refusal_live_tables_are_taken_up_again(tmp_path: Path) -> None:
    async def follow() -> None:
        tries: asyncio.Queue[None] = asyncio.Queue()

        async def reload() -> None:
            tries.put_nowait(None)

        feeds = Feeds(tmp_path, bool, reload)
        running = asyncio.create_task(feeds.run())
        async with asyncio.timeout(PATIENCE_S):
            await tries.get()
            await asyncio.to_thread(feeds.return_to, ())
            await tries.get()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(follow())
