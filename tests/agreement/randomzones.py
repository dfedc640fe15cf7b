"""Zones from a seed, as master files: lawful ones, full of what servers answer differently.

Names are of few labels, so that zones nest, cuts hide names, aliases meet and loop, and
wildcards stand beside what they must not cover. Start from `write_random_zones`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dns.name

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

LABELS = (
    *(b"a", b"b", b"b", b"www", b"*", b"*", b"ns1", b"Mixed"),
    *(b"_x", b"\x07odd.\xff\x00", b'sp ace\\"@;$(', b"l" * 63, b"m" * 40),
)
ORIGINS = ("test.", "r.test.", "b.r.test.", "a.b.r.test.", "www.b.r.test.", "other.invalid.")
LONE_ORIGIN = "other.invalid."
"""The one without zones below, whose apex may have a DNAME."""
ELSEWHERE = ("nowhere.example.", "www.nowhere.example.", ".")
DATA_TYPES = (
    *("A", "A", "AAAA", "AAAA", "TXT", "MX", "SRV", "CAA", "PTR", "TYPE65280", "HTTPS", "NAPTR"),
    *("TLSA", "SSHFP", "LOC", "HINFO", "RP", "AFSDB"),
)
MAX_RECORDS = 60
"""Of a set that is to be cut over UDP."""

Rdata = str


@dataclass
class Draft:
    """A zone that is being made."""

    origin: dns.name.Name
    lines: list[str]
    glued: set[dns.name.Name] = field(default_factory=set)
    """Servers that have addresses within what is delegated to them."""
    dnames: set[dns.name.Name] = field(default_factory=set)

    def add(self, owner: dns.name.Name, ttl: int, rtype: str, rdata: Rdata) -> None:
        self.lines.append(f"{owner} {ttl} {rtype} {rdata}")


def write_random_zones(rng: Random, folder: Path) -> dict[str, Path]:
    """Write up to six zones into a folder; give their files by origin."""
    found: dict[str, Path] = {}
    for number, origin in enumerate(rng.sample(ORIGINS, rng.randint(1, len(ORIGINS)))):
        found[origin] = folder / f"{number}.zone"
        found[origin].write_text(render_zone(rng, dns.name.from_text(origin)))
    return found


def render_zone(rng: Random, origin: dns.name.Name) -> str:
    """Make the master file of a zone of up to 60 names."""
    draft = Draft(origin, [])
    timers = f"{rng.getrandbits(32)} 7200 600 86400 {rng.choice((0, 60, 7200))}"
    draft.add(origin, rng.choice((0, 30, 3600)), "SOA", f"ns1.{origin} host.{origin} {timers}")
    # Other servers demand addresses of those that are in the zone.
    draft.add(origin, 60, "NS", f"ns1.{ELSEWHERE[0]}")
    if str(origin) == LONE_ORIGIN and rng.random() < 0.3:
        draft.dnames.add(origin)
        draft.add(origin, 300, "DNAME", rng.choice(ELSEWHERE))
    else:
        draft.add(origin, 60, "NS", f"ns-of-apex.{origin}")
        draft.add(dns.name.from_text("ns-of-apex", origin), 60, "A", "192.0.2.1")
    add_sets(rng, draft, origin, 3)
    names = {random_name(rng, origin) for _ in range(rng.randint(0, 60))} - {origin}
    for name in sorted(names):
        add_node(rng, draft, name)
    return "".join(f"{line}\n" for line in draft.lines)


def random_name(rng: Random, origin: dns.name.Name) -> dns.name.Name:
    """Give a name at or below an origin; one in thirty is as long as a name can be."""
    labels = list(origin.labels)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 2, 3, 4))):
        labels.insert(0, rng.choice(LABELS))
    if rng.random() < 0.03:
        labels = lengthen(rng, labels)
    try:
        return dns.name.Name(labels)
    except dns.name.NameTooLong:
        return origin


def lengthen(rng: Random, labels: list[bytes]) -> list[bytes]:
    """Put labels before a name until it has 255 octets."""
    labels = list(labels)
    while (room := 255 - sum(len(label) + 1 for label in labels)) >= 2:
        size = min(63, room - 1)
        # What is left must not be a single octet, for which there is no label.
        size -= 1 if room - 1 - size == 1 else 0
        labels.insert(0, bytes([rng.choice(b"xyz")]) * size)
    return labels


def random_target(rng: Random, draft: Draft) -> dns.name.Name:
    """Give a name to point to: here, in another zone that may be served, or nowhere."""
    chance = rng.random()
    if chance < 0.75:
        return random_name(rng, draft.origin)
    if chance < 0.9:
        return random_name(rng, dns.name.from_text(rng.choice(ORIGINS)))
    return dns.name.from_text(rng.choice(ELSEWHERE))


def add_node(rng: Random, draft: Draft, name: dns.name.Name) -> None:
    """Add records of one of the kinds that are answered differently."""
    if any(name.is_subdomain(dname) for dname in draft.dnames):
        return  # nothing may be below a DNAME (RFC 6672 section 2.4)
    if any(glued.is_subdomain(name) for glued in draft.glued):
        return  # an alias would be beside the addresses, and a DNAME above them
    kind = rng.choice(("data", "data", "data", "alias", "alias", "dname", "cut", "cut"))
    is_wildcard = name.labels[0] == b"*"
    ttl = rng.choice((0, 60, 86400))
    if kind == "alias":
        draft.add(name, ttl, "CNAME", str(random_target(rng, draft)))
        return
    target = random_target(rng, draft)
    # One that leads below itself makes names grow until each server stops where it likes.
    if kind == "dname" and not is_wildcard and not target.is_subdomain(name):
        draft.dnames.add(name)
        draft.add(name, ttl, "DNAME", str(target))
    elif kind == "cut" and not is_wildcard:
        for server in add_servers(rng, draft, name):
            if server.is_subdomain(name) and rng.random() < 0.7:
                add_glue(rng, draft, server)
        if rng.random() < 0.5:
            draft.add(name, ttl, "DS", f"{rng.randint(0, 65535)} 13 2 {rng.randbytes(32).hex()}")
    if name not in draft.glued:
        add_sets(rng, draft, name, 3 if kind == "data" else 1)


def add_glue(rng: Random, draft: Draft, server: dns.name.Name) -> None:
    """Add addresses of a server, now and then more than a packet of UDP holds beside the rest."""
    draft.glued.add(server)
    for rtype in ("A", "AAAA"):
        for rdata in {random_rdata(rng, draft, rtype) for _ in range(rng.choice((0, 1, 2, 30)))}:
            draft.add(server, 60, rtype, rdata)


def add_servers(rng: Random, draft: Draft, name: dns.name.Name) -> list[dns.name.Name]:
    """Add name servers, and give them."""
    below = Draft(name, [])
    targets = {random_target(rng, rng.choice((draft, below))) for _ in range(rng.randint(1, 4))}
    ttl = rng.choice((0, 60, 86400))
    for target in sorted(targets):
        draft.add(name, ttl, "NS", str(target))
    return sorted(targets)


def add_sets(rng: Random, draft: Draft, name: dns.name.Name, most: int) -> None:
    """Add up to `most` sets, now and then one that no packet of UDP holds."""
    for rtype in set(rng.choices(DATA_TYPES, k=rng.randint(0, most))):
        count = rng.choice((1, 1, 1, 2, 3, 3, 30, MAX_RECORDS))
        ttl = rng.choice((0, 60, 86400))
        for rdata in {random_rdata(rng, draft, rtype) for _ in range(count)}:
            draft.add(name, ttl, rtype, rdata)


def random_rdata(rng: Random, draft: Draft, rtype: str) -> Rdata:
    target = random_target(rng, draft)
    octets = rng.randbytes(rng.choice((1, 3, 200)))
    escaped = "".join(f"\\{octet:03d}" for octet in octets)
    known = {
        "A": ".".join(str(octet) for octet in rng.randbytes(4)),
        "AAAA": ":".join(f"{rng.getrandbits(16):x}" for _ in range(8)),
        "MX": f"{rng.randint(0, 65535)} {target}",
        "SRV": f"{rng.randint(0, 65535)} 0 53 {target}",
        "CAA": f'0 issue "{rng.getrandbits(32)}"',
        "PTR": str(target),
        "TXT": f'"{escaped}" ""',
        "HTTPS": f"{rng.randint(1, 9)} {target} port={rng.randint(0, 65535)}",
        "NAPTR": f'{rng.randint(0, 65535)} 10 "U" "x" "!a!b!" {target}',
        "TLSA": f"3 1 1 {rng.randbytes(32).hex()}",
        "SSHFP": f"4 2 {rng.randbytes(32).hex()}",
        "LOC": f"{rng.randint(0, 89)} 0 0.000 N 4 0 0.000 E 10.00m 1m 10000m 10m",
        "HINFO": f'"{rng.getrandbits(16)}" "x"',
        "RP": f"{target} {random_target(rng, draft)}",
        "AFSDB": f"1 {target}",
    }
    return known.get(rtype, f"\\# {len(octets)} {octets.hex()}")
