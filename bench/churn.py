"""What clients notice while the tables are reloaded again and again.

    python bench/churn.py

`sparrow serve` answers random client subnets at a steady rate, first in peace, then while
`sparrow reload` follows on `sparrow reload`, each with another table: every hundredth
prefix comes or goes. None may be lost.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from confs import SPARROW
from generator import DNSPERF, generate, generating, read_report
from ground import load_ground
from mixes import build_mixes
from servers import SERVE, require_program, serving
from tabular import print_table

if TYPE_CHECKING:
    from generator import Report
    from ground import Ground
    from mixes import Mix
    from servers import Server

_RATE = "20000"
_SECONDS = "20"
_RELOADS = 4


def write_tables(ground: Ground, folder: Path) -> tuple[Ground, tuple[bytes, ...]]:
    """Write tables that may be replaced; give them, and both contents of the first one."""
    contents = [gzip.decompress(path.read_bytes()) for path in ground.files]
    files = tuple(folder / path.name.removesuffix(".gz") for path in ground.files)
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    lines = contents[0].splitlines(keepends=True)
    thinned = b"".join(line for number, line in enumerate(lines) if number % 100)
    return replace(ground, files=files), (thinned, contents[0])


def reload_tables(server: Server, table: Path, contents: tuple[bytes, ...]) -> list[float]:
    """Reload a few times, with another table each time; give the seconds that each took."""
    times = []
    for number in range(_RELOADS):
        aside = table.with_suffix(".aside")
        aside.write_bytes(contents[number % len(contents)])
        aside.rename(table)
        start = time.perf_counter()
        command = [*SPARROW, "reload", "--config", str(server.folder / "sparrow.yaml")]
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return times


def measure(server: Server, mix: Mix, table: Path, contents: tuple[bytes, ...]) -> bool:
    """Print what clients get in peace and under churn; tell whether no query was lost."""
    options = ("-Q", _RATE, "-l", _SECONDS)
    peace = generate(server, mix, *options)
    with generating(server, mix, *options) as process:
        time.sleep(1)  # it has begun by then
        times = reload_tables(server, table, contents)
        output, _ = process.communicate()
    churn = read_report(output)
    rows = [_row("in peace", peace), _row(f"{_RELOADS} reloads", churn)]
    heads = ("", "answers/s", "latency ms", "worst ms", "lost")
    print_table(f"Random client subnets at {_RATE} queries/s, {_SECONDS} s", heads, rows)
    print("    seconds for each reload:", ", ".join(f"{each:.2f}" for each in times))
    return peace.lost == churn.lost == 0


def _row(name: str, report: Report) -> tuple[object, ...]:
    rate, latency = f"{report.rate:,.0f}", f"{report.latency_ms:.3f}"
    return (name, rate, latency, f"{report.worst_ms:.1f}", report.lost)


def main() -> None:
    """Measure; exit 1 where a query was lost."""
    require_program(*DNSPERF)
    ground = load_ground()
    with tempfile.TemporaryDirectory(prefix="sparrow-bench-") as name:
        folder = Path(name)
        changing, contents = write_tables(ground, folder)
        ecs = next(mix for mix in build_mixes(ground, folder) if "ECS" in mix.name)
        with serving(SERVE, folder / "serve", changing) as server:
            is_good = measure(server, ecs, changing.files[0], contents)
    if not is_good:
        sys.exit("queries were lost")


if __name__ == "__main__":
    main()
