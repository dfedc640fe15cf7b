"""Keepers run as processes by tests, and clients that count what is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config.fields import Endpoint
from sparrow.keeping.layout import Layout, TcpLimits, encode_layout
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

PATIENCE_S = 30.0
"""Seconds after which a test gives up; nothing is measured with it."""
STANDIN_KEEPER = Path(__file__).with_name("standinkeeper.py")


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Give the first true value of a condition that something brings about."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.01)
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@dataclass
class Run:
    """A keeper that was started, its log in a file, ended with the block."""

    command: list[str]
    run_dir: Path
    log: Path
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.environ,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def text(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def await_text(self, text: str, count: int = 1) -> Self:
        deadline = time.monotonic() + PATIENCE_S
        while self.text.count(text) < count:
            assert time.monotonic() < deadline, f"never logged {text!r}:\n{self.text}"
            assert self.process.poll() is None or self.text.count(text) >= count, self.text
            time.sleep(0.01)
        return self

    def await_ready(self) -> Self:
        return self.await_text(f"pid {self.pid}\n")

    def state(self) -> dict[str, Any]:
        """Give what the keeper says of its posts."""
        return dict(json.loads((self.run_dir / "keeper.json").read_text()))

    def posts(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.state()["posts"]}

    def pid_of(self, name: str) -> int:
        """Give the living process that fills a post, once it is ready."""

        def find() -> int | None:
            row = self.posts()[name]
            return row["pid"] if row["ready"] and is_alive(row["pid"]) else None

        return int(wait_for(find, f"{name} ready"))

    def pids(self) -> list[int]:
        return [row["pid"] for row in self.posts().values() if row["pid"]]

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to who fills a post; give its pid once it is dead."""
        pid = self.pid_of(name)
        os.kill(pid, number)
        wait_for(lambda: not is_alive(pid), f"the end of {name}")
        return pid

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the keeper with a signal and give its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pids: list[int] = []
        with suppress(OSError, ValueError):
            pids = self.pids()
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
            self.process.kill()
            self.process.wait()
        for pid in filter(is_alive, pids):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def layout(run_dir: Path, port: int, **changes: Any) -> Layout:
    """Two workers on 127.0.0.1, unless changed."""
    settings: dict[str, Any] = {
        "config_path": "/nowhere/sparrow.yaml",
        "run_dir": str(run_dir),
        "state_dir": str(run_dir.parent / "state"),
        "secret_path": str(run_dir.parent / "cookie.secret"),
        "user": None,
        "dns": (Endpoint(parse_address("127.0.0.1"), port),),
        "route_port": None,
        "workers": 2,
        "tcp": TcpLimits(10, 5, 10),
        "log_format": "text",
        "log_level": "info",
    }
    return Layout(**settings | changes)


def standin_command(given: Layout, *options: str) -> list[str]:
    return [sys.executable, str(STANDIN_KEEPER), *options, encode_layout(given)]


class Load(threading.Thread):
    """Asks at a steady rate from many ports, and remembers what was not answered."""

    def __init__(
        self, port: int, packet: Callable[[int], bytes], rate: int = 2000, sockets: int = 32
    ) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.answers: Counter[bytes] = Counter()
        self.received = 0
        self._packet = packet
        self._pause_s = sockets / rate
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
        for sock in self._sockets:
            sock.connect(("127.0.0.1", port))
            sock.setblocking(False)
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            for sock in self._sockets:
                sock.send(self._packet(self.sent))
                self.sent += 1
            self._receive()

    def _receive(self) -> None:
        for sock in self._sockets:
            with suppress(BlockingIOError):
                while True:
                    self.answers[self._key(sock.recv(4096))] += 1
                    self.received += 1

    @staticmethod
    def _key(answer: bytes) -> bytes:
        """Leave out what differs by query."""
        return answer[2:]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()
        deadline = time.monotonic() + 5
        while self.received < self.sent and time.monotonic() < deadline:
            self._receive()
            time.sleep(0.01)
        for sock in self._sockets:
            sock.close()

    @property
    def lost(self) -> int:
        return self.sent - self.received
