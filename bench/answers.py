"""CPU time per answer of each server, as a multiple of a bare echo's.

    python bench/answers.py [--rounds N] [--seconds N] [SERVER ...]

Two busy virtual CPUs disturb each other by 20 to 50 %, so server and generator share one
CPU. All servers run throughout; slices of one second in shuffled order make a round, and
within a round each server's time per answer is divided by the echo's. Of these ratios the
median over all rounds is given: what disturbs a whole round cancels, what disturbs one
slice does not count. A second echo shows what noise is left.

The time is that of the processes that own the socket, from schedstat. 500 clients ask,
because the tricks that a few sockets make possible are of no use with real resolvers.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from costs import cpu_ns, owners_of, spent_ns
from generator import DNSPERF, Report, generate
from ground import Ground, load_ground
from mixes import Mix, Outcome, build_mixes
from servers import ECHO, MAKES, Make, Server, choose_makes, require_program, serving
from tabular import print_table
from wire import NOERROR, exchange, read_outcome

_CHECKED = 5000
"""Queries of a mix whose answers are looked at one by one."""
_RCODES = {0: "NOERROR", 3: "NXDOMAIN"}


@dataclass(frozen=True, slots=True)
class Slice:
    """What one run of the generator against one server gave."""

    answers: int
    """Responses that came in time."""
    lost: int
    """Queries without one."""
    wrong: int
    """Responses with another rcode than is right."""
    cpu_ns: int
    """Time of the server."""

    @property
    def cost_us(self) -> float:
        """Microseconds of the server's time per answer."""
        return self.cpu_ns / max(self.answers, 1) / 1000


@dataclass
class Score:
    """All slices of a server in a mix. `measure` writes it, a row of a table is made of it."""

    slices: list[Slice] = field(default_factory=list)
    """One for each round."""
    wrong: int = 0
    """Wrong answers among those looked at one by one, before the rounds."""


def last_cpu() -> int:
    """Give the CPU that is measured on; the first one gets most interrupts."""
    return max(os.sched_getaffinity(0))


def measure_slice(server: Server, mix: Mix, seconds: int) -> Slice:
    """Let dnsperf ask a server for a while, from the CPU that it runs on."""
    pids = owners_of(server.port)
    before = cpu_ns(pids)
    report = generate(server, mix, "-l", str(seconds), cpu=last_cpu())
    spent = spent_ns(before, cpu_ns(pids))
    wrong = _count_wrong(mix, report) if server.make.steers else 0
    return Slice(report.answers, report.lost, wrong, spent)


def _count_wrong(mix: Mix, report: Report) -> int:
    """Compare rcodes with those of the file, of which whole runs and a beginning were asked."""
    runs, rest = divmod(report.answers, len(mix.expected))
    rcodes = [rcode for rcode, _ in mix.expected]
    return max(
        abs(report.rcodes.get(name, 0) - runs * rcodes.count(rcode) - rcodes[:rest].count(rcode))
        for rcode, name in _RCODES.items()
    )


def count_wrong_answers(server: Server, mix: Mix) -> int:
    """Ask the first queries of a mix one by one and look at what is said."""
    queries = mix.queries[:_CHECKED]
    expected: tuple[Outcome | None, ...] = mix.expected[:_CHECKED]
    if not server.make.steers:
        expected = ((NOERROR, ()),) * len(queries)
    said = (wire and read_outcome(wire) for wire in exchange(server.port, queries))
    return sum(left != right for left, right in zip(expected, said, strict=True))


def measure(
    servers: list[Server], mixes: tuple[Mix, ...], rounds: int, seconds: int
) -> dict[tuple[Make, str], Score]:
    """Measure every server in every mix, one slice a round, in an order that changes."""
    chance = random.Random(rounds)
    scores = {(server.make, mix.name): Score() for server in servers for mix in mixes}
    pairs = [(server, mix) for mix in mixes for server in servers]
    for server, mix in pairs:
        scores[server.make, mix.name].wrong = count_wrong_answers(server, mix)
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", end="\r", file=sys.stderr)
        for mix in mixes:
            for server in chance.sample(servers, len(servers)):
                scores[server.make, mix.name].slices.append(measure_slice(server, mix, seconds))
    print(file=sys.stderr)
    return scores


def print_scores(makes: list[Make], mix: Mix, scores: dict[tuple[Make, str], Score]) -> None:
    """Print a row for each server: its ratio to the echo, and how far apart the rounds are."""
    echo = [each.cost_us for each in scores[ECHO, mix.name].slices]
    rows = []
    for make in makes:
        score = scores[make, mix.name]
        costs = [each.cost_us for each in score.slices]
        ratios = [cost / floor for cost, floor in zip(costs, echo, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        rows.append((
            make.name,
            f"{middle:.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{statistics.median(costs):.2f}",
            f"{statistics.median(each.answers for each in score.slices):,.0f}",
            sum(each.lost for each in score.slices),
            score.wrong + sum(each.wrong for each in score.slices),
        ))  # fmt: skip
    heads = ("server", "x echo", "quartiles", "us/answer", "answers/s", "lost", "wrong")
    print_table(mix.name, heads, rows)


def run(ground: Ground, makes: list[Make], folder: Path, rounds: int, seconds: int) -> bool:
    """Start all servers, measure, print; tell whether nothing was lost or wrong where it counts."""
    mixes = build_mixes(ground, folder)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                serving(make, folder / make.name.replace(" ", "-"), ground, cpu=last_cpu())
            )
            for make in makes
        ]
        scores = measure(servers, mixes, rounds, seconds)
    for mix in mixes:
        print_scores(makes, mix, scores)
    return all(
        score.wrong == 0 and all(each.lost == each.wrong == 0 for each in score.slices)
        for (make, _), score in scores.items()
        if "sparrow" in make.name or not make.steers
    )


def main() -> None:
    """Measure; exit 1 where sparrow or an echo lost a query or answered wrongly."""
    parser = argparse.ArgumentParser(description="CPU time per answer, of each server")
    parser.add_argument("servers", nargs="*", help="parts of names; the echoes are always there")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=1)
    arguments = parser.parse_args()
    require_program(*DNSPERF)
    makes = choose_makes(MAKES, [*arguments.servers, "echo"] if arguments.servers else ())
    print(
        f"{arguments.rounds} rounds of {arguments.seconds} s, on CPU {last_cpu()} of "
        f"{os.cpu_count()}, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as folder:
        is_good = run(load_ground(), makes, Path(folder), arguments.rounds, arguments.seconds)
    if not is_good:
        sys.exit("answers of sparrow or an echo were lost or wrong")


if __name__ == "__main__":
    main()
