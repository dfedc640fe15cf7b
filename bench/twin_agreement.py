"""Whether the twins agree on a million packets over 400 random plans.

    python bench/twin_agreement.py [PLANS]

Plans and packets are those of the tests' generators, with other seeds. Half of the
packets of a plan meet the outcome words that were compiled, half of them random ones.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "plan"))

from packets import NOW_S, names_of, random_client, random_packet, random_words
from random_plans import random_authority

from sparrow.plan import native, pureloop
from sparrow.plan.compile import PlanFiles, compile_plan
from sparrow.plan.format import OUTCOMES_MAGIC, OutcomesSection, encode_file
from sparrow.plan.publish import publish_plan
from sparrow.plan.pure import Answered
from sparrow.plan.reader import open_plan

PLANS = 400
PACKETS_PER_PLAN = 2500
FIRST_SEED = 1_000_000
"""Far from those of the tests."""
LIMITS = (1232, 1232, 1232, 512, 700, 65535)


def change_words(files: PlanFiles, rng: Random) -> PlanFiles:
    """Give the same plan with random outcome words."""
    words = memoryview(files.outcomes)[-8 * count_words(files) :].cast("Q")
    content = b"".join(word.to_bytes(8, "little") for word in random_words(rng, words))
    outcomes = encode_file(OUTCOMES_MAGIC, files.serial, {OutcomesSection.WORDS: content})
    return PlanFiles(files.serial, files.answers, files.maps, outcomes)


def count_words(files: PlanFiles) -> int:
    """Give the number of outcome words, which end the file."""
    return (len(files.outcomes) - 56) // 8


def compare(seed: int, seen: Counter[str]) -> None:
    """Compare the twins over one plan; end the bench at the first packet they differ on."""
    rng = Random(seed)
    authority = random_authority(seed)
    compiled = compile_plan(authority, 1, rng.getrandbits(64))
    names = names_of(authority.zones)
    for files in (compiled, change_words(compiled, rng)):
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name) / "plan"
            publish_plan(directory, files, 1)
            plan = open_plan(directory)
        pure, fast = pureloop.Responder(plan), native.Responder(plan)
        for _ in range(PACKETS_PER_PLAN // 2):
            packet = random_packet(rng, names, authority.identity.cookie_secrets)
            asked = (packet, random_client(rng), rng.choice(LIMITS), NOW_S)
            expected, found = pure.answer(*asked), fast.answer(*asked)
            if expected != found:
                sys.exit(f"seed {seed}: {expected} and {found} for {asked}")
            is_answered = isinstance(expected, Answered)
            seen[f"rcode {expected.rcode:d}" if is_answered else str(expected)] += 1


def main() -> None:
    """Compare, and tell what was answered."""
    plans = int(sys.argv[1]) if len(sys.argv) > 1 else PLANS
    seen: Counter[str] = Counter()
    start = perf_counter()
    for seed in range(FIRST_SEED, FIRST_SEED + plans):
        compare(seed, seen)
    print(f"{seen.total():,} packets, {plans} plans, {perf_counter() - start:.0f} s: all equal")
    for what, count in seen.most_common():
        print(f"  {count:9,}  {what}")


if __name__ == "__main__":
    main()
