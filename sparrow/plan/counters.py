"""Counters in shared memory: the side of who counts. The format is `docs/counters.md`.

Law: a word has one writer, so nothing is locked and nothing is lost; the lock on a
file says that its writer lives. Start from `WorkerCounters` and `PlanCounters`.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import time
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, overload

from sparrow.plan.format import AnswersSection

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from sparrow.plan.plan import Plan

_log = logging.getLogger(__name__)

WORKER_MAGIC = int.from_bytes(b"SPRWCNT1", "little")
PLAN_MAGIC = int.from_bytes(b"SPRWCNT2", "little")
VERSION = 1
HEAD = 16
"""Words before the text, or before the first block."""
STRIDE = 64
"""Words of a block in a worker's file; eight cache lines."""
RCODES = 32
"""Word of rcode 0; there are 24."""
RCODE_COUNT = 24
_WORD = 8
_FILE_MODE = 0o640
_FOLDER_MODE = 0o750


class Head(IntEnum):
    """Words at the start of both kinds of files."""

    MAGIC = 0
    VERSION = 1
    FIRST = 2
    STRIDE = 3
    WRITERS = 4


class WorkerHead(IntEnum):
    """Words of a worker's file."""

    PID = 5
    STARTED_AT = 6
    GENERATION = 7
    IS_PURE = 8
    REFUSED = 9


class PlanHead(IntEnum):
    """Words of a plan's file."""

    GENERATION = 5
    SITES = 6
    OUTCOMES = 7
    TEXT_SIZE = 8


class Word(IntEnum):
    """Words of a block, but for the response codes."""

    QUERIES = 0
    ANSWERED = 1
    MISSES = 2
    RING_DROPS = 3
    SILENT = 4
    SEND_ERRORS = 5
    RECEIVE_ERRORS = 6
    TRUNCATED = 7
    ECS = 8
    EXCEPTIONS = 9
    BATCHES = 10
    TCP_OPEN = 11
    TCP_ACCEPTED = 12
    TCP_REFUSED = 13
    TCP_DISPLACED = 14
    TCP_TIMED_OUT = 15
    ACCEPT_ERRORS = 16
    RECEIVE_BUFFER = 17
    SOCKET_DROPS = 18
    ENDPOINT = 19
    PDNS_REQUESTS = 20


class _Number:
    """An attribute of a block that is one of its words."""

    def __init__(self, word: Word) -> None:
        self._word = word

    @overload
    def __get__(self, block: None, owner: type[Block]) -> Self: ...
    @overload
    def __get__(self, block: Block, owner: type[Block]) -> int: ...
    def __get__(self, block: Block | None, owner: type[Block]) -> Self | int:
        return self if block is None else int(block.words[block.base + self._word])

    def __set__(self, block: Block, value: int) -> None:
        block.words[block.base + self._word] = value


class Block:
    """The words of one writer, by name."""

    __slots__ = ("base", "words")

    queries = _Number(Word.QUERIES)
    answered = _Number(Word.ANSWERED)
    misses = _Number(Word.MISSES)
    ring_drops = _Number(Word.RING_DROPS)
    silent = _Number(Word.SILENT)
    send_errors = _Number(Word.SEND_ERRORS)
    receive_errors = _Number(Word.RECEIVE_ERRORS)
    truncated = _Number(Word.TRUNCATED)
    ecs = _Number(Word.ECS)
    exceptions = _Number(Word.EXCEPTIONS)
    tcp_open = _Number(Word.TCP_OPEN)
    tcp_accepted = _Number(Word.TCP_ACCEPTED)
    tcp_refused = _Number(Word.TCP_REFUSED)
    tcp_displaced = _Number(Word.TCP_DISPLACED)
    tcp_timed_out = _Number(Word.TCP_TIMED_OUT)
    accept_errors = _Number(Word.ACCEPT_ERRORS)
    receive_buffer = _Number(Word.RECEIVE_BUFFER)
    socket_drops = _Number(Word.SOCKET_DROPS)
    endpoint = _Number(Word.ENDPOINT)
    pdns_requests = _Number(Word.PDNS_REQUESTS)

    def __init__(self, words: memoryview, base: int) -> None:
        """Take the block that begins at word `base`."""
        self.words = words
        self.base = base

    def count_rcode(self, rcode: int) -> None:
        """Count a response by its code."""
        if rcode < RCODE_COUNT:
            self.words[self.base + RCODES + rcode] += 1


