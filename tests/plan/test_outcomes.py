"""Outcome words and merged classes, from META and conditions alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sparrow.plan.format import NO_TTL_CAP, OutcomeFlag
from sparrow.plan.meta import Meta, PolicyMeta, ServiceMeta
from sparrow.plan.outcomes import Column, encode_words, merge_classes
from sparrow.policy.outcome import ALL_SERVING, Condition, LastResort, Standing

FAILED = Condition(Standing.FAILED)
BARRED = Condition(Standing.BARRED)
EMPTY, SERVFAIL, EXACT = OutcomeFlag.EMPTY, OutcomeFlag.SERVFAIL, OutcomeFlag.EXACT


def build_meta(last_resort: LastResort = LastResort.ALL_UP, ttl_min_s: int = 30) -> Meta:
    """Give three sites, a static list behind them, and classes of both families."""
    static_site = 3 if last_resort is LastResort.STATIC else None
    return Meta(
        version=None,
        sites=("au", "nl", "us", "static(192.0.2.9)"),
        services=(ServiceMeta("web", last_resort, static_site, ttl_min_s),),
        policies=(
            PolicyMeta("web", 4, 0, ((0, 1, 2), (1, 0, 2), (2, 1, 0))),
            PolicyMeta("web", 6, 4, ((0, 2), ())),
        ),
    )


def words(*rows: tuple[int, int, int]) -> list[int]:
    return [site | flags << 16 | cap << 32 for site, flags, cap in rows]


def plain(*sites: int) -> list[int]:
    return words(*((site, 0, NO_TTL_CAP) for site in sites))


NEVER = words((0, EMPTY, NO_TTL_CAP))


def test_while_all_serve_each_class_gets_its_first_site() -> None:
    assert plain(0, 1, 2, 0) + NEVER == list(encode_words(build_meta(), ALL_SERVING))


def test_a_site_is_skipped_in_the_family_that_is_down_alone() -> None:
    conditions = {"au": (Condition(), FAILED)}
    assert plain(0, 1, 2, 2) + NEVER == list(encode_words(build_meta(), conditions))
    assert (
        plain(1, 1, 2, 0) + NEVER
        == list(encode_words(build_meta(), {"au": (FAILED, BARRED)}))[:3] + plain(0) + NEVER
    )


@pytest.mark.parametrize(
    ("last_resort", "row"),
    [
        (LastResort.STATIC, (3, 0, NO_TTL_CAP)),
        (LastResort.EMPTY, (0, EMPTY, NO_TTL_CAP)),
        (LastResort.SERVFAIL, (0, SERVFAIL, NO_TTL_CAP)),
    ],
)
def test_the_last_resort_has_its_word(last_resort: LastResort, row: tuple[int, int, int]) -> None:
    conditions = dict.fromkeys(("au", "nl", "us"), (FAILED, FAILED))
    found = list(encode_words(build_meta(last_resort), conditions))
    assert words(row, row, row, row) + NEVER == found


def test_sites_that_are_all_down_by_order_are_empty_whatever_the_last_resort() -> None:
    conditions = dict.fromkeys(("au", "nl", "us"), (BARRED, BARRED))
    for last_resort in LastResort:
        assert NEVER * 5 == list(encode_words(build_meta(last_resort), conditions))


def test_an_unknown_site_changes_nothing() -> None:
    conditions = {"elsewhere": (FAILED, FAILED)}
    assert plain(0, 1, 2, 0) + NEVER == list(encode_words(build_meta(), conditions))


def test_caps_are_in_whole_seconds_and_exact_where_they_are_planned() -> None:
    conditions = {
        "au": (Condition(change_in_s=7.5), Condition(planned_in_s=7.5)),
        "nl": (Condition(change_in_s=1e12), Condition()),
    }
    expected = words(
        (0, 0, 8), (1, 0, NO_TTL_CAP - 1), (2, 0, NO_TTL_CAP), (0, EXACT, 7), (0, EMPTY, NO_TTL_CAP)
    )
    assert expected == list(encode_words(build_meta(), conditions))


def test_a_class_that_stands_for_others_is_kept_no_longer_than_they_are() -> None:
    conditions = {"au": (Condition(Standing.FAILED, 40), FAILED)}
    apart = list(encode_words(build_meta(), conditions))
    merged = list(encode_words(build_meta(), conditions, {0: (1, 1, 2)}))
    assert words((1, 0, 40), (1, 0, NO_TTL_CAP)) == apart[:2]
    assert words((1, 0, 40), (1, 0, 40)) == merged[:2]
    assert apart[2:] == merged[2:]


def test_services_with_equal_policies_have_equal_words() -> None:
    meta = build_meta()
    other = ServiceMeta("mail", LastResort.EMPTY, None, 30)
    twice = replace(
        meta,
        services=(*meta.services, other),
        policies=(*meta.policies, *(replace(each, service="mail") for each in meta.policies)),
    )
    conditions = dict.fromkeys(("au", "nl", "us"), (FAILED, FAILED))
    assert plain(0, 1, 2, 0) + NEVER + NEVER * 5 == list(encode_words(twice, conditions))


ORDERS = ((0, 1, 2), (1, 0, 2), (2, 1, 0))


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ((0, 1, 2), (0, 1, 2)),  # nothing is equal
        ((1, 1, 2), (1, 1, 2)),  # au is down: the class of nl stands for it, not au's
        ((0, 0, 2), (0, 0, 2)),
        ((1, 1, 1), (1, 1, 1)),
        ((3, 3, 3), (0, 0, 0)),  # a static list: no class has it first
    ],
)
def test_the_class_of_the_site_that_is_given_stands_for_the_others(
    sites: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert expected == merge_classes([Column(ORDERS, plain(*sites))])


def test_ttls_keep_no_classes_apart_and_kinds_of_answers_do() -> None:
    rows = words((1, EXACT, 5), (1, 0, 9), (1, EMPTY, 9))
    assert (1, 1, 2) == merge_classes([Column(ORDERS, rows)])


def test_classes_are_merged_only_where_every_policy_gives_them_the_same() -> None:
    columns = [Column(ORDERS, plain(1, 1, 1)), Column(ORDERS, plain(0, 1, 1))]
    assert (0, 1, 1) == merge_classes(columns)


def test_a_class_without_sites_stands_for_others_last_of_all() -> None:
    classes = ((), (0, 1, 2), (1, 0, 2))
    assert (1, 1, 1) == merge_classes([Column(classes, words(*[(0, EMPTY, 9)] * 3))])
