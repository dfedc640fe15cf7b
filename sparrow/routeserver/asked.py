"""A route server as a source of routes: asked about clients as they come.

Law: a question never keeps anybody waiting; a client is unknown, is answered by `self`, and
is known when the answer has been published. What waits to be asked is bounded, and so is how
fast it is asked. Start from `AskedRoutes`.

It has a thread with an event loop of its own, as its socket, its connection and its clock go
on while tables are built.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparrow.control.enquiry import MAX_DATAGRAM, decode_enquiry
from sparrow.feeds.source import Phase, Standing
from sparrow.policy.unknown import block_around
from sparrow.rib.snapshot import EMPTY
from sparrow.routeserver.client import (
    QuestionRefusedError,
    RouteServerClient,
    RouteServerError,
)
from sparrow.routeserver.learnttable import LearntTable
from sparrow.values.address import IPV4, IPV6

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sparrow.rib.snapshot import Snapshot
    from sparrow.routeserver.server import RouteServer
    from sparrow.values.address import Prefix

_log = logging.getLogger(__name__)

MAX_WAITING = 4096
"""Blocks that wait to be asked about; more are dropped, and told of again by the next query."""
QUESTIONS_PER_S = 100
"""Most questions a second, so that a router has time for its routes. Both are our own choice."""
_RETRY_S = 1.0
"""Seconds between two attempts while it does not answer; the client leaves it alone for longer."""
_BURST = 64
"""Datagrams that are read at once."""
_TICK_S = 1.0
"""Seconds between two looks for routes whose time is over."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked, and how."""

    server: RouteServer
    """The route server."""
    timeout_s: float
    """Seconds that a question may take."""
    keep_s: float
    """Seconds that an answer counts."""
    settle_s: float
    """Seconds without another answer before those that came are taken up."""
    max_delay_s: float
    """Seconds after which they are taken up all the same."""

    @property
    def name(self) -> str:
        """What it is called."""
        port = "" if self.server.port is None else f" port {self.server.port}"
        return f"{self.server.kind} {self.server.host}{port}"


