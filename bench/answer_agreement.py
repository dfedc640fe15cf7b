"""Whether a hundred thousand queries over forty sets of random zones are answered as named does.

    python bench/answer_agreement.py [SETS]

Zones and queries are those of the tests' generators, with other seeds. Every query is asked
over TCP and over UDP; named runs from PATH or /usr/sbin.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from random import Random
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "agreement"))

from agreement import Pair
from answers import names_of
from nameservers import serving_named, serving_sparrow, static_zones
from randomzones import write_random_zones
from wholeagreement import compare_whole
from wholeanswers import random_queries

SETS = 40
QUERIES_PER_SET = 2500
FIRST_SEED = 1_000_000
"""Far from those of the tests."""
PORTS = 5398, 5399
"""Of named and of sparrow."""


def compare(seed: int, program: str) -> list[str]:
    """Compare one set of zones; give what is wrong with our answers."""
    rng = Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, each) for each in ("zones", "named", "sparrow")]
        for folder in folders:
            folder.mkdir()
        zones = write_random_zones(rng, folders[0])
        queries = random_queries(rng, names_of(zones), QUERIES_PER_SET)
        with (
            serving_named(program, zones, folders[1], PORTS[0]) as peer,
            serving_sparrow(static_zones(zones), folders[2], PORTS[1]) as sparrow,
        ):
            return compare_whole(Pair(zones, sparrow, peer, "named"), queries)


def main() -> None:
    """Compare, and end at the first set that has differences."""
    program = shutil.which("named") or shutil.which("named", path="/usr/sbin")
    if program is None:
        sys.exit("named is not installed")
    sets = int(sys.argv[1]) if len(sys.argv) > 1 else SETS
    start = perf_counter()
    for seed in range(FIRST_SEED, FIRST_SEED + sets):
        wrong = compare(seed, program)
        if wrong:
            sys.exit(f"seed {seed}: {len(wrong)} differ:\n\n" + "\n\n".join(wrong[:5]))
    count = sets * QUERIES_PER_SET
    print(f"{count:,} queries, {sets} sets, {perf_counter() - start:.0f} s: all as named answers")


if __name__ == "__main__":
    main()
