"""Random zones are answered as named answers for them, over UDP as over TCP."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from agreement import Pair
from answers import names_of
from nameservers import serving_named, serving_sparrow, static_zones
from randomzones import write_random_zones
from wholeagreement import compare_whole
from wholeanswers import random_queries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEEDS = (3, 6, 7)
"""Each has a delegation whose name is as long as a name can be."""
QUERIES = 700


@pytest.mark.parametrize("seed", SEEDS)
def test_random_zones_are_answered_as_by_named(
    needs: Callable[[str], str], free_port: Callable[[], int], tmp_path: Path, seed: int
) -> None:
    program, rng = needs("named"), Random(seed)
    folders = [tmp_path / name for name in ("zones", "named", "sparrow")]
    for folder in folders:
        folder.mkdir()
    zones = write_random_zones(rng, folders[0])
    queries = random_queries(rng, names_of(zones), QUERIES)
    with (
        serving_named(program, zones, folders[1], free_port()) as peer,
        serving_sparrow(static_zones(zones), folders[2], free_port()) as sparrow,
    ):
        assert [] == compare_whole(Pair(zones, sparrow, peer, "named"), queries)
        counters = sparrow.status()["counters"]
        assert QUERIES == counters["queries"]["tcp"]
        assert QUERIES <= counters["queries"]["udp"]  # the start was awaited over UDP
        assert 0 == counters["exceptions"]
