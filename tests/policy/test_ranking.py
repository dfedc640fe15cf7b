"""The order of sites for a prefix, against the same rules written another way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.policy.ranking import Evidence, Place, RankBy, Rules, Step, rank, rank_some

RTT, DISTANCE, PATH = RankBy.RTT, RankBy.DISTANCE, RankBy.PATH
DEFAULT = Rules()


def order(evidence: list[Evidence], rules: Rules = DEFAULT) -> list[int]:
    return [place.site for place in rank(evidence, rules)]


def first(evidence: list[Evidence], rules: Rules = DEFAULT) -> Place:
    return rank(evidence, rules)[0]


def far(distance_km: float, hops: int | None = 3) -> Evidence:
    return Evidence(hops=hops, distance_km=distance_km)


def test_the_fastest_site_wins_before_anything_else_is_asked() -> None:
    evidence = [
        Evidence(hops=1, rtt_ms=80, distance_km=10),
        Evidence(hops=9, rtt_ms=20, distance_km=9000),
    ]
    assert Place(1, Step.RTT) == first(evidence)


def test_within_the_margin_of_round_trips_the_nearer_site_wins() -> None:
    evidence = [
        Evidence(hops=1, rtt_ms=20, distance_km=4000),
        Evidence(hops=1, rtt_ms=25, distance_km=100),
    ]
    assert Place(1, Step.DISTANCE) == first(evidence)
    assert Place(0, Step.RTT) == first(evidence, Rules(rtt_margin_ms=4.9))


def test_of_two_sites_in_one_region_the_path_decides() -> None:
    evidence = [far(1000, 4), far(700, 3), far(6000, 1)]
    assert Place(1, Step.PATH) == first(evidence)
    assert Place(0, Step.PATH) == first([far(1000, 2), far(700, 3), far(6000, 1)])


def test_what_is_equal_in_everything_keeps_the_configured_order() -> None:
    places = rank([far(300), far(300), far(300)], Rules())
    assert [0, 1, 2] == [place.site for place in places]
    steps = [place.step for place in places]
    assert [Step.CONFIGURED, Step.CONFIGURED, Step.REMAINING] == steps


def test_the_metrics_are_applied_in_the_order_that_is_given() -> None:
    evidence = [Evidence(5, None, 10, 9000), Evidence(5, None, 90, 50), Evidence(2, None, 95, 9000)]
    winners = {by: first(evidence, Rules(rank_by=by)).site for by in ((RTT,), (DISTANCE,), (PATH,))}
    assert {(RTT,): 0, (DISTANCE,): 1, (PATH,): 2} == winners
    assert 2 == first(evidence, Rules(rank_by=(PATH, RTT, DISTANCE))).site


def test_a_metric_that_is_left_out_plays_no_part() -> None:
    evidence = [Evidence(hops=3, rtt_ms=500), Evidence(hops=3, rtt_ms=1)]
    assert Place(0, Step.CONFIGURED) == first(evidence, Rules(rank_by=(DISTANCE, PATH)))


def test_sites_without_a_route_come_last_however_near_they_are() -> None:
    evidence = [far(1, None), far(9000, 6), far(50, None), far(8000, 6)]
    places = rank(evidence, Rules(depth=4))
    assert [3, 1, 0, 2] == [place.site for place in places]
    assert [Step.DISTANCE, Step.ROUTE, Step.NEAREST, Step.REMAINING] == [
        place.step for place in places
    ]


def test_sites_without_a_route_are_ordered_by_what_else_is_known() -> None:
    assert [1, 0] == order([far(9000, None), far(50, None)])


def test_of_equals_within_the_margins_the_nearest_wins() -> None:
    near, nearer = Evidence(2, None, 20, 400), Evidence(2, None, 21, 100)
    assert Place(0, Step.NEAREST) == first([near, nearer])
    assert Place(1, Step.NEAREST) == first([near, nearer], Rules(rank_by=(DISTANCE, RTT, PATH)))
    assert Place(1, Step.PATH) == first([near, Evidence(1, None, 21, 100)])


def test_a_site_whose_view_is_too_old_comes_behind_those_without_a_route() -> None:
    evidence = [far(1), far(9000), far(50, None)]
    assert [1, 2, 0] == order(evidence, Rules(last=frozenset({0})))
    assert Place(1, Step.ROUTE) == first(evidence, Rules(last=frozenset({0})))
    assert [0, 1, 2] == order(evidence, Rules(last=frozenset({0, 1, 2})))


def test_some_sites_are_ranked_as_if_there_were_no_others() -> None:
    evidence = [far(1), far(9000), far(50, None), far(4000)]
    assert [3, 1, 2] == [place.site for place in rank_some(evidence, (1, 2, 3), Rules())]


def test_the_only_site_with_a_route_wins_by_its_route() -> None:
    assert Place(1, Step.ROUTE) == first([far(1, None), far(9000, 6)])


def test_one_site_is_the_only_one_left() -> None:
    assert (Place(0, Step.REMAINING),) == rank([far(1)], Rules())


def test_no_sites_have_no_ranking() -> None:
    assert () == rank([], Rules())


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_there_are_as_many_places_as_are_asked_for_or_as_there_are_sites(depth: int) -> None:
    places = rank([far(100), far(9000), far(5000, None), far(20, None)], Rules(depth=depth))
    assert [0, 1, 3, 2][:depth] == [place.site for place in places]


def test_a_site_without_a_measurement_is_neither_best_nor_put_out() -> None:
    slow, fast, unknown = (
        Evidence(hops=1, rtt_ms=150, distance_km=10),
        Evidence(hops=1, rtt_ms=20, distance_km=5000),
        Evidence(hops=1, distance_km=100),
    )
    assert Place(2, Step.DISTANCE) == first([slow, fast, unknown])
    assert Place(1, Step.RTT) == first([slow, fast])


def test_a_new_site_without_measurements_does_not_turn_those_of_others_off() -> None:
    evidence = [
        Evidence(hops=1, rtt_ms=150, distance_km=10),
        Evidence(hops=1, rtt_ms=20, distance_km=5000),
        Evidence(hops=1, distance_km=9000),
    ]
    assert [1, 0, 2] == order(evidence)


def test_the_only_measurement_puts_nobody_out() -> None:
    evidence = [Evidence(hops=2, rtt_ms=1), Evidence(hops=1)]
    assert Place(1, Step.PATH) == first(evidence)


def test_a_bias_shortens_the_path_of_its_site() -> None:
    evidence = [Evidence(hops=3), Evidence(hops=4)]
    assert Place(0, Step.PATH) == first(evidence, Rules(biases=(0, 0)))
    assert Place(0, Step.CONFIGURED) == first(evidence, Rules(biases=(0, 1)))
    assert Place(1, Step.PATH) == first(evidence, Rules(biases=(0, 2)))
    assert Place(1, Step.PATH) == first(evidence, Rules(biases=(-2, 0)))


def test_local_preference_counts_only_where_it_is_set_on_purpose() -> None:
    evidence = [Evidence(hops=1, local_pref=90), Evidence(hops=5, local_pref=200)]
    assert Place(0, Step.PATH) == first(evidence)
    assert Place(1, Step.LOCAL_PREF) == first(evidence, Rules(use_local_pref=True))


def test_a_route_without_a_local_preference_has_the_usual_one() -> None:
    rules = Rules(use_local_pref=True)
    assert Place(1, Step.LOCAL_PREF) == first([Evidence(1), Evidence(5, 101)], rules)
    assert Place(0, Step.LOCAL_PREF) == first([Evidence(5), Evidence(1, 99)], rules)
    assert Place(1, Step.PATH) == first([Evidence(5), Evidence(1, 100)], rules)


def test_a_path_within_the_margin_is_as_good() -> None:
    evidence = [Evidence(hops=4), Evidence(hops=3), Evidence(hops=5)]
    rules = Rules(path_margin=1)
    assert Place(0, Step.CONFIGURED) == first(evidence, rules)
    assert Place(0, Step.CONFIGURED) == first([Evidence(hops=4), Evidence(hops=3)], rules)
    assert Place(1, Step.PATH) == first([Evidence(hops=5), Evidence(hops=3)], rules)


def test_the_step_of_a_place_is_the_last_one_that_put_somebody_out() -> None:
    evidence = [
        Evidence(hops=2, rtt_ms=20, distance_km=100),
        Evidence(hops=2, rtt_ms=21, distance_km=200),
        Evidence(hops=2, rtt_ms=99, distance_km=1),
    ]
    assert Place(0, Step.NEAREST) == first(evidence)
    assert Place(0, Step.CONFIGURED) == first(evidence[:1] * 2)
    assert Place(1, Step.DISTANCE) == first(
        [Evidence(2, None, 20, 900), Evidence(2, None, 21, 200), Evidence(2, None, 99, 1)]
    )


# Against a naive version: it knows no tiers and no scales, and gives winners by recursion.

figures = st.none() | st.integers(0, 12)
evidences = st.lists(
    st.builds(
        Evidence,
        hops=st.none() | st.integers(1, 5),
        local_pref=st.none() | st.sampled_from((90, 100, 110)),
        rtt_ms=figures,
        distance_km=figures,
    ),
    max_size=7,
)
any_rules = st.builds(
    Rules,
    rank_by=st.permutations(tuple(RankBy)).flatmap(
        lambda names: st.integers(0, 3).map(lambda count: tuple(names[:count]))
    ),
    rtt_margin_ms=st.integers(0, 4),
    distance_margin_km=st.integers(0, 4),
    path_margin=st.integers(0, 2),
    use_local_pref=st.booleans(),
    biases=st.lists(st.integers(-2, 2), min_size=7, max_size=7).map(tuple),
    depth=st.integers(1, 8),
    last=st.frozensets(st.integers(0, 6)),
)


def without(sites: dict[int, Evidence], beaten: set[int]) -> dict[int, Evidence]:
    return {site: known for site, known in sites.items() if site not in beaten}


def beats(one: float | None, other: float | None, margin: float) -> bool:
    return one is not None and other is not None and one + margin < other


def naive_winner(sites: dict[int, Evidence], rules: Rules) -> int:
    """Let each site be put out by any other that beats it, step by step."""
    standing = set(sites) - rules.last or set(sites)
    with_route = {site for site in standing if sites[site].hops is not None}
    sites = without(sites, set(sites) - (with_route or standing))
    nearest = [
        (value, 0)
        for name in rules.rank_by
        if name is not PATH
        for value, _ in naive_metrics(name, rules)
    ]
    steps = [step for name in rules.rank_by for step in naive_metrics(name, rules)]
    for value, margin in (*steps, *nearest):
        beaten = {
            site
            for site in sites
            if any(beats(value(by, sites[by]), value(site, sites[site]), margin) for by in sites)
        }
        sites = without(sites, beaten)
    return min(sites)


def naive_metrics(name: RankBy, rules: Rules):  # type: ignore[no-untyped-def]  # noqa: ANN201
    if name is RTT:
        return [(lambda _, known: known.rtt_ms, rules.rtt_margin_ms)]
    if name is DISTANCE:
        return [(lambda _, known: known.distance_km, rules.distance_margin_km)]
    length = (
        lambda site, known: known.hops and known.hops - rules.biases[site],
        rules.path_margin,
    )
    preference = (
        lambda _, known: known.hops and -(100 if known.local_pref is None else known.local_pref),
        0,
    )
    return [preference, length] if rules.use_local_pref else [length]


def naive_order(sites: dict[int, Evidence], rules: Rules, depth: int) -> list[int]:
    if not sites or not depth:
        return []
    winner = naive_winner(sites, rules)
    return [winner, *naive_order(without(sites, {winner}), rules, depth - 1)]


@given(evidences, any_rules)
def test_the_order_is_that_of_putting_out_whoever_is_beaten(
    evidence: list[Evidence], rules: Rules
) -> None:
    expected = naive_order(dict(enumerate(evidence)), rules, rules.depth)
    assert expected == order(evidence, rules)


@given(evidences, any_rules)
def test_a_smaller_depth_gives_the_beginning_of_the_same_ranking(
    evidence: list[Evidence], rules: Rules
) -> None:
    whole = rank(evidence, Rules(rules.rank_by, biases=rules.biases, depth=8))
    for depth in range(1, 8):
        assert whole[:depth] == rank(
            evidence, Rules(rules.rank_by, biases=rules.biases, depth=depth)
        )


complete = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8
)


@given(complete, st.permutations((RTT, DISTANCE, PATH)))
def test_without_margins_complete_evidence_is_sorted_metric_by_metric(
    known: list[tuple[int, int, int]], by: list[RankBy]
) -> None:
    evidence = [Evidence(hops, None, rtt, distance) for hops, rtt, distance in known]
    keys = {RTT: 1, DISTANCE: 2, PATH: 0}
    sites = sorted(range(len(known)), key=lambda site: [known[site][keys[name]] for name in by])
    rules = Rules(tuple(by), rtt_margin_ms=0, distance_margin_km=0, path_margin=0, depth=8)
    assert sites == order(evidence, rules)


@given(complete)
def test_without_margins_the_step_is_the_first_difference_from_the_next_place(
    known: list[tuple[int, int, int]],
) -> None:
    evidence = [Evidence(hops, None, rtt, distance) for hops, rtt, distance in known]
    places = rank(evidence, Rules(rtt_margin_ms=0, distance_margin_km=0, path_margin=0, depth=8))
    for place, following in pairwise(places):
        hops, rtt, distance = known[place.site]
        other_hops, other_rtt, other_distance = known[following.site]
        differences = {
            Step.RTT: rtt != other_rtt,
            Step.DISTANCE: distance != other_distance,
            Step.PATH: hops != other_hops,
            Step.CONFIGURED: True,
        }
        assert next(step for step, differs in differences.items() if differs) == place.step
    assert Step.REMAINING == places[-1].step
