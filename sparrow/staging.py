"""From files to a `View`: stage, validate, build. Swapping is the daemon's.

Law: a view is built whole or not at all, and everything that is wrong with the
configuration, the tables and the zones is said at once. `sparrow check`, `serve`,
`reload`, and the look-ups without a daemon all run this code. Start from `stage`.
"""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sparrow.config.check_ranking import find_expired
from sparrow.config.load import LoadedConfig, load_config
from sparrow.config.locate import find_folders
from sparrow.dns.respond import Authority, Identity
from sparrow.dns.rrset import ADDRESS_TYPES, RRset, RRType
from sparrow.dns.zone import Steer, ZoneSet
from sparrow.dns.zonecheck import BuiltZone, ZoneSource, build_zone
from sparrow.dns.zonefile import Parsed, Record, parse_zone
from sparrow.errors import InputError, Problem
from sparrow.lore import load_lore
from sparrow.policy.chart import Chart
from sparrow.policy.configured import build_rules, build_services, build_site_set
from sparrow.policy.damping import Held
from sparrow.policy.knowledge import Views
from sparrow.policy.steering import (
    Steering,
    build_base_map,
    build_ranked_steering,
    build_steering,
)
from sparrow.policy.survey import Survey
from sparrow.rib.snapshot import EMPTY, Snapshot
from sparrow.sources.configured import list_route_files
from sparrow.sources.files import Loaded, load_snapshot
from sparrow.sources.zonetext import load_text
from sparrow.values.address import family_of
from sparrow.values.name import WILDCARD, Name, encode_name, render_name
from sparrow.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sparrow.config.model import Config, SoaConfig, SteerConfig, ZoneConfig
    from sparrow.lore import LoadedLore
    from sparrow.policy.knowledge import Lore
    from sparrow.policy.site import SiteSet
    from sparrow.policy.steering import AddressMap

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Staging:
    """How to build a view."""

    config_path: str
    """The configuration's file."""
    cookie_secrets: Callable[[Config], tuple[bytes, ...]] = lambda _: ()
    """Gives the secrets of DNS cookies; raises `InputError`. Without it there are none."""
    progress: Callable[[int, int], None] | None = None
    """Told the octets of tables read so far, and in all."""
    previous: Snapshot = EMPTY
    """The table to be replaced; routes that are the same are shared with it."""
    serial: int = 1
    """Serial of the view to be."""
    read_tables: Callable[[Config], Loaded] | None = None
    """Gives the table in the place of the route files as they are; raises `InputError`."""
    read_lore: Callable[[Config], LoadedLore] | None = None
    """Gives what else is known of addresses; raises `InputError`. Without it that is read."""
    list_stale: Callable[[], frozenset[str]] = frozenset
    """Names the sites whose views are too old to go by; asked when the tables are there."""
    survey: Callable[[SiteSet], Survey] = Survey
    """Gives what finds out what tables say; that of the tables before makes it cheaper."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A view that can be served, and what its operator may not have meant."""

    view: View
    """The view."""
    warnings: tuple[Problem, ...]
    """Doubts about configuration, tables and zones, in this order."""


def stage(staging: Staging) -> Staged:
    """Build a view from the files that the configuration names.

    Raises `InputError` with all that is wrong in any of them.
    """
    loaded = load_config(staging.config_path)
    config = loaded.config
    problems: list[Problem] = []
    loaded_at_s = time.time()
    ended = find_expired(config, loaded_at_s)
    warnings = [*loaded.warnings, *(loaded.lines.problem(each.path, each.what) for each in ended)]
    tables = _collect(problems, lambda: load_tables(config, staging))
    lore = _collect(problems, lambda: _load_lore(config, staging))
    secrets = _collect(problems, lambda: staging.cookie_secrets(config))
    zones = _stage_zones(loaded, problems, warnings)
    if tables is None or lore is None or secrets is None or problems:
        raise InputError(problems)
    warnings += tables.warnings
    stale = staging.list_stale()
    view = View(
        config=config,
        config_path=staging.config_path,
        tables=tables,
        lore=lore,
        stale=stale,
        held=Held(),
        site_set=build_site_set(config),
        authority=Authority(
            zones=zones,
            steering=_build_steering(config, tables, lore.lore, stale, staging.survey),
            identity=_build_identity(config, secrets),
        ),
        serial=staging.serial,
        loaded_at_s=loaded_at_s,
        published_at_s=time.time(),
    )
    return Staged(view, tuple(warnings))


