"""Authorities to compile: one with every case there is, and random ones from a seed.

Names are of few short labels, so that zones nest, aliases meet, loop and leave
their zone, and wildcards stand beside what they must not cover.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from sparrow.dns.respond import Authority, Identity
from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Steer, Zone, ZoneSet, build_tree
from sparrow.policy.intervals import sweep
from sparrow.policy.outcome import ALL_SERVING, Condition, LastResort, Standing
from sparrow.policy.site import Service, Site, SiteSet
from sparrow.policy.steering import AddressMap, Steering, build_steering
from sparrow.values.address import BITS, FAMILIES, parse_address, parse_prefix
from sparrow.values.asn import AsnRange
from sparrow.values.name import Name, encode_name, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sparrow.policy.outcome import Conditions

LABELS = (b"a", b"b", b"www", b"ns1", b"a-long-label-that-takes-room", b"\x07odd.\xff", b"*")
ORIGINS = ("example.", "b.example.", "a.b.example.", "www.a.b.example.", "other.test.", "test.")
TYPES = (
    *(RRType.A, RRType.AAAA, RRType.TXT, RRType.MX, RRType.SRV, RRType.CAA, RRType.DS, RRType.PTR),
    65280,
)
ANCHORS = {
    4: ("0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24", "1.2.3.0/24", "128.0.0.0/1"),
    6: ("::/0", "2001:db8::/32", "2000::/3", "2a00::/12", "4000::/2", "2002:102::/32"),
}


STATIC = (parse_address("192.0.2.99"), parse_address("2001:db8::99"))
"""A list of last resort."""


def random_authority(seed: int) -> Authority:
    """Make up to four zones, up to five sites, and tables of up to 40 prefixes."""
    rng = Random(seed)
    services = [f"service{number}" for number in range(rng.randint(1, 3))]
    steering = None if rng.random() < 0.1 else random_steering(rng, services)
    origins = rng.sample(ORIGINS, rng.randint(1, 4))
    if rng.random() < 0.1:
        origins[0] = "."
    zones = [random_zone(rng, parse_name(origin), services) for origin in origins]
    identity = Identity(
        nsid=rng.choice((None, b"", b"ns1.ams")),
        version=rng.choice((None, b"sparrow", b"\xff")),
        cookie_secrets=tuple(rng.randbytes(16) for _ in range(rng.randint(0, 2))),
    )
    return Authority(ZoneSet({zone.origin: zone for zone in zones}), steering, identity)


# Zones.


def random_zone(rng: Random, origin: Name, services: list[str]) -> Zone:
    """Make a zone of up to 30 names, lawful but for what only makes answers odd."""
    names = {random_name(rng, origin) for _ in range(rng.randint(0, 30))} - {origin}
    apex = {RRType.SOA: random_soa(rng, origin), RRType.NS: random_ns(rng, origin, origin)}
    if rng.random() < 0.1:
        apex[RRType.DNAME] = random_dname(rng, origin, origin)
    apex |= random_sets(rng, origin, origin, 2)
    steer = random_steer(rng, services) if rng.random() < 0.3 else None
    nodes = [Node(origin, without_steered(apex, steer), steer)]
    nodes += [random_node(rng, name, origin, services) for name in sorted(names)]
    return build_tree(origin, nodes)


def random_name(rng: Random, origin: Name) -> Name:
    """Give a name at or up to four labels below an origin."""
    return (*(rng.choice(LABELS) for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4)))), *origin)


def random_target(rng: Random, origin: Name) -> Name:
    """Give a name to point to, in this zone or in another."""
    where = origin if rng.random() < 0.8 else parse_name(rng.choice(ORIGINS))
    return random_name(rng, where)


def random_node(rng: Random, name: Name, origin: Name, services: list[str]) -> Node:
    """Make a node of one of the kinds that are answered differently."""
    kind = rng.choice((*["data"] * 3, *["alias", "dname", "steer"] * 2, "cut"))
    if kind == "alias":
        return Node(name, {RRType.CNAME: random_alias(rng, RRType.CNAME, name, origin)})
    sets: dict[int, RRset] = {}
    steer = None
    if kind == "dname":
        sets[RRType.DNAME] = random_dname(rng, name, origin)
    elif kind == "cut":
        sets[RRType.NS] = random_ns(rng, name, origin)
    elif kind == "steer":
        steer = random_steer(rng, services)
    sets |= random_sets(rng, name, origin, 3 if kind == "data" else 1)
    return Node(name, without_steered(sets, steer), steer)


def without_steered(sets: dict[int, RRset], steer: Steer | None) -> dict[int, RRset]:
    """Leave out the addresses of a steered name, which it cannot have beside."""
    skipped = (RRType.A, RRType.AAAA) if steer else ()
    return {rtype: rrset for rtype, rrset in sets.items() if rtype not in skipped}


def random_steer(rng: Random, services: list[str]) -> Steer:
    ttl = rng.choice((0, 30, 3600))
    ttl_min = rng.choice((0, ttl // 2, ttl))
    return Steer(rng.choice(services), ttl, rng.choice((None, 1, 2)), ttl_min)


def random_soa(rng: Random, origin: Name) -> RRset:
    names = encode_name((b"ns1", *origin)) + encode_name((b"hostmaster", *origin))
    timers = struct.pack("!5I", rng.getrandbits(32), 7200, 600, 86400, rng.choice((0, 60, 7200)))
    return RRset(origin, RRType.SOA, 3600, (names + timers,))


def random_ns(rng: Random, owner: Name, origin: Name) -> RRset:
    targets = {random_target(rng, rng.choice((owner, origin))) for _ in range(rng.randint(1, 3))}
    return RRset(owner, RRType.NS, 3600, tuple(map(encode_name, sorted(targets))))


def random_alias(rng: Random, rtype: int, owner: Name, origin: Name) -> RRset:
    return RRset(owner, rtype, rng.choice((60, 300)), (encode_name(random_target(rng, origin)),))


def random_dname(rng: Random, owner: Name, origin: Name) -> RRset:
    """Make a DNAME that leads into a zone, up to the owner's siblings, outside, or too far."""
    size = rng.choice((40, 61))
    target = rng.choice(
        (
            random_target(rng, origin),
            random_target(rng, origin),
            owner[1:],
            origin,
            parse_name(rng.choice(ORIGINS)),
            parse_name(rng.choice((".", "elsewhere.", "b.elsewhere."))),
            (*[bytes([rng.choice(b"xyz")]) * size for _ in range(3)], *owner[-2:]),
        )
    )
    return RRset(owner, RRType.DNAME, rng.choice((60, 300)), (encode_name(target),))


