"""Which mode is in force."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from sparrow.policy.modes import Mode, ModeReason, choose_mode, list_serving
from sparrow.policy.outcome import Condition, Standing

SITES = ("au", "nl", "us")
MODES = tuple(
    Mode(key, frozenset() if key == "normal" else frozenset(key.split("+")), f"/routes/{key}")
    for key in ("au", "nl+au", "normal")
)
SERVING, FAILED = Condition(), Condition(Standing.FAILED)
DRAINED, BARRED = Condition(Standing.DRAINED), Condition(Standing.BARRED)


@pytest.mark.parametrize(
    ("up", "key", "reason"),
    [
        ("au nl us", "normal", ModeReason.ALL_UP),
        ("", "normal", ModeReason.ALL_DOWN),
        ("au", "au", ModeReason.LISTED),
        ("au nl", "nl+au", ModeReason.LISTED),
        ("nl au", "nl+au", ModeReason.LISTED),
        ("nl", "normal", ModeReason.UNLISTED),
        ("nl us", "normal", ModeReason.UNLISTED),
        ("au us", "normal", ModeReason.UNLISTED),
        ("us", "normal", ModeReason.UNLISTED),
    ],
)
def test_the_sites_that_are_up_choose_the_mode(up: str, key: str, reason: ModeReason) -> None:
    choice = choose_mode(MODES, SITES, up.split())
    assert (key, f"/routes/{key}", reason) == (choice.mode.key, choice.mode.path, choice.reason)


def test_every_set_of_sites_has_a_mode() -> None:
    sets = list(chain.from_iterable(combinations(SITES, size) for size in range(4)))
    chosen = [choose_mode(MODES, SITES, up) for up in sets]
    assert [tuple(sorted(up)) for up in sets] == [choice.up for choice in chosen]


def test_all_up_is_normal_even_where_that_set_has_a_key() -> None:
    modes = (Mode("au+nl", frozenset(("au", "nl")), "/both"), Mode("normal", frozenset(), "/n"))
    assert "/n" == choose_mode(modes, ("au", "nl"), ("au", "nl")).mode.path


def test_a_set_without_a_mode_says_so() -> None:
    assert (
        "mode normal: no mode is configured for these sites, so the built-in skipping does "
        "the rest (nl+us)" == str(choose_mode(MODES, SITES, ("us", "nl")))
    )


@pytest.mark.parametrize(
    ("v4", "v6", "is_up"),
    [
        (SERVING, SERVING, True),
        (FAILED, SERVING, True),
        (SERVING, FAILED, True),
        (FAILED, FAILED, False),
        (DRAINED, DRAINED, False),
        (BARRED, BARRED, False),
        (DRAINED, SERVING, True),
    ],
)
def test_a_site_is_up_while_one_of_its_families_serves(
    v4: Condition, v6: Condition, *, is_up: bool
) -> None:
    assert is_up == ("au" in list_serving({"au": (4, 6)}, {"au": (v4, v6)}))


def test_a_family_that_a_site_never_had_keeps_it_not_up() -> None:
    families = {"au": (4,), "nl": (6,), "us": ()}
    conditions = {"au": (FAILED, SERVING), "nl": (SERVING, FAILED), "us": (FAILED, SERVING)}
    assert {"us"} == list_serving(families, conditions)


def test_a_site_that_nobody_speaks_of_is_up() -> None:
    assert {"au"} == list_serving({"au": ()}, {})
