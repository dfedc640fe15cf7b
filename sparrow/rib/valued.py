"""Routes with their local preferences.

Law: what is equal is one object, as the tables want it. Start from `ValuedRoutes`.
"""

from __future__ import annotations

from sparrow.rib.route import Route

_MAX_KNOWN = 2**18
"""Routes held at once: those of a full table fit."""


class ValuedRoutes:
    """Gives routes a local preference. For one thread."""

    def __init__(self) -> None:
        """Start without a route."""
        self._known: dict[tuple[Route, int], Route] = {}

    def value(self, route: Route, local_pref: int | None) -> Route:
        """Give a route, which has none, with this local preference; itself with None."""
        if local_pref is None:
            return route
        key = route, local_pref
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            found = self._known[key] = Route(route.hops, local_pref)
        return found
