"""Several vantage points of `sparrow routes build`: which dump is of which site."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sparrow.cli.options import find_config_folders
from sparrow.errors import InputError, Problem
from sparrow.lore import load_lore
from sparrow.policy.chart import Chart
from sparrow.policy.configured import build_rules, build_site_set
from sparrow.policy.knowledge import Views
from sparrow.policy.survey import build_knowledge
from sparrow.policy.viewlines import list_nearest
from sparrow.rib.overlay import overlay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sparrow.config.model import Config
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot
    from sparrow.values.address import Prefix


def split_views(views: Iterable[str]) -> dict[str, list[str]]:
    """Read `SITE=INPUT`, several for a site if need be. Raises `InputError`."""
    found: dict[str, list[str]] = {}
    for text in views:
        site, equals, path = text.partition("=")
        if not (site and equals and path):
            what = f"{text!r} is not a site and what it sees: write SITE=INPUT"
            raise InputError([Problem(what)])
        found.setdefault(site, []).append(path)
    return found


def split_peers(peers: Iterable[str]) -> dict[str | None, str]:
    """Read `PEER`, for all, under None, or `SITE=PEER`. Raises `InputError`."""
    found: dict[str | None, str] = {}
    for text in peers:
        site, equals, peer = text.rpartition("=")
        key = site if equals else None
        if key in found:
            whose = f"of site {key!r} " if key else ""
            raise InputError([Problem(f"one neighbour {whose}is enough: {text!r} is another")])
        found[key] = peer
    return found


def check_sites(config: Config, names: Iterable[str]) -> None:
    """See that there are such sites, and AS numbers for all. Raises `InputError`."""
    known = [site.name for site in config.sites]
    problems = [
        Problem(f"there is no site {name!r} in the configuration: it has {', '.join(known)}")
        for name in names
        if name not in known
    ]
    problems += [
        Problem(f"site {site.name!r} has no asn, and a route file names sites by AS numbers")
        for site in config.sites
        if not site.asn
    ]
    if problems:
        raise InputError(problems)


def choose_sites(
    config: Config, config_path: str, views: Mapping[str, Snapshot], common: Snapshot
) -> Iterator[tuple[Prefix, Route]]:
    """Give the lines of a table that names the nearest site of every prefix.

    `common` is of no site; it counts where no view has a route. Raises `InputError`.
    """
    site_set = build_site_set(config)
    if site_set is None:
        raise InputError([Problem("the configuration has no sites to choose among")])
    folders = find_config_folders(config_path)
    lore = load_lore(config, folders.state_dir, time.time()).lore
    numbers = {site.name: number for number, site in enumerate(site_set.sites)}
    of_sites = {numbers[name]: table for name, table in views.items()}
    union = overlay([*views.values(), common])
    knowledge = build_knowledge(site_set, Views(common, of_sites, union), lore)
    asns = [site.asns[0].first for site in site_set.sites]
    return list_nearest(Chart(knowledge, site_set.self_site), build_rules(config), union, asns)
