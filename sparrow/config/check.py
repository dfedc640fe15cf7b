"""What the keys of a configuration must be to each other.

Law: every check is a function from the whole `Config` to findings, listed in
`_CHECKS`; none stops another. Start from `check_config`.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from sparrow.config import (
    check_asking,
    check_failover,
    check_health,
    check_powerdns,
    check_ranking,
    check_sites,
    check_zones,
)
from sparrow.config.asking import RouteServerConfig
from sparrow.config.feeding import GobgpConfig
from sparrow.config.findings import Check, Finding, find_repeats, find_unknown_site
from sparrow.config.listeners import find_listeners, overlaps
from sparrow.config.sanity import DEFAULT_SANITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.config.model import Config, RouteFileConfig


def check_config(config: Config) -> Iterator[Finding]:
    """Find everything that is wrong or doubtful between the keys of `config`."""
    for check in _CHECKS:
        yield from check(config)


def _check_presence(config: Config) -> Iterator[Finding]:
    if not config.zones and config.ssrs is None:
        what = "there is nothing to serve: configure 'zones', or 'ssrs' for the route daemon alone"
        yield Finding((), what, needs=(("zones",), ("ssrs",)))
    if config.zones and not config.sites:
        what = "zones need at least one site: write sites: {name: {asn: [...], vips: [...]}}"
        yield Finding(("zones",), what, needs=(("sites",),))


def _check_self(config: Config) -> Iterator[Finding]:
    if config.self_site is not None:
        yield from find_unknown_site(config, ("self",), config.self_site)


def _source(
    route: RouteFileConfig | GobgpConfig | RouteServerConfig,
) -> tuple[str, bytes | str | int | None]:
    """Give what makes two sources one: a file can be the view of several sites, a feed cannot."""
    if isinstance(route, GobgpConfig):
        return route.gobgp, route.neighbor
    if isinstance(route, RouteServerConfig):
        return f"{route.route_server} {route.host}", route.port
    return route.file, route.view


def _check_feeds(config: Config) -> Iterator[Finding]:
    for position, route in enumerate(config.routes):
        tls = route.tls if isinstance(route, GobgpConfig) else None
        if tls and (tls.cert is None) is not (tls.key is None):
            what = "a certificate needs its key, and a key its certificate: give both or neither"
            yield Finding(("routes", position, "tls"), what)


def _check_routes(config: Config) -> Iterator[Finding]:
    names = [_source(route) for route in config.routes]
    for position, earlier in find_repeats(names).items():
        route = config.routes[position]
        if isinstance(route, RouteServerConfig):
            continue  # there is to be but one
        if isinstance(route, GobgpConfig):
            what = "this server is listed twice with the same neighbor: keep one"
            yield Finding(("routes", position), what, other=("routes", earlier))
        else:
            what = "this file is listed twice: keep one"
            yield Finding(("routes", position), what, other=("routes", earlier), is_warning=True)
    for position, route in enumerate(config.routes):
        if isinstance(route, (GobgpConfig, RouteServerConfig)):
            continue
        if route.peer is not None and route.format != "mrt":
            what = f"only a file of format mrt has neighbours to choose from, not {route.format}"
            place = ("routes", position, "peer")
            yield Finding(place, what, needs=(("routes", position, "format"),))
        if route.sanity != DEFAULT_SANITY and route.format != "mrt":
            what = (
                "what stands in a route file is your own word, and all of it counts: "
                "sanity is for format mrt and for live sources"
            )
            place = ("routes", position, "sanity")
            yield Finding(place, what, needs=(("routes", position, "format"),))
    has_lore = config.geo or config.ranking.rtt or config.overrides
    if config.zones and not names and not has_lore:
        what = f"there are no 'routes': every client is sent to site {config.self_site!r}"
        needs = (("routes",), ("self",), ("geo",), ("ranking",), ("overrides",))
        yield Finding(("zones",), what, needs=needs, is_warning=True)


def _check_listeners(config: Config) -> Iterator[Finding]:
    for earlier, later in combinations(find_listeners(config), 2):
        if overlaps(earlier.endpoint, later.endpoint):
            what = (
                f"{later.endpoint} is taken already by {earlier.endpoint} of {earlier.key}: "
                "use another port, or an address that the other does not cover"
            )
            yield Finding(later.path, what, other=earlier.path)


def _check_route_port(config: Config) -> Iterator[Finding]:
    ssrs = config.ssrs
    if ssrs is None or ssrs.open or ssrs.password is not None or ssrs.listen.is_loopback:
        return
    what = (
        f"{ssrs.listen} can be reached from elsewhere and lets everybody in: "
        "set a password, listen on 127.0.0.1, or write open: true if that is meant"
    )
    yield Finding(("ssrs", "listen"), what, needs=(("ssrs", "password"), ("ssrs", "open")))


_CHECKS: tuple[Check, ...] = (
    _check_presence,
    _check_self,
    *check_sites.CHECKS,
    *check_health.CHECKS,
    *check_zones.CHECKS,
    *check_failover.CHECKS,
    *check_ranking.CHECKS,
    _check_routes,
    _check_feeds,
    *check_asking.CHECKS,
    _check_listeners,
    _check_route_port,
    *check_powerdns.CHECKS,
)
