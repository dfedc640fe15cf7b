"""Who may stay with a site: stretch by stretch, as for one address after the other."""

from __future__ import annotations

from array import array
from itertools import pairwise
from random import Random

import pytest
from viewscenes import COUNT, SITE_SET, Scene, random_scene, random_table

from sparrow.policy.intervals import sweep_plain
from sparrow.policy.moves import Move
from sparrow.policy.staying import Court, Damping, Judge, Verdict
from sparrow.policy.steering import Ranking
from sparrow.values.address import BITS, FAMILIES

MANY = 3000
"""Stretches with which all that is known is laid over each other first."""


def open_court(rng: Random, family: int, scene: Scene, sites: list[int]) -> Court:
    """Judge between a scene and one with another table."""
    views = {**scene.views, rng.randrange(COUNT): random_table(rng)}
    other = Scene(scene.common, views, scene.lore, scene.rules)
    table = scene.common.snapshot
    cover = sweep_plain(table.family(family), array("I", (1,)) * len(table.routes), 0)
    before, now = (Ranking(each.knowledge, each.rules) for each in (other, scene))
    return Court(Damping(), family, cover, rng.choice((None, before)), now, sites)


@pytest.mark.parametrize("copies", [1, MANY], ids=["few", "many"])
@pytest.mark.parametrize("seed", range(20))
def test_each_part_is_decided_as_each_of_its_addresses(seed: int, copies: int) -> None:
    rng = Random(seed)
    scene, sites = random_scene(rng), sorted(rng.sample(range(len(SITE_SET.sites)), 3))
    seen = set()
    for family in FAMILIES:
        edges = sorted({0, (1 << BITS[family]) - 1, *scene.probes(rng, family)})
        moves = [Move(start, end, 0, 1) for start, end in pairwise(edges)][::2]
        court = open_court(rng, family, scene, sites)
        judge = Judge(court, moves * copies)
        for move in moves:
            place, (old, new) = move.start, rng.sample(sites, 2)
            for start, end, verdict in judge.judge(move, old, new):
                assert place == start < end
                for address in (start, (start + end) // 2, end - 1):
                    assert court.decide(address, old, new) is verdict
                place = end
                seen.add(verdict)
            assert place == move.end
    assert Verdict.FREE in seen
