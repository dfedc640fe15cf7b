"""Queries from a seed: names in and near some zones, every kind of EDNS, and packets gone wrong."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sparrow.dns.cookie import refresh_cookie
from sparrow.dns.rrset import RRType
from sparrow.values.name import MAX_WIRE, encode_name, wire_length

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from sparrow.dns.zone import ZoneSet
    from sparrow.values.name import Name

NOW_S = 1_800_000_000
TYPES = (
    *(int(rtype) for rtype in RRType),
    *(0, 3, 46, 99, 127, 128, 254, 256, 65280, 65535),
)
COMMON_TYPES = (RRType.A, RRType.A, RRType.AAAA)
PAYLOADS = (0, 511, 512, 513, 700, 1231, 1232, 1233, 4096, 65535)
BLOCKS_V6 = ("20010db8", "2002c000", "20010000", "0064ff9b", "00000000", "ffffffff", "40000000")


def names_of(zones: ZoneSet) -> tuple[Name, ...]:
    """Give every name of some zones, in order."""
    return tuple(sorted({name for zone in zones.zones.values() for name in zone.nodes}))


def random_packet(rng: Random, names: Sequence[Name], secrets: Sequence[bytes] = ()) -> bytes:
    """Give a query for a name in or near `names`; one in five is mutated."""
    name = random_case(rng, near_name(rng, names))
    rtype = rng.choice(COMMON_TYPES if rng.random() < 0.75 else TYPES)
    rclass = 1 if rng.random() < 0.97 else rng.choice((0, 3, 4, 254, 255))
    opt = random_opt(rng, secrets) if rng.random() < 0.8 else b""
    flags = rng.choice((0, 0x0100, 0x0110, 0x0130, 0x07FF))
    if rng.random() < 0.03:
        flags = rng.choice((0x0800, 0x2800, 0x7800, 0x8000))
    counts = (1, 0, 0, int(bool(opt)))
    if rng.random() < 0.03:
        counts = rng.choice(((0, 0, 0, 0), (2, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 2)))
    head = struct.pack("!6H", rng.getrandbits(16), flags, *counts)
    packet = head + encode_name(name) + struct.pack("!HH", rtype, rclass) + opt
    if rng.random() < 0.02:
        packet += rng.randbytes(rng.randint(1, 20))
    return mutated(rng, packet) if rng.random() < 0.2 else packet


def random_source(rng: Random) -> bytes:
    """Give the packed address that a query came from."""
    return random_address(rng, rng.choice((4, 4, 16)))


def near_name(rng: Random, names: Sequence[Name]) -> Name:
    """Give one of the names, or one above, beside or below it."""
    name = rng.choice(names)
    kind = rng.random()
    if kind < 0.1:
        name = name[rng.randint(0, len(name)) :]
    elif kind < 0.5:
        name = name[rng.randint(0, min(1, len(name))) :]
        for _ in range(rng.choice((1, 1, 1, 2, 5, 130))):
            label = rng.choice((b"x", b"www", b"a", b"*", rng.randbytes(rng.choice((1, 7, 63)))))
            if wire_length(name) + len(label) + 1 <= MAX_WIRE:
                name = (label, *name)
    elif kind < 0.53:
        name = (b"nowhere", b"else")
    return name


def random_case(rng: Random, name: Name) -> Name:
    if rng.random() < 0.5:
        return name
    return tuple(bytes(rng.choice((label, label.upper()))) for label in name)


def random_opt(rng: Random, secrets: Sequence[bytes]) -> bytes:
    """Give an OPT record, most of the time a sound one."""
    options = [random_option(rng, secrets) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    rdata = b"".join(options)
    version = 0 if rng.random() < 0.97 else rng.randrange(256)
    ttl = rng.choice((0, 0, 0xFF)) << 24 | version << 16 | rng.choice((0, 0x8000, 0x7FFF, 0xFFFF))
    return struct.pack("!BHHIH", 0, 41, rng.choice(PAYLOADS), ttl, len(rdata)) + rdata


def random_option(rng: Random, secrets: Sequence[bytes]) -> bytes:
    kind = rng.random()
    if kind < 0.6:
        return encode_option(8, random_subnet(rng))
    if kind < 0.75:
        return encode_option(10, random_cookie(rng, secrets))
    if kind < 0.85:
        return encode_option(3, rng.choice((b"", b"", b"x")))
    if kind < 0.87:
        return encode_option(11, rng.choice((b"", b"\0\x10")))
    return encode_option(rng.choice((0, 9, 12, 15, 65001)), rng.randbytes(rng.choice((0, 1, 40))))


def encode_option(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def random_subnet(rng: Random) -> bytes:
    """Give a client subnet; one in eight is malformed in one way or another."""
    size = rng.choice((4, 4, 4, 16))
    length = rng.choice((0, 8, 24, 24, 24, 32, rng.randint(0, 32)))
    if size == 16:
        length = rng.choice((0, 32, 48, 56, 56, 128, rng.randint(0, 128)))
    number = int.from_bytes(random_address(rng, size), "big")
    bits = size * 8
    address = (number >> (bits - length) << (bits - length)).to_bytes(size, "big")
    family, scope = 1 if size == 4 else 2, 0
    octets = address[: (length + 7) // 8]
    if rng.random() < 0.12:
        family = rng.choice((family, 0, 1, 2, 3, 256))
        scope = rng.choice((0, 0, 24))
        length = rng.choice((length, 0, 33, 129, 255))
        octets = rng.choice((octets, octets[:-1], octets + b"\0", octets[:-1] + b"\xff", b""))
    value = struct.pack("!HBB", family, length, scope) + octets
    return value if rng.random() < 0.99 else value[: rng.randint(0, 4)]


def random_address(rng: Random, size: int) -> bytes:
    """Give an address that is as likely as not in a block of its own kind."""
    octets = rng.randbytes(size)
    if size == 4:
        return rng.choice((octets, octets, b"\x0a" + octets[1:], b"\xc0\0\x02" + octets[3:]))
    if rng.random() < 0.3:
        return b"\x20" + octets[1:]
    block = bytes.fromhex(rng.choice(BLOCKS_V6))
    if rng.random() < 0.3:
        return block + bytes(8) + octets[12:]
    if rng.random() < 0.2:
        return bytes(10) + b"\xff\xff" + octets[12:]
    return block + octets[4:]


def random_cookie(rng: Random, secrets: Sequence[bytes]) -> bytes:
    """Give a COOKIE: fresh, old, of a stranger, or of a wrong length."""
    client = rng.randbytes(8)
    if secrets and rng.random() < 0.6:
        then_s = NOW_S - rng.choice((-301, -300, 0, 10, 1800, 1801, 4000))
        chosen = (rng.choice(secrets),)
        return refresh_cookie(client, COOKIE_CLIENT, chosen, then_s)
    return client + rng.randbytes(rng.choice((0, 0, 16, 16, 8, 32, 1, 33)))


COOKIE_CLIENT = bytes((192, 0, 2, 77))
"""The source of every cookie that is good; `random_client` gives it often."""


def random_client(rng: Random) -> bytes:
    return COOKIE_CLIENT if rng.random() < 0.3 else random_source(rng)


def mutated(rng: Random, packet: bytes) -> bytes:
    """Give a packet with some octets flipped, set, cut off, put in or taken out."""
    octets = bytearray(packet)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(octets) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(octets):
            octets[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(octets):
            octets[at] = rng.choice((0, 1, 0x29, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF))
        elif kind == 2:
            octets[at:] = b""
        elif kind == 3:
            octets[at:at] = rng.randbytes(rng.randint(1, 12))
        elif kind == 4:
            octets[at : at + rng.randint(1, 12)] = b""
        else:
            octets[at : at + 2] = bytes((0xC0, rng.randrange(256)))
    return bytes(octets)


def random_words(rng: Random, words: Iterable[int]) -> list[int]:
    """Give outcome words of every kind in the place of those that were compiled."""
    changed = []
    for word in words:
        site = rng.choice((word & 0xFFFF, word & 0xFFFF, 0, 1, 0xFFFF))
        flags = rng.choice((word >> 16 & 0xFFFF, 0, 0, 1, 2, 3, 4, 4, 5, 6, 8))
        cap = rng.choice((2**32 - 1, 2**32 - 1, 0, 7, 100_000))
        changed.append(site | flags << 16 | cap << 32)
    return changed
