"""Queries of many kinds, and all that a response says: header, glue and size included.

A server is asked over TCP what it has to say, and over UDP for as much of it as fits. Start
from `ask_whole`.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from answers import HEADER, TYPES, Said, list_rows, mix_case, random_label
from nameservers import LOOPBACK, PATIENCE_S, exchange

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from answers import Question, Row

MORE_TYPES = (*TYPES, "HINFO", "RP", "AFSDB", "TYPE0", "TYPE65535")
DEFAULT_LIMIT = 512
OUR_LIMIT = 1232
PAYLOADS = (None, 0, 511, 512, 700, 1232, 4096, 65535)
"""What a query says that it takes over UDP; None for a query without EDNS."""
WINDOW = 32
"""Queries on their way at once: their answers fit into a socket's buffer."""


@dataclass(frozen=True)
class Whole:
    """A response, taken apart."""

    said: Said
    flags: int
    """Second word of the header, without AA and the rcode."""
    additional: tuple[Row, ...]
    size: int
    """Octets."""

    @property
    def is_truncated(self) -> bool:
        return bool(self.flags & dns.flags.TC)

    @property
    def is_referral(self) -> bool:
        return bool(self.said.authority) and self.said.authority[0][1] == "NS"


@dataclass(frozen=True)
class Asked:
    """A query as it is sent."""

    question: Question
    wire: bytes
    limit: int
    """Octets that a response over UDP may have."""

    @property
    def flags(self) -> int:
        """Second word of the header of a response that is whole, without AA and the rcode."""
        return int(dns.flags.QR) | int.from_bytes(self.wire[2:4], "big") & dns.flags.RD


def random_queries(rng: Random, names: Sequence[dns.name.Name], count: int) -> list[Asked]:
    """Give queries for names at, above, beside and below some names."""
    known = sorted({label for name in names for label in name.labels if label})
    found: list[Asked] = []
    while len(found) < count:
        name = random_neighbour(rng, rng.choice(names), known)
        if name is not None:
            question = name, rng.choice(MORE_TYPES)
            found.append(encode_query(rng, len(found), question))
    return found


def random_neighbour(
    rng: Random, name: dns.name.Name, known: Sequence[bytes]
) -> dns.name.Name | None:
    """Change a name in up to three places; None where it gets too long."""
    labels = list(name.labels[:-1])
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        label = rng.choice(known) if rng.random() < 0.7 else random_label(rng)
        place = rng.choice((0, 0, rng.randint(0, len(labels))))
        if rng.random() < 0.3 and place < len(labels):
            labels[place] = label
        else:
            labels.insert(place, label)
    if rng.random() < 0.5:
        labels = [bytes(mix_case(octet, rng) for octet in label) for label in labels]
    try:
        return dns.name.Name((*labels, b""))
    except dns.name.NameTooLong:
        return None


def encode_query(rng: Random, number: int, question: Question) -> Asked:
    """Make a query with or without RD, EDNS and DO."""
    payload = rng.choice(PAYLOADS)
    flags = rng.choice((0, int(dns.flags.RD)))
    name, rtype = question
    head = struct.pack("!6H", number & 0xFFFF, flags, 1, 0, 0, payload is not None)
    asked = head + name.to_wire() + struct.pack("!HH", dns.rdatatype.from_text(rtype), 1)
    if payload is None:
        return Asked(question, asked, DEFAULT_LIMIT)
    opt = struct.pack("!BHHIH", 0, dns.rdatatype.OPT, payload, rng.choice((0, 0x8000)), 0)
    return Asked(question, asked + opt, min(max(payload, DEFAULT_LIMIT), OUR_LIMIT))


def ask_whole(port: int, queries: Sequence[Asked]) -> list[Whole]:
    """Ask over TCP."""
    return read_all(queries, exchange_over_tcp(port, [each.wire for each in queries]))


def ask_over_udp(port: int, queries: Sequence[Asked]) -> list[Whole]:
    """Ask over UDP."""
    return read_all(queries, exchange(port, [each.wire for each in queries], WINDOW))


def read_all(queries: Iterable[Asked], responses: Iterable[bytes]) -> list[Whole]:
    """Take responses apart; each must repeat its question to the letter."""
    found = []
    for query, wire in zip(queries, responses, strict=True):
        name, _ = query.question
        end = HEADER + len(name.to_wire()) + 4
        assert query.wire[HEADER:end] == wire[HEADER:end]
        found.append(read_whole(wire))
    return found


def read_whole(wire: bytes) -> Whole:
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    said = Said(
        rcode=dns.rcode.to_text(message.rcode()),
        is_authoritative=bool(message.flags & dns.flags.AA),
        answer=list_rows(message.answer),
        authority=list_rows(message.authority),
    )
    flags = message.flags & ~dns.flags.AA & ~0xF
    return Whole(said, flags, list_rows(message.additional), len(wire))


def exchange_over_tcp(port: int, queries: Sequence[bytes]) -> list[bytes]:
    """Send queries on one connection, and give their responses, which may come in any order."""
    found: list[bytes] = []
    with socket.create_connection((LOOPBACK, port), PATIENCE_S) as peer:
        stream = peer.makefile("rb")
        for start in range(0, len(queries), WINDOW):
            batch = queries[start : start + WINDOW]
            peer.sendall(b"".join(len(query).to_bytes(2, "big") + query for query in batch))
            by_id = {}
            for _ in batch:
                wire = stream.read(int.from_bytes(stream.read(2), "big"))
                by_id[wire[:2]] = wire
            found += [by_id[query[:2]] for query in batch]
    return found
