"""Whether clients may stay with a site that routes would take them from.

Law: that is a function of what was and is known of an address, of the two sites and of the
rules; so it is decided once for all addresses of which the same is known. Start from `Judge`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from sparrow.policy.atlas import lay_maps
from sparrow.policy.ranking import Step, rank_some
from sparrow.values.address import BITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sparrow.policy.intervals import Intervals
    from sparrow.policy.knowledge import Known
    from sparrow.policy.moves import Move
    from sparrow.policy.steering import Ranking

_MANY = 2000
"""Stretches from which on it pays to lay all that is known over each other first."""
_BY_FIGURES = frozenset({Step.ROUTE, Step.RTT, Step.DISTANCE, Step.LOCAL_PREF, Step.PATH})
"""Steps that tell sites apart by more than a margin."""


@dataclass(frozen=True, slots=True)
class Damping:
    """When clients may change their site."""

    margin_ms: float = 5
    """Milliseconds beyond the ranking's margin by which a site wins at once."""
    margin_km: float = 500
    """Kilometres beyond it."""
    margin_hops: int = 1
    """Hops beyond it. Where all three are 0, whoever wins at all does so at once."""
    hold_s: float = 300
    """Seconds after which a wish is granted without that."""
    budget: float | None = 0.05
    """Part of the addresses of a family that may go within a minute; None for all of them."""


class Verdict(Enum):
    """What holds clients back."""

    FREE = "they have nobody to stay with"
    """They go, whatever else is the case."""
    WINS = "the new site wins by more than the margins"
    """They go as soon as the budget has room."""
    STAYS = "nothing is in favour of going"
    """They stay, for a while."""


@dataclass(frozen=True, slots=True)
class Court:
    """By what a judge decides, for one service and the clients of one family."""

    damping: Damping
    """The rules."""
    family: int
    """4 or 6: of the addresses."""
    cover: Intervals
    """1 where any route covers an address, else 0."""
    before: Ranking | None
    """What was known; None where that was the common view alone, or nothing."""
    now: Ranking | None
    """What is known; None where that is the common view alone."""
    sites: Collection[int]
    """Numbers of the sites that run the service."""

    def list_maps(self) -> list[Intervals]:
        """Give the maps that tell apart all addresses of which not the same is known."""
        layers = self.now.knowledge.list_layers() if self.now else []
        views = self.before.knowledge.views.values() if self.before else ()
        layers += [view for view in views if not any(view is layer for layer in layers)]
        return [self.cover, *(layer.of_family(self.family) for layer in layers)]

    def decide(self, address: int, old: int, new: int) -> Verdict:
        """Say what holds back the clients at an address, of a site, who would have another."""
        if not self.cover.find(address).code or self._has_lost(address, old):
            return Verdict.FREE
        return Verdict.WINS if self._wins(address, new, old) else Verdict.STAYS

    # First match, from top to bottom. A view is one of a site that runs the service.
    #
    #   a view has | the site's    | any route of | a view     | the site has
    #   a route    | own view      | the common   | had a route| lost its route
    #   -----------+---------------+--------------+------------+---------------
    #   yes        | has none,     | any          | any        | yes
    #              | or is too old |              |            |
    #   yes        | has one       | any          | any        | no
    #   no         | has none      | names none   | any        | yes
    #   no         | has none      | names a site | yes        | yes
    #   no         | has none      | names a site | no         | no
    #
    # In the last line but one it was by a view that the clients came to the site.
    def _has_lost(self, address: int, site: int) -> bool:
        if self.now is None:
            return False
        known = self._find(self.now, address)
        if known.is_covered(self.sites):
            return known.evidence[site].hops is None or site in self.now.rules.last
        if known.home is None:
            return True
        return self.before is not None and self._find(self.before, address).is_covered(self.sites)

    def _wins(self, address: int, site: int, loser: int) -> bool:
        """Tell whether a site is better than another by more than the margins."""
        damping = self.damping
        if not any((damping.margin_ms, damping.margin_km, damping.margin_hops)):
            return True
        if self.now is None:
            return False
        rules = self.now.rules
        wide = replace(
            rules,
            rtt_margin_ms=rules.rtt_margin_ms + damping.margin_ms,
            distance_margin_km=rules.distance_margin_km + damping.margin_km,
            path_margin=rules.path_margin + damping.margin_hops,
            depth=1,
        )
        evidence = self._find(self.now, address).evidence
        (place,) = rank_some(evidence, sorted((site, loser)), wide)
        return place.site == site and place.step in _BY_FIGURES

    def _find(self, ranking: Ranking, address: int) -> Known:
        return ranking.knowledge.find(address.to_bytes(BITS[self.family] // 8, "big"))


class Judge:
    """Decides about stretches of addresses, ascending."""

    def __init__(self, court: Court, moves: Sequence[Move]) -> None:
        """Be ready for these stretches."""
        self.court = court
        """By what it decides."""
        self._verdicts: dict[tuple[int, int, tuple[int, ...]], Verdict] = {}
        maps = court.list_maps()
        if len(moves) >= _MANY:
            maps = [lay_maps(maps)[0]]
        self._maps = [(each.starts, each.codes, len(each.starts)) for each in maps]
        self._places = [0] * len(maps)

    def judge(self, move: Move, old: int, new: int) -> Iterator[tuple[int, int, Verdict]]:
        """Give the parts of a stretch, each with what holds back its clients.

        They have the site `old` and would have `new`. The stretch is not before the last one.
        """
        start = move.start
        while start < move.end:
            codes, stop = self._look(start, move.end)
            key = old, new, codes
            verdict = self._verdicts.get(key)
            if verdict is None:
                verdict = self._verdicts[key] = self.court.decide(start, old, new)
            yield start, stop, verdict
            start = stop

    def _look(self, start: int, end: int) -> tuple[tuple[int, ...], int]:
        """Give what is known of an address, and the first one of which something else is."""
        codes = []
        for number, (starts, of_starts, count) in enumerate(self._maps):
            place = self._places[number]
            if place + 1 < count and starts[place + 1] <= start:
                place = self._places[number] = bisect_right(starts, start, place + 1, count) - 1
            codes.append(of_starts[place])
            if place + 1 < count:
                end = min(end, starts[place + 1])
        return tuple(codes), end
