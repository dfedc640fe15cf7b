"""What is held back of what routes would move, against one address after the other."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, permutations
from random import Random
from typing import TYPE_CHECKING

import pytest
from threesites import SITE_SET, table
from viewscenes import SITE_SET as FOUR_SITES
from viewscenes import Scene, random_scene, random_table

from sparrow.policy.chart import Chart
from sparrow.policy.damping import Ground, Held, Wish, damp
from sparrow.policy.intervals import SPECIAL, Intervals
from sparrow.policy.knowledge import Lore, Views
from sparrow.policy.ranking import Rules, Step, rank_some
from sparrow.policy.site import Service, SiteSet
from sparrow.policy.starts import build_starts
from sparrow.policy.staying import Damping
from sparrow.policy.steering import (
    MAX_CLASSES,
    AddressMap,
    Client,
    Policy,
    Steering,
    build_base_map,
    build_ranked_steering,
    build_steering,
)
from sparrow.policy.survey import build_knowledge
from sparrow.rib.overlay import overlay
from sparrow.values.address import FAMILIES, IPV4, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.policy.damping import Damped
    from sparrow.rib.snapshot import Snapshot

FREE = Damping(hold_s=100, budget=None)
KEY = ("default", IPV4)
EMPTY_V6 = Intervals(128, build_starts(128, (0,)), array("I", (0,)))


def services_of(sites: SiteSet) -> dict[str, Service]:
    vips = {number: site.vips for number, site in enumerate(sites.sites)}
    return {"default": Service("default", vips)}


def class_at(steering: Steering, family: int, address: int) -> tuple[tuple[int, ...], bool]:
    """Give the class of an address, and whether its block is flagged."""
    policy = steering.policies[KEY]
    if policy.address_map is None:
        return policy.classes[0], False
    code = policy.address_map.of_family(family).find(address).code
    return policy.classes[code & SPECIAL - 1] if code < 2 * SPECIAL else (), code >= SPECIAL


# One address after the other.


@dataclass
class Model:
    """What one address gets over time."""

    served: tuple[int, ...]
    target: int | None = None
    since_s: float = 0.0
    was_flagged: bool = False

    def step(
        self, fresh: tuple[tuple[int, ...], bool], now_s: float, may: Callable[[], bool]
    ) -> None:
        """Take the class that the address would have now; `may` tells whether it may go."""
        new, is_flagged = fresh
        was_flagged, self.was_flagged = self.was_flagged, is_flagged
        old = self.served
        is_held = not (is_flagged or was_flagged) and bool(old and new) and old[0] != new[0]
        if not is_held or may():
            self.served, self.target = new, None
            return
        if self.target != new[0]:
            self.target, self.since_s = new[0], now_s
        if now_s - self.since_s >= FREE.hold_s:
            self.served, self.target = new, None


Orders = tuple[tuple[int, ...], tuple[int, ...]]


def may_go(scenes: tuple[Scene, Scene], place: tuple[int, int], orders: Orders) -> bool:
    """Tell whether an address may leave the first of a class for that of another at once."""
    (before, scene), ((old, *_), (new, *_)) = scenes, orders
    evidence = scene.evidence(*place)
    if scene.find_union(*place) is None:
        return True
    if any(each.hops is not None for each in evidence):
        if evidence[old].hops is None or old in scene.rules.last:
            return True
    elif scene.home(*place) is None or any(e.hops is not None for e in before.evidence(*place)):
        return True
    wide = replace(
        scene.rules,
        rtt_margin_ms=scene.rules.rtt_margin_ms + FREE.margin_ms,
        distance_margin_km=scene.rules.distance_margin_km + FREE.margin_km,
        path_margin=scene.rules.path_margin + FREE.margin_hops,
    )
    winner = rank_some(evidence, sorted((old, new)), wide)[0]
    return winner.site == new and winner.step not in {Step.NEAREST, Step.CONFIGURED, Step.REMAINING}


def union_of(scene: Scene) -> Snapshot:
    tables = [*(scene.views[site] for site in sorted(scene.views, reverse=True)), scene.common]
    return overlay([each.snapshot for each in tables])


def steer(scene: Scene) -> Steering:
    chart = Chart(scene.knowledge, FOUR_SITES.self_site)
    return build_ranked_steering(FOUR_SITES, services_of(FOUR_SITES), chart, scene.rules)


def vary(rng: Random, scene: Scene) -> Scene:
    """Give the scene after some tables changed."""
    common = random_table(rng) if rng.random() < 0.3 else scene.common
    views = {
        site: random_table(rng) if rng.random() < 0.3 else found
        for site, found in scene.views.items()
    }
    return Scene(common, views, scene.lore, scene.rules)


@pytest.mark.parametrize("seed", range(40))
def test_every_address_is_held_and_let_go_as_if_it_were_alone(seed: int) -> None:
    rng = Random(seed)
    scene = random_scene(rng)
    places = [(family, each) for family in FAMILIES for each in scene.probes(rng, family)]
    now_s, before, held = 1000.0, steer(scene), Held()
    models = {}
    for place in places:
        served, is_flagged = class_at(before, *place)
        models[place] = Model(served, was_flagged=is_flagged)
    for _ in range(6):
        scenes = scene, vary(rng, scene)
        scene = scenes[1]
        now_s += rng.choice((1, 60, 150))
        fresh = steer(scene)
        found = damp(before, Ground(FREE, fresh, union_of(scene), now_s), held)
        before, held = found.steering, found.held
        for place, model in models.items():
            new = class_at(fresh, *place)
            model.step(new, now_s, partial(may_go, scenes, place, (model.served, new[0])))
            served, is_flagged = class_at(before, *place)
            assert model.served == served
            wish = held.find(*KEY, place)
            assert (model.target is not None) == (wish is not None)
            if wish is not None and model.target is not None:
                target = FOUR_SITES.sites[model.target].name
                assert (target, model.since_s) == (wish.target, wish.since_s)


@pytest.mark.parametrize("seed", range(10))
def test_without_margins_the_ranking_is_served_as_it_is(seed: int) -> None:
    rng = Random(seed)
    scene = random_scene(rng)
    before = steer(scene)
    scene = vary(rng, scene)
    plain = Damping(margin_ms=0, margin_km=0, margin_hops=0, hold_s=1e9, budget=None)
    fresh = steer(scene)
    found = damp(before, Ground(plain, fresh, union_of(scene), 5.0), Held())
    assert (fresh.policies, {}) == (found.steering.policies, found.held.wishes)


# By the common view, line by line.


def plain_steering(lines: str) -> Steering:
    base_map = build_base_map(SITE_SET, table(lines))
    return build_steering(SITE_SET, services_of(SITE_SET), base_map)


def change(
    before: Steering | None, lines: str, now_s: float, held: Held, damping: Damping = FREE
) -> Damped:
    return damp(before, Ground(damping, plain_steering(lines), table(lines), now_s), held)


def site_at(steering: Steering, address: str) -> str:
    order, _ = class_at(steering, IPV4, int.from_bytes(parse_address(address), "big"))
    return SITE_SET.sites[order[0]].name


OLD, NEW = "20.0.0.0/8 2; 21.0.0.0/8 2", "20.0.0.0/8 3; 21.0.0.0/8 2"


def test_a_changed_path_is_held_until_it_has_lasted() -> None:
    first = change(plain_steering(OLD), NEW, 1000, Held())
    assert ("nl", 1100) == (site_at(first.steering, "20.0.0.1"), first.held.next_s)
    (wish,) = first.held.wishes[KEY]
    assert Wish(IPV4, 20 << 24, 21 << 24, ("nl", "au", "us"), "us", 1000) == wish
    second = change(first.steering, NEW, 1099, first.held)
    assert "nl" == site_at(second.steering, "20.0.0.1")
    third = change(second.steering, NEW, 1100, second.held)
    assert ("us", {}, None) == (
        site_at(third.steering, "20.0.0.1"),
        third.held.wishes,
        third.held.next_s,
    )


def test_a_path_that_flaps_moves_nobody() -> None:
    steering, held = plain_steering(OLD), Held()
    for step in range(40):
        found = change(steering, (NEW, OLD)[step % 2], 1000 + 50 * step, held)
        steering, held = found.steering, found.held
        assert "nl" == site_at(steering, "20.0.0.1")


def test_a_clock_that_is_set_back_holds_nobody_for_longer() -> None:
    damping = replace(FREE, budget=0.5)
    first = change(plain_steering(OLD), NEW, 90_000, Held(), damping)
    held = replace(first.held, gone=((90_000, IPV4, 1 << 24),))
    second = change(first.steering, NEW, 1000, held, damping)
    assert ("nl", 1100) == (site_at(second.steering, "20.0.0.1"), second.held.next_s)
    assert ((1000, IPV4, 1 << 24),) == second.held.gone
    third = change(second.steering, NEW, 1100, second.held, damping)
    assert ("us", {}) == (site_at(third.steering, "20.0.0.1"), third.held.wishes)


def test_addresses_without_any_route_go_at_once() -> None:
    found = change(plain_steering(OLD), "21.0.0.0/8 2", 1000, Held())
    assert ("au", {}) == (site_at(found.steering, "20.0.0.1"), found.held.wishes)


def test_what_was_held_is_held_on_after_a_start() -> None:
    held = change(plain_steering(OLD), NEW, 1000, Held()).held
    again = change(None, NEW, 1050, held)
    assert ("nl", held.wishes) == (site_at(again.steering, "20.0.0.1"), again.held.wishes)
    assert "us" == site_at(change(None, NEW, 1100, held).steering, "20.0.0.1")
    assert {} == change(None, OLD, 1050, held).held.wishes


def test_what_is_held_of_a_site_that_is_gone_is_forgotten() -> None:
    wish = Wish(IPV4, 20 << 24, 21 << 24, ("nl", "gone"), "us", 1000)
    found = change(None, NEW, 1001, Held({KEY: (wish,)}))
    assert ("us", {}) == (site_at(found.steering, "20.0.0.1"), found.held.wishes)


def test_the_budget_lets_some_go_and_the_others_later() -> None:
    lines = [f"{number}.0.0.0/8 2" for number in range(20, 30)]
    moved = [line.replace(" 2", " 3") for line in lines]
    moved[1::2] = lines[1::2]  # neighbours would be one stretch
    damping = replace(FREE, budget=0.2)
    steering = plain_steering(";".join(lines))
    found = change(steering, ";".join(moved), 1000, Held(), damping)
    found = change(found.steering, ";".join(moved), 1100, found.held, damping)
    sites = [site_at(found.steering, f"{number}.0.0.1") for number in range(20, 30, 2)]
    assert (2, 3) == (sites.count("us"), sites.count("nl"))
    assert 1160 == found.held.next_s
    found = change(found.steering, ";".join(moved), 1159, found.held, damping)
    assert 3 == len(found.held.wishes[KEY])
    found = change(found.steering, ";".join(moved), 1160, found.held, damping)
    assert 1 == len(found.held.wishes[KEY])


def test_a_stretch_that_is_larger_than_the_budget_goes_alone() -> None:
    damping = replace(FREE, budget=0.01)
    found = change(plain_steering(OLD), NEW, 1000, Held(), damping)
    assert "us" == site_at(
        change(found.steering, NEW, 1100, found.held, damping).steering, "20.1.1.1"
    )


def test_a_change_behind_the_first_site_is_taken_at_once() -> None:
    sites = replace(
        SITE_SET, sites=(*SITE_SET.sites[:2], replace(SITE_SET.sites[2], fallback=(1,)))
    )
    before = build_steering(sites, services_of(sites), build_base_map(sites, table(OLD)))
    found = change(before, OLD, 1000, Held())
    assert {} == found.held.wishes
    assert plain_steering(OLD).policies == found.steering.policies


# Clients of whom nothing is known until somebody has been asked.


def asked_steering(lines: str) -> Steering:
    base_map = build_base_map(SITE_SET, table(lines), is_asked_for=True)
    return build_steering(SITE_SET, services_of(SITE_SET), base_map, is_asked_for=True)


def change_asked(before: Steering, lines: str) -> Damped:
    return damp(before, Ground(FREE, asked_steering(lines), table(lines), 1000), Held())


def is_unknown_at(steering: Steering, address: str) -> bool:
    client = Client(parse_address(address))
    return steering.choose("default", IPV4, client).is_unknown


def test_who_becomes_known_goes_at_once_and_others_are_held_beside_him() -> None:
    before = asked_steering("20.0.0.0/8 2; 21.0.0.0/8 2")
    found = change_asked(before, "20.0.0.0/8 3; 21.0.0.0/8 2; 22.0.0.0/8 3")
    (wish,) = found.held.wishes[KEY]
    assert (20 << 24, 21 << 24, "us") == (wish.start, wish.end, wish.target)
    sites = [site_at(found.steering, f"{first}.0.0.1") for first in (20, 21, 22, 23)]
    assert ["nl", "nl", "us", "au"] == sites
    unknown = [is_unknown_at(found.steering, f"{first}.0.0.1") for first in (20, 22, 23)]
    assert [False, False, True] == unknown


def test_who_is_forgotten_is_unknown_at_once() -> None:
    found = change_asked(asked_steering("20.0.0.0/8 2; 0.0.0.0/0 2"), "20.0.0.0/8 2")
    assert ({}, True) == (found.held.wishes, is_unknown_at(found.steering, "30.0.0.1"))


# Much at once.


def test_what_goes_at_one_time_is_remembered_as_one() -> None:
    lines = [f"20.0.{number}.0/24 2" for number in range(0, 200, 2)]
    moved = [line.replace(" 2", " 3") for line in lines]
    damping = replace(FREE, hold_s=0)
    found = change(plain_steering(";".join(lines)), ";".join(moved), 1000, Held(), damping)
    assert ((1000, IPV4, 100 * 256),) == found.held.gone


def test_a_class_that_there_is_no_room_for_is_let_go() -> None:
    orders = list(islice(permutations(range(9)), MAX_CLASSES + 1))
    names = [f"s{number}" for number in range(9)]
    sites = SiteSet(tuple(replace(SITE_SET.sites[0], name=name) for name in names), 0)
    service = {"default": Service("default", dict.fromkeys(range(9), (b"\x0a\0\0\1",)))}
    last = next(order for order in permutations(range(9)) if order[0] == 8)
    one = AddressMap(Intervals(32, build_starts(32, (0,)), array("I", (0,))), EMPTY_V6)

    def steer_by(classes: list[tuple[int, ...]]) -> Steering:
        return Steering(sites, service, {KEY: Policy(tuple(classes), one, (0,))})

    before, routes = steer_by([last]), table("0.0.0.0/0 2")
    full = damp(before, Ground(FREE, steer_by(orders[:-1]), routes, 1000), Held())
    assert (MAX_CLASSES, {}) == (len(full.steering.policies[KEY].classes), full.held.wishes)
    spare = damp(before, Ground(FREE, steer_by(orders[:-2]), routes, 1000), Held())
    policy = spare.steering.policies[KEY]
    assert (MAX_CLASSES, last) == (len(policy.classes), class_at(spare.steering, 4, 0)[0])


def test_the_view_of_a_site_without_the_service_says_nothing_of_who_has_a_route() -> None:
    services = {
        "default": Service("default", {1: SITE_SET.sites[1].vips, 2: SITE_SET.sites[2].vips})
    }

    def steer_on(lines: str) -> tuple[Steering, Snapshot]:
        common, own = table(lines), table("20.0.0.0/8 9")
        views = Views(common, {0: own}, overlay([own, common]))
        chart = Chart(build_knowledge(SITE_SET, views, Lore()), SITE_SET.self_site)
        return build_ranked_steering(SITE_SET, services, chart, Rules()), views.union

    before, _ = steer_on(f"{OLD}; 22.0.0.0/8 3")
    after, union = steer_on(f"{NEW}; 22.0.0.0/8 3")
    found = damp(before, Ground(FREE, after, union, 1000), Held())
    assert "nl" == site_at(found.steering, "20.0.0.1")
