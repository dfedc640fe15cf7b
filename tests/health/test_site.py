from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.health.site import (
    ALL_UP,
    Evidence,
    FamilyHealth,
    Presence,
    Presences,
    ReturnRules,
    SiteRules,
    Target,
    assess,
    describe_site,
    resume,
    weigh,
)
from sparrow.health.verdict import (
    ProbeState,
    Result,
    Thresholds,
    Verdict,
    advance,
    soonest_change_s,
)

UP, DOWN, UNKNOWN = Verdict.UP, Verdict.DOWN, Verdict.UNKNOWN
PASS, FAIL = Evidence(is_passed=True), Evidence(is_passed=False, why="tcp: refused")


def target(verdict: Verdict, change_in_s: float | None = None, words: str = "") -> Target:
    return Target("tcp", verdict, change_in_s=change_in_s, words=words)


def checks(text: str) -> list[list[Target]]:
    """Give checks from words such as `ud u -`: one a word, one target a letter."""
    verdicts = {"u": UP, "d": DOWN, "?": UNKNOWN}
    return [[target(verdicts[c]) for c in word if c != "-"] for word in text.split()]


@pytest.mark.parametrize(
    ("text", "need", "is_passed"),
    [
        ("", None, True),
        ("u", None, True),
        ("d", None, False),
        ("?", None, True),
        ("u d", None, False),
        ("u d", 1, True),
        ("d d", 1, False),
        ("ud", None, False),  # all addresses of a check
        ("ud", 1, False),
        ("u?", None, True),
        ("u d d", 2, False),
        ("u d u", 2, True),
        ("u? d u", 2, True),
        ("- d", None, False),  # a check that has no address of the family says nothing
        ("- u", 2, True),
        ("- u d", 2, False),
        ("- -", 1, True),
    ],
)
def test_enough_checks_have_to_pass(text: str, need: int | None, *, is_passed: bool) -> None:
    assert is_passed is weigh(checks(text), need).is_passed


@given(
    st.lists(st.lists(st.sampled_from("ud?"), max_size=3), max_size=5),
    st.none() | st.integers(1, 6),
)
def test_the_count_is_that_of_a_plain_model(letters: list[list[str]], need: int | None) -> None:
    failed = sum("d" in word for word in letters)
    heard = sum(word != [] for word in letters)
    allowed = 0 if need is None else heard - min(need, heard)
    assert (failed <= allowed) is weigh(
        checks(" ".join("".join(word) or "-" for word in letters)), need
    ).is_passed


def test_the_soonest_change_is_that_of_the_target_that_may_change_first() -> None:
    heard = [[target(UP), target(UP, 6.0)], [target(UP, 3.0)], [target(UP)]]
    assert 3.0 == weigh(heard, None).change_in_s
    assert None is weigh([[target(UP)]], None).change_in_s


def test_a_site_that_others_make_up_for_a_failure_is_degraded() -> None:
    assert [False, True, False] == [
        weigh(checks(text), 1).is_degraded for text in ("u u", "u d", "d d")
    ]
    warning = replace(target(UP, words="expires in 3 days"), is_degraded=True)
    assert Evidence(is_passed=True, is_degraded=True, why="tcp: expires in 3 days") == weigh(
        [[warning]], None
    )


def test_words_tell_of_what_is_not_well_and_of_nothing_else() -> None:
    silent = replace(target(UP, words="too old"), has_spoken=False)
    heard = [[target(UP, words="connected")], [target(DOWN, words="refused"), target(UNKNOWN)]]
    assert "tcp: refused; tcp: no result yet" == weigh(heard, None).why
    assert "tcp: too old" == weigh([[silent]], None).why