def random_sets(rng: Random, owner: Name, origin: Name, most: int) -> dict[int, RRset]:
    """Make up to `most` sets of different types."""
    types = rng.sample(TYPES, rng.randint(0, most))
    return {
        rtype: RRset(
            owner,
            rtype,
            rng.choice((0, 60, 86400)),
            tuple({random_rdata(rng, rtype, origin): None for _ in range(rng.randint(1, 3))}),
        )
        for rtype in types
    }


def random_rdata(rng: Random, rtype: int, origin: Name) -> bytes:
    target = encode_name(random_target(rng, origin))
    size = rng.choice((0, 1, 200))
    rdatas: dict[int, bytes] = {
        RRType.A: rng.randbytes(4),
        RRType.AAAA: rng.randbytes(16),
        RRType.PTR: target,
        RRType.MX: rng.randbytes(2) + target,
        RRType.SRV: rng.randbytes(6) + target,
        RRType.DS: rng.randbytes(2) + b"\x08\x02" + rng.randbytes(32),
        RRType.CAA: b"\0\x05issue" + rng.randbytes(9),
    }
    return rdatas.get(rtype, bytes((size,)) + rng.randbytes(size))


# Sites.


def random_steering(rng: Random, services: Iterable[str]) -> Steering:
    """Make sites, services with some of them, and the map of a random table."""
    count = rng.randint(1, 5)
    sites = tuple(
        Site(
            name=f"site{number}",
            asns=(
                AsnRange(64600 + number, 64600 + number),
                AsnRange(4200000000 + number * 9, 4200000005 + number * 9),
            ),
            vips=random_vips(rng),
            fallback=tuple(
                rng.sample([n for n in range(count) if n != number], rng.randint(0, count - 1))
            ),
        )
        for number in range(count)
    )
    site_set = SiteSet(sites, rng.randrange(count))
    built = {
        name: Service(
            name,
            {
                number: rng.choice((sites[number].vips, random_vips(rng)))
                for number in sorted(rng.sample(range(count), rng.randint(1, count)))
            },
            *random_last_resort(rng),
            ttl_min_s=rng.choice((0, 30, 3600)),
        )
        for name in services
    }
    steering = build_steering(site_set, built, random_map(rng, count))
    return replace(steering, conditions=random_conditions(rng, [site.name for site in sites]))


