"""What lower TTLs, last resorts, modes and guards must be to the rest.

Law: as in `sparrow.config.findings`. Start from `CHECKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.findings import Check, Finding, find_repeats, find_unknown_site
from sparrow.config.guarding import NORMAL
from sparrow.values.address import render_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.config.guarding import LastResortConfig, ModeConfig
    from sparrow.config.model import Config, ServiceConfig
    from sparrow.config.tree import Path

_MODES: Path = ("failover", "modes")


# --- TTLs and last resorts ---


def _check_ttls(config: Config) -> Iterator[Finding]:
    for position, zone in enumerate(config.zones):
        if zone.ttl_min > zone.ttl:
            here = ("zones", position)
            yield _too_high(zone.ttl_min, zone.ttl, here, (*here, "ttl"))
    for service in config.services:
        path = ("services", service.name)
        if service.ttl_min is None:
            continue
        if service.ttl is None:
            yield from _check_borrowed_ttl(config, service, service.ttl_min)
        elif service.ttl_min > service.ttl:
            yield _too_high(service.ttl_min, service.ttl, path, (*path, "ttl"))


def _check_borrowed_ttl(config: Config, service: ServiceConfig, ttl_min: int) -> Iterator[Finding]:
    """Compare with the TTL of the zones that give the service theirs."""
    for position, zone in enumerate(config.zones):
        if zone.ttl < ttl_min and any(steer.service == service.name for steer in zone.steer):
            ttl = ("zones", position, "ttl")
            yield _too_high(ttl_min, zone.ttl, ("services", service.name), ttl)


def _too_high(ttl_min: int, ttl: int, path: Path, other: Path) -> Finding:
    what = f"{ttl_min} is more than the ttl of {ttl}: write {ttl} or less"
    return Finding((*path, "ttl_min"), what, other=other, needs=(other, (*path, "ttl")))


def _check_last_resorts(config: Config) -> Iterator[Finding]:
    yield from _check_static(config.failover.last_resort, ("failover", "last_resort"))
    for service in config.services:
        if service.last_resort is not None:
            path = ("services", service.name, "last_resort")
            yield from _check_static(service.last_resort, path)


def _check_static(last_resort: LastResortConfig, path: Path) -> Iterator[Finding]:
    for position, earlier in find_repeats(last_resort.static).items():
        address = render_address(last_resort.static[position])
        what = f"{address} stands in this list twice: keep one"
        here = (*path, "static")
        yield Finding((*here, position), what, other=(*here, earlier))


# --- modes ---


def _check_modes(config: Config) -> Iterator[Finding]:
    failover = config.failover
    modes = failover.modes
    if failover.link is not None and not modes:
        what = "does nothing without 'modes': write them, or remove it"
        yield Finding(("failover", "link"), what, needs=(_MODES,), is_warning=True)
    if not modes:
        return
    if failover.link is None:
        what = "'modes' need 'link', the symbolic link that leads to the file of the mode: write it"
        yield Finding(_MODES, what, needs=(("failover", "link"),))
    if all(mode.key != NORMAL for mode in modes):
        what = f"the mode {NORMAL!r} is missing: write {NORMAL}: FILE, for all that has no mode"
        yield Finding(_MODES, what, needs=(_MODES,))
    if config.site(NORMAL) is not None:
        what = f"a site cannot be called {NORMAL!r} where there are modes: it has another meaning"
        yield Finding(("sites", NORMAL), what, other=_MODES)
    if not any(check.kind != "off" for site in config.sites for check in site.checks):
        what = "no site has checks, so only orders can change the mode"
        yield Finding(_MODES, what, needs=(("sites",),), is_warning=True)


def _check_mode_keys(config: Config) -> Iterator[Finding]:
    modes = config.failover.modes
    every = frozenset(site.name for site in config.sites)
    for position, mode in enumerate(modes):
        path = (*_MODES, position)
        for name in sorted(mode.sites):
            yield from find_unknown_site(config, path, name)
        if mode.sites and mode.sites == every:
            what = (
                f"these are all the sites, and then the mode is {NORMAL!r}: this file is not used"
            )
            yield Finding(path, what, needs=(("sites",),), is_warning=True)
    for position, earlier in find_repeats([mode.sites for mode in modes]).items():
        what = f"{modes[position].key!r} and {modes[earlier].key!r} are the same sites: keep one"
        yield Finding((*_MODES, position), what, other=(*_MODES, earlier))


def _check_link(config: Config) -> Iterator[Finding]:
    link = config.failover.link
    path = ("failover", "link")
    for position, mode in enumerate(config.failover.modes):
        if mode.file == link:
            yield _own_target(mode, (*_MODES, position), path)
    if config.failover.modes and link and link not in (route.file for route in config.route_files):
        what = "nothing reads this link: list it under 'routes'"
        yield Finding(path, what, needs=(("routes",),), is_warning=True)


def _own_target(mode: ModeConfig, path: Path, link: Path) -> Finding:
    what = f"the mode {mode.key!r} is the link itself: name the file that the link is to lead to"
    return Finding(path, what, other=link)


# --- guards ---


def _check_canaries(config: Config) -> Iterator[Finding]:
    canaries = config.guards.canaries
    path = ("guards", "canaries")
    for position, canary in enumerate(canaries):
        yield from find_unknown_site(config, (*path, position), canary.site)
    for position, earlier in find_repeats([canary.prefix for canary in canaries]).items():
        what = f"{canaries[position].prefix} stands in this list twice: keep one"
        yield Finding((*path, position), what, other=(*path, earlier))


CHECKS: tuple[Check, ...] = (
    _check_ttls,
    _check_last_resorts,
    _check_modes,
    _check_mode_keys,
    _check_link,
    _check_canaries,
)
