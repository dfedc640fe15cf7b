"""The process that starts programs for the daemon: `python -m sparrow.health.spawner FD`.

Law: whatever it has started is gone when its time is over, when the daemon is gone, and
when it has ended itself: each program has a process group of its own, which is killed
whole. Start from `Spawner`.

Over the socket FD go JSON objects, one a line. The daemon sends
`{"id": 1, "argv": [...], "env": {...}, "timeout_s": 1.5}` to run a program, with `env`
on top of the daemon's own environment, and `{"id": 1}` to kill it. It receives
`{"id": 1, "pid": 42}` when the program runs and
`{"id": 1, "exit_code": 0, "first_line": "OK", "was_killed": false}` when it has ended:
`exit_code` is negative for a signal, and null where the program could not be started.

A process of its own, since the daemon is large, has threads, and waits for nobody; it
imports nothing of sparrow, so that it stays small.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

MAX_LINE = 512
"""Octets of a program's first line that are kept; more is nothing to read in a table."""
_CHUNK = 65536


@dataclass(slots=True)
class _Run:
    """A program that runs."""

    number: int
    process: subprocess.Popen[bytes]
    pidfd: int
    deadline_s: float
    heard: dict[int, bytearray] = field(default_factory=dict)
    """What it wrote, up to `MAX_LINE`, by the pipe: standard output, then standard error."""
    was_killed: bool = False


class Spawner:
    """All programs that run, and the daemon that wants them. For one thread."""

    def __init__(self, daemon: socket.socket) -> None:
        """Serve the other end of `daemon`; `serve` does the work."""
        self._daemon = daemon
        self._asked = bytearray()
        self._runs: dict[int, _Run] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(daemon, selectors.EVENT_READ, self._hear_daemon)
        self._is_over = False

    def serve(self) -> None:
        """Do what the daemon asks, until it is gone; then kill all that runs."""
        try:
            while not self._is_over:
                for key, _ in self._selector.select(self._pause_s()):
                    # What came before it in the list may have closed it.
                    if self._selector.get_map().get(key.fd) is key:
                        key.data()
                self._kill_late()
        finally:
            for run in list(self._runs.values()):
                self._kill(run)

    def _pause_s(self) -> float | None:
        deadlines = [run.deadline_s for run in self._runs.values() if not run.was_killed]
        return max(min(deadlines) - time.monotonic(), 0.0) if deadlines else None

    def _kill_late(self) -> None:
        now_s = time.monotonic()
        for run in self._runs.values():
            if run.deadline_s <= now_s and not run.was_killed:
                run.was_killed = True
                self._kill(run)

    @staticmethod
    def _kill(run: _Run) -> None:
        # Its number cannot have gone to somebody else: it is ours until `_end` waits for it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(run.process.pid, signal.SIGKILL)

    def _hear_daemon(self) -> None:
        octets = self._daemon.recv(_CHUNK)
        self._is_over = not octets
        *lines, self._asked = (self._asked + octets).split(b"\n")
        for line in lines:
            wish = json.loads(line)
            if "argv" in wish:
                self._start(wish)
            elif wish["id"] in self._runs:
                self._kill(self._runs[wish["id"]])

    def _start(self, wish: dict[str, Any]) -> None:
        try:
            process = subprocess.Popen(  # noqa: S603  (the operator's own programs)
                wish["argv"],
                env={**os.environ, **wish["env"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
        except (OSError, ValueError) as error:
            why = (isinstance(error, OSError) and error.strerror) or str(error)
            self._tell(id=wish["id"], exit_code=None, first_line=why, was_killed=False)
            return
        deadline_s = time.monotonic() + wish["timeout_s"]
        run = _Run(wish["id"], process, os.pidfd_open(process.pid), deadline_s)
        self._runs[run.number] = run
        self._selector.register(run.pidfd, selectors.EVENT_READ, lambda: self._end(run))
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None  # noqa: S101  (asked for above)
            self._listen(run, pipe.fileno())
        self._tell(id=run.number, pid=process.pid)

    def _listen(self, run: _Run, pipe: int) -> None:
        os.set_blocking(pipe, False)
        run.heard[pipe] = bytearray()
        self._selector.register(pipe, selectors.EVENT_READ, lambda: self._hear(run, pipe))

    def _hear(self, run: _Run, pipe: int) -> None:
        """Read, so that the program is never held up; keep no more than is wanted."""
        with suppress(BlockingIOError):
            octets = os.read(pipe, _CHUNK)
            run.heard[pipe] += octets[: MAX_LINE - len(run.heard[pipe])]
            if not octets:
                self._selector.unregister(pipe)

    def _end(self, run: _Run) -> None:
        """Gather what an ended program leaves, and kill what it has left running."""
        self._kill(run)
        self._selector.unregister(run.pidfd)
        os.close(run.pidfd)
        for pipe in run.heard:
            if pipe in self._selector.get_map():
                # Once: a process that has left the group may write for ever.
                self._hear(run, pipe)
            if pipe in self._selector.get_map():
                self._selector.unregister(pipe)
        del self._runs[run.number]
        with run.process as process:
            exit_code = process.wait()
        lines = [_first_line(heard) for heard in run.heard.values()]
        first_line = next((line for line in lines if line), "")
        self._tell(
            id=run.number, exit_code=exit_code, first_line=first_line, was_killed=run.was_killed
        )

    def _tell(self, **row: Any) -> None:
        with suppress(BrokenPipeError):
            self._daemon.sendall(json.dumps(row).encode() + b"\n")


def _first_line(heard: bytearray) -> str:
    """Give the first line that says something, without control characters."""
    text = heard.decode("utf-8", "replace").strip().partition("\n")[0]
    return "".join(char if char.isprintable() else " " for char in text).strip()


def main() -> None:
    """Serve the daemon at the socket that the one argument names."""
    # What the daemon holds back or ignores is no business of the programs started here.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    with suppress(KeyboardInterrupt), socket.socket(fileno=int(sys.argv[1])) as daemon:
        Spawner(daemon).serve()


if __name__ == "__main__":
    main()
