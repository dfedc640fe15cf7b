"""The `sparrow.yaml` that answers as BIND with Super Sparrow's driver did.

Law: pure; an AS number is one site, whose addresses are those of the first zone that has it. A
zone in which a site has other addresses, or is missing, has a service of its own. What cannot
be said the same way is a note to the operator. Start from `render_import`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem
from sparrow.values.address import render_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sparrow.bindimport.words import RouteServer, SsZone

ROUTES = "/etc/ssrs.routes"
"""Where Super Sparrow's own route server had its table."""
_SSRS_PORT = "7777"
_SELF = "self"
_MAX_LABEL = 63
"""Characters of a service's name; there are fewer than 10,000 zones with its likes."""
_BARE = re.compile(r"(?!(?:true|false|null)$)[a-z][a-z0-9_.-]*|/[A-Za-z0-9_./-]+|\d+(\.\d+){3}")

Places = dict[str, list[bytes]]
"""By site: the addresses that a zone has there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator says beside named.conf."""

    listen: tuple[str, ...] = ("127.0.0.1:5300",)
    """Where sparrow is to listen, as the key `listen` takes it."""
    routes: tuple[str, ...] = ()
    """Route files; () for that of Super Sparrow's own route server."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A configuration, and what its author should know."""

    text: str
    """YAML."""
    notes: tuple[Problem, ...]
    """What is not the same, or is to be done."""


def render_import(zones: Sequence[SsZone], wanted: Wanted) -> Imported:
    """Render the configuration for zones, at least one. Raises `InputError`."""
    _check_routes(zones, wanted)
    self_site = _find_self(zones)
    placed = {zone.name: _place(zone, self_site) for zone in zones}
    sites: Places = {}
    asns: dict[str, int] = {}
    for zone in zones:
        for name, addresses in placed[zone.name].items():
            sites.setdefault(name, addresses)
        asns |= {_site_of(asn): asn for asn in zone.peers}
    services = _name_services([zone.name for zone in zones if placed[zone.name] != sites])
    lines = [
        "# Made by `sparrow import-bind`.",
        f"server: {{listen: [{', '.join(map(json.dumps, wanted.listen))}]}}",
        "",
        f"self: {self_site}",
        "",
        "sites:",
        *(_render_site(name, asns.get(name), vips) for name, vips in sites.items()),
        *(["", "services:"] if services else []),
        *(line for zone, name in services.items() for line in _render_service(name, placed[zone])),
        "",
        "routes:",
        *_render_routes(zones[0].route_server, wanted),
        "",
        "zones:",
        *(line for zone in zones for line in _render_zone(zone, services.get(zone.name))),
        *(["", *_render_port(zones[0].route_server)] if _is_replaced(zones) else []),
    ]
    return Imported("\n".join(lines) + "\n", tuple(_find_notes(zones, sites, wanted)))


# Routes.


def _is_replaced(zones: Sequence[SsZone]) -> bool:
    """Whether sparrow takes the place of the one route server that all zones ask."""
    server = zones[0].route_server
    return server.is_own and all(zone.route_server == server for zone in zones)


def _check_routes(zones: Sequence[SsZone], wanted: Wanted) -> None:
    """Check that all zones have routes of one place, which can be named. Raises `InputError`."""
    first, *others = zones
    server = first.route_server
    problems = []
    if not wanted.routes:
        problems = [
            Problem(
                f"zone {zone.name} asks another route server than {first.name} does, and sparrow "
                "has one table for all: name its files with --routes",
                zone.file,
                zone.line,
            )
            for zone in others
            if zone.route_server != server
        ]
    is_named = _is_replaced(zones) or not wanted.routes
    if is_named and server.port and not server.port.isdigit():
        what = f"--port {server.port}: write its number, as sparrow looks up no services"
        problems.append(Problem(what, first.file, first.line))
    if problems:
        raise InputError(problems)


def _render_routes(server: RouteServer, wanted: Wanted) -> Iterator[str]:
    """Render what routes are read from: files, or a route server that stays where it is.

    --routes | our own route server | routes
    given    |                      | these files
    not      | yes                  | the file that it had
    not      | no                   | the route server is asked
    """
    if wanted.routes or server.is_own:
        yield from (f"  - file: {_scalar(path)}" for path in wanted.routes or (ROUTES,))
        return
    yield f"  - route_server: {server.kind}"
    yield f"    host: {json.dumps(server.host)}"
    if server.port:
        yield f"    port: {server.port}"
    if server.password is not None:
        yield f"    password: {json.dumps(server.password)}"
    if server.timeout:
        yield f"    timeout: {server.timeout}s"


