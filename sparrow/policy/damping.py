"""What routes would move, and what is let: clients change their site for good reasons only.

Law: only what a route changed is held back, never what became of a site's health; what is
held keeps the class that it had, so that every law of the map goes on to hold; and what is
held is let go in the end. Time is an argument. Start from `damp`.

A stretch of addresses whose first site would be another one keeps its old class unless

    the old site has no route to it any more, or its view is too old to go by;
    or no route at all leads there;
    or the new site also wins with the margins of the ranking widened by those of `Damping`;
    or it has wanted that site for `hold_s` seconds without a break.

What may go by the last two counts against the budget of a minute, and waits where that is
spent, whoever has wanted it longest going first.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from sparrow.policy.atlas import combine
from sparrow.policy.intervals import SPECIAL, Intervals, sweep_plain
from sparrow.policy.moves import list_moves
from sparrow.policy.starts import build_starts
from sparrow.policy.staying import Court, Judge, Verdict
from sparrow.policy.steering import MAX_CLASSES, AddressMap, Policy
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sparrow.policy.moves import Move
    from sparrow.policy.staying import Damping
    from sparrow.policy.steering import Steering
    from sparrow.rib.snapshot import Snapshot

MINUTE_S = 60.0
"""What the budget is of."""
_GONE = -1
"""Stands for a site that is not configured any more."""
_LOW = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Wish:
    """A stretch of client addresses that keeps its class, and would have another."""

    family: int
    """4 or 6: of the addresses."""
    start: int
    """First address, as a number."""
    end: int
    """First address behind it."""
    order: tuple[str, ...]
    """Names of the sites of the class that it keeps, in order."""
    target: str
    """Name of the first site of the class that it would have."""
    since_s: float
    """Unix time since when it has wanted that without a break."""

    @property
    def size(self) -> int:
        """Count its addresses."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Held:
    """All that is held, and what has gone within a minute."""

    wishes: Mapping[tuple[str, int], tuple[Wish, ...]] = field(default_factory=dict)
    """By service and family of its addresses: wishes of clients, ascending; none are empty."""
    gone: tuple[tuple[float, int, int], ...] = ()
    """What counts against the budget: Unix time, family, addresses; each pair of the first two
    once."""
    next_s: float | None = None
    """Unix time at which more may go; None where nothing is held."""

    def find(self, service: str, family: int, client: tuple[int, int]) -> Wish | None:
        """Give the wish of a client, (family, address); None where it has what it wants."""
        for wish in self.wishes.get((service, family), ()):
            if wish.family == client[0] and wish.start <= client[1] < wish.end:
                return wish
        return None


class Damped(NamedTuple):
    """What comes of damping."""

    steering: Steering
    """What is to serve."""
    held: Held
    """What is held in it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What decides about wishes."""

    damping: Damping
    """The rules."""
    steering: Steering
    """What would serve."""
    routes: Snapshot
    """Its tables as one."""
    now_s: float
    """Unix time."""


def damp(before: Steering | None, ground: Ground, held: Held) -> Damped:
    """Hold back what may not move yet of what `before` served; None after a start.

    Then what was held on stays so. Site names of `held` may be of another configuration.
    What is ahead of `now_s`, since the clock was set back, counts as of now.
    """
    done: dict[tuple[int, int, tuple[Wish, ...]], tuple[Policy, tuple[Wish, ...]]] = {}
    gone = (
        (min(time_s, ground.now_s), family, size)
        for time_s, family, size in held.gone
        if ground.now_s - time_s < MINUTE_S
    )
    run = _Run(ground, before, gone)
    policies, wishes = dict(ground.steering.policies), {}
    for key, policy in policies.items():
        was = before.policies.get(key) if before else None
        known = held.wishes.get(key, ())
        slot = (id(policy), id(was), known)
        if slot not in done:
            sites = tuple(ground.steering.services[key[0]].vips)
            done[slot] = run.damp_policy((was, policy), known, sites)
        policies[key], found = done[slot]
        if found:
            wishes[key] = found
    steering = replace(ground.steering, policies=policies)
    next_s = _find_next(run, wishes.values())
    return Damped(steering, Held(wishes, run.list_gone(), next_s))


def _find_next(run: _Run, wishes: Iterable[Iterable[Wish]]) -> float | None:
    """Give the Unix time at which more may go."""
    now_s, hold_s = run.ground.now_s, run.ground.damping.hold_s
    times = [wish.since_s + hold_s for each in wishes for wish in each]
    ahead = [time_s for time_s in times if time_s > now_s]
    if run.is_blocked:
        ahead.append(min(time_s for time_s, _, _ in run.list_gone()) + MINUTE_S)
    return min(ahead, default=None)


