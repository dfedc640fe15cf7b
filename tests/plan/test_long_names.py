"""Names as long as can be have plans that are taken, and answer as the full algorithm does."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import dns.message
import pytest

from sparrow.dns.respond import Authority, Sender, respond
from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, ZoneSet, build_tree
from sparrow.plan import native, pureloop
from sparrow.plan.compile import compile_plan
from sparrow.plan.fallback import build_authority
from sparrow.plan.publish import publish_plan
from sparrow.plan.pure import Answered
from sparrow.plan.reader import open_plan
from sparrow.values.name import encode_name, parse_name, wire_length

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.dns.zone import Zone
    from sparrow.plan.plan import Plan
    from sparrow.values.name import Name

CLIENT = bytes((192, 0, 2, 1))
ORIGIN = parse_name("example.")
KINDS = (RRType.NS, RRType.DNAME, RRType.CNAME, RRType.TXT)
RESPONDERS = (pureloop.Responder, native.Responder)


def long_name(origin: Name, size: int) -> Name:
    """Give a name below an origin that has so many octets."""
    name = origin
    while (room := size - wire_length(name)) > 0:
        length = min(63, room - 1)
        # A rest of one octet holds no label.
        name = (b"x" * (length - (room - 1 - length == 1)), *name)
    assert size == wire_length(name)
    return name


def zone_with(origin: Name, owner: Name, rtype: int) -> Zone:
    """Make a zone that has one set beside those of its apex."""
    target = encode_name((b"ns", *ORIGIN))
    soa = target + target + struct.pack("!5I", 1, 2, 3, 4, 5)
    apex = {
        RRType.SOA: RRset(origin, RRType.SOA, 60, (soa,)),
        RRType.NS: RRset(origin, RRType.NS, 60, (target,)),
    }
    rdata = b"\x01a" if rtype == RRType.TXT else target
    return build_tree(
        origin,
        [Node(origin, apex), Node(owner, {rtype: RRset(owner, rtype, 60, (rdata,))})],
    )


def open_zone(zone: Zone, directory: Path) -> Plan:
    authority = Authority(ZoneSet({zone.origin: zone}), None)
    publish_plan(directory, compile_plan(authority, 1, seed=1), 1)
    return open_plan(directory)


def ask(plan: Plan, responder: type, name: Name, qtype: int) -> tuple[str | None, str]:
    """Give the answer of a twin, None for a miss, and that of the full algorithm.

    As text, since they may compress names differently.
    """
    head = struct.pack("!6H", 1, 0, 1, 0, 0, 0)
    packet = head + encode_name(name) + struct.pack("!HH", qtype, 1)
    found = responder(plan).answer(packet, CLIENT, 65535, 0)
    reply = respond(build_authority(plan), packet, Sender(CLIENT, is_tcp=True), 0)
    assert reply is not None
    said = str(dns.message.from_wire(found.wire)) if isinstance(found, Answered) else None
    return said, str(dns.message.from_wire(reply.wire))


@pytest.mark.parametrize("responder", RESPONDERS)
@pytest.mark.parametrize("size", range(250, 256))
@pytest.mark.parametrize("kind", KINDS)
def test_a_long_owner_is_answered_for_and_so_is_what_is_below(
    tmp_path: Path, kind: RRType, size: int, responder: type
) -> None:
    owner = long_name(ORIGIN, size)
    plan = open_zone(zone_with(ORIGIN, owner, kind), tmp_path / "plan")
    below = [(b"y" * length, *owner) for length in range(1, 255 - size)]
    for name in (owner, *below):
        for qtype in (*KINDS, RRType.A):
            found, expected = ask(plan, responder, name, qtype)
            assert found in (None, expected)
            assert found is not None or kind in (RRType.NS, RRType.DNAME)


@pytest.mark.parametrize("responder", RESPONDERS)
@pytest.mark.parametrize("size", range(247, 254))
def test_a_zone_with_a_long_name_is_answered_for(
    tmp_path: Path, size: int, responder: type
) -> None:
    origin = long_name(ORIGIN, size)
    owner = (b"a", *origin)
    plan = open_zone(zone_with(origin, owner, RRType.TXT), tmp_path / "plan")
    for name in (origin, owner, (b"b", *origin)):
        for qtype in (*KINDS, RRType.SOA, RRType.A):
            found, expected = ask(plan, responder, name, qtype)
            assert expected == found