def restage_tables(view: View, staging: Staging) -> Staged:
    """Build a view that differs from another in its tables alone. Raises `InputError`."""
    loaded_at_s = time.time()
    config = view.config
    tables, lore = load_tables(config, staging), _load_lore(config, staging)
    stale = staging.list_stale()
    steering = _build_steering(config, tables, lore.lore, stale, staging.survey)
    built = replace(
        view,
        tables=tables,
        lore=lore,
        stale=stale,
        held=Held(),
        authority=replace(view.authority, steering=steering),
        serial=staging.serial,
        loaded_at_s=loaded_at_s,
        published_at_s=time.time(),
    )
    return Staged(built, tables.warnings)


def _collect(problems: list[Problem], step: Callable[[], _T]) -> _T | None:
    """Do a step; where it is refused keep its problems and go on, so that all are said."""
    try:
        return step()
    except InputError as error:
        problems += error.problems
        return None


def load_tables(config: Config, staging: Staging) -> Loaded:
    """Give the table of a configuration. Raises `InputError`."""
    if staging.read_tables:
        return staging.read_tables(config)
    return load_snapshot(list_route_files(config), staging.progress, staging.previous)


def _load_lore(config: Config, staging: Staging) -> LoadedLore:
    if staging.read_lore:
        return staging.read_lore(config)
    folders = find_folders(config.server, staging.config_path, os.environ, os.getuid())
    return load_lore(config, folders.state_dir, time.time())


def _build_steering(
    config: Config,
    tables: Loaded,
    lore: Lore,
    stale: frozenset[str],
    survey_of: Callable[[SiteSet], Survey],
) -> Steering | None:
    site_set = build_site_set(config)
    if site_set is None:
        return None
    services, survey = build_services(config), survey_of(site_set)
    if lore.is_empty and not tables.views:
        is_asked_for = config.is_asking
        homes = survey.homes.find(tables.snapshot.routes)
        base_map = build_base_map(site_set, tables.snapshot, homes, is_asked_for=is_asked_for)
        return build_steering(site_set, services, base_map, is_asked_for=is_asked_for)
    numbers = site_set.numbers
    rules = replace(build_rules(config), last=frozenset(numbers[name] for name in stale))
    return build_ranked_steering(site_set, services, _build_chart(survey, tables, lore), rules)


def _build_chart(survey: Survey, tables: Loaded, lore: Lore) -> Chart:
    site_set = survey.site_set
    numbers = site_set.numbers
    # Tables that were accepted before may have views of sites that are configured no more.
    of_sites = {numbers[name]: table for name, table in tables.views.items() if name in numbers}
    views = Views(tables.common, of_sites, tables.snapshot)
    return Chart(survey.build(views, lore), site_set.self_site)


def draw_preferred(config: Config, site_set: SiteSet, lore: Lore, tables: Loaded) -> AddressMap:
    """Give the number of the site that each address prefers, of a service that runs everywhere."""
    if lore.is_empty and not tables.views:
        return build_base_map(site_set, tables.snapshot)
    rules = replace(build_rules(config), depth=1)
    chart = _build_chart(Survey(site_set), tables, lore)
    ranked = chart.rank(range(len(site_set.sites)), rules)
    return ranked.draw([order[0] for order in ranked.orders])


def _build_identity(config: Config, secrets: tuple[bytes, ...]) -> Identity:
    server = config.server
    return Identity(
        nsid=server.nsid.encode() if server.nsid is not None else None,
        version=server.version.encode() if server.version is not None else None,
        cookie_secrets=secrets,
    )


