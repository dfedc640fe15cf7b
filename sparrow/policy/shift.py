"""Who would be sent elsewhere if sites stood otherwise, before they do.

Law: what is told is what the outcomes of both states say of every class, and nothing is
estimated. Addresses are those that a route covers, special-purpose blocks left out, each
counted once. Start from `simulate_shift`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import asdict, dataclass, replace
from heapq import nsmallest
from itertools import chain, compress, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sparrow.policy.intervals import SPECIAL, sweep_table
from sparrow.policy.outcome import Reason, choose_outcome, list_conditions
from sparrow.policy.preference import build_finder
from sparrow.policy.site import name_static
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sparrow.policy.outcome import Conditions, Outcome
    from sparrow.policy.steering import Steering
    from sparrow.rib.route import Hop
    from sparrow.rib.snapshot import FamilyTable, Snapshot

NO_ADDRESS = "(no address)"
"""Stands where a site's name would, for a class that gets NODATA."""
NO_ANSWER = "(SERVFAIL)"
"""Stands there for a class that gets SERVFAIL."""

_STILL, _UNROUTED, _FIRST = 0, 1, 2
"""Codes of addresses that do not move, of those without a route, and of the first that move."""
_MOST = SPECIAL - _FIRST
"""Groups that one sweep can tell apart."""


class ClassKey(NamedTuple):
    """What a class is, whichever plan numbered it."""

    service: str
    """Name of the service."""
    family: int
    """4 or 6: of the addresses that are asked for."""
    sites: tuple[str, ...]
    """Names of its sites in the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of everything is meant."""

    addresses: int = 0
    """Addresses of clients that a route covers."""
    prefixes: int = 0
    """Prefixes of the table."""
    answers: int = 0
    """Steered answers that were counted so far."""


@dataclass(frozen=True, slots=True)
class Move:
    """Clients of one site who would be another's."""

    source: str
    """Name of the site that they have, of a static list, `NO_ADDRESS` or `NO_ANSWER`."""
    target: str
    """The same of what they would get."""
    services: tuple[str, ...]
    """Services in which they move, in configured order."""
    amount: Amount
    """How much that is; what moves in several services is counted once, but for answers."""


@dataclass(frozen=True, slots=True)
class OriginMove:
    """Clients of one origin AS who would get another site."""

    asn: str
    """AS number, or several as the table writes a multi-origin."""
    amount: Amount
    """How much that is; answers are not counted by AS."""


@dataclass(frozen=True, slots=True)
class FamilyShift:
    """What moves of one family: of its answers, and of the clients with such addresses."""

    family: int
    """4 or 6."""
    whole: Amount
    """Everything, moving or not."""
    moved: Amount
    """What moves in any service; a client who moves in two is counted once."""
    moves: tuple[Move, ...]
    """From where to where, the most addresses first."""
    origins: tuple[OriginMove, ...]
    """The origin ASes with the most addresses that move."""


def simulate_shift(
    steering: Steering,
    snapshot: Snapshot,
    after: Conditions,
    counts: Mapping[ClassKey, int],
    *,
    top: int = 10,
) -> tuple[FamilyShift, FamilyShift]:
    """Tell what would move if the sites stood as in `after` and not as `steering` has it.

    `counts` are the steered answers so far by class; `top` origin ASes are given. IPv4
    comes first.
    """
    cases = [_Case(steering, after, family) for family in FAMILIES]
    changes = [_list_changes(case) for case in cases]
    groups = _group_routes(steering, snapshot, {each.home for found in changes for each in found})
    v4, v6 = (
        _build_shift(
            _Moving(case, found, _weigh(snapshot.family(case.family), groups)), counts, top
        )
        for case, found in zip(cases, changes, strict=True)
    )
    return v4, v6


def shift_row(families: Iterable[FamilyShift]) -> dict[str, Any]:
    """Give the object that the command `simulate` of `docs/control.md` describes."""
    return {
        "families": [
            {
                "family": each.family,
                **asdict(each.whole),
                "moved": asdict(each.moved),
                "moves": [
                    {
                        "from": move.source,
                        "to": move.target,
                        "services": list(move.services),
                        **asdict(move.amount),
                    }
                    for move in each.moves
                ],
                "origins": [
                    {
                        "asn": move.asn,
                        "addresses": move.amount.addresses,
                        "prefixes": move.amount.prefixes,
                    }
                    for move in each.origins
                ],
            }
            for each in families
        ]
    }


