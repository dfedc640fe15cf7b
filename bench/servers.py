"""The servers of the bench: how each is started, asked whether it is there, and ended.

Start from `MAKES` and `serving`. A server more is one `Make` more.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import confs
from wire import LOOPBACK, encode_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ground import Ground

_PATIENCE_S = 300.0
"""Seconds for a server to answer first; Knot takes most of a minute on a busy machine."""
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


@dataclass(frozen=True, slots=True)
class Make:
    """A server that can be measured."""

    name: str
    """For the tables."""
    needs: str
    """A program, or modules of Python, which have dots."""
    source: str
    """How to get that, for people."""
    prepare: Callable[[Path, int, Ground], list[str]]
    """Writes files to a folder and gives the command that serves them on a port."""
    steers: bool = True
    """Whether its answers mean anything."""

    def is_there(self) -> bool:
        """Tell whether it can be started here."""
        if "." in self.needs:
            return all(map(_has_module, self.needs.split()))
        return shutil.which(self.needs, path=_PATH) is not None


def _has_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    make: Make
    """What it is."""
    port: int
    """UDP and TCP, on 127.0.0.1."""
    process: subprocess.Popen[bytes]
    """The process that was started; it may have children."""
    folder: Path
    """Its files, and its output in `log`."""
    start_s: float
    """Seconds from the command to the first answer."""


def _prepare_echo(folder: Path, port: int, _: Ground) -> list[str]:
    program = folder / "echo"
    source = Path(__file__).with_name("echo.c")
    subprocess.run(["cc", "-O2", "-o", program, source], check=True)
    return [str(program), str(port)]


_GCC = "apt install gcc"
_OURS = "built with sparrow"
LOOP = Make("sparrow loop", "sparrow.plan.native", _OURS, confs.prepare_loop)
SERVE = Make("sparrow serve", "sparrow.daemon", _OURS, confs.prepare_serve)
GDNSD = Make("gdnsd", "gdnsd", "apt install gdnsd", confs.prepare_gdnsd)
KNOT = Make("Knot DNS", "knotd", "apt install knot knot-module-geoip", confs.prepare_knot)
ECHO = Make("echo", "cc", _GCC, _prepare_echo, steers=False)
SECOND_ECHO = Make("second echo", "cc", _GCC, _prepare_echo, steers=False)
MAKES = (LOOP, SERVE, GDNSD, KNOT, ECHO, SECOND_ECHO)


def choose_makes(makes: Sequence[Make], asked: Sequence[str] = ()) -> list[Make]:
    """Give the servers that are asked for and can be started; say what is missing."""
    chosen = []
    for make in makes:
        if asked and not any(word in make.name for word in asked):
            continue
        if make.is_there():
            chosen.append(make)
        else:
            print(f"left out: {make.name} ({make.needs}: {make.source})", file=sys.stderr)
    return chosen


def require_program(program: str, source: str) -> None:
    """End the bench where a program is missing, and say how to get it."""
    if shutil.which(program, path=_PATH) is None:
        sys.exit(f"{program} is not installed: {source}")


@contextmanager
def serving(
    make: Make, folder: Path, ground: Ground, *, cpu: int | None = None, port: int = 0
) -> Iterator[Server]:
    """Run a server, on one CPU if given and any port if 0, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    command = make.prepare(folder, port, ground)
    pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
    with (folder / "log").open("wb") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            [*pin, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, "PATH": _PATH},
        )
    try:
        _await_answer(process, port, folder / "log")
        yield Server(make, port, process, folder, time.perf_counter() - start)
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Ask for the steered name every few milliseconds until there is a good answer."""
    end = time.monotonic() + _PATIENCE_S
    query = encode_query()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(0.005)
        peer.connect((LOOPBACK, port))
        while True:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{process.args}: no answer\n{log.read_text(errors='replace')[-4000:]}")
            try:
                peer.send(query)
                if peer.recv(65535)[3] & 15 == 0:
                    return
            except TimeoutError:
                pass
            except ConnectionRefusedError:
                time.sleep(0.005)


def _free_port() -> int:
    """Give a port that is free for UDP and TCP, below those that clients get."""
    for port in range(20_000 + os.getpid() % 5000, 32_000):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            try:
                udp.bind((LOOPBACK, port))
                tcp.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    sys.exit("no free port")
