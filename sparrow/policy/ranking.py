"""From what each site's view says of a prefix to the order of sites.

Law: the ranking is a function of the evidence and the rules alone, and each site is in it
at most once. Start from `rank`.

Sites are ranked by elimination. For each place, first to last, all sites that have none
yet stand for it, and these steps put some of them out until one is left:

    step        who stays                                           put in order by
    ROUTE       sites with a route; all, where none has one         always first
    RTT         those within `rtt_margin_ms` of the lowest          RankBy.RTT
    DISTANCE    those within `distance_margin_km` of the lowest     RankBy.DISTANCE
    LOCAL_PREF  those with the highest, if `use_local_pref`         RankBy.PATH
    PATH        those within `path_margin` of the fewest hops,      RankBy.PATH
                less each site's bias
    NEAREST     those with the lowest round-trip time, then those   RankBy.RTT,
                with the shortest distance, without a margin        RankBy.DISTANCE
    CONFIGURED  the one that is configured first                    always last

A route is a covering one in the site's own view; a default route is none. So sites
without a route come last, in an order of their own by what is known of them otherwise;
and behind these the sites whose view is too old to go by, in the same two parts.

NEAREST keeps a margin from leaving to the configured order what distance can tell: of four
sites of one region, within each other's margin and with equal paths, the nearest is taken.

**A step puts out only sites that it knows something of.** A site without a measurement is
neither the best nor put out: it stays for the next step, beside those that are near the
best measured one. To leave a step out where any site lacks a figure would let one new
site, not yet measured, turn the measurements of all others off; to put out whom no figure
is known of would keep a new site empty for ever. A route without a local preference is
the one exception: it counts as `DEFAULT_LOCAL_PREF`, as routers count it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_LOCAL_PREF = 100
"""What routers take where none was set; no standard says so, but the common ones agree."""


class RankBy(StrEnum):
    """What sites are compared by, as an operator names it."""

    RTT = "rtt"
    """Measured round-trip times."""
    DISTANCE = "distance"
    """Kilometres between client and site."""
    PATH = "path"
    """The route in the site's view."""


class Step(StrEnum):
    """What gave a site its place: the last step that put another one out."""

    ROUTE = "route"
    """No other site that was left had a route."""
    RTT = "rtt"
    """The lowest round-trip time, by more than the margin."""
    DISTANCE = "distance"
    """The shortest distance, by more than the margin."""
    LOCAL_PREF = "local preference"
    """The highest local preference."""
    PATH = "path"
    """The shortest AS path, less bias, by more than the margin."""
    NEAREST = "the nearest of equals"
    """All else was equal, or near enough, and it was the nearest of these, be it by little."""
    CONFIGURED = "configured order"
    """All else was equal, or near enough."""
    REMAINING = "the only site left"
    """There was nobody to compare it with."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one site with regard to one prefix."""

    hops: int | None = None
    """Hops of the best covering route in the site's view, prepended ones once; None without
    one, and where a default route is all."""
    local_pref: int | None = None
    """Local preference of that route; None where it has none."""
    rtt_ms: float | None = None
    """Measured round-trip time; None where none is known."""
    distance_km: float | None = None
    """Distance between client and site; None where either place is unknown."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How sites are compared."""

    rank_by: tuple[RankBy, ...] = (RankBy.RTT, RankBy.DISTANCE, RankBy.PATH)
    """In which order; each at most once, and what is left out plays no part."""
    rtt_margin_ms: float = 5
    """How much slower than the fastest is as good."""
    distance_margin_km: float = 500
    """How much farther than the nearest is as good."""
    path_margin: int = 0
    """How many more hops than the fewest are as good."""
    use_local_pref: bool = False
    """Whether local preference is set on purpose, alike in all views, and goes before hops."""
    biases: tuple[int, ...] = ()
    """Hops that count less, by site number; empty for none at all."""
    depth: int = 3
    """Places that are given; 1 or more."""
    last: frozenset[int] = frozenset()
    """Numbers of the sites whose view is too old to go by: they come behind all others."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a ranking."""

    site: int
    """Number of the site, which is its place in the configured order."""
    step: Step
    """What gave it this place."""