def _stage_zones(loaded: LoadedConfig, problems: list[Problem], warnings: list[Problem]) -> ZoneSet:
    """Build every zone that can be built; what is wrong with the others goes to `problems`."""
    zones = {}
    for number, zone_config in enumerate(loaded.config.zones):
        built = _collect(problems, partial(_stage_zone, loaded, number, zone_config))
        if built:
            zones[built.zone.origin] = built.zone
            warnings += built.warnings
    zone_set = ZoneSet(zones)
    warnings += _warn_of_undelegated(loaded, zone_set)
    return zone_set


def _warn_of_undelegated(loaded: LoadedConfig, zone_set: ZoneSet) -> Iterator[Problem]:
    """Find zones inside a zone of ours that does not delegate them.

    DS is asked of the parent (RFC 4035 section 3.1.4.1), and its NXDOMAIN would
    make resolvers drop all that is below (RFC 8020).
    """
    for number, zone in enumerate(loaded.config.zones):
        parent = zone_set.find(zone.name[1:]) if zone.name else None
        if zone.name in zone_set.zones and parent and parent.find(zone.name).cut is None:
            inside = render_name(parent.origin)
            what = f"the zone lies inside {inside}, which has no NS records for it: add them there"
            yield loaded.lines.problem(("zones", number), what)


def _stage_zone(loaded: LoadedConfig, number: int, config: ZoneConfig) -> BuiltZone:
    lines = loaded.lines
    parsed = Parsed((), ())
    if config.file:
        parsed = parse_zone(load_text(config.file), config.name, config.file, load_text)
    steers = {each.name: _build_steer(loaded.config, config, each) for each in config.steer}
    steer_lines = {
        each.name: (lines.file, lines.find(("zones", number, "steer", place)))
        for place, each in enumerate(config.steer)
    }
    built = build_zone(
        ZoneSource(
            origin=config.name,
            records=(*parsed.records, *_list_debug_records(loaded.config, config, steer_lines)),
            soa=_build_soa(config.name, config.soa) if config.soa else None,
            ns=_build_ns(config) if config.ns else None,
            steers=steers,
            steer_lines=steer_lines,
            place=(lines.file, lines.find(("zones", number))),
        )
    )
    return BuiltZone(built.zone, (*parsed.warnings, *built.warnings))


def _list_debug_records(
    config: Config, zone: ZoneConfig, steer_lines: Mapping[Name, tuple[str, int]]
) -> Iterator[Record]:
    """Give the records by which each site of a steered name can be asked for by its own name."""
    for steer in zone.steer if zone.debug_names else ():
        if steer.name[:1] == (WILDCARD,):
            continue
        service = next(each for each in config.services if each.name == steer.service)
        ttl = _build_steer(config, zone, steer).ttl
        file, line = steer_lines[steer.name]
        for site in service.sites:
            owner = (f"site-{site}".lower().encode(), *steer.name)
            vips = config.vips_of(service, site)
            for rtype, family in ADDRESS_TYPES.items():
                of_family = [vip for vip in vips if family_of(vip) == family]
                for vip in of_family[: zone.result_count]:
                    yield Record(owner, rtype, ttl, vip, file, line)


def _build_steer(config: Config, zone: ZoneConfig, steer: SteerConfig) -> Steer:
    service = next(each for each in config.services if each.name == steer.service)
    ttl, ttl_min = zone.ttls_of(service)
    return Steer(steer.service, ttl, zone.result_count, ttl_min)


def _build_soa(origin: Name, soa: SoaConfig) -> RRset:
    timers = (soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum)
    rdata = encode_name(soa.mname) + encode_name(soa.rname) + struct.pack("!5I", *timers)
    return RRset(origin, RRType.SOA, soa.ttl, (rdata,))


def _build_ns(zone: ZoneConfig) -> RRset:
    return RRset(zone.name, RRType.NS, zone.ns_ttl, tuple(map(encode_name, zone.ns)))
