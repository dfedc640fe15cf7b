"""The keeper: holds every socket, starts the workers and the daemon, and replaces what dies.

Law: it parses nothing and serves nothing, so there is little in it that can fail;
every socket stays open in it, so the queue of a dead worker waits for the next.
A successor gets copies of all of it, and the predecessor serves until the
successor does. Start from `Keeper`.
"""

from __future__ import annotations

import logging
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.account import change_account, find_account
from sparrow.errors import FatalError, InputError
from sparrow.folders import RunDir, claim_run_dir, sign_run_dir
from sparrow.keeping.activation import take_activated
from sparrow.keeping.children import PROGRAMS, SIGNALS, STATE, Children, held_signals
from sparrow.keeping.estate import Estate
from sparrow.keeping.handover import (
    SOCKET,
    Predecessor,
    answer_successor,
    open_handover,
    remove_handover,
    show_handover,
    take_over,
)
from sparrow.keeping.layout import Layout, decode_layout
from sparrow.keeping.listening import Furniture, furnish, holdings
from sparrow.keeping.notify import notify
from sparrow.keeping.supervision import Kind, plan_posts
from sparrow.logs import start_log

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)

_LEAVE_S = 15.0
"""Seconds for the children to finish; TCP clients alone may take 5."""
_REFUSED = 2
"""Exit code of a child whose input or surroundings were refused; its words are in the log."""


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
        *,
        is_replacing: bool,
        programs: Mapping[Kind, tuple[str, ...]] = PROGRAMS,
    ) -> None:
        """Open everything and become the configured user. Raises `FatalError`, `InputError`."""
        self._layout = layout
        self._stage = Stage.STARTING
        self._exit_code = 0
        self._leave_by_s: float | None = None
        self._successor_pid: int | None = None
        run_dir = Path(layout.run_dir)
        self._predecessor = take_over(run_dir) if is_replacing else None
        self._run_dir, furniture = _enter(layout, self._predecessor)
        self._handover = open_handover(run_dir)
        self._estate = _settle(layout, furniture, self._run_dir.lock_fd, self._handover)
        posts = plan_posts(layout.workers, has_dns=bool(layout.dns))
        self._children = Children(posts, layout, self._estate, programs)
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
            self._predecessor.estate.announce_end()
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
            subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  (our own program)

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
        remove_handover(self._run_dir.path)
        is_present = self._predecessor is None or self._children.was_ready
        if is_present and not _is_readable(self._finish_fd):
            for name in (SOCKET, STATE):
                with suppress(OSError):
                    (self._run_dir.path / name).unlink(missing_ok=True)


def _is_readable(fileno: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(fileno, selectors.EVENT_READ)
        return bool(selector.select(0))


def _how(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def _enter(layout: Layout, predecessor: Predecessor | None) -> tuple[RunDir, Furniture]:
    """Lock the run directory, have the sockets, and become the configured user."""
    account = find_account(layout.user)
    owner = (account.pw_uid, account.pw_gid) if account else None
    if predecessor:
        run_dir = RunDir(Path(layout.run_dir), predecessor.estate.lock_fd)
    else:
        run_dir = claim_run_dir(layout.run_dir, owner)
    _allow_many_files()
    pool = take_activated(os.environ, os.getpid())
    if predecessor:
        pool += _sockets_of(predecessor.estate)
    furniture = furnish(layout, pool)
    for sock in pool:
        _log.info("a socket that was passed is not used: %s", sock.getsockname())
        sock.close()
    if account:
        change_account(account)
        _log.info("running as %s, who must be able to read every file", account.pw_name)
    if layout.dns:
        _log.info("listening on %s", ", ".join(map(str, layout.dns)))
    return run_dir, furniture


def _sockets_of(estate: Estate) -> list[socket.socket]:
    """Give the sockets of a predecessor.

    The estate keeps descriptors of its own, as each is needed once more: for the
    lock and for the end.
    """
    route_port = (estate.route_port,) if estate.route_port else ()
    found = [socket.socket(fileno=each.fd) for each in (*estate.udp, *estate.tcp, *route_port)]
    for sock in found:
        sock.setblocking(False)
    return found


def _allow_many_files() -> None:
    """Take the most open files that we may have: for sockets, and for clients over TCP."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _settle(layout: Layout, furniture: Furniture, lock_fd: int, handover: socket.socket) -> Estate:
    """Give the estate of sockets that are open; they belong to it from now on."""
    port = furniture.route_port
    read_fd, write_fd = os.pipe()
    return Estate(
        udp=holdings(furniture.udp, layout.dns),
        tcp=holdings(furniture.tcp, layout.dns),
        route_port=holdings([port], [layout.route_port])[0] if port and layout.route_port else None,
        lock_fd=lock_fd,
        handover_fd=handover.fileno(),
        finish_read_fd=read_fd,
        finish_write_fd=write_fd,
    )


def main(arguments: list[str]) -> int:
    """Keep the server of a layout; `--replace` before it takes over from a running one."""
    layout = decode_layout(arguments[-1])
    start_log(layout.log_format, layout.log_level)
    try:
        return Keeper(layout, is_replacing="--replace" in arguments[:-1]).run()
    except (FatalError, InputError) as error:
        for line in str(error).splitlines():
            _log.error("%s", line)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