def random_last_resort(rng: Random) -> tuple[LastResort, tuple[bytes, ...]]:
    last_resort = rng.choice(list(LastResort))
    static = (STATIC, STATIC[:1], STATIC[1:])
    return last_resort, rng.choice(static) if last_resort is LastResort.STATIC else ()


def random_conditions(rng: Random, names: Iterable[str]) -> Conditions:
    """Have all sites serve, or each stand in any way, with or without changes in sight."""
    if rng.random() < 0.3:
        return ALL_SERVING
    return {
        name: (random_condition(rng), random_condition(rng)) for name in names if rng.random() < 0.9
    }


def random_condition(rng: Random) -> Condition:
    change, planned = (rng.choice((None, None, 0.2, 9.0, 29.5, 4000.0)) for _ in range(2))
    return Condition(rng.choice(list(Standing)), change, planned)


def random_vips(rng: Random) -> tuple[bytes, ...]:
    sizes = rng.choice(((4,), (16,), (4, 16), (4, 4, 16), (4, 16, 16, 16)))
    return tuple(rng.randbytes(size) for size in sizes)


def random_map(rng: Random, homes: int) -> AddressMap:
    """Make the map of two tables whose rows' homes are any of the sites."""
    codes = array("H", range(homes))
    v4, v6 = (
        sweep(family, random_table(rng, family, homes), codes, rng.randrange(homes))
        for family in FAMILIES
    )
    return AddressMap(v4, v6)


def random_table(rng: Random, family: int, homes: int) -> list[tuple[int, int, int]]:
    """Make up to 40 rows that nest and touch."""
    bits = BITS[family]
    blocks = {}
    for _ in range(rng.randint(0, 40)):
        prefix = parse_prefix(rng.choice(ANCHORS[family]))
        length = min(bits, prefix.length + rng.choice((0, 0, 1, 2, 8, 16, 40)))
        network = int.from_bytes(prefix.network, "big")
        network |= (
            rng.getrandbits(length - prefix.length) << (bits - length)
            if length > prefix.length
            else 0
        )
        blocks[network, length] = rng.randrange(homes)
    return [(network, length, home) for (network, length), home in sorted(blocks.items())]


# The zone with everything.


def full_authority() -> Authority:
    """Give zones in which every case of an answer is met, three sites and two services."""
    steering = _full_steering()
    identity = Identity(b"ns1.ams", b"sparrow", (bytes(range(16)), bytes(range(16, 32))))
    return Authority(ZoneSet({zone.origin: zone for zone in _full_zones()}), steering, identity)


