"""Mutations of good queries, repeatable by their seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.edns
import dns.message

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

INTERESTING = (0x00, 0x01, 0x0C, 0x29, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xFF)
"""Octets at the edges of labels, pointers, types and counts."""


def good_queries() -> list[bytes]:
    """Give queries that reach every branch of the answer code."""
    names = (
        "static.example.org",
        "www.example.org",
        "alias.example.org",
        "x.wild.example.org",
        "x.sub.example.org",
        "large.example.org",
        "nothing.example.org",
        "example.com",
        ".",
        "a." * 120 + "example.org",
    )
    options = (
        [],
        [dns.edns.ECSOption("193.173.27.0", 24)],
        [dns.edns.ECSOption("2001:db8::", 48), dns.edns.NSIDOption(b"")],
        [dns.edns.GenericOption(10, bytes(8)), dns.edns.GenericOption(11, b"")],
        [dns.edns.GenericOption(10, bytes(24)), dns.edns.GenericOption(65001, b"abcd")],
    )
    plain = [
        dns.message.make_query(name, rtype).to_wire()
        for name in names
        for rtype in ("A", "AAAA", "TXT", "SOA", "ANY", "DS", "AXFR", "TYPE65280")
    ]
    extended = [
        dns.message.make_query(name, "A", use_edns=0, options=chosen, want_dnssec=True).to_wire()
        for name in names
        for chosen in options
    ]
    chaos = dns.message.make_query("version.bind", "TXT", "CH").to_wire()
    return [*plain, *extended, chaos]


def _flip_bit(rng: random.Random, packet: bytearray) -> None:
    packet[rng.randrange(len(packet))] ^= 1 << rng.randrange(8)


def _set_octet(rng: random.Random, packet: bytearray) -> None:
    packet[rng.randrange(len(packet))] = rng.choice(INTERESTING)


def _set_header(rng: random.Random, packet: bytearray) -> None:
    packet[min(rng.randrange(2, 12), len(packet) - 1)] = rng.choice((0, 1, 2, 0x80, 0xFF))


def _cut(rng: random.Random, packet: bytearray) -> None:
    del packet[rng.randrange(1, len(packet) + 1) :]


def _append(rng: random.Random, packet: bytearray) -> None:
    packet += rng.randbytes(rng.randrange(1, 40))


def _repeat(rng: random.Random, packet: bytearray) -> None:
    start = rng.randrange(len(packet))
    chunk = packet[start : start + rng.randrange(1, 30)]
    place = rng.randrange(len(packet) + 1)
    packet[place:place] = chunk


def _remove(rng: random.Random, packet: bytearray) -> None:
    start = rng.randrange(1, len(packet) + 1)
    del packet[start : start + rng.randrange(1, 10)]


def _point(rng: random.Random, packet: bytearray) -> None:
    place = rng.randrange(len(packet))
    packet[place : place + 2] = bytes((0xC0, rng.randrange(256)))


MUTATIONS: tuple[Callable[[random.Random, bytearray], None], ...] = (
    _flip_bit,
    _set_octet,
    _set_header,
    _cut,
    _append,
    _repeat,
    _remove,
    _point,
)


def mutate(rng: random.Random, good: list[bytes]) -> bytes:
    """Give a good query with one to four mutations, at least one octet long."""
    packet = bytearray(rng.choice(good))
    for _ in range(rng.randrange(1, 5)):
        rng.choice(MUTATIONS)(rng, packet)
    return bytes(packet)


def numbered(packet: bytes, number: int) -> bytes:
    """Give the packet with its id replaced, as far as it has one."""
    return (number.to_bytes(2, "big") + packet[2:])[: len(packet)]


def is_query(packet: bytes) -> bool:
    """Tell whether a packet must be answered: its header is whole, and QR is 0."""
    return len(packet) >= 12 and not packet[2] & 0x80
