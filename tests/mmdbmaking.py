"""Databases in MaxMind's format, made from a few networks (MaxMind DB File Format 2.0)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparrow.values.address import parse_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIASES = ("::ffff:0:0/96", "2001::/32", "2002::/16", "64:ff9b::/96")
"""Blocks that lead to the IPv4 addresses."""
_MARKER = b"\xab\xcd\xefMaxMind.com"


@dataclass
class Node:
    """Two ways on: a node, an offset of data, or None."""

    ways: list[Node | int | None] = field(default_factory=lambda: [None, None])


@dataclass(frozen=True)
class Form:
    """How a database is written."""

    record_bits: int = 24
    ip_version: int = 6
    has_aliases: bool = True


def make_mmdb(networks: Mapping[str, Any], form: Form = Form()) -> bytes:
    """Give the octets of a database; of networks inside each other the most specific counts."""
    top, data = Node(), bytearray()
    offsets: dict[str, int] = {}
    prefixes = sorted((parse_prefix(text), content) for text, content in networks.items())
    for prefix, content in sorted(prefixes, key=lambda pair: pair[0].length):
        if repr(content) not in offsets:
            offsets[repr(content)] = len(data)
            data += encode(content)
        is_below = prefix.family == 4 and form.ip_version == 6
        bits = [0] * 96 if is_below else []
        number = int.from_bytes(prefix.network, "big")
        size = len(prefix.network) * 8
        bits += [number >> size - 1 - place & 1 for place in range(prefix.length)]
        insert(top, bits, offsets[repr(content)])
    if form.ip_version == 6 and form.has_aliases:
        v4_root = reach(top, [0] * 96)
        for block in map(parse_prefix, ALIASES):
            number = int.from_bytes(block.network, "big")
            bits = [number >> 127 - place & 1 for place in range(block.length)]
            insert(top, bits, v4_root)
    return render(top, bytes(data), form)


def insert(top: Node, bits: list[int], way: Node | int) -> None:
    if not bits:
        top.ways = [way, way]
        return
    reach(top, bits[:-1]).ways[bits[-1]] = way


def reach(top: Node, bits: list[int]) -> Node:
    """Give the node at the end of a way, which is made where it is missing."""
    node = top
    for bit in bits:
        below = node.ways[bit]
        if not isinstance(below, Node):
            below = node.ways[bit] = Node([below, below])
        node = below
    return node


def render(top: Node, data: bytes, form: Form) -> bytes:
    nodes = [top]
    numbers = {id(top): 0}
    for node in nodes:
        for way in node.ways:
            if isinstance(way, Node) and id(way) not in numbers:
                numbers[id(way)] = len(nodes)
                nodes.append(way)

    def record(way: Node | int | None) -> int:
        if isinstance(way, Node):
            return numbers[id(way)]
        return len(nodes) if way is None else len(nodes) + 16 + way

    tree = b"".join(pack(*map(record, node.ways), form.record_bits) for node in nodes)
    return tree + bytes(16) + data + _MARKER + encode(describe(len(nodes), form))


def pack(left: int, right: int, bits: int) -> bytes:
    if bits == 28:
        middle = (left >> 24) << 4 | right >> 24
        ends = [(number & 0xFFFFFF).to_bytes(3, "big") for number in (left, right)]
        return ends[0] + bytes([middle]) + ends[1]
    return b"".join(number.to_bytes(bits // 8, "big") for number in (left, right))


@dataclass(frozen=True)
class Uint:
    """A number of one of the types without a sign."""

    kind: int
    value: int


UINT16, UINT32, UINT64 = 5, 6, 9


def describe(nodes: int, form: Form) -> dict[str, Any]:
    return {
        "binary_format_major_version": Uint(UINT16, 2),
        "binary_format_minor_version": Uint(UINT16, 0),
        "build_epoch": Uint(UINT64, 1769896800),
        "database_type": "A-Test",
        "description": {"en": "a test"},
        "ip_version": Uint(UINT16, form.ip_version),
        "languages": ["en"],
        "node_count": Uint(UINT32, nodes),
        "record_size": Uint(UINT16, form.record_bits),
    }


def encode(value: Any) -> bytes:
    """Give a value as the data section has it."""
    match value:
        case str():
            return head(2, len(value.encode())) + value.encode()
        case float():
            return head(3, 8) + struct.pack("!d", value)
        case int():
            return head(8, 4) + value.to_bytes(4, "big", signed=True)
        case Uint():
            octets = value.value.to_bytes((value.value.bit_length() + 7) // 8, "big")
            return head(value.kind, len(octets)) + octets
        case dict():
            pairs = (encode(key) + encode(inner) for key, inner in value.items())
            return head(7, len(value)) + b"".join(pairs)
        case _:
            return head(11, len(value)) + b"".join(map(encode, value))


def head(kind: int, size: int) -> bytes:
    assert size < 29
    return bytes([kind << 5 | size]) if kind < 8 else bytes([size, kind - 7])
