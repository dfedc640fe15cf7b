"""What a class of clients gets at this moment: from an order of sites to one outcome.

Law: pure, and a function of (order, conditions, last resort) alone; a site that is down
is never given while another may serve, and a site that an operator took out is never
given at all. Start from `choose_outcome`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from sparrow.values.address import IPV4

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Action(Enum):
    """What an operator has ordered for a site."""

    AUTO = "auto"
    """Health decides."""
    UP = "up"
    """It serves, whatever its checks say."""
    DRAIN = "drain"
    """It serves when no other site can."""
    DOWN = "down"
    """It serves nobody."""


class Standing(Enum):
    """What a site may be given for, one address family at a time."""

    SERVING = "serving"
    DRAINED = "drained"
    FAILED = "failed"
    DRAINED_FAILED = "drained and failed"
    BARRED = "down by order"


class LastResort(Enum):
    """What is answered where no site serves and none is merely drained."""

    ALL_UP = "all-up"
    """As if every check had passed."""
    STATIC = "static"
    """A list of addresses of its own."""
    EMPTY = "empty"
    """NODATA."""
    SERVFAIL = "servfail"
    """SERVFAIL, so that resolvers ask another name server."""


class Reason(Enum):
    """Which rule gave an outcome."""

    SERVING = "the first site in the order that serves"
    DRAINED = "no site serves: the first that is only drained"
    ALL_UP = "no site serves: as if all were up"
    STATIC = "no site serves: the static list"
    EMPTY = "no site serves: an empty answer"
    SERVFAIL = "no site serves: SERVFAIL"
    BARRED = "every site is down by order: an empty answer"
    NEVER = "the site never had an address of this family: an empty answer"


@dataclass(frozen=True, slots=True)
class Condition:
    """How a site stands for one address family."""

    standing: Standing = Standing.SERVING
    """What it may be given for."""
    change_in_s: float | None = None
    """Seconds until its checks may change that at the soonest; None where none is in sight."""
    planned_in_s: float | None = None
    """Seconds until an order that is already given will change that; None without one."""


Conditions: TypeAlias = Mapping[str, tuple[Condition, Condition]]
"""By name of the site: for IPv4, for IPv6. A site that is not there serves."""

SERVING = Condition()
"""A site that serves, with no change in sight."""
ALL_SERVING: Conditions = MappingProxyType({})
"""While nothing is known against any site."""


def list_conditions(
    names: Iterable[str], conditions: Conditions, family: int
) -> tuple[Condition, ...]:
    """Give the conditions of the sites with these names, in their order, for one family."""
    place = 0 if family == IPV4 else 1
    nothing = (SERVING, SERVING)
    return tuple(conditions.get(name, nothing)[place] for name in names)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a class gets."""

    site: int | None
    """Number of the site whose addresses are given; None for no site."""
    reason: Reason
    """The rule that gave it."""
    change_in_s: float | None = None
    """The lowest `change_in_s` of the sites that were looked at; None without one."""
    planned_in_s: float | None = None
    """The lowest `planned_in_s` of the sites that were looked at; None without one."""


#                 | auto, up: what checks say    |
#   order \ health| up or unknown  | down        |
#   --------------+----------------+-------------+
#   auto          | serving        | failed      |
#   up            | serving        | serving     |
#   drain         | drained        | both        |
#   down          | barred         | barred      |
_STANDINGS = {
    (Action.AUTO, True): Standing.SERVING,
    (Action.AUTO, False): Standing.FAILED,
    (Action.UP, True): Standing.SERVING,
    (Action.UP, False): Standing.SERVING,
    (Action.DRAIN, True): Standing.DRAINED,
    (Action.DRAIN, False): Standing.DRAINED_FAILED,
    (Action.DOWN, True): Standing.BARRED,
    (Action.DOWN, False): Standing.BARRED,
}

