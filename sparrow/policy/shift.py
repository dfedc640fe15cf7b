"""Who would be sent elsewhere if sites stood otherwise, before they do.

Law: what is told is what the outcomes of both states say of every class, and nothing is
estimated. Addresses are those of which anything is known: that a route covers, or that a
distance, a time or an override tells a site. Special-purpose blocks are left out, and each
is counted once. Start from `simulate_shift`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import asdict, dataclass, replace
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, NamedTuple

from sparrow.policy.atlas import code_rows, lay_maps
from sparrow.policy.intervals import SPECIAL, Intervals, sweep_plain, sweep_table
from sparrow.policy.outcome import Reason, choose_outcome, list_conditions
from sparrow.policy.ranking import RankBy
from sparrow.policy.site import name_static
from sparrow.policy.starts import build_starts
from sparrow.values.address import BITS, FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sparrow.policy.layer import Layer
    from sparrow.policy.outcome import Conditions, Outcome
    from sparrow.policy.steering import Steering
    from sparrow.rib.route import Hop
    from sparrow.rib.snapshot import FamilyTable, Snapshot

NO_ADDRESS = "(no address)"
"""Stands where a site's name would, for a class that gets NODATA."""
NO_ANSWER = "(SERVFAIL)"
"""Stands there for a class that gets SERVFAIL."""