def _full_steering() -> Steering:
    """Give three sites, the last without IPv6; the service `mail` is at the first and the last."""
    vips = [
        tuple(map(parse_address, texts))
        for texts in (
            ("192.0.2.1", "2001:db8:a::1", "192.0.2.2", "192.0.2.3"),
            ("198.51.100.1", "2001:db8:b::1", "2001:db8:b::2"),
            ("203.0.113.1",),
        )
    ]
    sites = (
        Site("ams", (AsnRange(64600, 64601), AsnRange(64610, 64610)), vips[0], (1,)),
        Site("iad", (AsnRange(4200000000, 4200000005),), vips[1], (0,)),
        Site("syd", (), vips[2]),
    )
    services = {
        "default": Service("default", dict(enumerate(vips))),
        "mail": Service(
            "mail", {0: vips[0][:2], 2: vips[2]}, LastResort.STATIC, STATIC, ttl_min_s=60
        ),
    }
    return build_steering(SiteSet(sites), services, random_map(Random(4), 3))


def _full_zones() -> list[Zone]:
    """Give a zone with every kind of name, zones within it, and one beside it."""
    nodes = {
        "example.": [*_plain_nodes(), *_alias_nodes(), *_hiding_nodes(), *_long_nodes()],
        "child.example.": [_apex("child.example.", TEXT), _node("www.child.example.", steer=WEB)],
        "x.y.cut.example.": [
            _apex("x.y.cut.example."),
            _node("*.x.y.cut.example.", ADDRESS),
            _alias("d.x.y.cut.example.", "cut.example.", RRType.DNAME),
        ],
        "z.d.example.": [_apex("z.d.example.", steer=MAIL)],
        "other.test.": [_apex("other.test."), _node("www.other.test.", ADDRESS)],
        "moved.test.": [_apex("moved.test.", (RRType.DNAME, "example."))],
    }
    return [build_tree(parse_name(origin), found) for origin, found in nodes.items()]


Record = tuple[int, bytes | str]
"""Type, and rdata or the name that it is made of."""

WEB, MAIL = Steer("default", 30), Steer("mail", 600, 1, ttl_min=60)
TEXT: Record = (RRType.TXT, b"\4text")
ADDRESS: Record = (RRType.A, b"\xc0\0\2\1")
ADDRESS6: Record = (RRType.AAAA, bytes(range(16)))
EXCHANGE: Record = (RRType.MX, b"\0\x0a\4mail\7example\0")
SIGNER: Record = (RRType.DS, b"\1\1\x08\2" + bytes(32))
LONGEST = ".".join(("x" * 61, "y" * 61, "z" * 61, "w" * 59, "example."))


def _node(name: str, *records: Record, steer: Steer | None = None) -> Node:
    owner = parse_name(name)
    rdatas: dict[int, tuple[bytes, ...]] = {}
    for rtype, rdata in records:
        octets = rdata if isinstance(rdata, bytes) else encode_name(parse_name(rdata))
        rdatas[rtype] = (*rdatas.get(rtype, ()), octets)
    sets = {rtype: RRset(owner, rtype, 3600, found) for rtype, found in rdatas.items()}
    return Node(owner, sets, steer)


def _apex(name: str, *records: Record, steer: Steer | None = None) -> Node:
    soa = (RRType.SOA, random_soa(Random(0), parse_name(name)).rdatas[0])
    servers = [(RRType.NS, f"ns1.{name}"), (RRType.NS, "ns.other.test.")]
    return _node(name, soa, *servers, *records, steer=steer)


def _alias(name: str, target: str, rtype: int = RRType.CNAME) -> Node:
    return _node(name, (rtype, target))


def _plain_nodes() -> list[Node]:
    """Give records, steered names and wildcards."""
    return [
        _apex("example.", TEXT, EXCHANGE, steer=WEB),
        _node("ns1.example.", ADDRESS, ADDRESS6),
        _node("mail.example.", ADDRESS, TEXT, EXCHANGE),
        _node("www.example.", TEXT, steer=WEB),
        _node("mixed.example.", ADDRESS, ADDRESS6, TEXT),
        _node("a.b.c.example.", TEXT),
        _node("*.wild.example.", ADDRESS, TEXT, (RRType.MX, b"\0\0\0")),
        _node("not.wild.example.", ADDRESS6),
        _node("*.web.example.", TEXT, steer=MAIL),
    ]


