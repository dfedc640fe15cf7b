"""The order of sites in every cell, against choosing for one address after the other."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from viewscenes import COUNT, SITE_SET, Scene, random_scene

from sparrow.policy.chart import Chart
from sparrow.policy.intervals import SPECIAL, WRAPPED
from sparrow.policy.preferring import Ground, prefer
from sparrow.policy.ranking import RankBy, rank_some
from sparrow.rib.twin import native
from sparrow.values.address import BITS, FAMILIES

if TYPE_CHECKING:
    from sparrow.policy.ranking import Evidence, Rules

SEEDS = range(60)
TWINS = [pytest.param(True, id="pure"), pytest.param(False, id="native")]


def slow_order(scene: Scene, family: int, address: int, sites: list[int]) -> tuple[int, ...]:
    """Choose by the words of the documentation."""
    evidence = scene.evidence(family, address)
    ranked = tuple(place.site for place in rank_some(evidence, sites, scene.rules))
    order: tuple[int, ...] = (SITE_SET.self_site,)
    if any(evidence[site].hops is not None for site in sites):
        order = ranked
    elif (home := scene.home(family, address)) is not None:
        order = (home,)
    elif any(is_near(evidence[site], scene.rules) for site in sites):
        order = ranked
    lore = scene.lore
    wanted = lore.overrides.find(family, address) if lore.overrides else None
    if wanted is None:
        origin = scene.find_union(family, address)
        by_asn = lore.override_of_asn or {}
        wanted = next((by_asn[a] for a in (origin.origins if origin else ()) if a in by_asn), None)
    site = None if wanted is None else lore.override_sites[wanted]
    if site is not None and site in sites:
        order = (site, *(each for each in order if each != site))
    return order


def is_near(evidence: Evidence, rules: Rules) -> bool:
    figures = {RankBy.RTT: evidence.rtt_ms, RankBy.DISTANCE: evidence.distance_km}
    return any(figures.get(metric) is not None for metric in rules.rank_by)


def slow_mark(scene: Scene, family: int, address: int) -> int:
    is_wrapped, is_special, _ = scene.marks[family].find(address)
    if is_wrapped:
        return WRAPPED
    overrides = scene.lore.overrides
    if is_special and overrides:
        is_special = bool(overrides.of_family(family).find(address).code & SPECIAL)
    return SPECIAL if is_special else 0


def some_sites(rng: Random) -> list[int]:
    return sorted(rng.sample(range(COUNT), rng.randint(1, COUNT)))


@pytest.mark.parametrize(
    "is_pure", [pytest.param(True, id="pure"), pytest.param(False, id="native")]
)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_address_has_the_order_that_its_own_evidence_gives(
    seed: int, *, is_pure: bool
) -> None:
    if not is_pure and native is None:
        pytest.skip("the native module is not built")
    rng = Random(seed)
    scene, sites = random_scene(rng), some_sites(rng)
    ranked = Chart(scene.knowledge, SITE_SET.self_site).rank(sites, scene.rules, is_pure=is_pure)
    drawn = ranked.draw(range(len(ranked.orders)))
    for family in FAMILIES:
        for address in scene.probes(rng, family):
            code = drawn.of_family(family).find(address).code
            mark = slow_mark(scene, family, address)
            assert mark == code & (SPECIAL | WRAPPED)
            if mark != WRAPPED:
                expected = slow_order(scene, family, address, sites)
                assert expected == ranked.orders[code & SPECIAL - 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_address_is_explained_as_it_is_mapped(seed: int) -> None:
    rng = Random(seed)
    scene, sites = random_scene(rng), some_sites(rng)
    for family in FAMILIES:
        for address in scene.probes(rng, family):
            if slow_mark(scene, family, address) != WRAPPED:
                known = scene.knowledge.find(address.to_bytes(BITS[family] // 8, "big"))
                found = prefer(known, sites, scene.rules, SITE_SET.self_site)
                assert slow_order(scene, family, address, sites) == found.sites
                is_covered = any(scene.evidence(family, address)[s].hops for s in sites)
                assert is_covered == (found.ground is Ground.VIEWS)
                assert scene.evidence(family, address) == list(known.evidence)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_twins_give_the_same_orders_in_every_cell(seed: int) -> None:
    if native is None:
        pytest.skip("the native module is not built")
    rng = Random(seed)
    scene, sites = random_scene(rng), some_sites(rng)
    chart = Chart(scene.knowledge, SITE_SET.self_site)
    pure, fast = (chart.rank(sites, scene.rules, is_pure=each) for each in (True, False))
    assert (pure.orders, pure.numbers, pure.marks) == (fast.orders, fast.numbers, fast.marks)
