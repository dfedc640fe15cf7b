"""What sites and services must be to each other, and to themselves.

Law: as in `sparrow.config.findings`. Start from `CHECKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.findings import Check, Finding, find_repeats, find_unknown_site
from sparrow.values.address import FAMILIES, IPV4, family_of, render_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sparrow.config.model import Config, ServiceConfig
    from sparrow.config.tree import Path
    from sparrow.values.asn import AsnRange

    _Claim = tuple[AsnRange, str, int]  # AS numbers, site, position in the site's list


def _check_fallbacks(config: Config) -> Iterator[Finding]:
    for site in config.sites:
        repeats = find_repeats(site.fallback)
        for position, name in enumerate(site.fallback):
            path = ("sites", site.name, "fallback", position)
            if name == site.name:
                yield Finding(path, f"site {name!r} cannot fall back to itself: remove it")
            elif position in repeats:
                yield Finding(path, f"{name!r} stands in this list twice: keep the first")
            else:
                yield from find_unknown_site(config, path, name)


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
    for position, earlier in find_repeats(vips).items():
        what = f"{render_address(vips[position])} stands in this list twice: keep one"
        yield Finding((*path, position), what, other=(*path, earlier))


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
    repeats = find_repeats(service.sites)
    for position, name in enumerate(service.sites):
        path = (*here, "sites", position)
        if position in repeats:
            yield Finding(path, f"{name!r} stands in this list twice: keep one")
        elif config.site(name) is None:
            yield from find_unknown_site(config, path, name)
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
        yield from find_unknown_site(config, path, own.site)
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


CHECKS: tuple[Check, ...] = (_check_fallbacks, _check_asns, _check_site_vips, _check_services)
