"""The keeper: holds every socket, starts the workers and the daemon, and replaces what dies.

Law: it parses nothing and serves nothing, so there is little in it that can fail;
every socket stays open in it, so the queue of a dead worker waits for the next.
A successor gets copies of all of it, and the predecessor serves until the
successor does. Start from `Keeper`.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from sparrow.account import find_account, step_down
from sparrow.folders import RunDir, sign_run_dir
from sparrow.keeping.charge import PLAN
from sparrow.keeping.children import STATE, Children
from sparrow.keeping.handover import (
    SOCKET,
    answer_successor,
    open_handover,
    remove_handover,
    show_handover,
)
from sparrow.keeping.notify import notify
from sparrow.keeping.programs import PROGRAMS, SIGNALS, as_root, held_signals
from sparrow.keeping.supervision import Kind, give_head_start, plan_posts
from sparrow.server.unixsocket import remove_unix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparrow.keeping.layout import Layout
    from sparrow.keeping.premises import Premises
    from sparrow.keeping.reserve import Reserve

_log = logging.getLogger(__name__)

_LEAVE_S = 15.0
"""Seconds for the children to finish; TCP clients alone may take 5."""


class Stage(Enum):
    """Where a keeper is in its life."""

    STARTING = "starting"
    READY = "ready"
    LEAVING = "leaving"


class Keeper:
    """One server, from its sockets to its end."""

    def __init__(
        self,
        layout: Layout,
        premises: Premises,
        programs: Mapping[Kind, tuple[str, ...]] = PROGRAMS,
        reserves: Mapping[Kind, Reserve] = MappingProxyType({}),
    ) -> None:
        """Take the premises and become the configured user. Raises `FatalError`."""
        self._layout = layout
        self._stage = Stage.STARTING
        self._exit_code = 0
        self._leave_by_s: float | None = None
        self._successor_pid: int | None = None
        self._predecessor = premises.predecessor
        self._run_dir = RunDir(Path(layout.run_dir), premises.estate.lock_fd)
        _step_down(layout.user)
        self._handover = open_handover(self._run_dir.path)
        read_fd, write_fd = os.pipe()
        self._estate = replace(
            premises.estate,
            handover_fd=self._handover.fileno(),
            finish_read_fd=read_fd,
            finish_write_fd=write_fd,
        )
        posts = plan_posts(layout.workers, has_dns=bool(layout.dns))
        has_plan = (self._run_dir.path / PLAN).is_dir()
        if layout.dns and self._predecessor is None:
            posts = give_head_start(posts, time.monotonic(), has_plan=has_plan)
        self._children = Children(posts, layout, self._estate, programs, reserves)
        self._children.is_successor = self._predecessor is not None
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._alarm = socket.socketpair()
        self._heard: list[int] = []
        self._daemon_words = ""

    def run(self) -> int:
        """Keep the server until it is told to end; give the exit code."""
        self._listen()
        while not (self._stage is Stage.LEAVING and self._children.are_gone):
            now_s = time.monotonic()
            if self._stage is not Stage.LEAVING:
                self._children.start_due(now_s)
                self._store_state()
            self._watch(self._pause_s(now_s))
            self._heed_signals()
            self._heed_deaths()
            self._heed_time()
        self._close()
        _log.info("stopped")
        return self._exit_code

    def _listen(self) -> None:
        """Hear signals through a socket, so that each wakes the loop and none is lost."""
        self._wakeup.setblocking(False)
        self._alarm.setblocking(False)
        signal.set_wakeup_fd(self._alarm.fileno(), warn_on_full_buffer=False)
        for number in (*SIGNALS, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        for fileno in (self._wakeup.fileno(), self._handover.fileno(), self._finish_fd):
            self._selector.register(fileno, selectors.EVENT_READ)

    @property
    def _finish_fd(self) -> int:
        return self._estate.finish_read_fd

    # What wakes the loop.

    def _pause_s(self, now_s: float) -> float | None:
        """Tell how long there is nothing to do unless something happens."""
        due_s = self._leave_by_s
        if self._stage is not Stage.LEAVING:
            due_s = self._children.next_due_s()
        return None if due_s is None else max(due_s - now_s, 0.0)

    def _watch(self, timeout_s: float | None) -> None:
        tethers = self._children.tethers
        for fileno in tethers:
            self._selector.register(fileno, selectors.EVENT_READ)
        found = [key.fd for key, _ in self._selector.select(timeout_s)]
        for fileno in tethers:
            self._selector.unregister(fileno)
        for fileno in found:
            if fileno == self._wakeup.fileno():
                with suppress(BlockingIOError):
                    self._heard += self._wakeup.recv(4096)
            elif fileno == self._handover.fileno():
                self._hand_over()
            elif fileno == self._finish_fd:
                self._give_way()
            else:
                self._hear(tethers[fileno])

    def _hear(self, name: str) -> None:
        words = self._children.hear(name)
        if not words or self._stage is not Stage.STARTING:
            return
        if name == Kind.DAEMON.value:
            self._daemon_words = words[-1]
        if self._children.are_ready:
            self._become_ready()

    def _become_ready(self) -> None:
        self._stage = Stage.READY
        self._children.was_ready = True
        self._children.is_successor = False
        show_handover(self._run_dir.path)
        sign_run_dir(self._run_dir)
        if self._predecessor:
            _log.info("taking over from pid %d", self._predecessor.pid)
            self._predecessor.announce_end()
        self._store_state()
        notify("READY=1", f"MAINPID={os.getpid()}")
        words = f", {self._daemon_words}" if self._daemon_words else ""
        _log.info("ready%s, pid %d", words, os.getpid())

    def _store_state(self) -> None:
        """Say who fills the posts, unless it is another server's turn to say so."""
        is_early = self._predecessor is not None and self._stage is Stage.STARTING
        if not is_early and not _is_readable(self._finish_fd):
            self._children.store(self._run_dir.path)

    def _hand_over(self) -> None:
        pid = answer_successor(self._handover, self._estate)
        if pid is not None:
            _log.info("handed over to pid %d, serving until it is ready", pid)
            self._successor_pid = pid

    # Signals and deaths.

    def _heed_signals(self) -> None:
        heard, self._heard = self._heard, []
        for number in heard:
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stop(0)
            elif number == signal.SIGHUP:
                self._children.signal(signal.SIGHUP, lambda post: post.kind is Kind.DAEMON)
            elif number == signal.SIGUSR2:
                self._start_successor()

    def _start_successor(self) -> None:
        """Start the program again as it is on the disk now, to take over from us."""
        layout = self._layout
        command = [
            *(sys.executable, "-P", "-m", "sparrow", "serve", "--replace"),
            *("--config", layout.config_path, "--log-format", layout.log_format),
            *("--log-level", layout.log_level),
        ]
        _log.info("starting a successor")
        with held_signals():
            # It is nobody's child once we have left, and if it fails it says why itself.
            subprocess.Popen(command, stdin=subprocess.DEVNULL, user=as_root())  # noqa: S603  (our own program)

    def _heed_deaths(self) -> None:
        for post, code in self._children.reap(time.monotonic()):
            if self._stage is Stage.LEAVING:
                continue
            after = self._children.posts[post.name]
            if self._stage is Stage.STARTING and code > 0:
                # It has said why; to try again would give the same.
                self._stop(code)
                continue
            twin = ", on the pure twin from now on" if after.is_pure and not post.is_pure else ""
            _log.warning(
                "%s, pid %d, %s: starting another%s", post.name, post.pid, _how(code), twin
            )

    def _heed_time(self) -> None:
        if self._leave_by_s is not None and time.monotonic() >= self._leave_by_s:
            _log.error("some processes do not finish: killing them")
            self._children.signal(signal.SIGKILL)
            self._leave_by_s = None

    # The end.

    def _stop(self, exit_code: int) -> None:
        """Let every child answer what has arrived, and end."""
        if self._stage is Stage.LEAVING:
            return
        if self._stage is Stage.STARTING and exit_code == 0:
            _log.info("stopped before anything was served")
        elif exit_code == 0:
            _log.info("stopping: answering what has arrived")
        self._leave(exit_code)
        notify("STOPPING=1")
        self._children.signal(signal.SIGTERM)

    def _give_way(self) -> None:
        """Leave, as a successor serves; the children have heard it themselves."""
        self._selector.unregister(self._finish_fd)
        if self._stage is Stage.LEAVING:
            return
        _log.info("stopping: pid %s has taken over", self._successor_pid)
        if self._successor_pid is not None:
            notify(f"MAINPID={self._successor_pid}")
        self._leave(0)

    def _leave(self, exit_code: int) -> None:
        self._stage = Stage.LEAVING
        self._exit_code = exit_code
        self._leave_by_s = time.monotonic() + _LEAVE_S

    def _close(self) -> None:
        """Remove what is ours from the run directory; a successor has its own by now."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # one that is late changes nothing
        remove_handover(self._run_dir.path)
        is_present = self._predecessor is None or self._children.was_ready
        if is_present and not _is_readable(self._finish_fd):
            if self._estate.pdns:
                remove_unix(self._estate.pdns.path, self._estate.pdns.inode)
            for name in (SOCKET, STATE):
                with suppress(OSError):
                    (self._run_dir.path / name).unlink(missing_ok=True)


def _is_readable(fileno: int) -> bool:
    with selectors.PollSelector() as selector:  # it opens no file, of which there may be none left
        selector.register(fileno, selectors.EVENT_READ)
        return bool(selector.select(0))


def _how(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def _step_down(user: str | None) -> None:
    account = find_account(user)
    if account is None:
        return
    unreadable = step_down(account)
    _log.info("running as %s, who must be able to read every file", account.pw_name)
    if unreadable:
        _log.warning(
            "%s cannot read %s, so the keeper stays root underneath: "
            "install Python and sparrow where that user can",
            *(account.pw_name, unreadable[0]),
        )


def keep(layout: Layout, premises: Premises, reserves: Mapping[Kind, Reserve]) -> int:
    """Keep the server of a layout in this process; give the exit code. Raises `FatalError`.

    The first of each kind is the process in reserve, where there is one.
    """
    # From here on signals wait for the keeper, which hears them once it is able to.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    return Keeper(layout, premises, reserves=reserves).run()
