"""What is to be remembered, stored behind the event loop.

Law: one store at a time, each of what is so when it begins; the loop never waits for the
disk. Start from `Storing`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)

_BURST = 8
"""Stores that may follow each other at once: what is not on disk when we are killed is
forgotten, and a site that is down would be given again until it is found out anew."""
_BURST_S = 8.0
"""Seconds in which there are no more than these: what flaps shall not wear out the disk."""
RETRY_S = 5.0
"""Seconds until what the disk did not take is stored again."""


class Storing:
    """Stores what `render` gives when it has changed.

    `keep` does it, on a thread, and may raise `OSError`; then it is tried again after
    `retry_s`.
    """

    def __init__(
        self,
        render: Callable[[], Mapping[str, Any]],
        keep: Callable[[Mapping[str, Any]], None],
        retry_s: float = RETRY_S,
    ) -> None:
        self._render = render
        self._keep = keep
        self._retry_s = retry_s
        self.problem: str | None = None
        """Why the last store failed; None where it did not."""
        self._stored: Mapping[str, Any] | None = None
        self._is_due = asyncio.Event()
        self._is_ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stores: deque[float] = deque(maxlen=_BURST)
        # A thread of its own: tables that are being read keep no verdict off the disk.
        self._disk = ThreadPoolExecutor(1, "memory")

    def note_change(self) -> None:
        """Store at once, or soon where much was stored of late."""
        self._is_due.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def finish(self) -> None:
        """Store what is not stored yet, and end."""
        self._is_ending.set()
        self._is_due.set()
        if self._task:
            await self._task
        self._disk.shutdown(wait=False)

    async def _run(self) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            await self._store()
            if self._is_ending.is_set():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_s()):
                    await self._is_ending.wait()

    def _next_s(self) -> float:
        """Give when the next store may be, on the clock of the event loop."""
        now_s = asyncio.get_running_loop().time()
        if self.problem is not None:
            return now_s + self._retry_s
        return self._stores[0] + _BURST_S if len(self._stores) == _BURST else now_s

    async def _store(self) -> None:
        tree = self._render()
        if tree == self._stored:
            return
        loop = asyncio.get_running_loop()
        self._stores.append(loop.time())
        try:
            await loop.run_in_executor(self._disk, self._keep, tree)
        except OSError as error:
            if self.problem is None:
                _log.error("what checks found cannot be stored: %s", error)
            self.problem = error.strerror or str(error)
            self._is_due.set()
        else:
            if self.problem is not None:
                _log.info("what checks found is stored again")
            self.problem = None
            self._stored = tree
