"""What the keys of a configuration must be to each other.

Law: every check is a function from the whole `Config` to findings, listed in
`_CHECKS`; none stops another. A finding names its place by path (zones by
position, because their names are parsed; all else by name) and says what it
relies on, so that it can be dropped where that part was refused already. Start
from `check_config`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from sparrow.config.fields import suggest
from sparrow.config.listeners import find_listeners, overlaps
from sparrow.config.model import DEFAULT_SERVICE
from sparrow.values.address import FAMILIES, IPV4, family_of, render_address
from sparrow.values.name import ROOT, render_name

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from sparrow.config.model import Config, ServiceConfig, ZoneConfig
    from sparrow.config.tree import Path
    from sparrow.values.asn import AsnRange
    from sparrow.values.name import Name

    _Claim = tuple[AsnRange, str, int]  # AS numbers, site, position in the site's list


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keys say together and that is wrong or doubtful."""

    path: Path
    """Where to look first."""
    what: str
    """What is wrong, and what would be right."""
    other: Path | None = None
    """The other place that takes part; its line is added to `what`."""
    needs: tuple[Path, ...] = ()
    """Parts that must have been accepted whole for the finding to be true."""
    is_warning: bool = False
    """True: serve all the same."""


def check_config(config: Config) -> Iterator[Finding]:
    """Find everything that is wrong or doubtful between the keys of `config`."""
    for check in _CHECKS:
        yield from check(config)


def _repeats(items: Sequence[Hashable]) -> dict[int, int]:
    """Give the position of every item that stood before, and where it stood first."""
    first: dict[Hashable, int] = {}
    places = ((position, first.setdefault(item, position)) for position, item in enumerate(items))
    return {position: earlier for position, earlier in places if position != earlier}


# --- sites ---


def _check_presence(config: Config) -> Iterator[Finding]:
    if not config.zones and config.ssrs is None:
        what = "there is nothing to serve: configure 'zones', or 'ssrs' for the route daemon alone"
        yield Finding((), what, needs=(("zones",), ("ssrs",)))
    if config.zones and not config.sites:
        what = "zones need at least one site: write sites: {name: {asn: [...], vips: [...]}}"
        yield Finding(("zones",), what, needs=(("sites",),))


def _check_self(config: Config) -> Iterator[Finding]:
    if config.self_site is not None:
        yield from _check_site_name(config, ("self",), config.self_site)


def _check_site_name(config: Config, path: Path, name: str) -> Iterator[Finding]:
    known = [site.name for site in config.sites]
    if name not in known:
        yield Finding(path, _unknown("site", name, known), needs=(("sites", name),))


def _unknown(noun: str, name: str, known: Sequence[str]) -> str:
    there = f"the {noun}s are {', '.join(known)}" if known else f"no {noun}s are configured"
    return f"there is no {noun} {name!r}: {suggest(name, known)}{there}"


def _check_fallbacks(config: Config) -> Iterator[Finding]:
    for site in config.sites:
        repeats = _repeats(site.fallback)
        for position, name in enumerate(site.fallback):
            path = ("sites", site.name, "fallback", position)
            if name == site.name:
                yield Finding(path, f"site {name!r} cannot fall back to itself: remove it")
            elif position in repeats:
                yield Finding(path, f"{name!r} stands in this list twice: keep the first")
            else:
                yield from _check_site_name(config, path, name)


def _check_asns(config: Config) -> Iterator[Finding]:
    """Sweep over all claims by first AS number; who reaches farthest meets the next."""
    order = {site.name: position for position, site in enumerate(config.sites)}
    claims = [
        (asns, site.name, position)
        for site in config.sites
        for position, asns in enumerate(site.asn)
    ]
    claims.sort(key=lambda claim: claim[0])
    reach = claims[0] if claims else None
    for claim in claims[1:]:
        if reach is not None and claim[0].first <= reach[0].last:
            # The later in the file is to blame, the earlier is where it was claimed first.
            earlier, later = sorted((reach, claim), key=lambda c: (order[c[1]], c[2]))
            yield _shared_asn(later, earlier)
        if reach is None or claim[0].last > reach[0].last:
            reach = claim


