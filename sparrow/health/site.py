"""From the verdicts on a site's targets to whether the site is up, by address family.

Law: pure; what is unknown counts as up, and a site that was down returns only when its
checks have passed without a break for the whole hold-down. Start from `weigh` and
`assess`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sparrow.health.verdict import Verdict
from sparrow.values.address import IPV4

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Target:
    """What one probe says, as a site is told."""

    label: str
    """Its check and its address, for people."""
    verdict: Verdict
    """The verdict on it."""
    is_degraded: bool = False
    """Whether it works with a warning."""
    change_in_s: float | None = None
    """Seconds until its verdict may change at the soonest; None for not in sight."""
    has_spoken: bool = True
    """Whether its last round was evidence of anything."""
    words: str = ""
    """What its last round found; empty before the first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks of a site say at this moment, for one family or for both."""

    is_passed: bool
    """Whether enough of them pass."""
    change_in_s: float | None = None
    """The lowest of their targets'; None where all are stable."""
    is_degraded: bool = False
    """Whether one has a warning, or one fails that the others make up for."""
    why: str = ""
    """What is worth telling of them; empty where all is well."""


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """How a site that was down returns."""

    hold_down_s: float = 0.0
    """Seconds for which its checks have to pass without a break."""
    is_manual: bool = False
    """Whether it then waits for an operator's word."""


@dataclass(frozen=True, slots=True)
class SiteRules:
    """How the checks of a site make its health."""

    need: int | None = None
    """How many of them have to pass; None for all."""
    is_joint: bool = False
    """Whether both families are up or down together."""
    returning: ReturnRules = ReturnRules()
    """How it returns."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What is remembered of a site, for one family."""

    is_up: bool = True
    """Whether it may be given to clients."""
    passing_since_s: float | None = None
    """While it is down: since when its checks pass; None while they fail."""
    is_latched: bool = False
    """While it is down: whether it waits for an operator's word."""


@dataclass(frozen=True, slots=True)
class Presences:
    """What is remembered of a site."""

    v4: Presence = Presence()
    """For its IPv4 addresses."""
    v6: Presence = Presence()
    """For its IPv6 addresses."""


ALL_UP = Presences()
"""A site of which nothing bad is known."""


@dataclass(frozen=True, slots=True)
class FamilyHealth:
    """How a site is, for one family."""

    is_up: bool = True
    """Whether it may be given to clients."""
    change_in_s: float | None = None
    """Seconds until that may change at the soonest; None for not in sight."""
    is_degraded: bool = False
    """Whether it has a warning."""
    why: str = ""
    """What is worth telling; empty where all is well."""


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """How a site is."""

    v4: FamilyHealth = FamilyHealth()
    """For its IPv4 addresses."""
    v6: FamilyHealth = FamilyHealth()
    """For its IPv6 addresses."""

    def of(self, family: int) -> FamilyHealth:
        """Give how it is for family 4 or 6."""
        return self.v4 if family == IPV4 else self.v6


def assess(
    presences: Presences, evidence: tuple[Evidence, Evidence], rules: SiteRules, now_s: float
) -> Presences:
    """Give what is to be remembered of a site at `now_s`, on a clock that is never set back.

    `evidence` is for IPv4 and for IPv6.
    """
    heard = _heed_rules(evidence, rules)
    v4 = advance_family(presences.v4, heard[0], rules.returning, now_s)
    v6 = advance_family(presences.v6, heard[1], rules.returning, now_s)
    if rules.is_joint and v4 != v6:
        # Only when the rules have just become joint: the one that is down speaks for both.
        v4 = v6 = v6 if v4.is_up else v4
    return Presences(v4, v6)


def describe_site(
    presences: Presences, evidence: tuple[Evidence, Evidence], rules: SiteRules, now_s: float
) -> SiteHealth:
    """Give how a site is at `now_s`, from what `assess` gave for the same evidence."""
    heard = _heed_rules(evidence, rules)
    return SiteHealth(
        describe_family(presences.v4, heard[0], rules.returning, now_s),
        describe_family(presences.v6, heard[1], rules.returning, now_s),
    )


def _heed_rules(evidence: tuple[Evidence, Evidence], rules: SiteRules) -> tuple[Evidence, Evidence]:
    return (join(evidence), join(evidence)) if rules.is_joint else evidence