class _File:
    """A file of words: made, mapped and locked."""

    def __init__(self, path: Path, size: int) -> None:
        """Make the file aside, so that it has its lock before it has its name.

        Where the system has no room the words are in memory of our own, and are lost
        with us: to answer matters more than to count.
        """
        self._lock_fd = -1
        try:
            self._memory = self._make(path, size)
        except OSError as error:
            _log.error("%s cannot be made, counting for nobody: %s", path, error.strerror)
            self._memory = mmap.mmap(-1, size)
        self.words = memoryview(self._memory).cast("Q")
        """The whole file."""

    def _make(self, path: Path, size: int) -> mmap.mmap:
        aside = path.with_name(f".{path.name}")
        aside.unlink(missing_ok=True)
        fd = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.posix_fallocate(fd, 0, size)
            memory = mmap.mmap(fd, size)
            aside.rename(path)
        except OSError:
            os.close(fd)
            aside.unlink(missing_ok=True)
            raise
        self._lock_fd = fd
        return memory

    def release(self) -> None:
        """Give the lock up: nothing is counted here any more. The words stay mapped."""
        if self._lock_fd >= 0:
            # The mapping has a descriptor of the same open file, so closing ours is not enough.
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)
            os.close(self._lock_fd)
            self._lock_fd = -1


class WorkerCounters(_File):
    """The file of a worker: what depends on no plan."""

    def __init__(self, folder: Path, name: str, writers: int, *, is_pure: bool) -> None:
        """Make `NAME.PID` in a folder, which is made as well."""
        with suppress(OSError):
            folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        super().__init__(folder / f"{name}.{os.getpid()}", (HEAD + STRIDE * writers) * _WORD)
        for word, value in (
            (Head.VERSION, VERSION),
            (Head.FIRST, HEAD),
            (Head.STRIDE, STRIDE),
            (Head.WRITERS, writers),
            (WorkerHead.PID, os.getpid()),
            (WorkerHead.STARTED_AT, int(time.time())),
            (WorkerHead.IS_PURE, is_pure),
            (Head.MAGIC, WORKER_MAGIC),
        ):
            self.words[word] = value

    def block(self, writer: int) -> Block:
        """Give the block of a writer."""
        return Block(self.words, HEAD + STRIDE * writer)

    def tell_plan(self, generation: int, refused: int) -> None:
        """Say which generation is answered from, and how many were not taken."""
        self.words[WorkerHead.GENERATION] = generation
        self.words[WorkerHead.REFUSED] = refused


class PlanCounters(_File):
    """The file of a worker and a generation: answers by site and by outcome word."""

    def __init__(self, folder: Path, name: str, writers: int, plan: Plan) -> None:
        """Make `NAME.PID.G` in a folder that is there."""
        text = bytes(plan.answers.file.view(AnswersSection.META))
        self.sites = plan.answers.params.site_count
        """Words of sites, before those of outcomes."""
        first = HEAD + _aligned(-(-len(text) // _WORD))
        self._stride = _aligned(self.sites + len(plan.words))
        self._first = first
        path = folder / f"{name}.{os.getpid()}.{plan.generation}"
        super().__init__(path, (first + self._stride * writers) * _WORD)
        for word, value in (
            (Head.VERSION, VERSION),
            (Head.FIRST, first),
            (Head.STRIDE, self._stride),
            (Head.WRITERS, writers),
            (PlanHead.GENERATION, plan.generation),
            (PlanHead.SITES, self.sites),
            (PlanHead.OUTCOMES, len(plan.words)),
            (PlanHead.TEXT_SIZE, len(text)),
        ):
            self.words[word] = value
        self.words.cast("B")[HEAD * _WORD : HEAD * _WORD + len(text)] = text
        self.words[Head.MAGIC] = PLAN_MAGIC

    def base(self, writer: int) -> int:
        """Give the first word of a writer's block."""
        return self._first + self._stride * writer

    def count(self, base: int, site: int | None, outcome: int | None) -> None:
        """Count a steered response: its site, and the outcome word that decided it."""
        if site is not None:
            self.words[base + site] += 1
        if outcome is not None:
            self.words[base + self.sites + outcome] += 1


def _aligned(words: int) -> int:
    return -(-words // 8) * 8
