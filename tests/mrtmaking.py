"""MRT records made by hand, field by field as RFC 6396 and RFC 8050 have them."""

from __future__ import annotations

import struct

from sparrow.values.address import parse_address, parse_prefix

TIME = 1_400_824_800
PEERS = (("192.0.2.1", 64600), ("192.0.2.2", 64601), ("2001:db8::3", 4200000000))
"""Address and AS number of the neighbours of `peer_table`."""


def record(kind: int, subtype: int, body: bytes) -> bytes:
    return struct.pack("!IHHI", TIME, kind, subtype, len(body)) + body


def peer_table(peers: tuple[tuple[str, int], ...] = PEERS) -> bytes:
    rows = b"".join(peer_row(parse_address(address), asn) for address, asn in peers)
    name = b"view"
    body = struct.pack("!IH", 1, len(name)) + name + struct.pack("!H", len(peers)) + rows
    return record(13, 1, body)


def peer_row(address: bytes, asn: int) -> bytes:
    is_wide = asn > 65535
    kind = (len(address) == 16) | is_wide << 1
    return bytes([kind]) + bytes(4) + address + struct.pack("!I" if is_wide else "!H", asn)


def attribute(kind: int, value: bytes, flags: int = 0x40) -> bytes:
    if flags & 0x10:
        return struct.pack("!BBH", flags, kind, len(value)) + value
    return bytes([flags, kind, len(value)]) + value


def segment(kind: int, *asns: int, size: int = 4) -> bytes:
    return bytes([kind, len(asns)]) + b"".join(asn.to_bytes(size, "big") for asn in asns)


def sequence(*asns: int, size: int = 4) -> bytes:
    """Give the attributes of a path that is one sequence: ORIGIN and AS_PATH."""
    return attribute(1, b"\0") + attribute(2, segment(2, *asns, size=size))


def nlri(prefix: str) -> bytes:
    found = parse_prefix(prefix)
    return bytes([found.length]) + found.network[: (found.length + 7) // 8]


def rib_entry(peer: int, attributes: bytes, path_id: int | None = None) -> bytes:
    identifier = b"" if path_id is None else struct.pack("!I", path_id)
    return (
        struct.pack("!HI", peer, TIME)
        + identifier
        + struct.pack("!H", len(attributes))
        + attributes
    )


def rib(subtype: int, prefix: str, *entries: bytes) -> bytes:
    body = bytes(4) + nlri(prefix) + struct.pack("!H", len(entries)) + b"".join(entries)
    return record(13, subtype, body)


def generic(subtype: int, families: tuple[int, int], prefix: str, *entries: bytes) -> bytes:
    body = bytes(4) + struct.pack("!HB", *families) + nlri(prefix)
    return record(13, subtype, body + struct.pack("!H", len(entries)) + b"".join(entries))


def table_dump(prefix: str, peer: tuple[str, int], attributes: bytes) -> bytes:
    found = parse_prefix(prefix)
    body = bytes(4) + found.network + bytes([found.length, 1]) + struct.pack("!I", TIME)
    body += parse_address(peer[0]) + struct.pack("!HH", peer[1], len(attributes)) + attributes
    return record(12, 1 if found.family == 4 else 2, body)
