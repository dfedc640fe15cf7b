"""What is to be remembered, stored behind the event loop.

Law: one store at a time, each of what is so when it begins; the loop never waits for the
disk. Start from `Storing`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)

_REST_S = 1.0
"""Seconds between two stores: what flaps shall not wear out the disk."""


class Storing:
    """Stores what `render` gives when it has changed.

    `keep` does it, on a thread, and may raise `OSError`; then the next change is the
    next try.
    """

    def __init__(
        self,
        render: Callable[[], Mapping[str, Any]],
        keep: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._render = render
        self._keep = keep
        self._stored: Mapping[str, Any] | None = None
        self._is_due = asyncio.Event()
        self._is_ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note_change(self) -> None:
        """Store soon, at once where nothing was stored in the last second."""
        self._is_due.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def finish(self) -> None:
        """Store what is not stored yet, and end."""
        self._is_ending.set()
        self._is_due.set()
        if self._task:
            await self._task

    async def _run(self) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            has_stored = await self._store()
            if self._is_ending.is_set():
                return
            if not has_stored:
                continue  # the next change may be the one that matters, and shall not wait
            try:
                async with asyncio.timeout(_REST_S):
                    await self._is_ending.wait()
            except TimeoutError:
                continue

    async def _store(self) -> bool:
        """Store what is to be remembered, and tell whether that took the disk at all."""
        tree = self._render()
        if tree == self._stored:
            return False
        self._stored = tree
        try:
            await asyncio.to_thread(self._keep, tree)
        except OSError as error:
            _log.error("what checks found cannot be stored: %s", error)
        return True
