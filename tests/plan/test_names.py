"""The names of a plan and the hash table over them."""

from __future__ import annotations

import struct
from random import Random

import pytest
from random_plans import full_authority, random_authority

from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Zone, ZoneSet, build_tree
from sparrow.plan.format import hash_name
from sparrow.plan.names import build_slots, choose_reference_label, find_names
from sparrow.values.name import parse_name, render_name

SOA = bytes(22)


def build_zone(origin: str, names: dict[str, int], rdata: bytes = b"\0") -> Zone:
    """Make a zone that has one set of the type given at each name."""
    apex = parse_name(origin)
    nodes = [Node(apex, {RRType.SOA: RRset(apex, RRType.SOA, 60, (SOA,))})]
    for text, rtype in names.items():
        name = parse_name(text)
        nodes.append(Node(name, {rtype: RRset(name, rtype, 60, (rdata,))}))
    return build_tree(apex, nodes)


def names_of(*zones: Zone) -> list[str]:
    found = find_names(ZoneSet({zone.origin: zone for zone in zones}))
    return [render_name(node.name) for node in found]


def test_names_with_data_and_those_between_are_nodes() -> None:
    zone = build_zone("example.", {"a.b.example.": RRType.TXT, "*.example.": RRType.A})
    assert ["example.", "*.example.", "b.example.", "a.b.example."] == names_of(zone)


@pytest.mark.parametrize("rtype", [RRType.NS, RRType.DNAME])
def test_what_a_delegation_or_a_dname_hides_is_no_node(rtype: RRType) -> None:
    zone = build_zone("a.", {"b.a.": rtype, "c.b.a.": RRType.A, "e.d.c.b.a.": RRType.A})
    assert ["a.", "b.a."] == names_of(zone)


def test_a_dname_at_the_apex_hides_the_whole_zone() -> None:
    zone = build_zone("a.", {"b.a.": RRType.A})
    apex = Node(zone.origin, {**zone.apex.rrsets, RRType.DNAME: zone.soa})
    assert ["a."] == names_of(build_tree(zone.origin, [*zone.nodes.values(), apex]))


def test_a_zone_within_another_has_its_own_names_alone() -> None:
    outer = build_zone("a.", {"x.b.a.": RRType.A, "b.a.": RRType.A, "c.a.": RRType.A})
    inner = build_zone("b.a.", {"y.b.a.": RRType.A})
    assert ["a.", "b.a.", "y.b.a.", "c.a."] == names_of(outer, inner)


def test_a_zone_below_a_delegation_of_another_has_its_names() -> None:
    outer = build_zone("a.", {"b.a.": RRType.NS, "x.b.a.": RRType.A})
    inner = build_zone("d.c.b.a.", {"y.d.c.b.a.": RRType.A})
    assert ["a.", "b.a.", "d.c.b.a.", "y.d.c.b.a."] == names_of(outer, inner)


@pytest.mark.parametrize("seed", range(20))
def test_each_name_is_found_once_and_in_the_zone_that_answers(seed: int) -> None:
    zones = random_authority(seed).zones
    found = find_names(zones)
    assert len(found) == len({node.name for node in found})
    assert [node.zone.origin for node in found] == [
        getattr(zones.find(node.name), "origin", None) for node in found
    ]
    assert zones.zones.keys() <= {node.name for node in found}


def test_the_reference_label_is_in_no_name_and_no_rdata() -> None:
    plain = build_zone("a.", {"b.a.": RRType.A})
    assert b"\0" == choose_reference_label(ZoneSet({}))
    taken = build_zone("a.", {"\\000.a.": RRType.A, "b.a.": RRType.A}, b"\1\1")
    labels = [choose_reference_label(ZoneSet({(b"a",): zone})) for zone in (plain, taken)]
    assert [b"\0", b"\2"] == labels


def test_the_reference_label_is_longer_where_every_octet_is_a_label() -> None:
    rdata = b"".join(bytes((1, octet)) for octet in range(256))
    zone = build_zone("a.", {"b.a.": RRType.TXT}, rdata)
    assert b"\0\0" == choose_reference_label(ZoneSet({(b"a",): zone}))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 65, 1000])
def test_every_node_is_found_by_its_hash_and_at_most_half_the_slots_are_taken(count: int) -> None:
    rng = Random(count)
    hashes = [rng.getrandbits(64) & ~(rng.random() < 0.3) * 0xFFFF for _ in range(count)]
    octets = build_slots(hashes)
    slots = struct.unpack(f"<{len(octets) // 4}I", octets)
    size = len(slots)
    assert (0, size - count) == (size & (size - 1), slots.count(0))
    assert size >= max(2 * count, 2)
    for number, name_hash in enumerate(hashes):
        slot = name_hash & (size - 1)
        while slots[slot] != number + 1:
            assert slots[slot] != 0
            slot = (slot + 1) & (size - 1)


def test_a_hash_is_that_of_the_parent_and_one_more_label() -> None:
    for node in find_names(full_authority().zones):
        if node.name:
            parent = hash_name(99, node.name[1:])
            assert hash_name(99, node.name) == hash_name(parent, node.name[:1])
