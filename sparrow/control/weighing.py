"""Why a site was taken for a client, or was not.

Law: what is said follows from the order, from how the sites stand, and from the choice
that the serving code made; nothing is chosen here. Start from `weigh_sites`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.policy.outcome import Reason, Standing, list_conditions
from sparrow.policy.preference import failover_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.control.evidence import Leaning
    from sparrow.policy.steering import Choice, Steering


@dataclass(frozen=True, slots=True)
class Candidate:
    """A site that could have answered."""

    site: str
    """Name of the site."""
    is_taken: bool
    """Whether it answers."""
    why: str
    """Why it does, or does not."""


_WHY_NOT = {
    Standing.DRAINED: "drained",
    Standing.FAILED: "down by its checks",
    Standing.DRAINED_FAILED: "drained, and down by its checks",
    Standing.BARRED: "down by order",
}
"""Said of a site that is passed over; one that serves is just not needed."""
_WHY_RESORTED = {
    Reason.DRAINED: "drained, but no other site serves",
    Reason.ALL_UP: "down, but so is every other: the last resort is all-up",
}
"""Said of a site that is taken although it does not serve."""


@dataclass(frozen=True, slots=True)
class _Weighing:
    """What decides about each site."""

    steering: Steering
    choice: Choice
    leaning: Leaning
    order: tuple[int, ...]
    """Every site: those that the client prefers, then in the order of failover of the first."""
    standings: tuple[Standing, ...]
    """By site number, for the family asked for."""
    reason: Reason
    """Which rule decided."""


def weigh_sites(steering: Steering, choice: Choice, leaning: Leaning) -> Iterator[Candidate]:
    """Say of each site, in the order in which they count, why it was taken or not."""
    sites = steering.site_set.sites
    names = [site.name for site in sites]
    conditions = list_conditions(names, steering.conditions, choice.family)
    weighing = _Weighing(
        steering=steering,
        choice=choice,
        leaning=leaning,
        order=_order_sites(steering, choice.service, leaning.preference.sites),
        standings=tuple(each.standing for each in conditions),
        reason=steering.find_outcome(choice.service, choice.family, choice.candidates).reason,
    )
    for site in weighing.order:
        is_taken = site == choice.site
        why = _why_taken(weighing, site) if is_taken else _why_not(weighing, site)
        yield Candidate(names[site], is_taken=is_taken, why=why)


def _order_sites(steering: Steering, service: str, preferred: tuple[int, ...]) -> tuple[int, ...]:
    """Give every site once: as `find_class` does, those without the service left in."""
    eligible = [site for site in preferred if site in steering.services[service].vips]
    lead = (eligible or preferred)[0]
    return tuple(dict.fromkeys((*preferred, *failover_order(steering.site_set, lead))))


def _why_taken(weighing: _Weighing, site: int) -> str:
    leaning, sites = weighing.leaning, weighing.steering.site_set.sites
    if weighing.reason in _WHY_RESORTED:
        return _WHY_RESORTED[weighing.reason]
    if site == leaning.home:
        return _why_home(leaning)
    before = weighing.order[: weighing.order.index(site)]
    vips = weighing.steering.services[weighing.choice.service].vips
    is_passed = any(each in vips for each in before)
    first = "the first that serves" if is_passed else "first"
    if site in leaning.preference.sites:
        return f"{first} of the sites that the client prefers"
    return f"{first} in the fallback order of {sites[leaning.home].name}"


def _why_home(leaning: Leaning) -> str:
    if leaning.override is not None:
        return f"an operator wants it, {leaning.override}"
    if leaning.preference.places:
        return f"first in the ranking, by {leaning.preference.places[0].step.value}"
    if leaning.asn is None:
        return "self: it answers where no AS of the route belongs to a site"
    return f"AS{leaning.asn} of the route belongs to it"


def _why_not(weighing: _Weighing, site: int) -> str:
    choice, steering = weighing.choice, weighing.steering
    service = steering.services[choice.service]
    rtype = "A" if choice.family == 4 else "AAAA"
    eligible = next(each for each in weighing.order if each in service.vips)
    if site not in service.vips:
        return f"service {service.name} is not there"
    if not service.has_family(site, choice.family):
        if site == eligible:
            return f"the client's site, but it has no {rtype} address: the answer is NODATA"
        return f"it has no {rtype} address"
    if weighing.standings[site] in _WHY_NOT:
        return _WHY_NOT[weighing.standings[site]]
    first = eligible if choice.site is None else choice.site
    return f"not needed: {steering.site_names[first]} comes before it"