# Tried from top to bottom, each over the whole order of the class:
#
#   standing looked for | with the last resort | reason
#   --------------------+----------------------+---------
#   serving             | any                  | SERVING
#   drained             | any                  | DRAINED
#   failed              | all-up               | ALL_UP
#   drained and failed  | all-up               | ALL_UP
_TRIED = (
    (Standing.SERVING, frozenset(LastResort), Reason.SERVING),
    (Standing.DRAINED, frozenset(LastResort), Reason.DRAINED),
    (Standing.FAILED, frozenset({LastResort.ALL_UP}), Reason.ALL_UP),
    (Standing.DRAINED_FAILED, frozenset({LastResort.ALL_UP}), Reason.ALL_UP),
)

_WITHOUT_SITE = {
    LastResort.STATIC: Reason.STATIC,
    LastResort.EMPTY: Reason.EMPTY,
    LastResort.SERVFAIL: Reason.SERVFAIL,
}
"""What is left where nothing of the table was found and not every site is barred."""


def stand(action: Action, *, is_up: bool) -> Standing:
    """Give the standing of a site by the order that is in force and what its checks say."""
    return _STANDINGS[action, is_up]


def choose_outcome(
    order: Sequence[int], conditions: Sequence[Condition], last_resort: LastResort
) -> Outcome:
    """Give what a class gets.

    `order` has the numbers of its sites, first choice first; empty for a family that the
    site never had. `conditions` are by site number, for the family asked for.
    """
    if not order:
        return Outcome(None, Reason.NEVER)
    for standing, policies, reason in _TRIED:
        if last_resort not in policies:
            continue
        for place, site in enumerate(order):
            if conditions[site].standing is standing:
                # Where the first that serves is taken, those behind it were not looked at.
                looked_at = order[: place + 1] if reason is Reason.SERVING else order
                return _outcome(site, reason, [conditions[each] for each in looked_at])
    found = [conditions[site] for site in order]
    if all(each.standing is Standing.BARRED for each in found):
        return _outcome(None, Reason.BARRED, found)
    return _outcome(None, _WITHOUT_SITE[last_resort], found)


def _outcome(site: int | None, reason: Reason, looked_at: Sequence[Condition]) -> Outcome:
    changes = [each.change_in_s for each in looked_at if each.change_in_s is not None]
    planned = [each.planned_in_s for each in looked_at if each.planned_in_s is not None]
    return Outcome(site, reason, min(changes, default=None), min(planned, default=None))


def join_outcomes(outcome: Outcome, others: Iterable[Outcome]) -> Outcome:
    """Give an outcome that may change as soon as any of the others, which give the same."""
    together = (outcome, *others)
    changes = [each.change_in_s for each in together if each.change_in_s is not None]
    planned = [each.planned_in_s for each in together if each.planned_in_s is not None]
    return Outcome(
        outcome.site, outcome.reason, min(changes, default=None), min(planned, default=None)
    )


def cap_ttl(outcome: Outcome, ttl_min_s: int) -> tuple[int | None, bool]:
    """Give the most seconds that an answer may be kept, and whether that is exact.

    What checks may bring is known too late to be exact: no name holds a cap of that kind
    below its own `ttl_min`. What an operator has planned is exact, so that caches are empty
    when it begins. Of the two the exact one is given where it is the lower for the name
    with the highest floor, `ttl_min_s`. A cap is at least 1 second, as answers of 0 seconds
    are asked for at every use.
    """
    planned, change = outcome.planned_in_s, outcome.change_in_s
    soft = None if change is None else max(math.ceil(change), 1)
    if planned is None:
        return soft, False
    exact = max(math.floor(planned), 1)
    return (exact, True) if soft is None or exact <= max(soft, ttl_min_s) else (soft, False)


def lower_ttl(ttl_s: int, ttl_min_s: int, cap_s: int | None, *, is_exact: bool) -> int:
    """Give the TTL of a name's addresses under a cap that `cap_ttl` gave; None caps nothing."""
    if cap_s is None:
        return ttl_s
    return min(ttl_s, cap_s if is_exact else max(cap_s, ttl_min_s))