def weigh(checks: Iterable[Sequence[Target]], need: int | None) -> Evidence:
    """Give what the checks of a site say for one family.

    Each check is the targets that it has for the family: it passes where none of them
    is down, and one without targets says nothing. `need` is how many have to pass;
    None for all. Where fewer than `need` have targets, all of these have to.
    """
    heard = [targets for targets in checks if targets]
    passed = [all(each.verdict is not Verdict.DOWN for each in targets) for targets in heard]
    every = [target for targets in heard for target in targets]
    is_passed = sum(passed) >= (len(heard) if need is None else min(need, len(heard)))
    return Evidence(
        is_passed=is_passed,
        change_in_s=_soonest(target.change_in_s for target in every),
        is_degraded=any(target.is_degraded for target in every) or (is_passed and not all(passed)),
        why="; ".join(dict.fromkeys(_tell(target) for target in every if _is_notable(target))),
    )


def _is_notable(target: Target) -> bool:
    return target.is_degraded or not target.has_spoken or target.verdict is not Verdict.UP


def _tell(target: Target) -> str:
    return f"{target.label}: {target.words or 'no result yet'}"


def join(evidence: Sequence[Evidence]) -> Evidence:
    """Give what several pieces of evidence say together: all have to pass."""
    return Evidence(
        is_passed=all(each.is_passed for each in evidence),
        change_in_s=_soonest(each.change_in_s for each in evidence),
        is_degraded=any(each.is_degraded for each in evidence),
        why="; ".join(dict.fromkeys(each.why for each in evidence if each.why)),
    )


def _soonest(changes: Iterable[float | None]) -> float | None:
    return min((change for change in changes if change is not None), default=None)


#   presence      | checks fail             | checks pass
#   --------------+-------------------------+------------------------------------------------
#   up            | down; latched if manual | up
#   down          | down, hold-down anew    | hold-down begins, or goes on; at its end up
#   down, latched | the same                | the same, but stays down at its end
#
# A latch counts only as long as the rules are manual.


def advance_family(
    presence: Presence, evidence: Evidence, rules: ReturnRules, now_s: float
) -> Presence:
    """Give the presence at `now_s`, on a clock that is never set back."""
    if not evidence.is_passed:
        is_latched = rules.is_manual if presence.is_up else presence.is_latched
        return Presence(is_up=False, is_latched=is_latched)
    if presence.is_up:
        return presence
    since_s = now_s if presence.passing_since_s is None else presence.passing_since_s
    is_held = now_s - since_s < rules.hold_down_s
    if is_held or (presence.is_latched and rules.is_manual):
        return replace(presence, passing_since_s=since_s)
    return Presence()


def resume(presence: Presence) -> Presence:
    """Give the presence after an operator's word.

    It is up at once where its checks pass, whatever is left of the hold-down; otherwise
    it returns by itself once they do.
    """
    if presence.passing_since_s is not None:
        return Presence()
    return replace(presence, is_latched=False)


#   presence      | checks fail               | checks pass
#   --------------+---------------------------+--------------------------
#   up            | (not after `assess`)     | change of the checks
#   down          | change of the checks,     | rest of the hold-down
#                 | and the hold-down after   |
#   down, latched | not in sight              | not in sight


def describe_family(
    presence: Presence, evidence: Evidence, rules: ReturnRules, now_s: float
) -> FamilyHealth:
    """Give how a site is for one family, from what `advance_family` gave."""
    if presence.is_up:
        return FamilyHealth(
            change_in_s=evidence.change_in_s, is_degraded=evidence.is_degraded, why=evidence.why
        )
    if presence.is_latched and rules.is_manual:
        change_in_s, wait = None, "it waits to be resumed by an operator"
    elif presence.passing_since_s is None:
        change = evidence.change_in_s
        change_in_s, wait = None if change is None else change + rules.hold_down_s, ""
    else:
        change_in_s = max(presence.passing_since_s + rules.hold_down_s - now_s, 0.0)
        wait = f"its checks pass again: it returns after {rules.hold_down_s:g} s of that"
    why = "; ".join(words for words in (evidence.why, wait) if words)
    return FamilyHealth(
        is_up=False, change_in_s=change_in_s, is_degraded=evidence.is_degraded, why=why
    )