def _shared_asn(later: _Claim, earlier: _Claim) -> Finding:
    first = max(later[0].first, earlier[0].first)
    last = min(later[0].last, earlier[0].last)
    asns = f"AS {first}" if first == last else f"AS {first} to {last}"
    if later[1] == earlier[1]:
        what = f"site {later[1]!r} names {asns} twice: keep one"
    else:
        what = f"{asns} cannot belong to site {later[1]!r} and to site {earlier[1]!r}: keep one"
    path = ("sites", later[1], "asn", later[2])
    return Finding(path, what, other=("sites", earlier[1], "asn", earlier[2]))


def _check_site_vips(config: Config) -> Iterator[Finding]:
    for site in config.sites:
        path = ("sites", site.name, "vips")
        yield from _check_repeated_vips(path, site.vips)
        if not any(config.vips_of(service, site.name) for service in config.services):
            what = f"site {site.name!r} has no address: write vips: [192.0.2.1], or leave it out"
            yield Finding(path, what, needs=(path, ("services",)))


def _check_repeated_vips(path: Path, vips: Sequence[bytes]) -> Iterator[Finding]:
    for position, earlier in _repeats(vips).items():
        what = f"{render_address(vips[position])} stands in this list twice: keep one"
        yield Finding((*path, position), what, other=(*path, earlier))


# --- services ---


def _check_services(config: Config) -> Iterator[Finding]:
    for service in config.services:
        yield from _check_service_sites(config, service)
        yield from _check_service_vips(config, service)
        yield from _check_families(config, service)


def _check_service_sites(config: Config, service: ServiceConfig) -> Iterator[Finding]:
    here = ("services", service.name)
    if not service.sites:
        what = f"service {service.name!r} has no address at any site: write vips"
        yield Finding(here, what, needs=(("sites",), here))
    repeats = _repeats(service.sites)
    for position, name in enumerate(service.sites):
        path = (*here, "sites", position)
        if position in repeats:
            yield Finding(path, f"{name!r} stands in this list twice: keep one")
        elif config.site(name) is None:
            yield from _check_site_name(config, path, name)
        elif not config.vips_of(service, name):
            what = (
                f"service {service.name!r} has no address at site {name!r}: "
                f"write vips: {{{name}: [...]}} here, or vips at the site"
            )
            yield Finding(path, what, needs=(("sites", name, "vips"), (*here, "vips")))


def _check_service_vips(config: Config, service: ServiceConfig) -> Iterator[Finding]:
    for own in service.vips:
        path = ("services", service.name, "vips", own.site)
        yield from _check_repeated_vips(path, own.vips)
        yield from _check_site_name(config, path, own.site)
        if config.site(own.site) is not None and own.site not in service.sites:
            what = f"service {service.name!r} does not run at {own.site!r}: add it to its 'sites'"
            yield Finding(path, what, needs=(("services", service.name, "sites"),))


def _check_families(config: Config, service: ServiceConfig) -> Iterator[Finding]:
    """Warn of a site whose clients get no address of a family that others have."""
    by_site = {name: config.vips_of(service, name) for name in service.sites}
    for family in FAMILIES:
        having = [name for name, vips in by_site.items() if _has_family(vips, family)]
        for name, vips in by_site.items():
            if vips and having and name not in having:
                yield _lacking_family(service, name, family, having[0])


def _has_family(vips: Sequence[bytes], family: int) -> bool:
    return any(family_of(vip) == family for vip in vips)