class Metric(IntEnum):
    """What a step compares."""

    RTT = 0
    """Round-trip time, in milliseconds."""
    DISTANCE = 1
    """Distance, in kilometres."""
    LOCAL_PREF = 2
    """Local preference, its sign turned."""
    LENGTH = 3
    """Hops less bias."""


class Comparison(NamedTuple):
    """One step that compares figures: the lower the better."""

    step: Step
    """What it is called."""
    metric: Metric
    """What it compares."""
    margin: float
    """How much more than the lowest is as good."""


class _Scale(NamedTuple):
    """A step, and the figures of a prefix."""

    step: Step
    figures: tuple[float | None, ...]
    """By site number; None where nothing is known."""
    margin: float


def list_comparisons(rules: Rules) -> tuple[Comparison, ...]:
    """Give the steps that compare figures, in their order."""
    steps: list[Comparison] = []
    nearest: list[Comparison] = []
    for rank_by in rules.rank_by:
        if rank_by is RankBy.RTT:
            steps.append(Comparison(Step.RTT, Metric.RTT, rules.rtt_margin_ms))
            nearest.append(Comparison(Step.NEAREST, Metric.RTT, 0))
        elif rank_by is RankBy.DISTANCE:
            steps.append(Comparison(Step.DISTANCE, Metric.DISTANCE, rules.distance_margin_km))
            nearest.append(Comparison(Step.NEAREST, Metric.DISTANCE, 0))
        else:
            if rules.use_local_pref:
                steps.append(Comparison(Step.LOCAL_PREF, Metric.LOCAL_PREF, 0))
            steps.append(Comparison(Step.PATH, Metric.LENGTH, rules.path_margin))
    return (*steps, *nearest)


def rank(evidence: Sequence[Evidence], rules: Rules) -> tuple[Place, ...]:
    """Give the first `depth` places; fewer where there are fewer sites.

    `evidence` is of all sites in configured order, so that its index is the number of a
    site.
    """
    return rank_some(evidence, range(len(evidence)), rules)


def rank_some(
    evidence: Sequence[Evidence], sites: Sequence[int], rules: Rules
) -> tuple[Place, ...]:
    """Give the first `depth` places among some sites, as if there were no others.

    `sites` are their numbers, ascending.
    """
    scales = tuple(
        _Scale(each.step, _list_figures(evidence, rules, each.metric), each.margin)
        for each in list_comparisons(rules)
    )
    groups: list[list[int]] = [[], [], [], []]
    for site in sites:
        groups[2 * (site in rules.last) + (evidence[site].hops is None)].append(site)
    places: list[Place] = []
    for number, left in enumerate(groups):
        has_others = any(groups[number + 1 :])
        while left and len(places) < rules.depth:
            place = _eliminate(left, Step.ROUTE if has_others else Step.REMAINING, scales)
            places.append(place)
            left.remove(place.site)
    return tuple(places)


def _list_figures(
    evidence: Sequence[Evidence], rules: Rules, metric: Metric
) -> tuple[float | None, ...]:
    """Give what a step compares, by site number."""
    if metric is Metric.RTT:
        return tuple(known.rtt_ms for known in evidence)
    if metric is Metric.DISTANCE:
        return tuple(known.distance_km for known in evidence)
    if metric is Metric.LOCAL_PREF:
        return tuple(map(_against, evidence))
    biases = rules.biases or (0,) * len(evidence)
    return tuple(map(_length, evidence, biases))


def _against(known: Evidence) -> int | None:
    """Give the local preference of a route with its sign turned; None without a route."""
    if known.hops is None:
        return None
    return -(DEFAULT_LOCAL_PREF if known.local_pref is None else known.local_pref)


def _length(known: Evidence, bias: int) -> int | None:
    """Give the hops that count."""
    return None if known.hops is None else known.hops - bias


def _eliminate(standing: Sequence[int], step: Step, scales: Sequence[_Scale]) -> Place:
    """Give the winner among sites in configured order; `step` is what it is if there is one."""
    left = list(standing)
    for scale in scales:
        if len(left) == 1:
            break
        known = [figure for site in left if (figure := scale.figures[site]) is not None]
        if not known:
            continue
        most = min(known) + scale.margin
        staying = [
            site for site in left if (figure := scale.figures[site]) is None or figure <= most
        ]
        if len(staying) < len(left):
            left, step = staying, scale.step
    return Place(left[0], step if len(left) == 1 else Step.CONFIGURED)
