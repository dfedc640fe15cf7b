"""Six sites, a service for each last resort, and what checks a plan of them in any state."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built_tables import build_snapshot

from sparrow.dns.respond import Authority
from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Steer, ZoneSet, build_tree
from sparrow.policy.outcome import LastResort
from sparrow.policy.site import Service, Site, SiteSet
from sparrow.policy.steering import build_base_map, build_steering
from sparrow.rib.route import parse_route
from sparrow.values.address import parse_address, parse_prefix
from sparrow.values.asn import AsnRange
from sparrow.values.name import encode_name, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.policy.steering import Steering
    from sparrow.values.name import Name

NAMES = ("au", "de", "jp", "nl", "us", "za")
NO_IPV6 = "nl"
STATIC = (parse_address("192.0.2.99"), parse_address("2001:db8::99"))
APEX = parse_name("example.")
OLD = parse_name("old.example.")
"""Where a DNAME leads to the apex, and so to each service."""
TTL, TTL_MIN = 60, 30
CLIENTS = tuple(bytes((20 + number, 1, 2, 3)) for number in range(len(NAMES)))
"""One of each site."""


def vips_of(number: int) -> tuple[bytes, ...]:
    v4, v6 = parse_address(f"203.0.113.{number + 1}"), parse_address(f"2001:db8::{number + 1}")
    return (v4,) if NAMES[number] == NO_IPV6 else (v4, v6)


def build_sites(names: tuple[str, ...] = NAMES) -> SiteSet:
    """Make sites whose fallback is the one after the next."""
    count = len(names)
    return SiteSet(
        tuple(
            Site(name, (AsnRange(at + 1, at + 1),), vips_of(at), ((at + 2) % count,))
            for at, name in enumerate(names)
        ),
        self_site=count - 1,
    )


def steer_sites(
    site_set: SiteSet, routes: Iterable[str], *, is_asked_for: bool = False
) -> Steering:
    """Make a service for each last resort, named after it, and one at every second site."""
    vips = {number: site.vips for number, site in enumerate(site_set.sites)}
    services = [
        Service(
            each.value, vips, each, STATIC if each is LastResort.STATIC else (), ttl_min_s=TTL_MIN
        )
        for each in LastResort
    ]
    services.append(Service("half", dict(list(vips.items())[::2]), ttl_min_s=TTL_MIN))
    lines = (line.split(maxsplit=1) for line in routes)
    entries = [(parse_prefix(prefix), parse_route(path)) for prefix, path in lines]
    base_map = build_base_map(site_set, build_snapshot(entries), is_asked_for=is_asked_for)
    named = {each.name: each for each in services}
    return build_steering(site_set, named, base_map, is_asked_for=is_asked_for)


ROUTES = tuple(f"{20 + number}.0.0.0/8 {number + 1}" for number in range(len(NAMES)))


def build_state_authority(
    routes: Iterable[str] = ROUTES, names: int = len(NAMES), *, is_asked_for: bool = False
) -> Authority:
    """Make a zone in which each service has a name of its own."""
    steering = steer_sites(build_sites(NAMES[:names]), routes, is_asked_for=is_asked_for)
    soa = encode_name(APEX) * 2 + struct.pack("!5I", 1, 2, 3, 4, 300)
    apex = {
        RRType.SOA: RRset(APEX, RRType.SOA, 3600, (soa,)),
        RRType.NS: RRset(APEX, RRType.NS, 3600, (encode_name(APEX),)),
    }
    nodes = [
        Node((name.encode(), *APEX), {}, Steer(name, TTL, None, TTL_MIN))
        for name in steering.services
    ]
    dname = RRset(OLD, RRType.DNAME, 3600, (encode_name(APEX),))
    nodes.append(Node(OLD, {RRType.DNAME: dname}))
    return Authority(ZoneSet({APEX: build_tree(APEX, [Node(APEX, apex), *nodes])}), steering)


def encode_query(service: str, family: int, parent: Name = APEX) -> bytes:
    name = encode_name((service.encode(), *parent))
    rtype = RRType.A if family == 4 else RRType.AAAA
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", rtype, 1)
