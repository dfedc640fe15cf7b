"""The names of a plan: which there are, and the hash table over them.

Law: a name is a node where the answer may differ from that of its surroundings;
names below a delegation or a DNAME are none, nor what another zone hides. Start
from `find_names`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import count, product
from typing import TYPE_CHECKING

from sparrow.dns.rrset import RRType
from sparrow.plan.octets import encode_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.dns.zone import Zone, ZoneSet
    from sparrow.values.name import Name


@dataclass(frozen=True, slots=True)
class NodeName:
    """A name of the plan."""

    name: Name
    """The name."""
    zone: Zone
    """The zone that answers for it."""


def find_names(zone_set: ZoneSet) -> tuple[NodeName, ...]:
    """Give every name that is to be a node, in the order of DNSSEC (RFC 4034 section 6.1)."""
    zones = zone_set.zones
    found = [NodeName(name, zone) for zone in zones.values() for name in _seen_of(zone, zone_set)]
    return tuple(sorted(found, key=lambda node: node.name[::-1]))


def _seen_of(zone: Zone, zone_set: ZoneSet) -> list[Name]:
    """Give the names of a zone that can be asked for."""
    # What stands at a name hides all below it: a delegation, a DNAME, another zone.
    closed: set[Name] = set()
    seen: list[Name] = []
    for name in sorted(zone.nodes, key=len):
        if name == zone.origin:
            is_closed = RRType.DNAME in zone.apex.rrsets
        elif name[1:] in closed or name in zone_set.zones:
            closed.add(name)
            continue
        else:
            is_closed = not zone.nodes[name].rrsets.keys().isdisjoint((RRType.NS, RRType.DNAME))
        seen.append(name)
        if is_closed:
            closed.add(name)
    return seen


def choose_reference_label(zone_set: ZoneSet) -> bytes:
    """Give a label, as short as can be, that no name and no rdata of the zones holds."""
    nodes = [node for zone in zone_set.zones.values() for node in zone.nodes.values()]
    labels = {label for node in nodes for label in node.name}
    rdatas = [rdata for node in nodes for rrset in node.rrsets.values() for rdata in rrset.rdatas]
    # Names are compared without case, so labels of capitals would not be distinct.
    octets = [octet for octet in range(256) if not 0x41 <= octet <= 0x5A]
    candidates = (bytes(label) for size in count(1) for label in product(octets, repeat=size))
    for label in candidates:
        wire = bytes((len(label),)) + label
        if label not in labels and not any(wire in rdata for rdata in rdatas):
            return label
    raise AssertionError("there are more labels than octets in the zones")


def build_slots(hashes: Sequence[int]) -> bytes:
    """Give the section NAME_SLOTS of nodes with these hashes; at most half of it is taken."""
    size = 2
    while size < 2 * len(hashes):
        size *= 2
    slots = array("I", bytes(4 * size))
    mask = size - 1
    for number, name_hash in enumerate(hashes, 1):
        slot = name_hash & mask
        while slots[slot]:
            slot = (slot + 1) & mask
        slots[slot] = number
    return encode_items(slots)
