"""Counters in shared memory: the side of who reads. The format is `docs/counters.md`.

Law: to read disturbs nobody; what its writer has finished is added to the sums and
removed, once. Start from `Tally`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import struct
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparrow.dns.rrset import Rcode
from sparrow.errors import SparrowError
from sparrow.plan.counters import (
    HEAD,
    PLAN_MAGIC,
    RCODE_COUNT,
    RCODES,
    VERSION,
    WORKER_MAGIC,
    Head,
    PlanHead,
    Word,
    WorkerHead,
)
from sparrow.plan.meta import decode_meta
from sparrow.policy.shift import ClassKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

FOLDED = "folded"
"""File of the sums of what is finished."""
_NAME = re.compile(r"(?P<post>[a-z]+(?:-\d+)?)\.(?P<pid>\d+)(?:\.(?P<generation>\d+))?", re.ASCII)
_NAME_OF_WORKER = re.compile(r"[a-z]+(?:-\d+)?\.\d+", re.ASCII)
_STATES = (Word.TCP_OPEN, Word.RECEIVE_BUFFER, Word.SOCKET_DROPS, Word.ENDPOINT)
"""Words that tell a state and are not added up over time."""


_BY_TEXT = ("udp", "tcp", "rcodes", "sites", "services")
"""Sums whose keys are texts."""


class CounterError(SparrowError):
    """A file is none of counters; it is left alone."""


@dataclass(slots=True)
class Sums:
    """Numbers added up over processes. Mutable; for who adds."""

    udp: Counter[str] = field(default_factory=Counter)
    """Words of UDP workers by name, in lower case."""
    tcp: Counter[str] = field(default_factory=Counter)
    """Words of the TCP worker."""
    rcodes: Counter[str] = field(default_factory=Counter)
    """Responses by response code."""
    sites: Counter[str] = field(default_factory=Counter)
    """Steered responses by site."""
    services: Counter[str] = field(default_factory=Counter)
    """Steered responses by service, those without a site included."""
    classes: Counter[ClassKey] = field(default_factory=Counter)
    """The same by class: by what is asked for, and the order of sites that the client has."""

    def add(self, other: Sums) -> None:
        """Add the numbers of another."""
        self.udp += other.udp
        self.tcp += other.tcp
        self.rcodes += other.rcodes
        self.sites += other.sites
        self.services += other.services
        self.classes += other.classes

    def forget_states(self) -> None:
        """Leave out what is only true while its process lives."""
        for words in (self.udp, self.tcp):
            for word in _STATES:
                words.pop(word.name.lower(), None)


@dataclass(frozen=True, slots=True)
class Seat:
    """A socket of a worker."""

    endpoint: int
    """Number in `server.listen`."""
    receive_buffer: int
    """Octets of the buffer that the kernel gave."""
    socket_drops: int
    """Packets dropped as it was full."""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker that counts, or did until a moment ago."""

    post: str
    """Its name."""
    pid: int
    """Its process."""
    generation: int
    """The generation that it answers from; 0 for none."""
    is_pure: bool
    """Whether it runs on the pure twin."""
    refused: int
    """Plans that it did not take."""
    seats: tuple[Seat, ...]
    """Its UDP sockets."""
    sums: Sums
    """Its numbers."""


class Tally:
    """The counters of a run directory."""

    def __init__(self, folder: Path) -> None:
        """Read `folder`, which need not be there."""
        self._folder = folder

    def read(self) -> tuple[Sums, list[WorkerState]]:
        """Give the sums of all that was ever counted here, and the workers that count."""
        self.fold()
        sums, workers = self._load_folded()[0], []
        for path in self._paths():
            with suppress(OSError, CounterError):
                worker, found = _read_file(path)
                sums.add(found)
                workers += [worker] if worker else []
        return sums, workers

    def generations(self) -> dict[str, int]:
        """Give the generation that each process that counts answers from, by its file's name."""
        found = {}
        for path in self._paths():
            with suppress(OSError, struct.error):
                if _NAME_OF_WORKER.fullmatch(path.name) and not _is_finished(path):
                    octets = path.read_bytes()
                    at = WorkerHead.GENERATION * 8
                    found[path.name] = int(struct.unpack_from("<Q", octets, at)[0])
        return found

    def fold(self) -> None:
        """Add what is finished to the sums, and remove it. Where that fails, it stays."""
        with suppress(OSError), _locked(self._folder):
            sums, done = self._load_folded()
            finished = []
            for path in self._paths():
                if path.name in done:
                    path.unlink()  # added by one who died before he could remove it
                elif _is_finished(path):
                    with suppress(CounterError):
                        found = _read_file(path)[1]
                        found.forget_states()
                        sums.add(found)
                    finished.append(path)
            if finished:
                self._store_folded(sums, [path.name for path in finished])
            for path in finished:
                path.unlink()

    def _paths(self) -> list[Path]:
        try:
            return sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
        except OSError:
            return []

    def _load_folded(self) -> tuple[Sums, list[str]]:
        """Give the sums, and the names of the files that were added last."""
        try:
            row = json.loads((self._folder / FOLDED).read_text("utf-8"))
            return _take_sums(row), row["done"]
        except (OSError, ValueError, KeyError, TypeError):
            return Sums(), []

    def _store_folded(self, sums: Sums, done: Sequence[str]) -> None:
        row = {key: dict(getattr(sums, key)) for key in _BY_TEXT} | {
            "classes": [[*key, count] for key, count in sums.classes.items()]
        }
        aside = self._folder / f".{FOLDED}"
        aside.write_text(json.dumps(row | {"done": list(done)}), "utf-8")
        aside.rename(self._folder / FOLDED)


