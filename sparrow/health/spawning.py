"""The daemon's end of the spawner: programs run elsewhere, awaited here.

Law: a program that cannot be run, a spawner that dies and one that hangs are outcomes,
never exceptions, and hold up nothing else. Start from `Programs`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_log = logging.getLogger(__name__)

_GRACE_S = 2.0
"""Seconds after its time in which a program must be reported, or the spawner hangs: it has
one kill and one line to send."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended."""

    exit_code: int | None
    """Its exit code, negative for a signal; None where it could not be run at all."""
    first_line: str
    """The first line that it wrote, to standard output or else to standard error; where it
    could not be run, why not."""
    was_killed: bool
    """Whether its time was over."""


@dataclass(slots=True)
class _Awaited:
    """A program that somebody waits for."""

    ran: asyncio.Future[Ran]
    pid: int | None = None
    """Its process, which leads a group; None until it is said to run."""


class _Spawner:
    """A spawner that has been started, for as long as it lives."""

    def __init__(self) -> None:
        self.awaited: dict[int, _Awaited] = {}
        self.is_gone = False
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (a program of ours)
                # -P: the folder we are started in is no place to import from.
                [sys.executable, "-P", "-m", "sparrow.health.spawner", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        ours.setblocking(False)
        self._socket = ours
        self._said = b""
        asyncio.get_running_loop().add_reader(ours, self._hear)

    def ask(self, row: Mapping[str, Any]) -> None:
        """Send one request; a spawner that takes no more, or not all of it, is ended."""
        line = json.dumps(row).encode() + b"\n"
        try:
            is_sent = self._socket.send(line) == len(line)
        except OSError:
            is_sent = False
        if not is_sent:
            self.end("the process that runs external programs takes no orders")

    def end(self, why: str) -> None:
        """Kill the spawner and what it has started; whoever waits is told `why`."""
        if self.is_gone:
            return
        self.is_gone = True
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._process.kill()
        self._process.wait()
        for each in self.awaited.values():
            # Only of a program that was not reported to have ended.
            if each.pid is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(each.pid, signal.SIGKILL)
            if not each.ran.done():
                each.ran.set_result(Ran(None, why, was_killed=False))

    def _hear(self) -> None:
        try:
            octets = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if not octets:
            _log.error("the process that runs external programs has died; it is started anew")
            self.end("the process that runs external programs has died")
            return
        *lines, self._said = (self._said + octets).split(b"\n")
        for line in lines:
            self._heed(json.loads(line))

    def _heed(self, row: dict[str, Any]) -> None:
        awaited = self.awaited[row["id"]]
        if "pid" in row:
            awaited.pid = row["pid"]
            return
        del self.awaited[row["id"]]
        if not awaited.ran.done():
            awaited.ran.set_result(Ran(row["exit_code"], row["first_line"], row["was_killed"]))


class Programs:
    """Runs programs in a process apart, which is started when it is first needed."""

    def __init__(self) -> None:
        self._spawner: _Spawner | None = None
        self._last_number = 0

    async def run(self, argv: Sequence[str], env: Mapping[str, str], timeout_s: float) -> Ran:
        """Run a program in a process group of its own, and wait for its end.

        `env` comes on top of our own environment. After `timeout_s` the whole group is
        killed; it is, too, when the waiting is cancelled, and what the program leaves
        running in its group dies with it.
        """
        self._last_number = number = self._last_number + 1
        request = {"id": number, "argv": list(argv), "env": dict(env), "timeout_s": timeout_s}
        awaited = _Awaited(asyncio.get_running_loop().create_future())
        try:
            spawner = self._ready_spawner()
        except OSError as error:
            return Ran(None, error.strerror or str(error), was_killed=False)
        spawner.awaited[number] = awaited
        spawner.ask(request)
        try:
            async with asyncio.timeout(timeout_s + _GRACE_S):
                return await awaited.ran
        except TimeoutError:
            why = "the process that runs external programs hangs"
            _log.error("%s; it is started anew", why)
            spawner.end(why)
            return Ran(None, why, was_killed=False)
        except asyncio.CancelledError:
            if not spawner.is_gone:
                spawner.ask({"id": number})
            raise

    def _ready_spawner(self) -> _Spawner:
        if self._spawner is None or self._spawner.is_gone:
            self._spawner = _Spawner()
        return self._spawner

    def close(self) -> None:
        """End the spawner, and every program that it runs."""
        if self._spawner:
            self._spawner.end("the server ends")
