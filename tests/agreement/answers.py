"""What servers say to the same questions, in a form that can be compared."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
from nameservers import exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

TYPES = (
    *("A", "AAAA", "NS", "SOA", "CNAME", "DNAME", "MX", "TXT", "SRV", "CAA", "PTR", "NAPTR", "DS"),
    *("TLSA", "SSHFP", "HTTPS", "SVCB", "TYPE65280", "TYPE65281", "LOC"),
)
"""Types in the zones, and at the end two that are nowhere."""

HEADER = 12
EDNS = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
"""OPT of version 0 that takes 1232 octets, no options."""
OPT = len(EDNS)

Question = tuple[dns.name.Name, str]
Row = tuple[str, str, int, str]
"""Owner in lower case, type, TTL, rdata in canonical form."""


@dataclass(frozen=True)
class Said:
    """A response, as far as servers must agree."""

    rcode: str
    is_authoritative: bool
    answer: tuple[Row, ...]
    """Sorted, so a multiset: what is there twice is there twice."""
    authority: tuple[Row, ...]

    def __str__(self) -> str:
        lines = [f"{self.rcode}{' AA' if self.is_authoritative else ''}"]
        lines += ["  answer    " + " ".join(map(str, row)) for row in self.answer]
        lines += ["  authority " + " ".join(map(str, row)) for row in self.authority]
        return "\n".join(lines)


def ask(port: int, questions: Iterable[Question]) -> list[Said]:
    """Ask every question over UDP; each response must repeat it to the letter."""
    queries = [encode_query(number, question) for number, question in enumerate(questions)]
    responses = exchange(port, queries)
    for query, response in zip(queries, responses, strict=True):
        assert query[HEADER:-OPT] == response[HEADER : len(query) - OPT]
    return list(map(read_response, responses))


def encode_query(number: int, question: Question) -> bytes:
    name, rtype = question
    header = struct.pack("!6H", number & 0xFFFF, 0, 1, 0, 0, 1)
    ends = struct.pack("!HH", dns.rdatatype.from_text(rtype), 1)
    return header + name.to_wire() + ends + EDNS


def read_response(wire: bytes) -> Said:
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert not message.flags & dns.flags.TC
    return Said(
        rcode=dns.rcode.to_text(message.rcode()),
        is_authoritative=bool(message.flags & dns.flags.AA),
        answer=list_rows(message.answer),
        authority=list_rows(message.authority),
    )


def list_rows(section: Iterable[dns.rrset.RRset]) -> tuple[Row, ...]:
    rows = (
        (
            str(rrset.name).lower(),
            dns.rdatatype.to_text(rrset.rdtype),
            rrset.ttl,
            rdata.to_digestable(dns.name.root).hex(),
        )
        for rrset in section
        for rdata in rrset
    )
    return tuple(sorted(rows))


def names_of(zones: Mapping[str, Path]) -> list[dns.name.Name]:
    """Give every owner in the master files, and every name above one, as dnspython reads them."""
    found: dict[dns.name.Name, None] = {}
    for origin, file in zones.items():
        zone = dns.zone.from_file(str(file), origin=origin, relativize=False, check_origin=False)
        for name in sorted(zone):
            while name != zone.origin:
                found[name] = None
                name = name.parent()  # noqa: PLW2901
            found[name] = None
    return list(found)


def without_generate(zones: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Give the zones with each $GENERATE written out by dnspython, as NSD knows no such thing."""
    found: dict[str, Path] = {}
    for origin, file in zones.items():
        found[origin] = file
        if "$GENERATE" in file.read_text():
            found[origin] = folder / file.name
            zone = dns.zone.from_file(str(file), origin=origin, relativize=False)
            zone.to_file(str(found[origin]), relativize=False)
    return found


def questions_near(names: Iterable[dns.name.Name]) -> Iterator[Question]:
    """Ask the names for every type, and what is right below them for those that differ there."""
    asked: set[dns.name.Name] = set()
    for name in names:
        for rtype in TYPES:
            yield name, rtype
        for labels in ((b"nowhere",), (b"*",), (b"a", b"nowhere"), (b"a", b"*")):
            below = below_of(labels, name)
            if below is None or below in asked:
                continue
            asked.add(below)
            for rtype in ("A", "TXT", "NS", "DS", "CNAME", "DNAME", "SOA", "TYPE65281"):
                yield below, rtype


def below_of(labels: tuple[bytes, ...], name: dns.name.Name) -> dns.name.Name | None:
    try:
        return dns.name.Name((*labels, *name.labels))
    except dns.name.NameTooLong:
        return None


def random_questions(names: list[dns.name.Name], seed: int, count: int) -> list[Question]:
    """Ask for A and for one more type at names with random labels at any level, in random case."""
    chance = random.Random(seed)
    known = sorted({label for name in names for label in name.labels if label})
    questions: list[Question] = []
    while len(questions) < 2 * count:
        name = chance.choice(names)
        labels = list(name.labels[:-1])
        for _ in range(chance.randint(1, 3)):
            label = chance.choice(known) if chance.random() < 0.6 else random_label(chance)
            place = chance.randint(0, len(labels))
            if chance.random() < 0.4 and place < len(labels):
                labels[place] = label
            else:
                labels.insert(place, label)
        mixed = [bytes(mix_case(octet, chance) for octet in label) for label in labels]
        try:
            asked = dns.name.Name((*mixed, b""))
        except dns.name.NameTooLong:
            continue
        questions += ((asked, "A"), (asked, chance.choice(TYPES)))
    return questions


def random_label(chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        return chance.randbytes(chance.randint(1, 63))
    return bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz0123456789-_*", k=chance.randint(1, 8)))


def mix_case(octet: int, chance: random.Random) -> int:
    return (
        octet ^ 0x20
        if chr(octet).isascii() and chr(octet).isalpha() and chance.random() < 0.5
        else octet
    )
