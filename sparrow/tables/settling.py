"""Many notices of a change become one call, when what changed has come to rest.

Law: nothing is called while a file is half-written or missing, and at the latest 0.4 s
after the first notice otherwise. Start from `Settling`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

_QUIET_S = 0.05
"""Seconds without a notice: the steps of an editor or of `ln -sf` are one change."""
_MOST_S = 0.4
"""Seconds after the first notice at most, so that a table serves within 1 s of its end."""
_STALLED_S = 10.0
"""Seconds after which the operator is told why nothing is read."""


class Settling:
    """Collects notices, in an event loop that runs."""

    def __init__(self, on_settled: Callable[[], None], obstacle: Callable[[], str | None]) -> None:
        """Call `on_settled` for each change; `obstacle` says what it has to wait for, if anything.

        Who removes an obstacle gives notice again.
        """
        self._on_settled = on_settled
        self._obstacle = obstacle
        self._first_s: float | None = None
        self._due: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def notice(self) -> None:
        """Take note of a change, or of a part of one."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        self._first_s = now_s if self._first_s is None else self._first_s
        self._drop(self._due)
        self._due = loop.call_at(min(now_s + _QUIET_S, self._first_s + _MOST_S), self._settle)

    def close(self) -> None:
        """Forget what has been noticed."""
        self._drop(self._due)
        self._drop(self._stalled)
        self._first_s = self._due = self._stalled = None

    def _settle(self) -> None:
        self._first_s = self._due = None
        if self._obstacle() is not None:
            if self._stalled is None:
                loop = asyncio.get_running_loop()
                self._stalled = loop.call_later(_STALLED_S, self._complain)
            return
        self._drop(self._stalled)
        self._stalled = None
        self._on_settled()

    def _complain(self) -> None:
        obstacle = self._obstacle()
        if obstacle is not None:
            _log.warning(
                "files changed and are not read yet: %s; `sparrow reload` does not wait",
                obstacle,
            )

    @staticmethod
    def _drop(handle: asyncio.TimerHandle | None) -> None:
        if handle is not None:
            handle.cancel()
