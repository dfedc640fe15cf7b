"""What an answer costs in process, without a socket.

    python bench/native_answer.py

It compiles a plan of the real tables of the folder that SPARROW_TABLES names, records
10,000 queries with random client subnets, and has them answered again and again, in
another order each time, by both twins: nanoseconds for each answer, the call from Python
and the making of its result included. The median of the rounds counts.

Then the native twin alone answers ten million mutated packets; it is enough that it ends.
"""

from __future__ import annotations

import statistics
import struct
import sys
import tempfile
from pathlib import Path
from random import Random
from time import perf_counter_ns
from typing import TYPE_CHECKING

from ground import BLOCKS, FALLBACK, SITES, TABLES, VIPS

from sparrow.dns.respond import Authority, Identity
from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Steer, ZoneSet, build_tree
from sparrow.plan import native, pureloop
from sparrow.plan.compile import compile_plan
from sparrow.plan.publish import publish_plan
from sparrow.plan.pure import Answered
from sparrow.plan.reader import open_plan
from sparrow.policy.site import Service, Site, SiteSet
from sparrow.policy.steering import build_base_map, build_steering
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat
from sparrow.values.address import parse_address
from sparrow.values.asn import AsnRange
from sparrow.values.name import encode_name, parse_name

if TYPE_CHECKING:
    from sparrow.plan.plan import Plan

QUERIES = 10_000
ROUNDS = 101
PURE_ROUNDS = 3
MUTATED = 10_000_000
TARGET_NS = 300
ORIGIN = parse_name("steered.example.")
SOURCE = parse_address("198.51.100.53")
NOW_S = 1_800_000_000
UDP = 1232


def build_authority() -> Authority:
    """Give what answers depend on: a site for each block of AS numbers, one steered name."""
    files = [RouteFile(str(path), RouteFormat.PFX2AS) for path in TABLES.glob("internet-*.gz")]
    if not files:
        sys.exit(f"no real route tables in {TABLES}; SPARROW_TABLES names their folder")
    vips = {name: tuple(map(parse_address, VIPS[name].values())) for name in SITES}
    sites = tuple(
        Site(name, (AsnRange(*BLOCKS[name]),) if name in BLOCKS else (), vips[name])
        for name in SITES
    )
    site_set = SiteSet(sites, self_site=SITES.index(FALLBACK))
    services = {"web": Service("web", {at: site.vips for at, site in enumerate(sites)})}
    base_map = build_base_map(site_set, load_snapshot(files).snapshot)
    name = encode_name(ORIGIN)
    soa = RRset(ORIGIN, RRType.SOA, 3600, (name + name + struct.pack("!5I", 1, 1, 1, 1, 60),))
    servers = RRset(ORIGIN, RRType.NS, 3600, (encode_name((b"ns", *ORIGIN)),))
    apex = Node(ORIGIN, {RRType.SOA: soa, RRType.NS: servers})
    zone = build_tree(ORIGIN, [apex, Node((b"www", *ORIGIN), steer=Steer("web", 30))])
    steering = build_steering(site_set, services, base_map)
    return Authority(ZoneSet({ORIGIN: zone}), steering, Identity())


def encode_query(rng: Random) -> bytes:
    """Give a query with a random client subnet: nine in ten IPv4 /24, the others IPv6 /56."""
    subnet = struct.pack("!HBB", 1, 24, 0) + rng.randbytes(3)
    if rng.random() < 0.1:
        subnet = (
            struct.pack("!HBB", 2, 56, 0) + bytes((0x20 | rng.getrandbits(4),)) + rng.randbytes(6)
        )
    option = struct.pack("!HH", 8, len(subnet)) + subnet
    opt = struct.pack("!BHHIH", 0, 41, 1232, 0, len(option)) + option
    head = struct.pack("!6H", rng.getrandbits(16), 0x0100, 1, 0, 0, 1)
    rtype = rng.choice((1, 1, 1, 28))
    return head + encode_name((b"www", *ORIGIN)) + struct.pack("!HH", rtype, 1) + opt


def check(plan: Plan, packets: list[bytes]) -> None:
    """End the bench where the twins do not agree, or do not answer."""
    twins = native.Responder(plan), pureloop.Responder(plan)
    for packet in packets:
        found = [twin.answer(packet, SOURCE, UDP, NOW_S) for twin in twins]
        if found[0] != found[1] or not isinstance(found[0], Answered):
            sys.exit(f"the twins give {found} for {packet.hex()}")


def measure(
    responder: native.Responder | pureloop.Responder, packets: list[bytes], rounds: int
) -> float:
    """Give the median nanoseconds of an answer over some rounds."""
    rng, answer, times = Random(2), responder.answer, []
    for _ in range(rounds):
        rng.shuffle(packets)
        start = perf_counter_ns()
        for packet in packets:
            answer(packet, SOURCE, UDP, NOW_S)
        times.append((perf_counter_ns() - start) / len(packets))
    return statistics.median(times)


def answer_mutated(plan: Plan, packets: list[bytes]) -> int:
    """Answer packets in which octets are changed and which are cut; give the answers."""
    rng, answer, answered = Random(3), native.Responder(plan).answer, 0
    for number in range(MUTATED // 1000):
        good = packets[number % len(packets)]
        for word in struct.unpack("!1000Q", rng.randbytes(8000)):
            octets = bytearray(good)
            octets[word % len(good)] = word >> 8 & 0xFF
            octets[(word >> 16) % len(good)] ^= word >> 32 & 0xFF
            packet = bytes(octets[: word >> 48 & 0x1FF])
            answered += isinstance(answer(packet, SOURCE, UDP, NOW_S), Answered)
    return answered


def main() -> None:
    """Compile, check, measure."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name) / "plan"
        publish_plan(directory, compile_plan(build_authority(), 1, 1), 1)
        plan = open_plan(directory)
    rng = Random(1)
    packets = [encode_query(rng) for _ in range(QUERIES)]
    check(plan, packets)
    intervals = len(plan.maps[0].v4_words) + len(plan.maps[0].v6_high)
    print(f"{len(packets):,} queries, {intervals:,} intervals, {ROUNDS} rounds")
    native_ns = measure(native.Responder(plan), packets, ROUNDS)
    pure_ns = measure(pureloop.Responder(plan), packets, PURE_ROUNDS)
    print(f"native {native_ns:7,.0f} ns an answer (target {TARGET_NS})")
    print(f"pure   {pure_ns:7,.0f} ns an answer")
    print(f"{MUTATED:,} mutated packets: {answer_mutated(plan, packets):,} answered")


if __name__ == "__main__":
    main()