@dataclass
class Story:
    """A site in simulated time."""

    rules: SiteRules
    presences: Presences = ALL_UP
    evidence: tuple[Evidence, Evidence] = (PASS, PASS)
    now_s: float = 0.0
    ups: list[bool] = field(default_factory=list)

    def hear(self, now_s: float, v4: Evidence, v6: Evidence | None = None) -> tuple[bool, bool]:
        self.now_s, self.evidence = now_s, (v4, v6 or v4)
        self.presences = assess(self.presences, self.evidence, self.rules, now_s)
        health = describe_site(self.presences, self.evidence, self.rules, now_s)
        return health.v4.is_up, health.v6.is_up

    def v4(self, now_s: float | None = None) -> FamilyHealth:
        at = self.now_s if now_s is None else now_s
        return describe_site(self.presences, self.evidence, self.rules, at).v4


def story(hold_down_s: float = 0.0, *, is_manual: bool = False) -> Story:
    return Story(SiteRules(returning=ReturnRules(hold_down_s, is_manual)))


def test_without_a_hold_down_a_site_is_as_its_checks_are() -> None:
    site = story()
    heard = [PASS, FAIL, FAIL, PASS, FAIL, PASS]
    assert [each.is_passed for each in heard] == [
        site.hear(at, each)[0] for at, each in enumerate(heard)
    ]


def test_a_site_returns_when_its_checks_have_passed_for_the_hold_down() -> None:
    site = story(10)
    found = [site.hear(at, FAIL if at in (1, 5) else PASS)[0] for at in range(20)]
    assert [at in (0, *range(16, 20)) for at in range(20)] == found


def test_what_is_left_of_the_hold_down_is_told() -> None:
    site = story(10)
    site.hear(0, replace(FAIL, change_in_s=6.0))
    assert 16.0 == site.v4().change_in_s
    site.hear(3, PASS)
    assert [10.0, 4.0, 0.0] == [site.v4(at).change_in_s for at in (3, 9, 14)]
    assert "its checks pass again: it returns after 10 s of that" == site.v4().why
    site.hear(13, PASS)
    assert FamilyHealth() == site.v4()


def test_a_site_without_a_change_in_sight_has_none() -> None:
    site = story(10)
    site.hear(0, FAIL)
    assert None is site.v4().change_in_s


def test_a_site_with_manual_resume_stays_down_until_the_word() -> None:
    site = story(10, is_manual=True)
    site.hear(0, FAIL)
    assert (False, False) == site.hear(1, PASS)
    assert (False, False) == site.hear(1000, PASS)
    assert (None, "it waits to be resumed by an operator") == (
        site.v4().change_in_s,
        site.v4().why,
    )
    site.presences = Presences(resume(site.presences.v4), resume(site.presences.v6))
    assert (True, True) == site.hear(1001, PASS)
    assert (False, False) == site.hear(1002, FAIL)
    assert (False, False) == site.hear(2002, PASS)


def test_a_word_that_is_given_while_checks_fail_lets_the_site_return_by_itself() -> None:
    site = story(10, is_manual=True)
    site.hear(0, FAIL)
    site.presences = Presences(resume(site.presences.v4), resume(site.presences.v6))
    assert [(False, False), (False, False), (False, False), (True, True)] == [
        site.hear(1, FAIL),
        site.hear(2, PASS),
        site.hear(11, PASS),
        site.hear(12, PASS),
    ]


def test_a_latch_counts_only_while_the_rules_are_manual() -> None:
    site = story(is_manual=True)
    site.hear(0, FAIL)
    assert (False, False) == site.hear(1, PASS)
    site.rules = SiteRules()
    assert (True, True) == site.hear(2, PASS)


def test_families_are_judged_each_for_itself_or_both_together() -> None:
    apart, joint = story(), Story(SiteRules(is_joint=True))
    assert (True, False) == apart.hear(0, PASS, FAIL)
    assert (False, False) == joint.hear(0, PASS, FAIL)
    assert (True, True) == joint.hear(1, PASS, PASS)


def test_a_site_whose_families_become_joint_is_down_in_both_if_it_was_in_one() -> None:
    site = story(10)
    site.hear(0, PASS, FAIL)
    site.rules = replace(site.rules, is_joint=True)
    assert [(False, False), (False, False), (True, True)] == [
        site.hear(1, PASS, PASS),
        site.hear(10, PASS, PASS),
        site.hear(11, PASS, PASS),
    ]


