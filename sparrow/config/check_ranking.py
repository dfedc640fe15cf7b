"""What views, rankings and overrides must be to the rest.

Law: as in `sparrow.config.findings`. Start from `CHECKS`; what time has made of a
configuration is found by `find_expired`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.feeding import STALE_FOR_S, GobgpConfig
from sparrow.config.findings import Check, Finding, find_repeats, find_unknown_site
from sparrow.values.address import Prefix, parse_prefix
from sparrow.values.moment import render_moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.config.model import Config

MAX_OVERRIDES = 2**16 - 1
"""In an address map a code has 16 bits, and one says that there is no override."""

_RANK_BY = ("ranking", "rank_by")
_MAPPED = parse_prefix("::ffff:0:0/96")
"""IPv4 addresses written as IPv6 (RFC 4291 section 2.5.5.2)."""


def find_expired(config: Config, now_s: float) -> Iterator[Finding]:
    """Warn of overrides that have ended by `now_s`, in Unix seconds."""
    for position, each in enumerate(config.overrides):
        if each.until_s is not None and each.until_s <= now_s:
            what = f"the override of {each} ended at {render_moment(each.until_s)}: remove it"
            yield Finding(("overrides", position, "until"), what, is_warning=True)


def _check_views(config: Config) -> Iterator[Finding]:
    for position, route in enumerate(config.routes):
        here = ("routes", position)
        if route.view is not None:
            yield from find_unknown_site(config, (*here, "view"), route.view)
        elif isinstance(route, GobgpConfig):
            if route.withdraw_on_loss:
                what = "only a source with a 'view' can take its site along: write view: SITE"
                yield Finding((*here, "withdraw_on_loss"), what, needs=((*here, "view"),))
            if route.stale_for_s != STALE_FOR_S:
                what = "says nothing without a 'view': the common view keeps its last routes"
                yield Finding((*here, "stale_for"), what, needs=((*here, "view"),))


def _check_missing_views(config: Config) -> Iterator[Finding]:
    """Warn of sites that no view can bring forward."""
    viewed = [route.view for route in config.routes if route.view is not None]
    for site in config.sites if viewed else ():
        if site.name not in viewed:
            what = (
                f"no source of routes is its 'view', while {viewed[0]!r} has one: it comes behind "
                "all sites that have a route, wherever a view decides"
            )
            needs = (("routes",), ("sites",))
            yield Finding(("sites", site.name), what, needs=needs, is_warning=True)


def _check_metrics(config: Config) -> Iterator[Finding]:
    rank_by = config.ranking.rank_by
    for position in find_repeats(rank_by):
        yield Finding((*_RANK_BY, position), f"{rank_by[position]!r} stands here twice: keep one")
    if config.ranking.use_local_pref and "path" not in rank_by:
        what = "local preference is not looked at, because 'path' is not in 'rank_by'"
        yield Finding(("ranking", "use_local_pref"), what, needs=(_RANK_BY,), is_warning=True)
    if config.ranking.rtt is not None and "rtt" not in rank_by:
        what = "this table is not used, because 'rtt' is not in 'rank_by'"
        yield Finding(("ranking", "rtt"), what, needs=(_RANK_BY,), is_warning=True)


def _check_distance(config: Config) -> Iterator[Finding]:
    """Warn of half of what distances are made of."""
    located = [site.name for site in config.sites if site.location is not None]
    needs = (("sites",), ("geo",), _RANK_BY)
    if config.geo is not None and "distance" not in config.ranking.rank_by:
        what = "nothing is compared by distance, because 'distance' is not in 'rank_by'"
        yield Finding(("geo",), what, needs=needs, is_warning=True)
    elif config.geo is not None and not located:
        what = "no distance is known, because no site has a 'location': write it at the sites"
        yield Finding(("geo",), what, needs=needs, is_warning=True)
    for site in config.sites:
        if site.location is not None and config.geo is None:
            what = "no distance is known without 'geo': write geo: builtin, or leave this out"
            yield Finding(("sites", site.name, "location"), what, needs=needs, is_warning=True)
        if site.location is None and config.geo is not None and located:
            what = (
                f"has no 'location' while {located[0]!r} has one: no distance puts it out, so "
                "that clients everywhere may be sent there: write where it is"
            )
            yield Finding(("sites", site.name), what, needs=needs, is_warning=True)


def _check_overrides(config: Config) -> Iterator[Finding]:
    overrides = config.overrides
    if len(overrides) > MAX_OVERRIDES:
        what = f"there are {len(overrides)}, and {MAX_OVERRIDES} can be: join some prefixes"
        yield Finding(("overrides",), what)
    for position, each in enumerate(overrides):
        yield from find_unknown_site(config, ("overrides", position, "site"), each.site)
        if each.prefix is not None and _is_mapped(each.prefix):
            inner = Prefix(each.prefix.network[12:], each.prefix.length - 96)
            what = f"has no effect, since such an address is looked up as IPv4: write {inner}"
            yield Finding(("overrides", position, "prefix"), what, is_warning=True)
    clients = [(each.prefix, each.asn) for each in overrides]
    for position, earlier in find_repeats(clients).items():
        what = f"{overrides[position]} stands here twice: keep one"
        yield Finding(("overrides", position), what, other=("overrides", earlier))


def _is_mapped(prefix: Prefix) -> bool:
    return prefix.length >= _MAPPED.length and _MAPPED.contains(prefix.network)


CHECKS: tuple[Check, ...] = (
    _check_views,
    _check_missing_views,
    _check_metrics,
    _check_distance,
    _check_overrides,
)
