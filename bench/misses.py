"""What a query costs that is not answered from the plan, and what a flood of them does.

    python bench/misses.py

The queries are of class CHAOS. Their cost is compared with that of a hit, both at a rate
that leaves `sparrow serve` time to sleep. Then hits are asked at a steady rate, alone and
beside a flood of misses.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from costs import cpu_ns, owners_of, spent_ns
from generator import DNSPERF, generate, generating
from ground import load_ground
from mixes import build_miss_mix, build_mixes
from servers import SERVE, require_program, serving
from tabular import print_table

if TYPE_CHECKING:
    from mixes import Mix
    from servers import Server

_SLOW = "1000"
"""Queries per second at which one comes after the other."""
_STEADY = "20000"
_SECONDS = "5"


def measure_costs(server: Server, mixes: tuple[Mix, ...]) -> None:
    """Print the server's time for an answer of each kind."""
    rows = []
    for mix in mixes:
        pids = owners_of(server.port)
        before = cpu_ns(pids)
        report = generate(server, mix, "-Q", _SLOW, "-l", _SECONDS)
        spent_us = spent_ns(before, cpu_ns(pids)) / 1000
        cost_us = f"{spent_us / max(report.answers, 1):.1f}"
        rows.append((mix.name, cost_us, f"{report.latency_ms:.3f}", report.lost))
    heads = ("queries", "us/answer", "latency ms", "lost")
    print_table(f"Time of the server at {_SLOW} queries/s", heads, rows)


def measure_flood(server: Server, hits: Mix, misses: Mix) -> None:
    """Print what becomes of hits, alone and beside as many misses as dnsperf can ask."""
    rows = []
    for name, flood in (("alone", ()), ("with a flood of misses", (misses,))):
        options = ("-Q", _STEADY, "-l", _SECONDS)
        if flood:
            with generating(server, misses, "-q", "5000", "-t", "1"):
                time.sleep(1)  # the flood has filled the ring by then
                report = generate(server, hits, *options)
        else:
            report = generate(server, hits, *options)
        rows.append((
            name,
            f"{report.rate:,.0f}",
            f"{report.latency_ms:.3f}",
            f"{report.worst_ms:.1f}",
            report.lost,
        ))  # fmt: skip
    heads = ("hits", "answers/s", "latency ms", "worst ms", "lost")
    print_table(f"Hits at {_STEADY} queries/s", heads, rows)


def main() -> None:
    """Measure."""
    require_program(*DNSPERF)
    if not SERVE.is_there():
        sys.exit(f"{SERVE.name} is not there: {SERVE.source}")
    ground = load_ground()
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as name:
        folder = Path(name)
        plain, *_ = build_mixes(ground, folder)
        misses = build_miss_mix(folder)
        with serving(SERVE, folder / "serve", ground) as server:
            measure_costs(server, (plain, misses))
            measure_flood(server, plain, misses)


if __name__ == "__main__":
    main()
