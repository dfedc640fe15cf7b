"""What answers a MISS: the full algorithm, from nothing but the plan."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import dns.message
import pytest
from built_tables import build_snapshot
from plandirs import Opened, open_compiled, write_plan
from random_plans import random_authority

from sparrow.dns.respond import Authority, Identity, Sender, respond
from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Steer, ZoneSet, build_tree
from sparrow.plan.compile import compile_plan
from sparrow.plan.fallback import build_authority
from sparrow.plan.format import (
    ANSWERS_MAGIC,
    POLICY,
    AnswersSection,
    PlanError,
    decode_file,
    encode_file,
)
from sparrow.plan.pure import MISS, answer
from sparrow.plan.reader import open_plan
from sparrow.plan.zones import encode_zones
from sparrow.policy.site import Service, Site, SiteSet
from sparrow.policy.steering import Client, Subnet, build_base_map, build_steering
from sparrow.rib.route import parse_route
from sparrow.values.address import FAMILIES, parse_address, parse_prefix
from sparrow.values.asn import AsnRange
from sparrow.values.name import encode_name, parse_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from planreading import Compiled

    from sparrow.policy.steering import Choice

NOW_S = 1_800_000_000
APEX = parse_name("example.")
EAST, WEST = (parse_address(text) for text in ("192.0.2.1", "198.51.100.1"))
MANY = tuple(bytes((10, 0, number // 256, number % 256)) for number in range(100))
CLIENTS = ("30.0.0.1", "20.0.0.1", "10.1.1.1", "2a00::1", "2002:1400:1::", "::1")


def build_small(vips: tuple[bytes, ...] = (EAST,), names: tuple[str, ...] = ("web",)) -> Authority:
    """Make two sites, of which the second has 20.0.0.0/8 and 2a00::/12, and one zone."""
    sites = SiteSet(
        (Site("east", (AsnRange(1, 1),), vips), Site("west", (AsnRange(2, 2),), (WEST,)))
    )
    routes = {parse_prefix(text): parse_route("2") for text in ("20.0.0.0/8", "2a00::/12")}
    services = {name: Service(name, {0: vips, 1: (WEST,)}) for name in names}
    steering = build_steering(
        sites, services, build_base_map(sites, build_snapshot(routes.items()))
    )
    identity = Identity(b"ns1", b"two \xff words", (bytes(16), bytes(range(16))))
    return Authority(build_zones({}), steering, identity)


def build_zones(extra: Mapping[int, RRset]) -> ZoneSet:
    """Make a zone whose steered name `www` has these records too."""
    soa = encode_name(APEX) * 2 + struct.pack("!5I", 1, 2, 3, 4, 300)
    apex = {
        RRType.SOA: RRset(APEX, RRType.SOA, 3600, (soa,)),
        RRType.NS: RRset(APEX, RRType.NS, 3600, (encode_name(APEX),)),
    }
    www = Node((b"www", *APEX), extra, Steer("web", 60))
    return ZoneSet({APEX: build_tree(APEX, [Node(APEX, apex), www])})


def open_small(directory: Path, authority: Authority) -> Opened:
    write_plan(directory, compile_plan(authority, 1, 1))
    plan = open_plan(directory)
    return Opened(authority, plan, build_authority(plan))


def query(name: str, rtype: int = 1, rclass: int = 1, opt: bytes = b"") -> bytes:
    head = struct.pack("!6H", 7, 0x0100, 1, 0, 0, int(bool(opt)))
    return head + encode_name(parse_name(name)) + struct.pack("!HH", rtype, rclass) + opt


def wire_of(ground: object, packet: bytes, sender: Sender) -> bytes:
    reply = respond(ground, packet, sender, NOW_S)  # type: ignore[arg-type]
    assert reply is not None
    return reply.wire


def opened_plans(compiled: tuple[Compiled, ...], folder: Path) -> list[Opened]:
    return [open_compiled(each, folder / str(number)) for number, each in enumerate(compiled)]


def test_zones_and_identity_are_those_that_were_compiled(
    compiled: tuple[Compiled, ...], tmp_path: Path
) -> None:
    for each in opened_plans(compiled, tmp_path):
        assert each.authority.zones == each.ground.zones
        assert each.authority.identity == each.ground.identity
        assert (each.authority.steering is None) == (each.ground.steering is None)


def choices(steering: object, services: list[str]) -> list[Choice]:
    """Choose for clients of every kind."""
    clients = [Client(parse_address(text)) for text in CLIENTS]
    clients += [
        Client(parse_address("20.0.0.1"), Subnet(parse_address(text), length))
        for text, length in (("30.0.0.0", 8), ("10.0.0.0", 24), ("2a00::", 32), ("0.0.0.0", 0))
    ]
    return [
        steering.choose(service, family, client)  # type: ignore[attr-defined]
        for service in services
        for family in FAMILIES
        for client in clients
    ]


@pytest.mark.parametrize("seed", range(100, 110))
def test_choices_are_those_of_the_steering_that_was_compiled(tmp_path: Path, seed: int) -> None:
    each = open_small(tmp_path, random_authority(seed))
    steering = each.authority.steering
    if steering is None:
        assert each.ground.steering is None
        return
    services = list(steering.services)
    assert choices(steering, services) == choices(each.ground.steering, services)


OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
MISSES = {
    "version": query("version.bind.", 16, 3),
    "another class": query("www.example.", 1, 4),
    "AXFR": query("example.", 252),
    "meta type": query("www.example.", 128),
    "no question": struct.pack("!6H", 7, 0, 0, 0, 0, 1) + OPT,
    "opcode": struct.pack("!6H", 7, 0x2800, 1, 0, 0, 1) + query("www.example.")[12:] + OPT,
    "bad version": query("www.example.", opt=b"\0\0\x29\x04\xd0\0\x01\0\0\0\0"),
}


@pytest.mark.parametrize("packet", MISSES.values(), ids=MISSES)
def test_a_miss_gets_the_answer_of_the_full_algorithm(tmp_path: Path, packet: bytes) -> None:
    each = open_small(tmp_path, build_small())
    assert answer(each.plan, packet, WEST, 1232, NOW_S) is MISS
    sender = Sender(WEST)
    assert wire_of(each.authority, packet, sender) == wire_of(each.ground, packet, sender)


def test_an_answer_that_is_too_long_for_the_hot_path_is_cut_by_the_fallback(tmp_path: Path) -> None:
    each = open_small(tmp_path, build_small(MANY))
    packet, sender = query("www.example."), Sender(parse_address("30.0.0.1"))
    assert answer(each.plan, packet, sender.address, 1232, NOW_S) is MISS
    wire = wire_of(each.ground, packet, sender)
    assert wire_of(each.authority, packet, sender) == wire
    assert dns.message.from_wire(wire).flags & 0x0200


# Outcomes that are not those of the compile.


def say(directory: Path, each: Opened, word: tuple[int, int, int]) -> None:
    """Write a word over every outcome."""
    section = each.plan.outcomes.sections[1]
    with (directory / each.plan.outcomes.name).open("r+b") as file:
        file.seek(section.offset)
        file.write(struct.pack("<HHI", *word) * section.count)


def test_the_fallback_heeds_the_outcomes_as_they_are(tmp_path: Path) -> None:
    each = open_small(tmp_path, build_small())
    packet, sender = query("www.example."), Sender(parse_address("30.0.0.1"))
    for word in ((1, 0, 7), (0, 0, 2**32 - 1), (0, 1, 0), (0, 2, 0), (9, 0, 0), (1, 0, 600)):
        say(tmp_path, each, word)
        found = answer(each.plan, packet, sender.address, 1232, NOW_S)
        assert found is not None
        assert found is not MISS
        assert found.wire == wire_of(each.ground, packet, sender)


def test_a_failed_outcome_is_servfail(tmp_path: Path) -> None:
    each = open_small(tmp_path, build_small())
    say(tmp_path, each, (0, 2, 0))
    wire = wire_of(each.ground, query("www.example."), Sender(EAST))
    assert "SERVFAIL" == dns.message.from_wire(wire).rcode().name
    assert 0x8102 == struct.unpack_from("!H", wire, 2)[0]


def test_a_cap_lowers_the_ttl_of_the_addresses(tmp_path: Path) -> None:
    each = open_small(tmp_path, build_small())
    for cap, ttl in ((7, 7), (61, 60)):
        say(tmp_path, each, (1, 0, cap))
        wire = wire_of(each.ground, query("www.example."), Sender(EAST))
        assert ttl == dns.message.from_wire(wire).answer[0].ttl


# Zones that nobody can answer from.

SHORT = {
    "no rdata": RRset((), RRType.TXT, 0, ()),
    "MX cut": RRset((), RRType.MX, 0, (b"\0",)),
    "CNAME and more": RRset((), RRType.CNAME, 0, (b"\0\0",)),
    "DNAME cut": RRset((), RRType.DNAME, 0, (b"\x03ab",)),
    "SOA cut": RRset((), RRType.SOA, 0, (b"\0\0" + bytes(19),)),
}


@pytest.mark.parametrize("rrset", SHORT.values(), ids=SHORT)
def test_zones_with_records_that_are_none_are_refused(tmp_path: Path, rrset: RRset) -> None:
    zones = encode_zones(build_zones({rrset.rtype: rrset}), {"web": 0})
    files = compile_plan(build_small(), 1, 1)
    write_plan(
        tmp_path, replace(files, answers=reseal(files.answers, {AnswersSection.ZONES: zones}))
    )
    with pytest.raises(PlanError):
        build_authority(open_plan(tmp_path))


def test_a_steered_name_whose_service_has_no_policy_is_refused(tmp_path: Path) -> None:
    authority = build_small(names=("web", "more"))
    files = compile_plan(authority, 1, 1)
    sections = read_sections(files.answers)
    meta = json.loads(sections[AnswersSection.META])
    meta["policies"] = meta["policies"][:2]
    changed = {
        AnswersSection.META: json.dumps(meta).encode(),
        AnswersSection.POLICIES: sections[AnswersSection.POLICIES][: 2 * POLICY.size],
        AnswersSection.ZONES: encode_zones(authority.zones, {"web": 1}),
    }
    write_plan(tmp_path, replace(files, answers=reseal(files.answers, changed)))
    with pytest.raises(PlanError, match="no policy"):
        build_authority(open_plan(tmp_path))


def read_sections(content: bytes) -> dict[int, bytes]:
    return {
        number: content[each.offset : each.offset + each.count * each.item_size]
        for number, each in decode_file(ANSWERS_MAGIC, memoryview(content)).items()
    }


def reseal(content: bytes, changed: Mapping[int, bytes]) -> bytes:
    """Give an answers file with some of its sections replaced."""
    return encode_file(ANSWERS_MAGIC, 1, {**read_sections(content), **changed})