class _Case(NamedTuple):
    """A part of a stretch that would move."""

    start: int
    end: int
    old: tuple[int, ...]
    new: tuple[int, ...]
    since_s: float

    @property
    def size(self) -> int:
        """Count its addresses."""
        return self.end - self.start


class _Run:
    """One go over all policies, which share a budget."""

    def __init__(
        self, ground: Ground, before: Steering | None, gone: Iterable[tuple[float, int, int]]
    ) -> None:
        self.ground = ground
        self._ranking_before = before.ranking if before else None
        self.is_blocked = False
        """Whether the budget kept anything from going."""
        self._gone: Counter[tuple[float, int]] = Counter()
        self._spent: Counter[int] = Counter()
        for time_s, family, size in gone:
            self._spend(time_s, family, size)
        self._granted: set[tuple[int, int, int]] = set()
        self._rooms: dict[int, float] = {}
        self._covered: dict[int, Intervals] = {}
        self._names = [site.name for site in ground.steering.site_set.sites]
        self._numbers = {name: number for number, name in enumerate(self._names)}

    def list_gone(self) -> tuple[tuple[float, int, int], ...]:
        """Give what counts against the budget, as `Held.gone`."""
        return tuple((time_s, family, size) for (time_s, family), size in self._gone.items())

    def _spend(self, time_s: float, family: int, size: int) -> None:
        self._gone[time_s, family] += size
        self._spent[family] += size

    def damp_policy(
        self,
        policies: tuple[Policy | None, Policy],
        known: tuple[Wish, ...],
        sites: tuple[int, ...],
    ) -> tuple[Policy, tuple[Wish, ...]]:
        """Give the policy that serves, and what is held in it.

        `policies` are the one before and the one that would serve, `sites` run the service.
        """
        before, after = policies
        old = self._restore(after, known) if before is None else before
        if after.address_map is None or old.address_map is None:
            return after, ()
        numbering = _Numbering(after)
        numbers = [numbering.number(order) for order in old.classes]
        if old.unknown_class is not None and after.unknown_class is not None:
            numbers[old.unknown_class] = after.unknown_class
        aligned = old.address_map.project(numbers)
        kept: dict[int, list[_Case]] = {}
        for family in FAMILIES:
            new = after.address_map.of_family(family)
            moves = [
                each
                for each in list_moves(aligned.of_family(family), new)
                if _may_hold(each, numbering.orders, after.unknown_class)
            ]
            kept[family] = []
            if moves:
                judge = Judge(self._open_court(family, sites), moves)
                cases = self._list_cases(judge, moves, numbering.orders, known)
                kept[family] = self._hold(family, cases)
        wishes = tuple(self._wish(family, case) for family in FAMILIES for case in kept[family])
        return (_patch_policy(after, kept) if wishes else after), wishes

    def _restore(self, after: Policy, known: tuple[Wish, ...]) -> Policy:
        """Give a policy as if what was held before a start had served."""
        kept: dict[int, list[_Case]] = {family: [] for family in FAMILIES}
        for wish in known:
            order = tuple(self._numbers.get(name, _GONE) for name in wish.order)
            if _GONE not in order:
                kept[wish.family].append(_Case(wish.start, wish.end, order, order, wish.since_s))
        return _patch_policy(after, kept) if after.address_map is not None else after

    def _wish(self, family: int, case: _Case) -> Wish:
        order = tuple(self._names[site] for site in case.old)
        return Wish(family, case.start, case.end, order, self._names[case.new[0]], case.since_s)

    def _list_cases(
        self,
        judge: Judge,
        moves: Iterable[Move],
        classes: Sequence[tuple[int, ...]],
        known: tuple[Wish, ...],
    ) -> Iterator[tuple[_Case, Verdict]]:
        """Give the parts that are not free to go, with the time since when they want to."""
        family = judge.court.family
        since = _Since([wish for wish in known if wish.family == family], self.ground.now_s)
        for move in moves:
            old, new = classes[move.before], classes[move.after]
            for start, end, verdict in judge.judge(move, old[0], new[0]):
                if verdict is not Verdict.FREE:
                    for first, stop, since_s in since.find(start, end, self._names[new[0]]):
                        yield _Case(first, stop, old, new, since_s), verdict

    def _hold(self, family: int, cases: Iterable[tuple[_Case, Verdict]]) -> list[_Case]:
        """Give the parts that are held, ascending; the others go."""
        kept: list[_Case] = []
        going: list[_Case] = []
        ground = self.ground
        for case, verdict in cases:
            is_due = ground.now_s - case.since_s >= ground.damping.hold_s
            (going if is_due or verdict is Verdict.WINS else kept).append(case)
        going.sort(key=lambda case: case.since_s)
        kept += [case for case in going if not self._grant(family, case)]
        return sorted(kept)

    def _open_court(self, family: int, sites: Collection[int]) -> Court:
        ground = self.ground
        rankings = self._ranking_before, ground.steering.ranking
        return Court(ground.damping, family, self._cover(family), *rankings, sites)

    def _grant(self, family: int, case: _Case) -> bool:
        """Tell whether the budget has room for a part; then it has gone."""
        if (family, case.start, case.end) in self._granted:
            return True  # in another service, and these are the same clients
        spent = self._spent[family]
        # What is larger than the whole budget goes alone, or it would wait for ever.
        if spent and spent + case.size > self._room(family):
            self.is_blocked = True
            return False
        self._spend(self.ground.now_s, family, case.size)
        self._granted.add((family, case.start, case.end))
        return True

    def _room(self, family: int) -> float:
        budget = self.ground.damping.budget
        if budget is None:
            return inf
        if family not in self._rooms:
            stretches = self._cover(family).stretches()
            size = sum(end - start for start, end, is_covered in stretches if is_covered)
            self._rooms[family] = budget * size
        return self._rooms[family]

    def _cover(self, family: int) -> Intervals:
        """Give the map that says 1 where a route covers an address."""
        if family not in self._covered:
            routes = self.ground.routes
            ones = array("I", (1,)) * len(routes.routes)
            self._covered[family] = sweep_plain(routes.family(family), ones, 0)
        return self._covered[family]


