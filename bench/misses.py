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
from generator import DNSPERF, generate, generating, read_report
from ground import load_ground
from mixes import build_miss_mix, build_mixes
from servers import SERVE, require_program, serving
from tabular import print_table

if TYPE_CHECKING:
    from generator import Report
    from mixes import Mix
    from servers import Server

_SLOW = 1000
"""Queries per second at which one comes after the other."""
_STEADY = 20_000
_FLOOD = 50_000
"""More than anybody answers in Python."""
_SECONDS = 5
_SETTLED_S = 15
"""The daemon has filled its RIB by then."""


def measure_costs(server: Server, mixes: tuple[Mix, ...]) -> None:
    """Print the server's time for an answer of each kind, without what it spends idle."""
    before = cpu_ns(owners_of(server.port))
    time.sleep(_SECONDS)
    idle_us = spent_ns(before, cpu_ns(owners_of(server.port))) / 1000
    rows = []
    for mix in mixes:
        before = cpu_ns(owners_of(server.port))
        report = generate(server, mix, "-Q", str(_SLOW), "-l", str(_SECONDS))
        spent_us = spent_ns(before, cpu_ns(owners_of(server.port))) / 1000 - idle_us
        cost_us = f"{spent_us / max(report.answers, 1):.1f}"
        rows.append((mix.name, cost_us, f"{report.latency_ms:.3f}", report.lost))
    title = f"Time of the server at {_SLOW} queries/s, less {idle_us / _SECONDS:,.0f} us/s idle"
    print_table(title, ("queries", "us/answer", "latency ms", "lost"), rows)


def measure_flood(server: Server, hits: Mix, misses: Mix) -> None:
    """Print what becomes of hits, alone and beside a flood of misses."""
    options = ("-Q", str(_STEADY), "-l", str(_SECONDS))
    alone = generate(server, hits, *options)
    # As many under way as come before the first of them is given up.
    flood = ("-Q", str(_FLOOD), "-q", str(_FLOOD), "-t", "1", "-l", str(_SECONDS + 2))
    with generating(server, misses, *flood) as process:
        time.sleep(1)  # the flood has filled the ring by then
        beside = generate(server, hits, *options)
        output, _ = process.communicate()
    rows = [
        _row(name, report)
        for name, report in (
            ("hits alone", alone),
            ("hits in a flood", beside),
            ("the flood: misses", read_report(output)),
        )
    ]
    heads = ("", "answers/s", "latency ms", "worst ms", "lost")
    print_table(f"Hits at {_STEADY} queries/s, beside a flood of misses", heads, rows)


def _row(name: str, report: Report) -> tuple[object, ...]:
    rate, latency = f"{report.rate:,.0f}", f"{report.latency_ms:.3f}"
    return (name, rate, latency, f"{report.worst_ms:.1f}", report.lost)


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
            time.sleep(_SETTLED_S)
            measure_costs(server, (plain, misses))
            measure_flood(server, plain, misses)


if __name__ == "__main__":
    main()
