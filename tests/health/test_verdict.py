from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.health.verdict import (
    ProbeState,
    Result,
    Thresholds,
    Verdict,
    advance,
    forget,
    soonest_change_s,
)

THRESHOLDS = Thresholds(up=4, ok=3, down=3)
LETTERS = {"o": Result.OK, "d": Result.DEGRADED, "f": Result.FAILED, "?": Result.UNKNOWN}
INTERVAL_S = 3.0


def after(letters: str, thresholds: Thresholds = THRESHOLDS) -> ProbeState:
    """Give the state after some results, from the beginning."""
    results = [LETTERS[letter] for letter in letters]
    return reduce(lambda state, each: advance(state, each, thresholds), results, ProbeState())


@pytest.mark.parametrize(
    ("letters", "verdict"),
    [
        ("", Verdict.UNKNOWN),
        ("?????", Verdict.UNKNOWN),
        ("o", Verdict.UP),
        ("d", Verdict.UP),
        ("f", Verdict.DOWN),
        ("?f", Verdict.DOWN),
        ("off", Verdict.UP),
        ("offf", Verdict.DOWN),
        ("ofofof", Verdict.DOWN),  # failures add up
        ("offoof", Verdict.DOWN),
        ("offooof", Verdict.UP),  # three successes in a row clear them
        ("offo?oof", Verdict.UP),
        ("offo?oofff", Verdict.DOWN),
        ("fooo", Verdict.DOWN),
        ("foooo", Verdict.UP),
        ("fdddd", Verdict.UP),
        ("fooofooo", Verdict.DOWN),  # one failure begins anew
        ("foo?oo", Verdict.UP),
        ("o" * 9 + "f" * 99, Verdict.DOWN),
    ],
)
def test_results_add_up_to_a_verdict(letters: str, verdict: Verdict) -> None:
    assert verdict is after(letters).verdict


@pytest.mark.parametrize(
    ("letters", "counts"),
    [
        ("o", (0, 0)),
        ("ooo", (0, 0)),
        ("of", (1, 0)),
        ("ofo", (1, 1)),
        ("ofoo", (1, 2)),
        ("ofooo", (0, 0)),
        ("ofoof", (2, 0)),
        ("offf", (0, 0)),
        ("f", (0, 0)),
        ("foo", (0, 2)),
        ("foof", (0, 0)),
        ("foooo", (0, 0)),
    ],
)
def test_failures_and_successes_are_counted(letters: str, counts: tuple[int, int]) -> None:
    state = after(letters)
    assert counts == (state.failures, state.successes)


@pytest.mark.parametrize("letters", ["o", "of", "ofo", "f", "foo", "d", ""])
def test_what_is_no_evidence_changes_nothing(letters: str) -> None:
    assert after(letters) == after(letters + "?")


@pytest.mark.parametrize(
    ("letters", "is_degraded"),
    [("", False), ("d", True), ("do", False), ("df", False), ("d?", True)],
)
def test_a_warning_lasts_until_the_next_evidence(letters: str, *, is_degraded: bool) -> None:
    assert is_degraded is after(letters).is_degraded


@pytest.mark.parametrize(
    ("letters", "intervals"),
    [
        ("", 1),  # the first result decides
        ("o", None),
        ("of", 2),
        ("off", 1),
        ("ofoo", 2),
        ("ofooo", None),
        ("f", 4),
        ("fo", 3),
        ("fooo", 1),
        ("foof", 4),
    ],
)
def test_the_soonest_change_is_as_many_intervals_away_as_results_are_needed(
    letters: str, intervals: int | None
) -> None:
    expected = None if intervals is None else intervals * INTERVAL_S
    assert expected == soonest_change_s(after(letters), THRESHOLDS, INTERVAL_S)


@given(st.text("odf?", max_size=40), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))
def test_no_verdict_changes_sooner_than_was_said(letters: str, up: int, ok: int, down: int) -> None:
    thresholds = Thresholds(up, ok, down)
    state = after(letters, thresholds)
    soonest = soonest_change_s(state, thresholds, 1.0)
    if soonest is None:
        # Stable: only the threshold itself is in the way.
        soonest = thresholds.down
    worst, best = (
        reduce(lambda s, each: advance(s, each, thresholds), [result] * (int(soonest) - 1), state)
        for result in (Result.FAILED, Result.OK)
    )
    assert (state.verdict, state.verdict) == (worst.verdict, best.verdict)
    last = Result.OK if state.verdict is Verdict.DOWN else Result.FAILED
    ended = advance(best if last is Result.OK else worst, last, thresholds)
    assert state.verdict is not ended.verdict


def naive_verdict(letters: str, thresholds: Thresholds) -> Verdict:
    """Say what gdnsd's documentation says, looking back over the whole history each time."""
    verdict, since = Verdict.UNKNOWN, 0
    heard = [letter for letter in letters.replace("d", "o") if letter != "?"]
    for place, letter in enumerate(heard):
        history = "".join(heard[since : place + 1])
        if verdict is Verdict.UNKNOWN:
            verdict, since = Verdict.UP if letter == "o" else Verdict.DOWN, place + 1
        elif verdict is Verdict.DOWN and history.endswith("o" * thresholds.up):
            verdict, since = Verdict.UP, place + 1
        elif verdict is Verdict.UP:
            # Where successes cleared the failures, only what came after them counts.
            recent = history.rsplit("o" * thresholds.ok, 1)[-1]
            if recent.count("f") >= thresholds.down:
                verdict, since = Verdict.DOWN, place + 1
    return verdict


@given(st.text("oofd?", max_size=60), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))
def test_verdicts_are_those_of_the_rules_as_they_are_documented(
    letters: str, up: int, ok: int, down: int
) -> None:
    thresholds = Thresholds(up, ok, down)
    assert naive_verdict(letters, thresholds) is after(letters, thresholds).verdict


@pytest.mark.parametrize("letters", ["o", "off", "f", "foo", "d"])
def test_what_is_forgotten_is_as_if_it_had_never_been(letters: str) -> None:
    assert ProbeState() == forget(after(letters))


def test_thresholds_that_were_lowered_below_a_count_take_effect_at_the_next_result() -> None:
    state = after("off", replace(THRESHOLDS, down=9))
    assert INTERVAL_S == soonest_change_s(state, replace(THRESHOLDS, down=1), INTERVAL_S)
    assert Verdict.DOWN is advance(state, Result.FAILED, replace(THRESHOLDS, down=1)).verdict