def _lacking_family(service: ServiceConfig, site: str, family: int, having: str) -> Finding:
    rrtype = "A" if family == IPV4 else "AAAA"
    who = f"service {service.name!r} at site {site!r}"
    path: Path = ("services", service.name, "vips", site)
    if not service.own_vips(site):
        who, path = f"site {site!r}", ("sites", site, "vips")
    what = (
        f"{who} has no IPv{family} address while {having!r} has one: "
        f"its clients get NODATA for {rrtype}"
    )
    return Finding(path, what, needs=(path,), is_warning=True)


# --- zones ---


def _check_zones(config: Config) -> Iterator[Finding]:
    for position, earlier in _repeats([zone.name for zone in config.zones]).items():
        name = render_name(config.zones[position].name)
        what = f"the zone {name} is configured twice: keep one"
        yield Finding(("zones", position), what, other=("zones", earlier))
    for position, zone in enumerate(config.zones):
        yield from _check_apex(zone, ("zones", position))
        yield from _check_steer(config, zone, ("zones", position, "steer"))


def _check_apex(zone: ZoneConfig, path: Path) -> Iterator[Finding]:
    if zone.file is None and zone.soa is None:
        what = "the zone needs 'soa' with mname and rname, or a 'file' that holds its SOA record"
        yield Finding(path, what, needs=((*path, "soa"), (*path, "file")))
    if zone.file is None and not zone.ns:
        what = "the zone needs 'ns' with its name servers, or a 'file' that holds its NS records"
        yield Finding(path, what, needs=((*path, "ns"), (*path, "file")))
    for position in _repeats(zone.ns):
        what = f"{render_name(zone.ns[position])} stands in this list twice: keep one"
        yield Finding((*path, "ns", position), what)


def _check_steer(config: Config, zone: ZoneConfig, path: Path) -> Iterator[Finding]:
    services = [service.name for service in config.services]
    for position, earlier in _repeats([steer.name for steer in zone.steer]).items():
        what = f"{render_name(zone.steer[position].name)} is steered twice: keep one"
        yield Finding((*path, position), what, other=(*path, earlier))
    for position, steer in enumerate(zone.steer):
        here = (*path, position)
        if steer.service not in services:
            yield _unknown_service(config, here, steer.service, services)
        if _repeats_zone(steer.name, zone.name):
            what = (
                f"this steers {render_name(steer.name)}, with the zone's name in it twice: "
                "write '@' for the zone's own name, or end a whole name with a dot"
            )
            yield Finding(here, what, is_warning=True)


def _unknown_service(config: Config, path: Path, name: str, known: Sequence[str]) -> Finding:
    if name == DEFAULT_SERVICE and config.sites:
        what = "the default service has no address at any site: write vips at a site"
        return Finding(path, what, needs=(("sites",),))
    needs = (("services", name), ("sites",)) if name == DEFAULT_SERVICE else (("services", name),)
    return Finding(path, _unknown("service", name, known), needs=needs)


def _repeats_zone(name: Name, zone: Name) -> bool:
    """Tell whether a name looks like an absolute one that was completed with the zone's."""
    relative = name[: len(name) - len(zone)]
    return zone != ROOT and relative[len(relative) - len(zone) :] == zone


# --- routes and listeners ---


def _check_routes(config: Config) -> Iterator[Finding]:
    files = [route.file for route in config.routes]
    for position, earlier in _repeats(files).items():
        what = "this file is listed twice: keep one"
        yield Finding(("routes", position), what, other=("routes", earlier), is_warning=True)
    if config.zones and not files:
        what = f"there are no 'routes': every client is sent to site {config.self_site!r}"
        yield Finding(("zones",), what, needs=(("routes",), ("self",)), is_warning=True)


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


_CHECKS: tuple[Callable[[Config], Iterator[Finding]], ...] = (
    _check_presence,
    _check_self,
    _check_fallbacks,
    _check_asns,
    _check_site_vips,
    _check_services,
    _check_zones,
    _check_routes,
    _check_listeners,
    _check_route_port,
)
