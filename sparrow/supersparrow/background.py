"""An event loop in a thread of its own, for a program that waits for lines at its stdin.

Law: the loop turns all the while, so a connection that its other side closes between two
lines is seen to be closed before the next; and nothing that is still waited for in it, a name
server that does not answer included, keeps the program from its end. Start from
`BackgroundLoop`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_LOOK_S = 0.5
"""How often it is looked whether somebody has pressed ^C: soon enough for a person."""


class BackgroundLoop:
    """A loop that turns while the context lasts; what it still does is cancelled at the end."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._loop = _Loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.wait_for(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop; give what it gives, or raise what it raises."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        # A signal that comes just before a lock is waited for is seen when the wait is over.
        while not wait((future,), _LOOK_S).done:
            pass
        return future.result()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _Loop(asyncio.SelectorEventLoop):
    """Looks names up in threads that end with the program.

    Those of asyncio are waited for at the end, and a look-up cannot be broken off: it takes
    as long as the system's resolver is patient.
    """

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> list[Any]:
        """Look a name up, as `asyncio` has it."""
        found: asyncio.Future[list[Any]] = self.create_future()
        look_up = partial(socket.getaddrinfo, host, port, **hints)
        threading.Thread(target=self._tell, args=(look_up, found), daemon=True).start()
        return await found

    def _tell(self, look_up: Callable[[], list[Any]], found: asyncio.Future[list[Any]]) -> None:
        """Look up, and have the loop told; in vain where it has been closed meanwhile."""
        try:
            tell = partial(_set_result, found, look_up())
        except OSError as error:
            tell = partial(_set_exception, found, error)
        with suppress(RuntimeError):
            self.call_soon_threadsafe(tell)


def _set_result(found: asyncio.Future[list[Any]], addresses: list[Any]) -> None:
    if not found.done():
        found.set_result(addresses)


def _set_exception(found: asyncio.Future[list[Any]], error: OSError) -> None:
    if not found.done():
        found.set_exception(error)