class _Case(NamedTuple):
    """Two states of the sites, and the family of addresses that are asked for."""

    steering: Steering
    after: Conditions
    family: int

    def compare(self, service: str, order: Sequence[int]) -> tuple[str, str]:
        """Give by name what a class gets before and after."""
        names = [site.name for site in self.steering.site_set.sites]
        last_resort = self.steering.services[service].last_resort
        before, after = (
            choose_outcome(order, list_conditions(names, each, self.family), last_resort)
            for each in (self.steering.conditions, self.after)
        )
        return self._name(service, before), self._name(service, after)

    def _name(self, service: str, outcome: Outcome) -> str:
        if outcome.site is not None:
            return self.steering.site_set.sites[outcome.site].name
        if outcome.reason is Reason.STATIC:
            return name_static(self.steering.services[service].static_vips)
        return NO_ANSWER if outcome.reason is Reason.SERVFAIL else NO_ADDRESS


class _Change(NamedTuple):
    """A home site whose clients get something else in a service."""

    home: int
    service: str
    source: str
    target: str


class _Moving(NamedTuple):
    """All that is known of a family before answers are counted."""

    case: _Case
    changes: Sequence[_Change]
    weighed: _Weighed


def _build_shift(moving: _Moving, counts: Mapping[ClassKey, int], top: int) -> FamilyShift:
    case, changes, weighed = moving
    answers, moved_answers = _count_answers(case, counts)
    homes = {change.home for change in changes}
    return FamilyShift(
        family=case.family,
        whole=Amount(weighed.covered, weighed.rows, answers),
        moved=replace(weighed.of_homes(homes), answers=sum(moved_answers.values())),
        moves=_list_moves(changes, weighed, moved_answers),
        origins=weighed.list_origins(homes, top),
    )


def _list_changes(case: _Case) -> list[_Change]:
    """Compare the outcomes of every service and home."""
    found = []
    for service in case.steering.services:
        policy = case.steering.policies[service, case.family]
        pairs = [case.compare(service, order) for order in policy.classes]
        for home, number in enumerate(policy.class_by_order):
            source, target = pairs[number]
            if source != target:
                found.append(_Change(home, service, source, target))
    return found


def _count_answers(
    case: _Case, counts: Mapping[ClassKey, int]
) -> tuple[int, Counter[tuple[str, str, str]]]:
    """Give all answers, and those that would move by (service, source, target).

    Those of services and sites that are gone do not count.
    """
    numbers = {site.name: number for number, site in enumerate(case.steering.site_set.sites)}
    total = 0
    moved: Counter[tuple[str, str, str]] = Counter()
    for key, count in counts.items():
        is_known = key.service in case.steering.services and numbers.keys() >= set(key.sites)
        if key.family == case.family and is_known:
            total += count
            source, target = case.compare(key.service, [numbers[name] for name in key.sites])
            if source != target:
                moved[key.service, source, target] += count
    return total, moved


def _list_moves(
    changes: Sequence[_Change], weighed: _Weighed, answers: Counter[tuple[str, str, str]]
) -> tuple[Move, ...]:
    pairs = dict.fromkeys(
        (*((each.source, each.target) for each in changes), *(key[1:] for key in answers))
    )
    moves = []
    for source, target in pairs:
        found = [each for each in changes if (each.source, each.target) == (source, target)]
        asked = {key: count for key, count in answers.items() if key[1:] == (source, target)}
        services = dict.fromkeys((*(each.service for each in found), *(key[0] for key in asked)))
        amount = weighed.of_homes({each.home for each in found})
        amount = replace(amount, answers=sum(asked.values()))
        moves.append(Move(source, target, tuple(services), amount))
    return tuple(sorted(moves, key=lambda move: (_rank(move.amount), move.source, move.target)))


def _rank(amount: Amount) -> tuple[int, int, int]:
    """Give what sorts the largest amount first."""
    return -amount.addresses, -amount.prefixes, -amount.answers


