"""What clients notice while tables change, daemons are killed and servers are replaced.

    python bench/churn.py

`sparrow serve` answers random client subnets at a steady rate: in peace; while `sparrow reload`
follows on `sparrow reload`, each with another table, of which every hundredth prefix comes or
goes; while the daemon is killed again and again; and while one server takes the place of
another. None may be lost, none wrong, and no socket may drop one.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answers import count_wrong_answers
from confs import SPARROW
from generator import DNSPERF, generate, generating, read_report
from ground import load_ground
from mixes import build_mixes
from servers import SERVE, require_program, serving
from tabular import print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from generator import Report
    from ground import Ground
    from mixes import Mix
    from servers import Server

_RATE = "20000"
_SECONDS = "20"
_RELOADS = 4
_DEATHS = 5
_SUCCESSORS = 5
_LONGEST = "600"
"""Seconds of queries at most, beside steps whose time is not known before."""
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Phase:
    """What happens to a server while it is asked."""

    name: str
    """For the table."""
    step: Callable[[], None]
    """Done again and again; comes to its end when the server is whole again."""
    count: int
    """How often."""
    is_checked: bool = False
    """Whether the tables are those that answers are compared with, after each step."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a phase."""

    report: Report
    """Of all queries."""
    seconds: tuple[float, ...]
    """How long each step took."""
    wrong: int
    """Answers with another rcode, and wrong ones of those that were looked at one by one."""


def write_tables(ground: Ground, folder: Path) -> tuple[Ground, tuple[bytes, ...]]:
    """Write tables that may be replaced; give them, and both contents of the first one."""
    contents = [gzip.decompress(path.read_bytes()) for path in ground.files]
    files = tuple(folder / path.name.removesuffix(".gz") for path in ground.files)
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    lines = contents[0].splitlines(keepends=True)
    thinned = b"".join(line for number, line in enumerate(lines) if number % 100)
    return replace(ground, files=files), (thinned, contents[0])


def reload_tables(server: Server, table: Path, contents: Iterator[bytes]) -> None:
    """Reload with another table."""
    aside = table.with_suffix(".aside")
    aside.write_bytes(next(contents))
    aside.rename(table)
    command = [*SPARROW, "reload", *_config(server)]
    subprocess.run(command, check=True, capture_output=True)


def kill_daemon(server: Server) -> None:
    """Kill the daemon, and wait until there is another and it has read everything."""
    dead = _daemon(server)["pid"]
    os.kill(dead, signal.SIGKILL)
    end = time.monotonic() + _PATIENCE_S
    while (row := _daemon(server))["pid"] == dead or not row["ready"]:
        if time.monotonic() > end:
            sys.exit("no daemon has come in the place of a dead one")
        time.sleep(0.05)


def replace_server(server: Server, present: list[subprocess.Popen[bytes]]) -> None:
    """Start a server that takes the place of the last of those given, and add it to them."""
    with (server.folder / "log").open("ab") as log:
        command = [*SPARROW, "serve", "--replace", *_config(server)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    present.append(process)
    end = time.monotonic() + _PATIENCE_S
    while present[-2].poll() is None:
        if process.poll() is not None or time.monotonic() > end:
            log = (server.folder / "log").read_text(errors="replace")
            sys.exit(f"a successor does not take over:\n{log[-4000:]}")
        time.sleep(0.05)


def _config(server: Server) -> list[str]:
    return ["--config", str(server.folder / "sparrow.yaml")]


def _daemon(server: Server) -> dict[str, Any]:
    """Give what the keeper says of its daemon."""
    posts = json.loads((server.folder / "run" / "keeper.json").read_bytes())["posts"]
    return next(post for post in posts if post["name"] == "daemon")


def count_drops(server: Server) -> int:
    """Give the packets that the server's sockets dropped."""
    command = [*SPARROW, "status", "--json", *_config(server)]
    status = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return sum(each["drops"] for worker in status["workers"] for each in worker["sockets"])


def measure(server: Server, mix: Mix, phase: Phase) -> Outcome:
    """Ask while a phase goes on; the bench ends where the queries were over before it."""
    times, wrong = [], 0
    with generating(server, mix, "-Q", _RATE, "-l", _LONGEST) as process:
        time.sleep(1)  # it has begun by then
        for _ in range(phase.count):
            start = time.perf_counter()
            phase.step()
            times.append(time.perf_counter() - start)
            wrong += count_wrong_answers(server, mix) if phase.is_checked else 0
        if process.poll() is not None:
            sys.exit(f"{phase.name} took longer than {_LONGEST} s of queries")
        process.send_signal(signal.SIGINT)  # it says what came of it
        output, _ = process.communicate()
    report = read_report(output)
    return Outcome(report, tuple(times), wrong + _count_refused(report))


def _count_refused(report: Report) -> int:
    return report.answers - report.rcodes.get("NOERROR", 0)


def run(ground: Ground, folder: Path) -> bool:
    """Measure and print; tell whether no query was lost, dropped, or answered wrongly."""
    changing, contents = write_tables(ground, folder)
    mix = next(mix for mix in build_mixes(ground, folder) if "ECS" in mix.name)
    with serving(SERVE, folder / "serve", changing) as server, ExitStack() as stack:
        keepers = [server.process]
        stack.callback(_end_last, keepers)
        turns = iter(contents * _RELOADS)
        phases = (
            Phase("reloads", partial(reload_tables, server, changing.files[0], turns), _RELOADS),
            Phase("daemons killed", partial(kill_daemon, server), _DEATHS, is_checked=True),
            Phase(
                "successors", partial(replace_server, server, keepers), _SUCCESSORS, is_checked=True
            ),
        )
        peace = generate(server, mix, "-Q", _RATE, "-l", _SECONDS)
        outcomes = {"in peace": Outcome(peace, (), _count_refused(peace))}
        for phase in phases:
            outcomes[f"{phase.count} {phase.name}"] = measure(server, mix, phase)
        drops = count_drops(server)
    _print_outcomes(outcomes, drops)
    return drops == 0 and all(each.report.lost == each.wrong == 0 for each in outcomes.values())


def _end_last(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End the server that serves by now; those before it have ended."""
    processes[-1].terminate()
    processes[-1].wait(_PATIENCE_S)


def _print_outcomes(outcomes: dict[str, Outcome], drops: int) -> None:
    rows = []
    for name, outcome in outcomes.items():
        report = outcome.report
        rate, latency = f"{report.rate:,.0f}", f"{report.latency_ms:.3f}"
        rows.append((name, rate, latency, f"{report.worst_ms:.1f}", report.lost, outcome.wrong))
    heads = ("", "answers/s", "latency ms", "worst ms", "lost", "wrong")
    print_table(f"Random client subnets at {_RATE} queries/s", heads, rows)
    print(f"    dropped by sockets: {drops}")
    for name, outcome in outcomes.items():
        if outcome.seconds:
            print(f"    seconds for each of {name}:", *(f"{each:.2f}" for each in outcome.seconds))


def main() -> None:
    """Measure; exit 1 where a query was lost, dropped, or answered wrongly."""
    require_program(*DNSPERF)
    ground = load_ground()
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as name:
        is_good = run(ground, Path(name))
    if not is_good:
        sys.exit("queries were lost, dropped, or answered wrongly")


if __name__ == "__main__":
    main()