class _Since:
    """Since when addresses of a family have wanted what they want."""

    def __init__(self, wishes: Sequence[Wish], now_s: float) -> None:
        self._wishes = wishes
        self._ends = [wish.end for wish in wishes]
        self._now_s = now_s

    def find(self, start: int, end: int, target: str) -> Iterator[tuple[int, int, float]]:
        """Split a stretch that wants a site by the time since when it does."""
        place = bisect_right(self._ends, start)
        while start < end:
            wish = self._wishes[place] if place < len(self._wishes) else None
            if wish is None or wish.start >= end:
                yield start, end, self._now_s
                return
            if start < wish.start:
                yield start, wish.start, self._now_s
                start = wish.start
            stop = min(end, wish.end)
            is_same = wish.target == target
            yield start, stop, min(wish.since_s, self._now_s) if is_same else self._now_s
            start, place = stop, place + 1


class _Numbering:
    """Numbers classes as a policy does, and those that it has not behind them."""

    def __init__(self, policy: Policy) -> None:
        self.orders = list(policy.classes)
        self._numbers: dict[tuple[int, ...], int] = {}
        for number, order in enumerate(policy.classes):
            # The class of unknown clients is the last, and may have the order of another.
            self._numbers.setdefault(order, number)

    def number(self, order: tuple[int, ...]) -> int:
        """Give the number of a class, a new one where there is none."""
        number = self._numbers.setdefault(order, len(self.orders))
        if number == len(self.orders):
            self.orders.append(order)
        return number


def _may_hold(move: Move, classes: Sequence[tuple[int, ...]], unknown: int | None) -> bool:
    """Tell whether a stretch changes its first site and may keep its class, if there is room.

    Who was unknown goes as soon as something is known of him, and who is forgotten, too.
    """
    old, new = classes[move.before], classes[move.after]
    is_other = bool(old and new) and old[0] != new[0]
    return is_other and move.before < MAX_CLASSES and unknown not in {move.before, move.after}


def _patch_policy(policy: Policy, kept: Mapping[int, Sequence[_Case]]) -> Policy:
    """Give a policy in which some stretches have other classes."""
    assert policy.address_map is not None  # noqa: S101  (nothing is held where there is no map)
    numbering = _Numbering(policy)
    maps = []
    for family in FAMILIES:
        codes = [numbering.number(case.old) for case in kept[family]]
        maps.append(_patch(policy.address_map.of_family(family), kept[family], codes))
    return replace(
        policy, classes=tuple(numbering.orders), address_map=AddressMap(maps[0], maps[1])
    )


def _patch(intervals: Intervals, cases: Sequence[_Case], codes: Sequence[int]) -> Intervals:
    """Give a map that has other codes in some stretches; flagged ones stay as they are."""
    if not cases:
        return intervals
    starts, labels = [0], [0]
    for case, code in zip(cases, codes, strict=True):
        if starts[-1] == case.start:
            starts.pop()
            labels.pop()
        starts += [case.start, case.end]
        labels += [code + 1, 0]
    if starts[-1] >> intervals.bits:
        starts.pop()
        labels.pop()
    patch = Intervals(intervals.bits, build_starts(intervals.bits, starts), array("I", labels))
    cells, pairs = combine(intervals, patch)
    by_cell = array("I")
    for pair in pairs:
        code, label = pair >> 32, pair & _LOW
        by_cell.append(label - 1 if label and code < SPECIAL else code)
    return cells.relabel(by_cell)
