"""The zones in a plan: what the full algorithm answers from.

Law: decoding gives back a `ZoneSet` equal to the one encoded. Start from
`encode_zones` and `decode_zones`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Steer, Zone, ZoneSet
from sparrow.plan.format import PlanError
from sparrow.values.name import Name, decode_name, encode_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from struct import Struct

_COUNT = struct.Struct("<I")
_NODE = struct.Struct("<BH")
_STEER = struct.Struct("<HIHI")
_RRSET = struct.Struct("<HIH")
_LENGTH = struct.Struct("<H")
_STEERED = 1


def encode_zones(zone_set: ZoneSet, service_numbers: Mapping[str, int]) -> bytes:
    """Give the section ZONES."""
    parts = [_COUNT.pack(len(zone_set.zones))]
    for origin, zone in sorted(zone_set.zones.items()):
        parts += (encode_name(origin), _COUNT.pack(len(zone.nodes)))
        for _, node in sorted(zone.nodes.items()):
            parts += _encode_node(node, service_numbers)
    return b"".join(parts)


def _encode_node(node: Node, service_numbers: Mapping[str, int]) -> Iterator[bytes]:
    yield encode_name(node.name)
    yield _NODE.pack(_STEERED if node.steer else 0, len(node.rrsets))
    if node.steer:
        service = service_numbers[node.steer.service]
        steer = node.steer
        yield _STEER.pack(service, steer.ttl, steer.result_count or 0, steer.ttl_min)
    for rtype, rrset in sorted(node.rrsets.items()):
        yield _RRSET.pack(rtype, rrset.ttl, len(rrset.rdatas))
        for rdata in rrset.rdatas:
            yield _LENGTH.pack(len(rdata)) + rdata


def decode_zones(octets: bytes, services: Sequence[str]) -> ZoneSet:
    """Read the section ZONES; `services` are the names by number.

    Raises `PlanError` where it is cut, goes on behind its end, holds a zone without
    its apex or a SOA, or names a service that is not there.
    """
    reader = _Reader(octets, services)
    try:
        (count,) = reader.read(_COUNT)
        zones = [reader.read_zone() for _ in range(count)]
    except (ValueError, IndexError, struct.error) as error:
        raise PlanError(f"the zones of the plan are malformed: {error}") from None
    if reader.offset != len(octets):
        raise PlanError("the zones of the plan are followed by something else")
    return ZoneSet({zone.origin: zone for zone in zones})


class _Reader:
    """Octets read front to back. Raises `ValueError`, `IndexError` or `struct.error`."""

    def __init__(self, octets: bytes, services: Sequence[str]) -> None:
        self.octets = octets
        self.services = services
        self.offset = 0

    def read(self, form: Struct) -> tuple[int, ...]:
        values = form.unpack_from(self.octets, self.offset)
        self.offset += form.size
        return values

    def read_name(self) -> Name:
        name, self.offset = decode_name(self.octets, self.offset)
        return name

    def read_zone(self) -> Zone:
        origin = self.read_name()
        (count,) = self.read(_COUNT)
        nodes = [self.read_node() for _ in range(count)]
        zone = Zone(origin, {node.name: node for node in nodes})
        if origin not in zone.nodes or RRType.SOA not in zone.apex.rrsets:
            raise ValueError("a zone without a start of authority")
        return zone

    def read_node(self) -> Node:
        name = self.read_name()
        flags, count = self.read(_NODE)
        steer = None
        if flags & _STEERED:
            service, ttl, result_count, ttl_min = self.read(_STEER)
            steer = Steer(self.services[service], ttl, result_count or None, ttl_min)
        rrsets = [self.read_rrset(name) for _ in range(count)]
        return Node(name, {rrset.rtype: rrset for rrset in rrsets}, steer)

    def read_rrset(self, owner: Name) -> RRset:
        rtype, ttl, count = self.read(_RRSET)
        return RRset(owner, rtype, ttl, tuple(self.read_rdata() for _ in range(count)))

    def read_rdata(self) -> bytes:
        (length,) = self.read(_LENGTH)
        rdata = self.octets[self.offset : self.offset + length]
        if len(rdata) != length:
            raise ValueError("a record is cut")
        self.offset += length
        return rdata
