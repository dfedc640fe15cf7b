"""A part of the daemon that goes on whatever goes wrong in it.

Law: what fails is logged and done again, and ends no other part; what ends by itself has
ended. Start from `go_on`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Seconds after a failure; twice as many after each that follows at once."""
_LONGEST_PAUSE_S = 60.0
"""Seconds between two tries at most; who went on for as long starts from the beginning."""


async def go_on(what: str, run: Callable[[], Awaitable[None]], pause_s: float = PAUSE_S) -> None:
    """Have a part run to its end, again and again where it fails; the log calls it `what`."""
    loop, next_s = asyncio.get_running_loop(), pause_s
    while True:
        began_s = loop.time()
        try:
            await run()
        except Exception:  # noqa: BLE001 (the outermost loop; what is served is whole)
            if loop.time() - began_s >= _LONGEST_PAUSE_S:
                next_s = pause_s
            _log.exception("%s: something went wrong inside, trying again in %g s", what, next_s)
        else:
            return
        await asyncio.sleep(next_s)
        next_s = min(2 * next_s, _LONGEST_PAUSE_S)