def flap(period: int, share: float, thresholds: Thresholds) -> list[Evidence]:
    """Give what is heard, interval by interval, of a check that fails for a share of a period."""
    state, failing, heard = ProbeState(Verdict.UP), max(round(period * share), 1), []
    for number in range(4 * 60):
        # With a period of one interval the result is another one each time.
        fails = number % period < failing if period > 1 else bool(number % 2)
        state = advance(state, Result.FAILED if fails else Result.OK, thresholds)
        change_in_s = soonest_change_s(state, thresholds, 3.0)
        heard.append(weigh([[target(state.verdict, change_in_s)]], None))
    return heard


def moves_of(rules: ReturnRules, heard: list[Evidence]) -> dict[bool, list[float]]:
    """Give when a site came to be up and down, with three seconds to an interval."""
    site, moves = Presences(), {True: [], False: []}
    for number, evidence in enumerate(heard):
        before = site.v4.is_up
        site = assess(site, (evidence, PASS), SiteRules(returning=rules), number * 3.0)
        if site.v4.is_up is not before:
            moves[site.v4.is_up].append(number * 3.0)
    return moves


@pytest.mark.parametrize("hold_down_s", [5.0, 45.0, 120.0])
def test_a_flapping_check_moves_a_site_each_way_at_most_once_per_hold_down(
    hold_down_s: float,
) -> None:
    moved = 0
    sharp = (Thresholds(), Thresholds(1, 1, 1), Thresholds(3, 2, 2))
    for period, share, thresholds in product(range(1, 61), (0.1, 0.5), sharp):
        moves = moves_of(ReturnRules(hold_down_s), flap(period, share, thresholds))
        moved += len(moves[True])
        for times in moves.values():
            gaps = [after - before for before, after in pairwise(times)]
            assert [] == [gap for gap in gaps if gap < hold_down_s], (period, share, thresholds)
    assert moved > 0


def test_without_a_hold_down_the_same_checks_move_a_site_more_often() -> None:
    heard = flap(2, 0.5, Thresholds(1, 1, 1))
    moves = [len(moves_of(ReturnRules(held), heard)[False]) for held in (0.0, 5.0, 45.0)]
    assert [120, 1, 1] == moves


class PlainModel:
    """The rules of returning as an operator would put them, from the whole history."""

    def __init__(self, hold_down_s: int, *, is_manual: bool) -> None:
        self.hold_down_s, self.is_manual = hold_down_s, is_manual
        self.history: list[str] = []

    def is_up(self) -> bool:
        up, waits = True, False
        for place, event in enumerate(self.history):
            passed = self._passed_s(place)
            if event == "f":
                waits, up = waits or (up and self.is_manual), False
            elif event == "r":
                waits, up = False, up or passed is not None
            elif not up and not waits and passed is not None and passed >= self.hold_down_s:
                up = True
        return up

    def _passed_s(self, place: int) -> int | None:
        """Give for how long the checks have passed at an event, one second a check."""
        since = [event for event in self.history[: place + 1] if event != "r"]
        passes = len(since) - len("".join(since).rstrip("p"))
        return passes - 1 if passes else None


@given(st.text("pppfr", max_size=60), st.integers(0, 8), st.booleans())
def test_sites_return_as_in_a_plain_model(events: str, hold_down_s: int, is_manual: bool) -> None:  # noqa: FBT001
    site, model = (
        story(hold_down_s, is_manual=is_manual),
        PlainModel(hold_down_s, is_manual=is_manual),
    )
    now_s = 0.0
    for event in events:
        model.history.append(event)
        if event == "r":
            site.presences = Presences(resume(site.presences.v4), resume(site.presences.v6))
        else:
            now_s += 1
            site.hear(now_s, PASS if event == "p" else FAIL)
        assert model.is_up() is site.v4().is_up


def test_what_is_remembered_of_a_site_that_is_up_is_nothing() -> None:
    site = story(10, is_manual=True)
    site.hear(0, PASS)
    assert Presences(Presence(), Presence()) == site.presences
