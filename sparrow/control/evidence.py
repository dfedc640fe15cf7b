"""What is known of a client, site by site, and what that makes it prefer: for explanations.

Law: it is found anew, from the tables and by the rules, and never read off the map; so it
can tell that the map is another. Start from `find_leaning`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sparrow.policy.preference import build_finder
from sparrow.policy.preferring import Ground, Preference, prefer
from sparrow.policy.ranking import Evidence
from sparrow.rib.match import find_longest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sparrow.policy.ranking import Place
    from sparrow.policy.site import Service
    from sparrow.policy.steering import Steering
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot
    from sparrow.values.address import Prefix


class Tables(Protocol):
    """The tables by view: `sparrow.sources.files.Loaded`."""

    @property
    def common(self) -> Snapshot:
        """The routes of no site's view."""

    @property
    def views(self) -> Mapping[str, Snapshot]:
        """By name of the site: its own view."""


@dataclass(frozen=True, slots=True)
class SiteEvidence:
    """What is known of one site."""

    site: str
    """Its name."""
    match: tuple[Prefix, Route] | None
    """The best route in its view that covers the client; a default route is none."""
    known: Evidence
    """What is compared."""
    place: int | None
    """Its place in the ranking, from 1; None without one."""
    step: str | None
    """What gave it that place."""

    def render(self) -> str:
        """Give what is known in a line."""
        parts = []
        if self.match:
            hops = self.known.hops
            parts.append(
                f"{self.match[0]}, AS path {self.match[1]} ({hops} hop{'s' * (hops != 1)})"
            )
        if self.known.local_pref is not None:
            parts.append(f"local preference {self.known.local_pref}")
        if self.known.rtt_ms is not None:
            parts.append(f"{self.known.rtt_ms:g} ms")
        if self.known.distance_km is not None:
            parts.append(f"{self.known.distance_km:.0f} km")
        if self.place is not None:
            parts.append(f"place {self.place}, by {self.step}")
        return f"{self.site}: {'; '.join(parts) or 'nothing is known'}"

    def facts(self) -> dict[str, Any]:
        """Give the object that `docs/control.md` describes."""
        return {
            "site": self.site,
            "prefix": str(self.match[0]) if self.match else None,
            "route": str(self.match[1]) if self.match else None,
            "hops": self.known.hops,
            "local_pref": self.known.local_pref,
            "rtt_ms": self.known.rtt_ms,
            "distance_km": self.known.distance_km,
            "place": self.place,
            "step": self.step,
        }


@dataclass(frozen=True, slots=True)
class Leaning:
    """Where a client leans, before it is known how sites stand."""

    preference: Preference
    """The sites that it prefers, and on what grounds."""
    asn: int | None
    """AS number of the common view's route that named the first one; None for none."""
    override: str | None
    """The operator's override that put the first one there, in words; None for none."""
    evidence: tuple[SiteEvidence, ...]
    """By site; empty where the common view decides alone for everybody."""

    @property
    def home(self) -> int:
        """Number of the site that is preferred."""
        return self.preference.sites[0]

    def render_ground(self) -> str:
        """Say in some words why the first site is the first."""
        if self.override is not None:
            return f"override: {self.override}"
        if self.preference.places:
            step = self.preference.places[0].step.value
            return f"by {step}, of {self.preference.ground.value}"
        return f"AS{self.asn}" if self.asn is not None else "self, by default"


def find_leaning(
    steering: Steering, service: Service, address: bytes, match: Route | None, tables: Tables | None
) -> Leaning:
    """Find what a packed address, which wraps none, prefers of a service.

    `match` is the route to it in all tables; `tables` are needed where sites are ranked.
    """
    finder = build_finder(steering.site_set)
    if steering.ranking is None or tables is None:
        home = finder.home(match)
        ground = Ground.SELF if home.asn is None else Ground.COMMON
        return Leaning(Preference((home.site,), ground), home.asn, None, ())
    ranking = steering.ranking
    known = ranking.knowledge.find(address)
    preference = prefer(known, sorted(service.vips), ranking.rules, steering.site_set.self_site)
    common = find_longest(tables.common, address)
    asn = finder.home(common[1]).asn if common else None
    titles = ranking.knowledge.lore.override_titles
    return Leaning(
        preference,
        asn if preference.ground is Ground.COMMON else None,
        None if preference.override is None else titles[preference.override],
        tuple(_list_evidence(steering, known.evidence, preference.places, address, tables)),
    )


def _list_evidence(
    steering: Steering,
    known: tuple[Evidence, ...],
    places: tuple[Place, ...],
    address: bytes,
    tables: Tables,
) -> Iterator[SiteEvidence]:
    numbers = {place.site: number for number, place in enumerate(places, 1)}
    for site, evidence in enumerate(known):
        name, number = steering.site_set.sites[site].name, numbers.get(site)
        view = tables.views.get(name)
        match = find_longest(view, address, least=1) if view else None
        step = places[number - 1].step.value if number else None
        if evidence != Evidence() or number:
            yield SiteEvidence(name, match, evidence, number, step)