# Addresses and prefixes, by home site and origin.


@dataclass(frozen=True, slots=True)
class _Groups:
    """Routes of one home and one origin AS each, by number: those whose clients move."""

    homes: Sequence[int]
    """Home site."""
    origins: Sequence[Hop]
    """Last hop of the paths."""
    by_route: array[int]
    """Code of each route of the table: `_STILL`, or `_FIRST` plus the number of its group."""


def _group_routes(steering: Steering, snapshot: Snapshot, homes: Collection[int]) -> _Groups:
    finder = build_finder(steering.site_set)
    numbers: dict[tuple[int, tuple[int, ...]], int] = {}
    origins: list[Hop] = []
    by_route = array("I", bytes(4 * len(snapshot.routes)))
    for place, route in enumerate(snapshot.routes):
        home = finder.site_of(route)
        if home in homes:
            origin = route.hops[-1]
            number = numbers.setdefault((home, origin.asns), len(numbers))
            if number == len(origins):
                origins.append(origin)
            by_route[place] = number + _FIRST
    return _Groups([home for home, _ in numbers], origins, by_route)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Addresses and prefixes of each group, in one family."""

    groups: _Groups
    covered: int
    """Addresses that a route covers."""
    rows: int
    """Prefixes of the table."""
    addresses: Sequence[int]
    """Of each group."""
    prefixes: Sequence[int]
    """Of each group."""

    def of_homes(self, homes: Collection[int]) -> Amount:
        """Add up the groups of some home sites."""
        is_meant = [home in homes for home in self.groups.homes]
        return Amount(
            sum(compress(self.addresses, is_meant)), sum(compress(self.prefixes, is_meant))
        )

    def list_origins(self, homes: Collection[int], top: int) -> tuple[OriginMove, ...]:
        """Give the origins with the most addresses at some home sites."""
        found: dict[Hop, tuple[int, int]] = {}
        columns = zip(
            self.groups.homes, self.groups.origins, self.addresses, self.prefixes, strict=True
        )
        for home, origin, addresses, prefixes in columns:
            if home in homes and prefixes:
                before = found.get(origin, (0, 0))
                found[origin] = before[0] + addresses, before[1] + prefixes
        chosen = nsmallest(
            top, found.items(), key=lambda each: (-each[1][0], -each[1][1], each[0].asns)
        )
        return tuple(OriginMove(str(origin), Amount(*amount)) for origin, amount in chosen)


def _weigh(table: FamilyTable, groups: _Groups) -> _Weighed:
    """Count the addresses and the prefixes of every group."""
    covered, addresses = _measure_table(table, groups.by_route, len(groups.homes))
    prefixes = [0] * (len(groups.homes) + _FIRST)
    for route, count in Counter(table.routes).items():
        prefixes[groups.by_route[route]] += count
    return _Weighed(groups, covered, len(table), addresses, prefixes[_FIRST:])


def _measure_table(
    table: FamilyTable, by_route: Sequence[int], count: int
) -> tuple[int, list[int]]:
    """Count the addresses that the table covers, and those of each of `count` groups."""
    covered, found = 0, []
    # A code has 16 bits: groups beyond them are told apart by another sweep.
    for first in range(_FIRST, count + _FIRST + 1, _MOST):
        shown = range(first, min(first + _MOST, count + _FIRST))
        codes = [code - first + _FIRST if code in shown else _STILL for code in by_route]
        sizes = _measure_codes(table, codes, len(shown) + _FIRST)
        covered = sum(sizes) - sizes[_UNROUTED]
        found += sizes[_FIRST:]
    return covered, found


def _measure_codes(table: FamilyTable, codes: Sequence[int], count: int) -> list[int]:
    """Count the addresses of each code, special-purpose and wrapping blocks left out."""
    intervals = sweep_table(table, codes, _UNROUTED)
    ends = chain(islice(intervals.starts, 1, None), (1 << intervals.bits,))
    sizes = [0] * count
    for start, end, code in zip(intervals.starts, ends, intervals.codes, strict=True):
        if code < SPECIAL:
            sizes[code] += end - start
    return sizes
