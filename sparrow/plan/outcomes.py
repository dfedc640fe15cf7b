"""The outcome words of a plan, from its names and from how the sites stand.

Law: pure; a word is a function of the plan's META and of the conditions alone, so whoever
has a plan can write its words, whoever compiled it. Start from `encode_words`.
"""

from __future__ import annotations

from array import array
from operator import eq
from typing import TYPE_CHECKING, NamedTuple

from sparrow.plan.format import NO_TTL_CAP, OutcomeFlag
from sparrow.policy.outcome import (
    LastResort,
    Reason,
    cap_ttl,
    choose_outcome,
    join_outcomes,
    list_conditions,
)
from sparrow.policy.unknown import shorten_cap
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sparrow.plan.meta import Meta, PolicyMeta, ServiceMeta
    from sparrow.policy.outcome import Condition, Conditions, Outcome

WHAT = 0xFFFF | int(OutcomeFlag.EMPTY | OutcomeFlag.SERVFAIL | OutcomeFlag.ASK) << 16
"""The bits of a word that say what is answered; the others say for how long."""
_HIGHEST_CAP = NO_TTL_CAP - 1

_UNMERGED: Mapping[int, Sequence[int]] = {}


class _Way(NamedTuple):
    """What the words of a policy depend on, beside the conditions of its family."""

    classes: tuple[tuple[int, ...], ...]
    last_resort: LastResort
    static_site: int | None
    ttl_min_s: int
    merged: tuple[int, ...] | None
    unknown_class: int | None


def encode_words(
    meta: Meta, conditions: Conditions, merged: Mapping[int, Sequence[int]] = _UNMERGED
) -> array[int]:
    """Give the outcome words of a plan, `array("Q")`, one for each class of each policy.

    `merged` has, by number of the policy, the class that stands for each class in a map
    whose classes were merged: its answers are kept no longer than those of any other that
    it stands for.
    """
    services = {service.name: service for service in meta.services}
    of_family = {family: list_conditions(meta.sites, conditions, family) for family in FAMILIES}
    known: dict[tuple[int, _Way], array[int]] = {}
    words = array("Q")
    for number, policy in enumerate(meta.policies):
        way = _way_of(policy, services[policy.service], merged.get(number))
        key = (policy.family, way)
        if key not in known:
            known[key] = _encode_policy(way, of_family[policy.family])
        words += known[key]
    return words


def _way_of(policy: PolicyMeta, service: ServiceMeta, merged: Sequence[int] | None) -> _Way:
    return _Way(
        policy.classes,
        service.last_resort,
        service.static_site,
        service.ttl_min_s,
        None if merged is None else tuple(merged),
        policy.unknown_class,
    )


def _encode_policy(way: _Way, conditions: Sequence[Condition]) -> array[int]:
    found = [choose_outcome(order, conditions, way.last_resort) for order in way.classes]
    if way.merged is not None:
        members: dict[int, list[Outcome]] = {}
        for number, stands_for_it in enumerate(way.merged):
            members.setdefault(stands_for_it, []).append(found[number])
        for number, outcomes in members.items():
            found[number] = join_outcomes(found[number], outcomes)
    return array("Q", [_encode_outcome(way, *each) for each in enumerate(found)])


def _encode_outcome(way: _Way, class_number: int, outcome: Outcome) -> int:
    site, flags = outcome.site, 0
    if outcome.reason is Reason.SERVFAIL:
        flags = OutcomeFlag.SERVFAIL
    elif outcome.reason is Reason.STATIC:
        site = way.static_site
    elif site is None:
        flags = OutcomeFlag.EMPTY
    cap_s, is_exact = cap_ttl(outcome, way.ttl_min_s)
    if class_number == way.unknown_class:
        flags |= OutcomeFlag.ASK
        cap_s, is_exact = shorten_cap(cap_s, way.ttl_min_s, is_exact=is_exact)
    cap = NO_TTL_CAP if cap_s is None else min(cap_s, _HIGHEST_CAP)
    return (site or 0) | (flags | (OutcomeFlag.EXACT if is_exact else 0)) << 16 | cap << 32


class Column(NamedTuple):
    """A policy of a map that may be merged."""

    classes: Sequence[Sequence[int]]
    """By class number: the sites in the order in which they are tried."""
    words: Sequence[int]
    """Their outcome words."""


def merge_classes(columns: Sequence[Column]) -> tuple[int, ...]:
    """Give for each class of a map the class that stands for it while outcomes stay as they are.

    Classes are merged that have the same outcome, TTL aside, in every policy that uses the
    map. The one that stands for them is that whose own first choice is given, where there
    is one: when another's first choice comes back, its clients are not to go there. A class
    without sites stands for others last of all: what comes back would change nothing for it.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    count = min(len(column.classes) for column in columns)
    outcomes = [tuple(column.words[at] & WHAT for column in columns) for at in range(count)]
    for number, outcome in enumerate(outcomes):
        groups.setdefault(outcome, []).append(number)
    chosen = {
        outcome: max(numbers, key=lambda number: _rank(columns, number))
        for outcome, numbers in groups.items()
    }
    return tuple(chosen[outcome] for outcome in outcomes)


def _rank(columns: Sequence[Column], number: int) -> tuple[int, int]:
    """Count the policies in which a class gets its own first choice, and has one."""
    firsts = [column.classes[number][:1] for column in columns]
    given = [(column.words[number] & WHAT,) for column in columns]
    return sum(map(eq, firsts, given)), sum(map(bool, firsts))
