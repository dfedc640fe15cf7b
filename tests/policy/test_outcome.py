"""What a class gets in every state that its sites can be in."""

from __future__ import annotations

from itertools import product

import pytest

from sparrow.policy.outcome import (
    SERVING,
    Action,
    Condition,
    LastResort,
    Outcome,
    Reason,
    Standing,
    cap_ttl,
    choose_outcome,
    join_outcomes,
    list_conditions,
    lower_ttl,
    stand,
)

SITES = 6
ORDERS = tuple(
    tuple(dict.fromkeys((home, (home + 2) % SITES, 0, *range(SITES)))) for home in range(SITES)
)
"""Of each home: itself, its fallback, self, the rest."""
CONDITIONS = {standing: Condition(standing) for standing in Standing}
ASKED_FOR = {
    LastResort.STATIC: Reason.STATIC,
    LastResort.EMPTY: Reason.EMPTY,
    LastResort.SERVFAIL: Reason.SERVFAIL,
}


def expect(order: tuple[int, ...], standings: tuple[Standing, ...], last: LastResort) -> Outcome:
    """Give the outcome by the rules as they are told, one after the other."""
    serving = [site for site in order if standings[site] is Standing.SERVING]
    drained = [site for site in order if standings[site] is Standing.DRAINED]
    failed = [site for site in order if standings[site] is Standing.FAILED]
    both = [site for site in order if standings[site] is Standing.DRAINED_FAILED]
    if serving:
        return Outcome(serving[0], Reason.SERVING)
    if drained:
        return Outcome(drained[0], Reason.DRAINED)
    if not failed + both:
        return Outcome(None, Reason.BARRED)
    if last is LastResort.ALL_UP:
        return Outcome((failed + both)[0], Reason.ALL_UP)
    return Outcome(None, ASKED_FOR[last])


@pytest.mark.parametrize("last_resort", LastResort)
def test_every_state_of_six_sites_gives_what_the_rules_say(last_resort: LastResort) -> None:
    for standings in product(Standing, repeat=SITES):
        conditions = [CONDITIONS[each] for each in standings]
        found = [choose_outcome(order, conditions, last_resort) for order in ORDERS]
        assert [expect(order, standings, last_resort) for order in ORDERS] == found, standings


def test_a_site_that_serves_goes_before_all_and_a_barred_one_is_never_given() -> None:
    for standings in product(Standing, repeat=4):
        conditions = [CONDITIONS[each] for each in standings]
        for last_resort in LastResort:
            outcome = choose_outcome((2, 0, 1, 3), conditions, last_resort)
            given = standings[outcome.site] if outcome.site is not None else None
            assert given is not Standing.BARRED
            if Standing.SERVING in standings:
                assert given is Standing.SERVING
            if last_resort is not LastResort.SERVFAIL:
                assert outcome.reason is not Reason.SERVFAIL


def test_a_site_that_goes_down_moves_only_those_whom_it_served() -> None:
    for standings in product(Standing, repeat=5):
        conditions = [CONDITIONS[each] for each in standings]
        before = [choose_outcome(o, conditions, LastResort.ALL_UP) for o in map(narrow, ORDERS)]
        conditions[1] = CONDITIONS[Standing.FAILED]
        after = [choose_outcome(o, conditions, LastResort.ALL_UP) for o in map(narrow, ORDERS)]
        if any(standings[site] is Standing.SERVING for site in (0, 2, 3, 4)):
            moved = [old.site for old, new in zip(before, after, strict=True) if old != new]
            assert {1} >= set(moved)


def narrow(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(site for site in order if site < 5)


@pytest.mark.parametrize(
    ("action", "is_up", "standing"),
    [
        (Action.AUTO, True, Standing.SERVING),
        (Action.AUTO, False, Standing.FAILED),
        (Action.UP, True, Standing.SERVING),
        (Action.UP, False, Standing.SERVING),
        (Action.DRAIN, True, Standing.DRAINED),
        (Action.DRAIN, False, Standing.DRAINED_FAILED),
        (Action.DOWN, True, Standing.BARRED),
        (Action.DOWN, False, Standing.BARRED),
    ],
)
def test_an_order_beats_what_checks_say(action: Action, standing: Standing, *, is_up: bool) -> None:
    assert standing is stand(action, is_up=is_up)


def test_a_family_that_the_site_never_had_is_empty_whatever_the_last_resort() -> None:
    for last_resort in LastResort:
        assert Outcome(None, Reason.NEVER) == choose_outcome((), (), last_resort)


def test_the_change_is_the_soonest_of_the_sites_that_were_looked_at() -> None:
    conditions = [
        Condition(Standing.FAILED, 30, 500),
        Condition(Standing.SERVING, 9, None),
        Condition(Standing.SERVING, 3, 100),
    ]
    found = choose_outcome((0, 1, 2), conditions, LastResort.ALL_UP)
    assert Outcome(1, Reason.SERVING, 9, 500) == found


@pytest.mark.parametrize(
    ("change", "planned", "floor", "cap"),
    [
        (None, None, 30, (None, False)),
        (9, None, 30, (9, False)),
        (8.2, None, 0, (9, False)),
        (0, None, 0, (1, False)),
        (None, 9.9, 30, (9, True)),
        (None, 0.2, 30, (1, True)),
        (9, 9, 0, (9, True)),
        (9, 20, 30, (20, True)),  # for the floor of 30 the plan is nearer
        (9, 20, 10, (9, False)),
        (40, 20, 10, (20, True)),
    ],
)
def test_the_cap_is_that_of_the_checks_or_of_the_plan(
    change: float | None, planned: float | None, floor: int, cap: tuple[int | None, bool]
) -> None:
    assert cap == cap_ttl(Outcome(1, Reason.SERVING, change, planned), floor)


@pytest.mark.parametrize(
    ("cap", "is_exact", "ttl"),
    [
        (None, False, 60),
        (None, True, 60),
        (9, False, 30),
        (40, False, 40),
        (90, False, 60),
        (9, True, 9),
        (90, True, 60),
    ],
)
def test_a_cap_lowers_a_ttl_to_its_floor_and_below_where_it_is_exact(
    cap: int | None, ttl: int, *, is_exact: bool
) -> None:
    assert ttl == lower_ttl(60, 30, cap, is_exact=is_exact)


def test_joined_outcomes_change_as_soon_as_any_of_them() -> None:
    outcome = Outcome(1, Reason.SERVING, None, 70)
    others = [Outcome(1, Reason.SERVING, 9, None), Outcome(1, Reason.SERVING, 20, 60)]
    assert Outcome(1, Reason.SERVING, 9, 60) == join_outcomes(outcome, others)


def test_a_site_without_conditions_serves() -> None:
    down, drained = Condition(Standing.FAILED), Condition(Standing.DRAINED)
    conditions = {"au": (down, drained)}
    assert (down, SERVING) == list_conditions(("au", "nl"), conditions, 4)
    assert (SERVING, drained) == list_conditions(("nl", "au"), conditions, 6)