def _alias_nodes() -> list[Node]:
    """Give aliases that lead to every kind of end, and to none."""
    return [
        _alias("alias.example.", "mail.example."),
        _alias("alias2.example.", "alias.example."),
        _alias("steered.example.", "www.example."),
        _alias("far.example.", "www.deep.steered.d.example."),
        _alias("loop.example.", "loop.example."),
        _alias("loop1.example.", "loop2.example."),
        _alias("loop2.example.", "loop1.example."),
        _alias("out.example.", "www.elsewhere."),
        _alias("other.example.", "www.other.test."),
        _alias("dangling.example.", "nothing.here.example."),
        _alias("wildly.example.", "x.wild.example."),
        _alias("topmost.example.", "example."),
        _alias("delegated.example.", "cut.example."),
        _alias("child-alias.example.", "child.example."),
        *(_alias(f"chain{n}.example.", f"chain{n + 1}.example.") for n in range(20)),
        _alias("*.to-web.example.", "www.example."),
        _alias("*.to-mail.example.", "x.web.example."),
        _alias("*.self.example.", "one.self.example."),
        _alias("*.ring.example.", "two.gnir.example."),
        _alias("*.gnir.example.", "three.ring.example."),
        _alias("*.to-d.example.", "x.d.example."),
    ]


def _hiding_nodes() -> list[Node]:
    """Give delegations and DNAMEs, and what they hide."""
    return [
        _alias("d.example.", "wild.example.", RRType.DNAME),
        _node("hidden.d.example.", ADDRESS),
        _alias("long.example.", LONGEST, RRType.DNAME),
        _alias("d-long.example.", "l" * 60 + ".long.example.", RRType.DNAME),
        _alias("d2.example.", "d.example.", RRType.DNAME),
        _alias("d-self.example.", "d-self.example.", RRType.DNAME),
        _alias("d-ring.example.", "d-gnir.example.", RRType.DNAME),
        _alias("d-gnir.example.", "d-ring.example.", RRType.DNAME),
        _alias("d-inner.example.", "in.d-inner.example.", RRType.DNAME),
        _alias("d-out.example.", "elsewhere.", RRType.DNAME),
        _alias("d-root.example.", ".", RRType.DNAME),
        _alias("d-other.example.", "other.test.", RRType.DNAME),
        _alias("d-web.example.", "web.example.", RRType.DNAME),
        _alias("d-up.example.", "example.", RRType.DNAME),
        *(
            _alias(f"d-chain{n}.example.", f"d-chain{n + 1}.example.", RRType.DNAME)
            for n in range(10)
        ),
        _node("cut.example.", (RRType.NS, "ns.cut.example."), (RRType.NS, "ns1.example.")),
        _node("ns.cut.example.", ADDRESS, ADDRESS6),
        _node("safe.example.", (RRType.NS, "ns.far.test."), SIGNER),
        _node("child.example.", (RRType.NS, "ns1.child.example."), SIGNER),
        _node("ns1.child.example.", ADDRESS),
        _node("below.child.example.", TEXT),
    ]


def _long_nodes() -> list[Node]:
    """Give a name of 255 octets, and answers of about 16 and 64 KiB."""
    texts = [(RRType.TXT, bytes((255,)) + bytes((number,)) * 255) for number in range(256)]
    exchanges = [
        (RRType.MX, struct.pack("!HB", number, 63) + bytes((number,)) * 63 + b"\3big\7example\0")
        for number in range(220)
    ]
    return [
        _node(LONGEST, TEXT),
        _node("big.example.", *texts[:240]),
        _node("huge.example.", *texts),
        _node("*.large.example.", *exchanges),
    ]
