"""dnsperf, run against a server, and what it says. Start from `generate`."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixes import Mix
    from servers import Server

DNSPERF = ("dnsperf", "apt install dnsperf")
"""The program, and how to get it."""
_CLIENTS = 500


@dataclass(frozen=True, slots=True)
class Report:
    """What one run of dnsperf says."""

    answers: int
    """Responses that came in time."""
    lost: int
    """Queries without one."""
    rcodes: dict[str, int]
    """Responses by rcode."""
    rate: float
    """Answers per second."""
    latency_ms: float
    """Average time from a query to its response."""
    worst_ms: float
    """The longest one."""


def generate(server: Server, mix: Mix, *options: str, cpu: int | None = None) -> Report:
    """Ask the queries of a mix, from 500 sockets, and wait until all is answered or lost."""
    with generating(server, mix, *options, cpu=cpu) as process:
        output, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, output)
    return read_report(output)


@contextmanager
def generating(
    server: Server, mix: Mix, *options: str, cpu: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Ask while the block runs."""
    pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
    command = ["dnsperf", "-s", LOOPBACK, "-p", str(server.port), "-c", str(_CLIENTS)]
    with subprocess.Popen(
        [*pin, *command, "-B", "-d", str(mix.file), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_report(text: str) -> Report:
    """Read what dnsperf prints when it ends."""
    codes = re.search(r"Response codes: +(.*)", text)
    latency = r"Average Latency \(s\): +([0-9.]+) +\(min [0-9.]+, max ([0-9.]+)\)"
    times = re.search(latency, text)
    return Report(
        answers=int(_read_number("Queries completed", text)),
        lost=int(_read_number("Queries lost", text)),
        rcodes={
            name: int(count)
            for name, count in re.findall(r"([A-Z0-9]+) ([0-9]+)", codes[1] if codes else "")
        },
        rate=_read_number("Queries per second", text),
        latency_ms=float(times[1]) * 1000 if times else 0.0,
        worst_ms=float(times[2]) * 1000 if times else 0.0,
    )


def _read_number(name: str, text: str) -> float:
    found = re.search(rf"{name}: +([0-9.]+)", text)
    return float(found[1]) if found else 0.0
