"""Connections off a listening socket, one after the other, whatever accept() says.

Law: an error of accept() ends nothing; it is said once for a row of errors, and
what would fail again at once is left alone for a moment. Start from
`accept_all`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

_log = logging.getLogger(__name__)

_PAUSE_S = 0.2
"""Seconds of rest after accept() failed, such as when there is no file descriptor left."""


async def accept_all(
    listener: socket.socket, name: str, on_error: Callable[[], None]
) -> AsyncIterator[tuple[socket.socket, Any]]:
    """Give connections, non-blocking, and their peers' addresses, until cancelled.

    `listener` is non-blocking; `name` is what the log calls it, and `on_error` is
    called for every error.

    asyncio's own servers are no substitute: those of Python 3.11 multiply their
    retries while there is no file descriptor, each with a traceback in the log.
    """
    loop = asyncio.get_running_loop()
    is_failing = False
    while True:
        try:
            accepted = await loop.sock_accept(listener)
        except OSError as error:
            on_error()
            if not is_failing:
                _log.warning("%s: cannot accept a connection, going on: %s", name, error)
            is_failing = True
            await asyncio.sleep(_PAUSE_S)
            continue
        is_failing = False
        yield accepted
