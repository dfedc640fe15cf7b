"""All that is known of client addresses before a site is chosen for them.

Law: what is known of an address depends on the address alone, never on a service or on how
sites stand; each kind of knowledge is a layer, and `None` is where nothing is known. Start
from `Knowledge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sparrow.policy.ranking import Evidence, RankBy
from sparrow.rib.snapshot import EMPTY
from sparrow.values.address import family_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from sparrow.policy.layer import Layer
    from sparrow.rib.snapshot import Snapshot

Figures: TypeAlias = "tuple[float | None, ...]"
"""A figure for each site, by its number; None where none is known."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The best route that covers an address in the view of a site."""

    hops: int
    """Its hops, prepended ones once."""
    local_pref: int | None = None
    """Its local preference; None where it has none."""


@dataclass(frozen=True, slots=True)
class Views:
    """The tables that the sites' own routers give, and the one of nobody in particular."""

    common: Snapshot = EMPTY
    """The routes of no site's view."""
    of_sites: Mapping[int, Snapshot] | None = None
    """By number of the site: its own view. None where no site has one."""
    union: Snapshot = EMPTY
    """All of them as one."""


@dataclass(frozen=True, slots=True)
class Lore:
    """What is known of addresses that no route tells."""

    places: Layer[Figures] | None = None
    """Kilometres to each site."""
    rtts: Layer[Figures] | None = None
    """Measured milliseconds to each site, by prefix."""
    rtts_of_asn: Mapping[int, Figures] | None = None
    """The same by the AS that originates the route; what is measured by prefix goes before."""
    overrides: Layer[int | None] | None = None
    """The override of an operator for a prefix: its index."""
    override_of_asn: Mapping[int, int] | None = None
    """That for an origin AS; one for a prefix goes before."""
    override_sites: tuple[int, ...] = ()
    """The number of the site that each override wants, by its index."""
    override_titles: tuple[str, ...] = ()
    """Beside each: whose clients it is for, until when and why, for people."""

    @property
    def is_empty(self) -> bool:
        """Tell whether it says nothing of any address."""
        return all(
            each is None or each == {}
            for each in (
                self.places,
                self.rtts,
                self.rtts_of_asn,
                self.overrides,
                self.override_of_asn,
            )
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known by the AS that originates the route to an address."""

    rtts: Figures | None = None
    """Measured milliseconds to each site."""
    override: int | None = None
    """Index of an operator's override."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one address."""

    evidence: tuple[Evidence, ...]
    """By site."""
    home: int | None
    """Site that the route of the common view names; None without one."""
    override: int | None
    """Index of the operator's override; None without one."""
    override_site: int | None
    """Site that it wants; None without one."""

    def is_covered(self, sites: Iterable[int]) -> bool:
        """Tell whether the view of one of some sites has a route."""
        return any(self.evidence[site].hops is not None for site in sites)

    def is_near_any(self, sites: Iterable[int], rank_by: Collection[RankBy]) -> bool:
        """Tell whether a distance or a time to one of some sites is known, and counts."""
        return any(
            (RankBy.RTT in rank_by and known.rtt_ms is not None)
            or (RankBy.DISTANCE in rank_by and known.distance_km is not None)
            for known in (self.evidence[site] for site in sites)
        )


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All layers. Built once for some tables, then only read."""

    site_count: int
    """How many sites there are."""
    homes: Layer[int | None]
    """Site that the route of the common view names."""
    marks: Layer[int]
    """0, or a flag of `sparrow.policy.intervals`; it is the code."""
    views: Mapping[int, Layer[Sighting | None]]
    """By number of the site: what its own view has; a default route is nothing."""
    origins: Layer[Origin] | None
    """By the origin of the most specific route in any view."""
    lore: Lore
    """The rest."""

    def list_layers(self) -> list[Layer[Any]]:
        """Give every layer there is."""
        optional = (self.origins, self.lore.places, self.lore.rtts, self.lore.overrides)
        there = [layer for layer in optional if layer is not None]
        return [self.homes, self.marks, *self.views.values(), *there]

    def find(self, address: bytes) -> Known:
        """Tell what is known of a packed address that wraps none."""
        family, number = family_of(address), int.from_bytes(address, "big")
        return self.describe(lambda layer: layer.find(family, number))

    def describe(self, value_of: Callable[[Layer[Any]], Any]) -> Known:
        """Put together what the layers say of an address; `value_of` gives that of each."""
        lore, nothing = self.lore, (None,) * self.site_count
        origin = (self.origins and value_of(self.origins)) or Origin()
        rtts = (lore.rtts and value_of(lore.rtts)) or nothing
        distances = (lore.places and value_of(lore.places)) or nothing
        wanted = value_of(lore.overrides) if lore.overrides else None
        sightings = {site: value_of(layer) for site, layer in self.views.items()}
        evidence = tuple(
            _build_evidence(sightings.get(site), rtt_ms, distance_km)
            for site, (rtt_ms, distance_km) in enumerate(
                zip(merge_figures(rtts, origin.rtts), distances, strict=True)
            )
        )
        override = origin.override if wanted is None else wanted
        site = None if override is None else lore.override_sites[override]
        return Known(evidence, value_of(self.homes), override, site)


def _build_evidence(
    seen: Sighting | None, rtt_ms: float | None, distance_km: float | None
) -> Evidence:
    if seen is None:
        return Evidence(rtt_ms=rtt_ms, distance_km=distance_km)
    return Evidence(seen.hops, seen.local_pref, rtt_ms, distance_km)


def merge_figures(first: Figures, second: Figures | None) -> Figures:
    """Give the figures of `first`, and where it has none those of `second`."""
    if second is None:
        return first
    return tuple(
        other if figure is None else figure for figure, other in zip(first, second, strict=True)
    )
