"""The processes of a keeper: started by exec, listened to, replaced when they die.

Law: a child starts with nothing of the keeper's memory, and with every file of the
estate. Start from `Children`.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from sparrow.keeping.charge import Charge, encode_charge
from sparrow.keeping.programs import PROGRAMS, as_root, child_environ, held_signals
from sparrow.keeping.supervision import (
    Kind,
    Post,
    confirm,
    due_posts,
    end_head_start,
    fill,
    next_due_s,
    vacate,
)
from sparrow.keeping.tether import READY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sparrow.keeping.estate import Estate
    from sparrow.keeping.layout import Layout
    from sparrow.keeping.reserve import Reserve

_log = logging.getLogger(__name__)

STATE = "keeper.json"
"""File of the run directory in which the posts stand, for `sparrow status`."""


@dataclass(slots=True)
class _Child:
    """A running process, and what it has said so far."""

    post: Post
    process: subprocess.Popen[bytes]
    tether: socket.socket
    said: bytes = b""
    is_mute: bool = False


class Children:
    """The posts of a server and who fills them. For one thread."""

    def __init__(
        self,
        posts: Sequence[Post],
        layout: Layout,
        estate: Estate,
        programs: Mapping[Kind, tuple[str, ...]] = PROGRAMS,
        reserves: Mapping[Kind, Reserve] = MappingProxyType({}),
    ) -> None:
        self.posts = {post.name: post for post in posts}
        """All posts by name; replaced, never changed."""
        self.is_successor = False
        """Told to children: whether a predecessor serves until they are ready."""
        self.was_ready = False
        """Told to children: whether all have been ready once."""
        self._layout = layout
        self._estate = estate
        self._programs = programs
        self._reserves = reserves
        self._children: dict[str, _Child] = {}
        self._started_at_s = time.time()

    @property
    def are_ready(self) -> bool:
        """Tell whether every post is filled with a process that is ready."""
        return all(post.is_ready for post in self.posts.values())

    @property
    def are_gone(self) -> bool:
        """Tell whether no process is left."""
        return not self._children

    @property
    def tethers(self) -> dict[int, str]:
        """The files to be watched, and the posts whose they are."""
        return {
            child.tether.fileno(): name
            for name, child in self._children.items()
            if not child.is_mute
        }

    def next_due_s(self) -> float | None:
        """Tell when `start_due` has something to do."""
        return next_due_s(self.posts.values())

    def start_due(self, now_s: float) -> None:
        """Start a process for every post that is to be filled now."""
        for post in due_posts(self.posts.values(), now_s):
            try:
                self._start(post)
            except OSError as error:
                _log.error("%s cannot be started: %s", post.name, error)
                self._set(vacate(post, now_s))

    def _start(self, post: Post) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            charge = self._charge(post, theirs.fileno())
            reserve = self._reserves.get(post.kind)
            files = self._estate.descriptors
            found = reserve.send(encode_charge(charge), files) if reserve else None
            if found:
                ours.close()
                process, ours = found
            else:
                process = self._spawn(post, charge)
        ours.setblocking(False)
        self._children[post.name] = _Child(post, process, ours)
        self._set(fill(post, process.pid))

    def _charge(self, post: Post, tether_fd: int) -> Charge:
        return Charge(
            name=post.name,
            number=post.number,
            layout=self._layout,
            estate=self._estate,
            tether_fd=tether_fd,
            keeper_pid=os.getpid(),
            is_successor=self.is_successor,
            was_ready=self.was_ready,
        )

    def _spawn(self, post: Post, charge: Charge) -> subprocess.Popen[bytes]:
        environ = child_environ()
        if post.is_pure:
            environ["SPARROW_PURE"] = "1"
        with held_signals():
            return subprocess.Popen(  # noqa: S603  (programs of ours)
                [*self._programs[post.kind], encode_charge(charge)],
                env=environ,
                stdin=subprocess.DEVNULL,
                pass_fds=(*self._estate.descriptors, charge.tether_fd),
                user=as_root(),
                start_new_session=True,  # Ctrl-C is for the keeper, who ends them in order
            )

    def _set(self, post: Post) -> None:
        self.posts[post.name] = post

    def hear(self, name: str) -> list[str]:
        """Read what a child says; give the words that came with its "ready", if it was that."""
        child = self._children.get(name)
        if child is None:
            return []
        try:
            octets = child.tether.recv(4096)
        except OSError:
            octets = b""
        child.is_mute = not octets  # it ends; to look again would find the same
        *lines, child.said = (child.said + octets).split(b"\n")
        words = [line.decode("utf-8", "replace") for line in lines]
        told = [text.removeprefix(READY).strip() for text in words if text.startswith(READY)]
        if told:
            self._set(confirm(self.posts[name]))
            for post in end_head_start(self.posts.values()):
                self._set(post)
        return told

    def reap(self, now_s: float) -> list[tuple[Post, int]]:
        """Give the posts whose processes have ended, as they were, with their exit codes.

        The code is negative for a signal, as in `subprocess`.
        """
        ended = []
        for name, child in list(self._children.items()):
            code = child.process.poll()
            if code is None:
                continue
            del self._children[name]
            child.tether.close()
            ended.append((self.posts[name], code))
            self._set(vacate(self.posts[name], now_s))
        return ended

    def signal(self, number: int, belongs: Callable[[Post], bool] = lambda _: True) -> None:
        """Send a signal to the processes of some posts."""
        for child in self._children.values():
            if belongs(child.post):
                child.process.send_signal(number)

    def store(self, run_dir: Path) -> None:
        """Write who fills the posts, for whoever asks for the status."""
        row = {
            "pid": os.getpid(),
            "started_at": self._started_at_s,
            "posts": [
                {
                    "name": post.name,
                    "kind": post.kind.value,
                    "pid": post.pid,
                    "ready": post.is_ready,
                    "restarts": post.restarts,
                    "twin": _twin(post),
                }
                for post in self.posts.values()
            ],
        }
        aside = run_dir / f".{STATE}.{os.getpid()}"
        with suppress(OSError):  # a full disk hides the status; it must not end the server
            aside.write_text(json.dumps(row), "utf-8")
            aside.rename(run_dir / STATE)


def _twin(post: Post) -> str | None:
    if not post.kind.has_twin:
        return None
    return "pure" if post.is_pure or os.environ.get("SPARROW_PURE") == "1" else "native"
