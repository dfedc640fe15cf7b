"""Zones from text and packets from parts, made with dnspython and by hand."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rdatatype
import dns.zone

from sparrow.dns.respond import Authority, Identity, Sender, respond
from sparrow.dns.rrset import RRset
from sparrow.dns.zone import Node, Steer, Zone, ZoneSet, build_tree
from sparrow.values.address import parse_address
from sparrow.values.name import Name, encode_name, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sparrow.dns.respond import Reply
    from sparrow.policy.steering import Steering

NOW_S = 1_700_000_000
CLIENT = parse_address("192.0.2.53")
SECRET = bytes(range(16))

SOA = "@ 3600 SOA ns hostmaster 1 28800 7200 604800 300\n@ 3600 NS ns.example.net.\n"
"""Head of a zone whose negative answers live 300 s."""


def build_zone(origin: str, text: str, steers: Mapping[str, Steer] | None = None) -> Zone:
    """Make a zone of a master file's text; `steers` adds steered names."""
    apex = parse_name(origin)
    parsed = dns.zone.from_text(
        "$TTL 3600\n" + text, origin=origin, relativize=False, check_origin=False
    )
    found: dict[Name, dict[int, RRset]] = {}
    for owner, node in parsed.nodes.items():
        name = labels_of(owner)
        found[name] = {
            int(rdataset.rdtype): RRset(
                owner=name,
                rtype=int(rdataset.rdtype),
                ttl=rdataset.ttl,
                rdatas=tuple(rdata.to_wire() for rdata in rdataset),
            )
            for rdataset in node.rdatasets
        }
    steered = {parse_name(name, apex): steer for name, steer in (steers or {}).items()}
    names = {*found, *steered}
    return build_tree(apex, [Node(name, found.get(name, {}), steered.get(name)) for name in names])


def labels_of(name: dns.name.Name) -> Name:
    """Give a name of dnspython as ours."""
    return tuple(label.lower() for label in name.labels if label)


def build_zones(*zones: Zone) -> ZoneSet:
    return ZoneSet({zone.origin: zone for zone in zones})


def build_authority(
    *zones: Zone, steering: Steering | None = None, identity: Identity | None = None
) -> Authority:
    return Authority(build_zones(*zones), steering, identity or Identity())


def encode_query(
    name: str,
    rtype: str | int = "A",
    *,
    qclass: int = 1,
    opt: bytes = b"",
    rd: bool = False,
) -> bytes:
    """Give a query with id 0x1234; the name keeps its case."""
    number = rtype if isinstance(rtype, int) else int(dns.rdatatype.from_text(rtype))
    question = dns.name.from_text(name).to_wire() + struct.pack("!HH", number, qclass)
    return header(0x0100 if rd else 0, (1, 0, 0, int(bool(opt)))) + question + opt


def header(
    flags: int = 0, counts: tuple[int, int, int, int] = (1, 0, 0, 0), query_id: int = 0x1234
) -> bytes:
    """Give a header; `counts` are those of the four sections."""
    return struct.pack("!HHHHHH", query_id, flags, *counts)


def encode_opt(
    *options: tuple[int, bytes], payload: int = 4096, version: int = 0, do: bool = False
) -> bytes:
    """Give a whole OPT record."""
    rdata = b"".join(struct.pack("!HH", code, len(value)) + value for code, value in options)
    ttl = version << 16 | do << 15
    return b"\0" + struct.pack("!HHIH", 41, payload, ttl, len(rdata)) + rdata


def ecs(text: str, *, scope: int = 0) -> tuple[int, bytes]:
    """Give the client subnet option of `address/length`."""
    address_text, _, length_text = text.partition("/")
    address, length = parse_address(address_text), int(length_text)
    family = 1 if len(address) == 4 else 2
    octets = address[: (length + 7) // 8]
    return 8, struct.pack("!HBB", family, length, scope) + octets


def ask(
    authority: Authority, packet: bytes, *, client: bytes = CLIENT, tcp: bool = False
) -> dns.message.Message:
    """Answer a packet and read the answer with dnspython."""
    return read(reply_to(authority, packet, client=client, tcp=tcp))


def reply_to(
    authority: Authority, packet: bytes, *, client: bytes = CLIENT, tcp: bool = False
) -> Reply:
    reply = respond(authority, packet, Sender(client, tcp, 10.0), NOW_S)
    assert reply is not None
    return reply


def read(reply: Reply) -> dns.message.Message:
    return dns.message.from_wire(reply.wire)


def lines(rrsets: Iterable[dns.rrset.RRset]) -> list[str]:
    """Give the records of a section, one text each, in order."""
    return [line for rrset in rrsets for line in rrset.to_text().split("\n")]


def option(message: dns.message.Message, code: int) -> bytes | None:
    """Give the value of an EDNS option of a message, None where it has none."""
    found = [opt.to_wire() for opt in message.options if int(opt.otype) == code]
    assert len(found) < 2
    return found[0] if found else None


def uncompressed(name: str) -> bytes:
    return encode_name(parse_name(name))
