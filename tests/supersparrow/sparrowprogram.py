"""The program `supersparrow` in a process of its own. Start from `Program`."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 60.0
"""Seconds after which a test gives up; nothing is measured with it."""

PROJECT = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"
MODULE, FUNCTION = tomllib.loads(PROJECT.read_text())["project"]["scripts"]["supersparrow"].split(
    ":"
)
SCRIPT = f"from {MODULE} import {FUNCTION}; {FUNCTION}()"
"""What the script does that is installed as `supersparrow`."""


@dataclass
class Program:
    """Starts the program, with its file of options in a folder; there is nothing in it yet."""

    folder: Path

    def __post_init__(self) -> None:
        self.configure()

    @property
    def conf(self) -> Path:
        return self.folder / "supersparrow.conf"

    @property
    def notes(self) -> Path:
        """What a batch wrote to stderr."""
        return self.folder / "notes"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", SCRIPT, f"--config_file={self.conf}", *words]

    def configure(self, *lines: str) -> None:
        """Write the file of options."""
        self.conf.write_text("".join(f"{line}\n" for line in lines))

    def run(self, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        """Run the program to its end; give its exit code, its answers and its notes."""
        ended = subprocess.run(
            self.command(*words), input=stdin, capture_output=True, timeout=PATIENCE_S, check=False
        )
        return ended.returncode, ended.stdout.decode(), ended.stderr.decode()

    @contextmanager
    def batch(self, *words: str) -> Iterator[Batch]:
        """Give a running program that is asked line by line; it ends well when its stdin does."""
        with (
            self.notes.open("wb") as notes,
            subprocess.Popen(
                self.command("--batch", *words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=notes,
            ) as process,
        ):
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield Batch(process.stdin, process.stdout, self.notes)
                process.stdin.close()
                assert 0 == process.wait(PATIENCE_S)
            finally:
                process.kill()


@dataclass(frozen=True)
class Batch:
    """A program that answers a line with a line."""

    stdin: IO[bytes]
    stdout: IO[bytes]
    notes_path: Path

    def ask(self, text: str) -> str:
        """Write a line, and wait for the one that answers it."""
        self.stdin.write(text.encode() + b"\n")
        self.stdin.flush()
        line = self.stdout.readline()
        assert line.endswith(b"\n"), self.notes()
        return line[:-1].decode()

    def ask_until(self, text: str, answer: str) -> None:
        """Ask again and again until the answer is the one that is waited for."""
        wait_until(lambda: self.ask(text) == answer)

    def notes(self) -> list[str]:
        return self.notes_path.read_text().splitlines()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.1)
