"""From tables to what is known by them, again and again while tables follow each other.

Law: what comes of tables is what a fresh start would make of them; a layer whose table is the
very one of the last time is not made again. Start from `Survey`.
"""

from __future__ import annotations

from array import array
from functools import partial
from typing import TYPE_CHECKING, Any

from sparrow.policy.intervals import sweep_plain, sweep_table
from sparrow.policy.knowledge import Knowledge, Origin, Sighting
from sparrow.policy.layer import Layer
from sparrow.policy.preference import build_finder
from sparrow.policy.sanity import count_hops
from sparrow.rib.coded import RouteCodes
from sparrow.rib.snapshot import EMPTY
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from sparrow.policy.knowledge import Lore, Views
    from sparrow.policy.site import SiteSet
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot


class Survey:
    """Finds out what tables say about some sites. For one thread at a time."""

    def __init__(self, site_set: SiteSet) -> None:
        """Start without a table."""
        finder = build_finder(site_set)
        self.site_set = site_set
        """The sites."""
        self.homes = RouteCodes(finder.site_of, *range(len(site_set.sites)))
        """The number of the site that is each route's home."""
        self._named = _RouteLayer(finder.named_site, None)
        self._views: dict[int, _RouteLayer] = {}
        self._origins: tuple[Lore, _RouteLayer] | None = None
        self._union = EMPTY
        self._marks = _build_marks(EMPTY)

    def build(self, views: Views, lore: Lore) -> Knowledge:
        """Give what is known by some tables; `lore` is of the same sites."""
        of_sites = sorted((views.of_sites or {}).items())
        self._views = {
            site: self._views.get(site) or _RouteLayer(_see, None) for site, _ in of_sites
        }
        return Knowledge(
            site_count=len(self.site_set.sites),
            homes=self._named.find(views.common, FAMILIES),
            marks=self._find_marks(views.union),
            views={site: self._views[site].find(table, ()) for site, table in of_sites},
            origins=self._find_origins(views, lore),
            lore=lore,
        )

    def _find_marks(self, union: Snapshot) -> Layer[int]:
        if union is not self._union:
            self._union, self._marks = union, _build_marks(union)
        return self._marks

    def _find_origins(self, views: Views, lore: Lore) -> Layer[Origin] | None:
        """Give the layer of what is known by origin; None where nothing is.

        A default route counts in the common view alone, here as elsewhere.
        """
        if not lore.rtts_of_asn and not lore.override_of_asn:
            self._origins = None
            return None
        if self._origins is None or self._origins[0] != lore:
            self._origins = lore, _RouteLayer(partial(_tell_origin, lore), Origin())
        common = views.common
        defaults = [family for family in FAMILIES if common.family(family).has_default]
        return self._origins[1].find(views.union, defaults)


def build_knowledge(site_set: SiteSet, views: Views, lore: Lore) -> Knowledge:
    """Find out once what some tables say; `lore` is of the same sites."""
    return Survey(site_set).build(views, lore)


class _RouteLayer:
    """The layer of something that each route has, for one table after the other."""

    def __init__(self, value_of: Callable[[Route], Any], default: Hashable) -> None:
        """Ask `value_of` about each route; without a route there is the default."""
        self._codes: RouteCodes[Any] = RouteCodes(value_of, default)
        self._snapshot: Snapshot | None = None
        self._defaults: tuple[int, ...] = ()
        self._layer: Layer[Any] | None = None

    def find(self, snapshot: Snapshot, defaults: Collection[int]) -> Layer[Any]:
        """Give the layer of a table, whose default routes count in these families alone."""
        is_same = snapshot is self._snapshot and tuple(defaults) == self._defaults
        if self._layer is None or not is_same:
            codes = self._codes.find(snapshot.routes)
            tables = (
                snapshot.family(family)
                if family in defaults
                else snapshot.family(family).without_default()
                for family in FAMILIES
            )
            v4, v6 = (sweep_plain(table, codes, 0) for table in tables)
            self._layer = Layer(v4, v6, self._codes.values)
            self._snapshot, self._defaults = snapshot, tuple(defaults)
        return self._layer


def _see(route: Route) -> Sighting:
    return Sighting(count_hops(route), route.local_pref)


def _tell_origin(lore: Lore, route: Route) -> Origin:
    rtts, overrides = lore.rtts_of_asn or {}, lore.override_of_asn or {}
    asns = route.origins
    return Origin(
        next((rtts[asn] for asn in asns if asn in rtts), None),
        next((overrides[asn] for asn in asns if asn in overrides), None),
    )


def _build_marks(union: Snapshot) -> Layer[int]:
    codes = array("I", bytes(4 * len(union.routes)))
    v4, v6 = (sweep_table(union.family(family), codes, 0) for family in FAMILIES)
    return Layer(v4, v6, ())