def _take_sums(row: Mapping[str, Any]) -> Sums:
    """Read sums. Raises `KeyError`, `TypeError` or `ValueError`.

    Those of a version that counted no classes have none.
    """
    classes = {
        ClassKey(service, family, tuple(sites)): count
        for service, family, sites, count in row.get("classes", ())
    }
    return Sums(**{key: Counter(row[key]) for key in _BY_TEXT}, classes=Counter(classes))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be the only one who folds. Raises `OSError` where another does."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def _is_finished(path: Path) -> bool:
    """Tell whether nobody holds the lock of a file."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _read_file(path: Path) -> tuple[WorkerState | None, Sums]:
    """Read a file of either kind. Raises `CounterError`, `OSError`."""
    match = _NAME.fullmatch(path.name)
    octets = path.read_bytes()
    words = struct.unpack(f"<{len(octets) // 8}Q", octets[: len(octets) // 8 * 8])
    if not match or len(words) < HEAD or words[Head.VERSION] != VERSION:
        raise CounterError(f"{path} has no counters of version {VERSION}")
    first, stride, writers = (words[at] for at in (Head.FIRST, Head.STRIDE, Head.WRITERS))
    if len(words) < first + stride * writers:
        raise CounterError(f"{path} is cut")
    blocks = [words[first + stride * n : first + stride * (n + 1)] for n in range(writers)]
    if words[Head.MAGIC] == WORKER_MAGIC:
        worker = _read_worker(match["post"], words, blocks)
        return worker, worker.sums
    if words[Head.MAGIC] == PLAN_MAGIC:
        return None, _read_plan(words, octets, blocks)
    raise CounterError(f"{path} is of no known kind")


def _read_worker(post: str, words: Sequence[int], blocks: Sequence[Sequence[int]]) -> WorkerState:
    is_udp = post.startswith("udp")
    numbers = Counter({word.name.lower(): sum(block[word] for block in blocks) for word in Word})
    rcodes = Counter(
        {
            _rcode_name(rcode): sum(block[RCODES + rcode] for block in blocks)
            for rcode in range(RCODE_COUNT)
        }
    )
    sums = Sums(rcodes=+rcodes, udp=+numbers if is_udp else Counter())
    sums.tcp = Counter() if is_udp else +numbers
    loops = blocks[: len(blocks) // 2] if is_udp else ()
    return WorkerState(
        post=post,
        pid=words[WorkerHead.PID],
        generation=words[WorkerHead.GENERATION],
        is_pure=bool(words[WorkerHead.IS_PURE]),
        refused=words[WorkerHead.REFUSED],
        seats=tuple(
            Seat(block[Word.ENDPOINT], block[Word.RECEIVE_BUFFER], block[Word.SOCKET_DROPS])
            for block in loops
        ),
        sums=sums,
    )


def _read_plan(words: Sequence[int], octets: bytes, blocks: Sequence[Sequence[int]]) -> Sums:
    """Add up a generation's sites and classes under their names.

    Where one class stands for others in the maps of that generation, it has their numbers.
    """
    start = HEAD * 8
    try:
        meta = decode_meta(octets[start : start + words[PlanHead.TEXT_SIZE]])
    except SparrowError as error:
        raise CounterError(str(error)) from None
    columns = [sum(column) for column in zip(*blocks, strict=True)]
    sums = Sums(sites=+Counter(dict(zip(meta.sites, columns, strict=False))))
    counts = iter(columns[words[PlanHead.SITES] :])
    for policy in meta.policies:  # their outcome words follow one another
        for order, count in zip(policy.classes, counts, strict=False):
            names = tuple(meta.sites[site] for site in order)
            sums.services[policy.service] += count
            sums.classes[ClassKey(policy.service, policy.family, names)] += count
    sums.services, sums.classes = +sums.services, +sums.classes
    return sums


def _rcode_name(rcode: int) -> str:
    try:
        return Rcode(rcode).name
    except ValueError:
        return f"RCODE{rcode}"


def render_counters(sums: Sums, sites: Sequence[str]) -> dict[str, Any]:
    """Give the object `counters` of the status; every site of the present is in it."""
    udp, tcp = sums.udp, sums.tcp
    both = udp + tcp
    names = ("truncated", "ecs", "misses", "ring_drops", "socket_drops", "exceptions")
    connections = ("open", "accepted", "refused", "displaced", "timed_out")
    return {
        "queries": {"udp": udp["queries"], "tcp": tcp["queries"]},
        "silent": both["silent"],
        "responses": dict(sums.rcodes),
        **{name: both[name] for name in names},
        "sites": dict.fromkeys(sites, 0) | dict(sums.sites),
        "services": dict(sums.services),
        "receive_errors": both["receive_errors"],
        "send_errors": both["send_errors"],
        "pdns_requests": tcp["pdns_requests"],
        "connections": {
            **{name: tcp[f"tcp_{name}"] for name in connections},
            "accept_errors": tcp["accept_errors"],
        },
    }