class AskedRoutes:
    """A source of what is learnt of clients who come. `Source` says the rest."""

    def __init__(self, asked: Asked, path: Path, on_change: Callable[[], None]) -> None:
        """Hear of clients at the socket `path`, and tell `on_change` of another table."""
        self._asked = asked
        self._path = path
        self._on_change = on_change
        self._lock = threading.Lock()
        self._table = LearntTable(asked.keep_s)
        self._snapshot: Snapshot | None = EMPTY
        self._waiting: dict[Prefix, bytes] = {}
        self._problem = ""
        self._lost_since_s: float | None = None
        self._learnt = 0
        self._dropped = 0
        self._failures = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopping = threading.Event()
        self._end = asyncio.Event()
        self._has_waiting = asyncio.Event()
        self._has_changed = asyncio.Event()

    def restore(self, former: Snapshot, learnt_at_s: float) -> None:
        """Take what was learnt before a restart. Before `start`."""
        self._table.restore(former.entries(), learnt_at_s)
        self._table.expire(time.time())
        self._snapshot = None

    # What `Source` asks for.

    def start(self) -> None:
        """Hear of clients from now on."""
        self._thread = threading.Thread(target=self._run, name=self._asked.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more, and wait until that is so."""
        self._is_stopping.set()
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it came to its end by itself
                loop.call_soon_threadsafe(self._end.set)
        if self._thread is not None:
            self._thread.join()

    def snapshot(self) -> Snapshot:
        """Give what counts now."""
        with self._lock:
            if self._snapshot is None:
                self._snapshot = self._table.build()
            return self._snapshot

    def standing(self) -> Standing:
        """Tell how it stands: what was learnt, dropped and failed since the start."""
        with self._lock:
            return Standing(
                name=self._asked.name,
                phase=Phase.CONNECTING if self._problem else Phase.LIVE,
                problem=self._problem,
                stale_since_s=self._lost_since_s,
                v4=self._table.count(IPV4),
                v6=self._table.count(IPV6),
                withheld=0,
                is_frozen=False,
                updates=self._learnt,
                repaired=0,
                skipped=self._dropped,
                reconnects=self._failures,
            )

    def let_go(self) -> int:
        """Carry out nothing, as nothing is ever withheld."""
        return 0

    def wait(self, _timeout_s: float) -> bool:
        """Tell that the table is there: there is nothing to be read before somebody comes."""
        return True

    # The thread.

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            _log.error("%s: clients cannot be heard of: %s", self._asked.name, error)
            self._note_end(f"clients cannot be heard of: {error}")
        except Exception:  # noqa: BLE001 (the outermost loop of the thread)
            _log.exception("%s is asked no more", self._asked.name)
            self._note_end("it is asked no more, see the log")

    def _note_end(self, problem: str) -> None:
        with self._lock:
            self._problem = problem
            self._lost_since_s = time.time()

    async def _serve(self) -> None:
        """Hear and ask until told to stop. Raises `OSError` where there can be no socket."""
        self._loop = asyncio.get_running_loop()
        if self._is_stopping.is_set():
            return
        client = RouteServerClient(self._asked.server, timeout_s=self._asked.timeout_s)
        with _listen(self._path) as listener:
            self._loop.add_reader(listener, self._hear, listener)
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(self._ask_all(client)),
                asyncio.create_task(self._tell()),
                asyncio.create_task(self._expire()),
                asyncio.create_task(self._end.wait()),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()
            finally:
                self._loop.remove_reader(listener)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await client.close()

    def _hear(self, listener: socket.socket) -> None:
        """Take what workers tell."""
        for _ in range(_BURST):
            try:
                octets = listener.recv(MAX_DATAGRAM + 1)
            except OSError:
                return
            enquired = decode_enquiry(octets)
            if enquired is not None:
                self._enquire(enquired.address, enquired.dropped)

    def _enquire(self, address: bytes, dropped: int) -> None:
        block = block_around(address)
        with self._lock:
            self._dropped += dropped
            if block in self._waiting or self._table.has(address):
                return
            if len(self._waiting) >= MAX_WAITING:
                self._dropped += 1
                return
            self._waiting[block] = address
        self._has_waiting.set()

    async def _ask_all(self, client: RouteServerClient) -> None:
        """Ask about one block after the other."""
        while True:
            await self._has_waiting.wait()
            with self._lock:
                block = next(iter(self._waiting), None)
                address = None if block is None else self._waiting[block]
            if block is None or address is None:
                self._has_waiting.clear()
                continue
            is_settled = await self._ask(client, address)
            with self._lock:
                self._waiting.pop(block, None)
                if not is_settled:
                    self._waiting[block] = address  # behind those who wait already
            await asyncio.sleep(1 / QUESTIONS_PER_S if is_settled else _RETRY_S)

    async def _ask(self, client: RouteServerClient, address: bytes) -> bool:
        """Ask about an address; tell whether that is settled, and not to be tried again."""
        try:
            learnt = await client.ask(address)
        except QuestionRefusedError as error:
            _log.debug("%s", error)
            with self._lock:
                self._failures += 1
            return True
        except RouteServerError as error:
            self._note_failure(str(error))
            return False
        with self._lock:
            prefix = self._table.learn(address, learnt, time.time())
            self._snapshot = None
            self._learnt += 1
            was_lost, self._problem = self._problem, ""
            self._lost_since_s = None
        if was_lost:
            _log.info("%s answers again", self._asked.name)
        _log.debug("%s: %s has %s", self._asked.name, prefix, learnt.path)
        self._has_changed.set()
        return True

    def _note_failure(self, problem: str) -> None:
        """Remember why; while the server is left alone that is not said at each question."""
        with self._lock:
            self._failures += 1
            is_first = not self._problem
            self._problem = problem
            self._lost_since_s = self._lost_since_s or time.time()
        if is_first:
            _log.warning("%s; unknown clients are sent to `self` meanwhile", problem)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            with self._lock:
                count = self._table.expire(time.time())
                if count:
                    self._snapshot = None
            if count:
                self._has_changed.set()

    async def _tell(self) -> None:
        """Tell of changes: when there was none for a while, or after a longer while at last."""
        asked, loop = self._asked, asyncio.get_running_loop()
        while True:
            await self._has_changed.wait()
            end_s = loop.time() + asked.max_delay_s
            while self._has_changed.is_set() and loop.time() < end_s:
                self._has_changed.clear()
                with contextlib.suppress(TimeoutError):
                    left_s = min(asked.settle_s, end_s - loop.time())
                    async with asyncio.timeout(left_s):
                        await self._has_changed.wait()
            self._has_changed.clear()
            self._on_change()


def _listen(path: Path) -> socket.socket:
    """Open the socket in the place of a predecessor's, who hears nothing from then on."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        listener.setblocking(False)
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o660)
    except OSError:
        listener.close()
        raise
    return listener
