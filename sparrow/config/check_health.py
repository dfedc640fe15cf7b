"""What checks must be to their sites, to each other, and to their own keys.

Law: as in `sparrow.config.findings`. Start from `CHECKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.amounts import render_duration
from sparrow.config.findings import Check, Finding, find_repeats
from sparrow.config.targets import ADDRESS
from sparrow.values.address import FAMILIES, family_of, render_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.config.health import Check as SiteCheck
    from sparrow.config.health import CheckDefaults
    from sparrow.config.model import Config, SiteConfig
    from sparrow.config.tree import Path


def _check_defaults(config: Config) -> Iterator[Finding]:
    yield from _check_timing(config.checks, ("checks",))


def _check_timing(timing: CheckDefaults | SiteCheck, path: Path) -> Iterator[Finding]:
    """Compare with the interval, where one of the two was written here."""
    written = [key for key in ("timeout", "interval") if f"{key}_s" in timing.model_fields_set]
    if written and timing.timeout_s > timing.interval_s:
        what = (
            f"the timeout of {render_duration(timing.timeout_s)} is longer than the interval of "
            f"{render_duration(timing.interval_s)}: "
            "a round must end before the next begins, so lower the one or raise the other"
        )
        needs = [(*above, key) for above in {path, ("checks",)} for key in ("timeout", "interval")]
        yield Finding((*path, written[0]), what, needs=tuple(needs))


def _check_sites(config: Config) -> Iterator[Finding]:
    for site in config.sites:
        path = ("sites", site.name)
        yield from _check_together(site, path)
        yield from _check_repeated(site, (*path, "checks"))
        yield from _check_families(site, path)
        for position, check in enumerate(site.checks):
            here = (*path, "checks", position, check.kind)
            yield from _check_timing(check, here)
            yield from _check_address(site, check, here)
            yield from _check_body(check, here)


def _check_together(site: SiteConfig, path: Path) -> Iterator[Finding]:
    """Compare what the site says of its checks with what there is."""
    checks = (*path, "checks")
    acting = [check for check in site.checks if check.kind != "off"]
    for position, check in enumerate(site.checks):
        if check.kind == "off" and acting:
            what = "'off' says that nothing is checked: remove it, or the other checks"
            yield Finding((*checks, position), what)
    if isinstance(site.require, int) and site.require > len(acting):
        number = len(acting)
        there = f"the site has {number or 'no'} check{'' if number == 1 else 's'}"
        what = f"{there}, so {site.require} can never succeed: write all, any, or a lower number"
        yield Finding((*path, "require"), what, needs=(checks,))
    for key, is_set in (("hold_down", site.hold_down_s > 0), ("manual_resume", site.manual_resume)):
        if is_set and not acting:
            what = "does nothing without checks: write checks, or remove it"
            yield Finding((*path, key), what, needs=(checks,), is_warning=True)


def _check_repeated(site: SiteConfig, path: Path) -> Iterator[Finding]:
    for position, earlier in find_repeats([check.name for check in site.checks]).items():
        name = site.checks[position].name
        what = f"two checks are called {name!r}: give one of them another 'name'"
        if site.checks[position] == site.checks[earlier]:
            what = "this check stands in this list twice: keep one"
        here, other = (*path, position), (*path, earlier)
        yield Finding(here, what, other=other, needs=(here, other))


def _check_families(site: SiteConfig, path: Path) -> Iterator[Finding]:
    """Warn of a family that is answered and that no check looks at."""
    checks = [check for check in site.checks if check.kind != "off"]
    if not checks or site.families == "site" or not all(check.uses_address for check in checks):
        return
    looked_at = {family_of(each) for check in checks for each in check.address or site.vips}
    for family in FAMILIES:
        if family not in looked_at and any(family_of(vip) == family for vip in site.vips):
            what = (
                f"nothing checks IPv{family} of site {site.name!r}, so it counts as up: "
                f"add an IPv{family} address to a check, or write families: site"
            )
            needs = ((*path, "checks"), (*path, "vips"), (*path, "families"))
            yield Finding((*path, "checks"), what, needs=needs, is_warning=True)


def _check_address(site: SiteConfig, check: SiteCheck, path: Path) -> Iterator[Finding]:
    if check.uses_address and not check.address and not site.vips:
        what = f"site {site.name!r} has no vips to check: write address: [192.0.2.1]"
        yield Finding(path, what, needs=(("sites", site.name, "vips"), (*path, "address")))
    for position in find_repeats(check.address):
        what = f"{render_address(check.address[position])} stands in this list twice: keep one"
        yield Finding((*path, "address", position), what)
    if check.address and not check.uses_address:
        what = "a file is not checked by address: remove it"
        if check.kind == "external":
            what = f"the command does not use it: write {ADDRESS} there, or remove 'address'"
        yield Finding((*path, "address"), what, needs=((*path, "command"),))


def _check_body(check: SiteCheck, path: Path) -> Iterator[Finding]:
    if check.kind in ("http", "https") and check.match is not None and check.method == "HEAD":
        what = "an answer to HEAD has no body to search: write method: GET, or remove 'match'"
        yield Finding((*path, "match"), what, needs=((*path, "method"),))


CHECKS: tuple[Check, ...] = (_check_defaults, _check_sites)
