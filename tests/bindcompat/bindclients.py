"""Clients that ask BIND without a pause: a few whose answers are looked at, and dnsperf.

Start from `Clients`.
"""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import dns.message
import dns.rcode
from bindground import LOWER, NAME, UPPER, send_from
from running import LOOPBACK, PATIENCE_S, addresses_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clients(threading.Thread):
    """Clients of both halves that ask again and again; a query that is lost ends them."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.answers: dict[str, set[str]] = {LOWER: set(), UPPER: set()}
        self.count = 0
        self._port = port
        self._is_over = False
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self.join(PATIENCE_S)
        if self._failure:
            raise self._failure

    def run(self) -> None:
        try:
            while not self._is_over:
                for client, found in self.answers.items():
                    found.add(self._ask(client))
                    self.count += 1
        except Exception as error:  # noqa: BLE001 (raised again in the test's thread)
            self._failure = error

    def _ask(self, client: str) -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            send_from(sock, client, self._port, dns.message.make_query(NAME, "A").to_wire())
            response = dns.message.from_wire(sock.recv(65535))
        return " ".join(addresses_of(response)) or dns.rcode.to_text(response.rcode())


@contextmanager
def load_of_dnsperf(
    program: str, port: int, folder: Path
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Ask from 127.0.0.1 for a while without a pause; what it says of it is there at the end."""
    questions = folder / "questions"
    questions.write_text(f"{NAME} A\n{NAME} NS\n{NAME} AAAA\n")
    place = ("-s", LOOPBACK, "-p", str(port), "-a", LOOPBACK, "-d", str(questions))
    said: list[str] = []
    process = subprocess.Popen(
        (program, *place, "-c", "8", "-q", "40", "-t", "60", "-l", "8"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process, said
        said += process.communicate(timeout=PATIENCE_S * 2)[0].splitlines()
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def number_in(said: list[str], name: str) -> int:
    return next(int(each[1]) for line in said if (each := re.match(rf"\s*{name}:\s+(\d+)", line)))
