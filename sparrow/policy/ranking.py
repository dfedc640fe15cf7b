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
    CONFIGURED  the one that is configured first                    always last

A route is a covering one in the site's own view; a default route is none. So sites
without a route come last, in an order of their own by what is known of them otherwise.

**A step puts out only sites that it knows something of.** A site without a measurement is
neither the best nor put out: it stays for the next step, beside those that are near the
best measured one. To leave a step out where any site lacks a figure would let one new
site, not yet measured, turn the measurements of all others off; to put out whom no figure
is known of would keep a new site empty for ever. A route without a local preference is
the one exception: it counts as `DEFAULT_LOCAL_PREF`, as routers count it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a ranking."""

    site: int
    """Number of the site, which is its place in the configured order."""
    step: Step
    """What gave it this place."""


class _Scale(NamedTuple):
    """One step's figures: the lower the better."""

    step: Step
    figures: tuple[float | None, ...]
    """By site number; None where nothing is known."""
    margin: float


def rank(evidence: Sequence[Evidence], rules: Rules) -> tuple[Place, ...]:
    """Give the first `depth` places; fewer where there are fewer sites.

    `evidence` is of all sites in configured order, so that its index is the number of a
    site.
    """
    scales = tuple(_list_scales(evidence, rules))
    routed = [site for site, known in enumerate(evidence) if known.hops is not None]
    unrouted = [site for site, known in enumerate(evidence) if known.hops is None]
    places: list[Place] = []
    for left, others in ((routed, unrouted), (unrouted, [])):
        while left and len(places) < rules.depth:
            place = _eliminate(left, Step.ROUTE if others else Step.REMAINING, scales)
            places.append(place)
            left.remove(place.site)
    return tuple(places)


def _list_scales(evidence: Sequence[Evidence], rules: Rules) -> Iterator[_Scale]:
    """Give the steps that compare figures, in their order."""
    for metric in rules.rank_by:
        if metric is RankBy.RTT:
            figures = tuple(known.rtt_ms for known in evidence)
            yield _Scale(Step.RTT, figures, rules.rtt_margin_ms)
        elif metric is RankBy.DISTANCE:
            figures = tuple(known.distance_km for known in evidence)
            yield _Scale(Step.DISTANCE, figures, rules.distance_margin_km)
        else:
            if rules.use_local_pref:
                yield _Scale(Step.LOCAL_PREF, tuple(map(_against, evidence)), 0)
            biases = rules.biases or (0,) * len(evidence)
            lengths = tuple(map(_length, evidence, biases))
            yield _Scale(Step.PATH, lengths, rules.path_margin)


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