_UNROUTED = 0
"""Stands for no route, where origins are numbered from 1."""
_STILL = 0
"""Stands for clients of a service who do not move, where changes are numbered from 1."""


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
    """Addresses of clients of whom anything is known."""
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
    v4, v6 = (
        _build_shift(_Moving(_Case(steering, after, family), snapshot), counts, top)
        for family in FAMILIES
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


@dataclass(frozen=True, slots=True)
class _Case:
    """Two states of the sites, and the family of addresses that are asked for."""

    steering: Steering
    after: Conditions
    family: int

    def compare(self, service: str, orders: Iterable[Sequence[int]]) -> Iterator[tuple[str, str]]:
        """Give by name what classes get before and after."""
        names = [site.name for site in self.steering.site_set.sites]
        last_resort = self.steering.services[service].last_resort
        before, after = (
            list_conditions(names, each, self.family)
            for each in (self.steering.conditions, self.after)
        )
        for order in orders:
            found = [choose_outcome(order, each, last_resort) for each in (before, after)]
            yield self._name(service, found[0]), self._name(service, found[1])

    def _name(self, service: str, outcome: Outcome) -> str:
        if outcome.site is not None:
            return self.steering.site_set.sites[outcome.site].name
        if outcome.reason is Reason.STATIC:
            return name_static(self.steering.services[service].static_vips)
        return NO_ANSWER if outcome.reason is Reason.SERVFAIL else NO_ADDRESS


class _Change(NamedTuple):
    """Clients who get something else in a service."""

    service: str
    source: str
    target: str


def _build_shift(moving: _Moving, counts: Mapping[ClassKey, int], top: int) -> FamilyShift:
    weighed = _weigh(moving)
    answers, moved_answers = _count_answers(moving.case, counts)
    everything = range(1, len(weighed.changes) + 1)
    return FamilyShift(
        family=moving.case.family,
        whole=Amount(weighed.known, len(moving.table), answers),
        moved=replace(weighed.amount_of(everything), answers=sum(moved_answers.values())),
        moves=_list_moves(weighed, moved_answers),
        origins=weighed.list_origins(top),
    )


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
            order = [numbers[name] for name in key.sites]
            ((source, target),) = case.compare(key.service, [order])
            if source != target:
                moved[key.service, source, target] += count
    return total, moved


def _list_moves(weighed: _Weighed, answers: Counter[tuple[str, str, str]]) -> tuple[Move, ...]:
    pairs = dict.fromkeys(
        (*((each.source, each.target) for each in weighed.changes), *(key[1:] for key in answers))
    )
    moves = []
    for source, target in pairs:
        found = {
            number: change.service
            for number, change in enumerate(weighed.changes, 1)
            if (change.source, change.target) == (source, target)
        }
        asked = {key: count for key, count in answers.items() if key[1:] == (source, target)}
        services = dict.fromkeys((*found.values(), *(key[0] for key in asked)))
        amount = replace(weighed.amount_of(found), answers=sum(asked.values()))
        moves.append(Move(source, target, tuple(services), amount))
    return tuple(sorted(moves, key=lambda move: (_rank(move.amount), move.source, move.target)))


def _rank(amount: Amount) -> tuple[int, int, int]:
    """Give what sorts the largest amount first."""
    return -amount.addresses, -amount.prefixes, -amount.answers


# Addresses and prefixes, by what changes for them and by origin AS.


@dataclass(frozen=True, slots=True)
class _Moving:
    """A family of which is to be said who moves."""

    case: _Case
    snapshot: Snapshot

    @property
    def table(self) -> FamilyTable:
        """The prefixes of that family."""
        return self.snapshot.family(self.case.family)


@dataclass(frozen=True, slots=True)
class _Cell:
    """Addresses of one origin for which the same changes."""

    origin: Hop | None
    """Last hop of the path; None where no route covers them."""
    changes: frozenset[int]
    """What changes, by number of the change."""
    addresses: int
    """How many there are."""
    prefixes: int
    """How many prefixes begin with one."""


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Who moves of a family."""

    changes: Sequence[_Change]
    """What changes, numbered from 1: service by service, each pair of names once."""
    known: int
    """Addresses of which anything is known."""
    cells: Sequence[_Cell]
    """Those among them for which something changes."""

    def amount_of(self, changes: Iterable[int]) -> Amount:
        """Add up those for whom one of some changes comes."""
        found = [cell for cell in self.cells if not cell.changes.isdisjoint(changes)]
        return Amount(sum(cell.addresses for cell in found), sum(cell.prefixes for cell in found))

    def list_origins(self, top: int) -> tuple[OriginMove, ...]:
        """Give the origins with the most addresses that move."""
        found: dict[Hop, tuple[int, int]] = {}
        for cell in self.cells:
            if cell.origin is None:
                continue
            before = found.get(cell.origin, (0, 0))
            found[cell.origin] = before[0] + cell.addresses, before[1] + cell.prefixes
        chosen = nsmallest(
            top,
            ((origin, amount) for origin, amount in found.items() if amount[1]),
            key=lambda each: (-each[1][0], -each[1][1], each[0].asns),
        )
        return tuple(OriginMove(str(origin), Amount(*amount)) for origin, amount in chosen)


def _weigh(moving: _Moving) -> _Weighed:
    """Lay what changes in each service over the origins of the routes, and count."""
    numbers: dict[_Change, int] = {}
    maps = [
        changed
        for service in moving.case.steering.services
        if (changed := _map_changes(moving.case, service, numbers)) is not None
    ]
    by_route, origins = _number_origins(moving.snapshot)
    table, flags = moving.table, array("I", bytes(4 * len(by_route)))
    grounds = (sweep_plain(table, by_route, _UNROUTED), sweep_table(table, flags, 0))
    lore = list(_map_lore(moving.case))
    cells, (of_origin, marks, *columns) = lay_maps([*grounds, *maps, *lore])
    of_services, of_lore = columns[: len(maps)], columns[len(maps) :]
    sizes = [0] * len(marks)
    for start, end, cell in cells.stretches():
        sizes[cell] += end - start
    rows = Counter(code_rows(cells, table))
    counted = [
        cell
        for cell, mark in enumerate(marks)
        if not mark and (of_origin[cell] != _UNROUTED or any(column[cell] for column in of_lore))
    ]
    return _Weighed(
        tuple(numbers),
        sum(sizes[cell] for cell in counted),
        [
            _Cell(origins[of_origin[cell]], changes, sizes[cell], rows[cell])
            for cell in counted
            if (changes := frozenset(column[cell] for column in of_services) - {_STILL})
        ],
    )


def _map_changes(case: _Case, service: str, numbers: dict[_Change, int]) -> Intervals | None:
    """Give the map of what changes in a service; None where nothing does.

    Changes that are new are added to `numbers`.
    """
    policy = case.steering.policies[service, case.family]
    labels = array("I")
    for source, target in case.compare(service, policy.classes):
        change = _Change(service, source, target)
        labels.append(_STILL if source == target else numbers.setdefault(change, len(numbers) + 1))
    if not any(labels):
        return None
    bits = BITS[case.family]
    if policy.address_map is None:
        return Intervals(bits, build_starts(bits, (0,)), labels)
    # Of special-purpose blocks the same is said as of others, and of wrapping ones nothing.
    room = array("I", bytes(4 * (SPECIAL - len(labels))))
    by_code = (labels + room) * 2 + array("I", (_STILL,))
    return policy.address_map.of_family(case.family).relabel(by_code)


def _map_lore(case: _Case) -> Iterator[Intervals]:
    """Give maps that say 1 where something beside routes tells a site, and 0 elsewhere."""
    if case.steering.ranking is None:
        return
    lore, rank_by = case.steering.ranking.knowledge.lore, case.steering.ranking.rules.rank_by
    near = ((lore.places, RankBy.DISTANCE), (lore.rtts, RankBy.RTT))
    for layer in (layer for layer, metric in near if layer is not None and metric in rank_by):
        told = (any(each is not None for each in figures) for figures in layer.values)
        yield _map_told(layer, told, case.family)
    if lore.overrides is not None:
        told = (override is not None for override in lore.overrides.values)
        yield _map_told(lore.overrides, told, case.family)


def _map_told(layer: Layer[Any], told: Iterable[bool], family: int) -> Intervals:
    """Give the map of what `told` says of the layer's values; nothing of wrapping blocks."""
    labels = array("I", map(int, told))
    if layer.is_marked:
        labels.extend(bytes(SPECIAL - len(labels)))
        labels = labels * 2 + array("I", (0,))
    return layer.of_family(family).relabel(labels)


def _number_origins(snapshot: Snapshot) -> tuple[array[int], Sequence[Hop | None]]:
    """Give for each route the number of its origin, from 1, and the origins; the first is none."""
    numbers: dict[tuple[int, ...], int] = {}
    origins: list[Hop | None] = [None]
    by_route = array("I")
    for route in snapshot.routes:
        number = numbers.setdefault(route.origins, len(numbers) + 1)
        if number == len(origins):
            origins.append(route.hops[-1])
        by_route.append(number)
    return by_route, origins
