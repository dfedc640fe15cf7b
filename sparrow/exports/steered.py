"""The map as other name servers' answers for one steered name: of Knot DNS and PowerDNS.

Law: every client address is in a block, as both servers make the ECS scope of the block
that they found, and what none holds they answer for everybody (scope 0). Start from
`find_steered`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.dns.rdatatext import render_rdata
from sparrow.dns.rrset import RRType, render_rtype
from sparrow.errors import InputError, Problem
from sparrow.exports.blocks import Partition, render_block
from sparrow.exports.rendition import Rendition
from sparrow.values.address import FAMILIES, IPV4, IPV6, family_of, render_address
from sparrow.values.name import WILDCARD, render_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.dns.zone import Steer, Zone, ZoneSet
    from sparrow.exports.blocks import Block
    from sparrow.exports.places import Place, SiteMap
    from sparrow.values.name import Name

_NEGATIVE = b"none"
"""Label of the targets of clients for whom there is no address, in PowerDNS's file."""


@dataclass(frozen=True, slots=True)
class Steered:
    """A name whose addresses are exported."""

    name: Name
    """Absolute name."""
    zone: Zone
    """The zone that it lies in."""
    steer: Steer
    """Its service, TTL and count of addresses."""


def find_steered(zones: ZoneSet, service: str, name: Name | None) -> Steered:
    """Give the name that is meant: `name`, or the only one of a service that is no wildcard.

    Raises `InputError` where there is none or several.
    """
    found = [
        Steered(node.name, zone, node.steer)
        for zone in zones.zones.values()
        for node in zone.nodes.values()
        if node.steer and node.steer.service == service and node.name[:1] != (WILDCARD,)
    ]
    meant = [each for each in found if name in (None, each.name)]
    if len(meant) == 1:
        return meant[0]
    names = ", ".join(render_name(each.name) for each in found) or "none"
    if name is None:
        what = f"--name says which name is exported: of service {service!r} there are {names}"
    else:
        what = f"{render_name(name)} has no addresses of service {service!r}: there are {names}"
    raise InputError([Problem(what)])


def _part(site_map: SiteMap, steer: Steer) -> Partition[tuple[bytes, ...]]:
    """Part the clients by the addresses that the name has for them."""

    def select(place: Place) -> tuple[bytes, ...]:
        by_family = ([vip for vip in place.vips if family_of(vip) == each] for each in FAMILIES)
        return tuple(vip for vips in by_family for vip in vips[: steer.result_count])

    return Partition(site_map, select)


def _all_blocks(
    parted: Partition[tuple[bytes, ...]],
) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Give every block as text with its addresses; those that wrap IPv4 get the widest's."""
    for family in FAMILIES:
        blocks: list[Iterator[Block[tuple[bytes, ...]]]] = [parted.blocks(family)]
        if family == IPV6:
            blocks.append(parted.wrapping_blocks(parted.widest))
        for source in blocks:
            for block in source:
                yield render_block(block.network, block.length, family), block.label


def render_knot_geoip(site_map: SiteMap, steered: Steered) -> Rendition:
    """Give the file that `config-file` of Knot's module geoip in mode `subnet` names."""
    parted = _part(site_map, steered.steer)

    def lines() -> Iterator[str]:
        yield "# To be named by config-file of mod-geoip, with mode: subnet and\n"
        yield f"# ttl: {steered.steer.ttl}. The zone itself needs no records for the name.\n"
        yield f"{render_name(steered.name)}:\n"
        for net, vips in _all_blocks(parted):
            if vips:
                yield f"  - net: {net}\n" + "".join(_knot_records(vips))

    return Rendition(lines(), parted.counts.total())


def _knot_records(vips: tuple[bytes, ...]) -> Iterator[str]:
    for rtype, family in (("A", IPV4), ("AAAA", IPV6)):
        found = [render_address(vip) for vip in vips if family_of(vip) == family]
        if found:
            yield f"    {rtype}: [ {', '.join(found)} ]\n"


def render_pdns_geoip(site_map: SiteMap, steered: Steered) -> Rendition:
    """Give the file that `geoip-zones-file` of PowerDNS names: the zone with this one name.

    Of the zone's other data it has the SOA and the name servers. Addresses are records
    of names below the steered one, to which each block leads.
    """
    parted = _part(site_map, steered.steer)
    targets = {
        vips: _bare((f"site-{number}".encode() if vips else _NEGATIVE, *steered.name))
        for number, vips in enumerate(parted.labels)
    }

    def lines() -> Iterator[str]:
        yield "# To be named by geoip-zones-file of PowerDNS.\n"
        yield f"domains:\n- domain: {_bare(steered.zone.origin)}\n  ttl: {steered.steer.ttl}\n"
        yield "  records:\n"
        yield from _pdns_apex(steered.zone)
        for vips, target in targets.items():
            yield from _pdns_records(target, vips)
        yield f"  services:\n    {_bare(steered.name)}:\n"
        # For subnets wider than the blocks in them, of which PowerDNS finds none.
        yield f"      default: {targets[parted.widest]}\n"
        for net, vips in _all_blocks(parted):
            yield f"      {net}: {targets[vips]}\n"

    return Rendition(lines(), parted.counts.total())


def _bare(name: Name) -> str:
    """Give a name in quotes and without its final dot, as PowerDNS wants it in this file."""
    return json.dumps(render_name(name)[:-1])


def _pdns_apex(zone: Zone) -> Iterator[str]:
    yield f"    {_bare(zone.origin)}:\n"
    for rtype in (RRType.SOA, RRType.NS):
        if rtype in zone.apex.rrsets:
            rrset = zone.apex.rrsets[rtype]
            for rdata in rrset.rdatas:
                content = json.dumps(render_rdata(rtype, rdata))
                kind = render_rtype(rtype).lower()
                yield f"      - {kind}: {{ content: {content}, ttl: {rrset.ttl} }}\n"


def _pdns_records(target: str, vips: tuple[bytes, ...]) -> Iterator[str]:
    yield f"    {target}:\n"
    for vip in vips:
        rtype = "a" if family_of(vip) == IPV4 else "aaaa"
        yield f'      - {rtype}: "{render_address(vip)}"\n'
    if not vips:
        yield '      - txt: "no address"\n'
