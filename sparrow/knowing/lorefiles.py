"""Files of lore that change, and overrides that end: what is known is read anew by itself.

Law: nothing is read again where nothing has changed. Start from `LoreFiles`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError
from sparrow.lore import list_files
from sparrow.policy.overriding import next_expiry
from sparrow.tables.watch import RouteWatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sparrow.config.model import Config
    from sparrow.lore import Library

_log = logging.getLogger(__name__)

_LONGEST_S = 60.0
"""Seconds between two looks at the clock, which may be set."""
RETRY_S = 10.0
"""Seconds until what could not be served is tried again."""


class LoreFiles:
    """Follows what a library has read. For one event loop.

    These files have a watch of their own, so that one of them that is missing keeps no
    route table from being read.
    """

    def __init__(
        self,
        library: Library,
        state_dir: str,
        renew: Callable[[], Awaitable[Any]],
        retry_s: float = RETRY_S,
    ) -> None:
        """Await `renew` where the library is outdated; it may raise `InputError`.

        Where that is not for what was read, it is tried again in `retry_s` seconds.
        """
        self._retry_s = retry_s
        self._library = library
        self._state_dir = state_dir
        self._renew = renew
        self._config: Config | None = None
        self._is_owed = False
        self._has_moved = asyncio.Event()
        self._watch = RouteWatch(self._has_moved.set)

    def configure(self, config: Config) -> None:
        """Follow the files and the overrides of a configuration from now on."""
        self._config = config
        self._watch.follow(list_files(config, self._state_dir))
        self._has_moved.set()

    async def run(self) -> None:
        """Watch and renew until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch.run())
            group.create_task(self._heed())

    async def _heed(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._find_wait_s()):
                    await self._has_moved.wait()
            except TimeoutError:
                pass
            self._has_moved.clear()
            try:
                if self._is_owed or self._library.is_outdated(time.time()):
                    self._is_owed = False
                    await self._renew()
            except InputError:  # said in the log where it was decided
                self._is_owed = self._library.is_sound
            except Exception:  # noqa: BLE001 (the outermost loop; what is served is whole)
                _log.exception("what is known of addresses could not be read again")

    def _find_wait_s(self) -> float | None:
        """Give the seconds until an override may have ended; None where none will.

        What was read and could not be served is tried again before long.
        """
        if self._is_owed:
            return self._retry_s
        now_s = time.time()
        ends_s = next_expiry(self._config.overrides, now_s) if self._config else None
        return None if ends_s is None else min(max(ends_s - now_s, 0.0), _LONGEST_S)
