"""What tables say, one state of them after the other, beside a fresh start each time."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from viewscenes import SITE_SET, random_scene, random_table

from sparrow.policy.chart import Chart
from sparrow.policy.knowledge import Lore, Views
from sparrow.policy.steering import build_base_map
from sparrow.policy.survey import Survey, build_knowledge
from sparrow.rib.overlay import overlay

if TYPE_CHECKING:
    from sparrow.rib.snapshot import Snapshot


def lay_over(common: Snapshot, of_sites: dict[int, Snapshot]) -> Views:
    return Views(common, dict(of_sites), overlay([*of_sites.values(), common]))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_changed_it_is_what_a_fresh_start_gives(seed: int) -> None:
    rng = Random(seed)
    survey, scene = Survey(SITE_SET), random_scene(rng)
    common, lore = scene.common.snapshot, scene.lore
    of_sites = {site: table.snapshot for site, table in scene.views.items()}
    for _ in range(8):
        what = rng.choice(("common", "view", "gone", "lore", "nothing"))
        if what == "common":
            common = random_table(rng).snapshot
        elif what == "view":
            of_sites[rng.randrange(4)] = random_table(rng).snapshot
        elif what == "gone" and of_sites:
            of_sites.pop(rng.choice([*of_sites]))
        elif what == "lore":
            lore = rng.choice((random_scene(rng).lore, Lore()))
        views = lay_over(common, of_sites)
        found, fresh = survey.build(views, lore), build_knowledge(SITE_SET, views, lore)
        assert fresh == found
        assert Chart(fresh, 0).rank([0, 2, 3], scene.rules) == Chart(found, 0).rank(
            [0, 2, 3], scene.rules
        )


def test_a_layer_whose_table_is_the_same_is_the_same() -> None:
    rng, survey = Random(1), Survey(SITE_SET)
    common, one, two, other = (random_table(rng).snapshot for _ in range(4))
    before = survey.build(lay_over(common, {0: one, 1: two}), Lore())
    after = survey.build(lay_over(common, {0: one, 1: other}), Lore())
    assert before.homes is after.homes
    assert before.views[0] is after.views[0]
    assert before.views[1] is not after.views[1]


@pytest.mark.parametrize("seed", range(10))
def test_homes_make_the_map_that_is_made_without(seed: int) -> None:
    rng, survey = Random(seed), Survey(SITE_SET)
    for _ in range(3):
        table = random_table(rng).snapshot
        homes = survey.homes.find(table.routes)
        assert build_base_map(SITE_SET, table) == build_base_map(SITE_SET, table, homes)