def _render_port(server: RouteServer) -> Iterator[str]:
    """Render the route port that takes the place of the route server."""
    host = "[::1]" if server.host == "::1" else "127.0.0.1"
    yield "ssrs:"
    yield f"  listen: {json.dumps(f'{host}:{server.port or _SSRS_PORT}')}"
    if server.password is not None:
        yield f"  password: {json.dumps(server.password)}"


# Sites.


def _site_of(asn: int) -> str:
    return f"as{asn}"


def _find_self(zones: Sequence[SsZone]) -> str:
    """Give the site that has the address of `--self` in every zone, or else one of its own."""
    for asn in zones[0].peers:
        if all(zone.peers.get(asn) == [zone.self_address] for zone in zones):
            return _site_of(asn)
    return _SELF


def _place(zone: SsZone, self_site: str) -> Places:
    places = {_site_of(asn): addresses for asn, addresses in zone.peers.items()}
    if self_site not in places and zone.self_address is not None:
        places[self_site] = [zone.self_address]
    return places


def _render_site(name: str, asn: int | None, vips: Sequence[bytes]) -> str:
    keys = f"vips: {_render_vips(vips)}"
    return f"  {name}: {{{keys if asn is None else f'asn: [{asn}], {keys}'}}}"


def _name_services(zones: Sequence[str]) -> dict[str, str]:
    """Give a service's name for each zone's, all of them different."""
    names: dict[str, str] = {}
    for zone in zones:
        plain = re.sub(r"[^a-z0-9_-]", "-", zone.rstrip("."))[:_MAX_LABEL]
        ways = (f"{plain[: _MAX_LABEL - 5]}-{number}" for number in count(2))
        names[zone] = next(way for way in chain([plain], ways) if way not in names.values())
    return names


def _render_service(name: str, places: Mapping[str, Sequence[bytes]]) -> Iterator[str]:
    yield f"  {name}:"
    yield f"    sites: [{', '.join(places)}]"
    yield "    vips:"
    yield from (f"      {site}: {_render_vips(vips)}" for site, vips in places.items())


def _render_vips(vips: Sequence[bytes]) -> str:
    return f"[{', '.join(_scalar(render_address(each)) for each in vips)}]"


# Zones.


def _render_zone(zone: SsZone, service: str | None) -> Iterator[str]:
    yield f"  {_scalar(zone.name.rstrip('.'))}:"
    yield f"    soa: {{mname: {_scalar(zone.soa_host)}, rname: {_scalar(zone.soa_email)}}}"
    yield f"    ns: [{', '.join(map(_scalar, zone.name_servers))}]"
    if zone.ttl_s is not None:
        yield f"    ttl: {zone.ttl_s}"
    if zone.ns_ttl_s is not None:
        yield f"    ns_ttl: {zone.ns_ttl_s}"
    yield f"    result_count: {zone.result_count}"
    if service:
        yield f'    steer: {{"@": {service}}}'


def _scalar(text: str | None) -> str:
    """Write a text as YAML, in quotes where it could be read as something else."""
    return text if text and _BARE.fullmatch(text) else json.dumps(text)


# Notes.


def _find_notes(
    zones: Sequence[SsZone], sites: Mapping[str, object], wanted: Wanted
) -> Iterator[Problem]:
    first = zones[0]
    server = first.route_server
    is_asked = not wanted.routes and not server.is_own
    if _is_replaced(zones):
        port, tables = server.port or _SSRS_PORT, ", ".join(wanted.routes or (ROUTES,))
        what = f"sparrow answers port {port} itself, from {tables}: stop the route server there"
        yield Problem(what, first.file, first.line)
    elif is_asked:
        what = (
            f"sparrow does not wait for the route server at {server.host}: who comes first is "
            "answered by self, and by the route once it is known"
        )
        yield Problem(what, first.file, first.line)
    for zone in zones:
        needless = [*zone.without_use]
        if zone.route_server.timeout and not is_asked:
            needless.append("timeout")
        if needless:
            options = ", ".join(f"--{option}" for option in dict.fromkeys(needless))
            what = f"sparrow needs nothing like {options}: it is left out"
            yield Problem(what, zone.file, zone.line)
        missing = [name for name in sites if name != _SELF and int(name[2:]) not in zone.peers]
        if missing:
            what = (
                f"zone {zone.name} has no peer at {', '.join(missing)}: where a path has that AS "
                "before one of the zone's own, sparrow answers with the site self"
            )
            yield Problem(what, zone.file, zone.line)
