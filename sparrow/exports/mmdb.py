"""The map as a MaxMind DB: a binary trie of addresses (MaxMind DB File Format 2.0).

Law: the file is a function of the map and the time it is told. Both families are in one
tree, IPv4 below ::/96; v4-mapped, NAT64 and 6to4 addresses lead there, too. Teredo
addresses, which hold theirs inverted behind 64 other bits, are in no trie. Start from
`encode_mmdb`.

mmdb-writer, the library for this, brings a second library for addresses, takes every
network as an object of that, and makes an inner node of each; the format is small.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sparrow.exports.blocks import Partition
from sparrow.exports.rendition import Rendition
from sparrow.values.address import BITS, IPV4, IPV6, parse_prefix, render_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sparrow.exports.places import Place, SiteMap
    from sparrow.values.address import Prefix

    Value: TypeAlias = "str | _Uint | list[Value] | dict[str, Value]"
    Label: TypeAlias = "tuple[str | None, tuple[bytes, ...]]"

MARKER = b"\xab\xcd\xefMaxMind.com"
"""What the metadata stands behind."""
_SEPARATOR = bytes(16)
"""Between the tree and the data; records that point to data count it."""
_V4_ROOT = parse_prefix("::/96")
_ALIASES = tuple(map(parse_prefix, ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16")))
"""Blocks in which an IPv4 address follows these bits."""
_EMPTY = 0
"""A record without anything, while the tree grows: node 0 is the root, which none points to."""
_DATA = 1 << 31
"""Flag of a record that is the number of a label, while the tree grows."""
_NODES_A_PIECE = 4096
_STRING, _MAP, _ARRAY = 2, 7, 11
_LAST_PLAIN = 7
"""Types above this have an octet of their own."""


@dataclass(frozen=True, slots=True)
class _Uint:
    """An unsigned number."""

    value: int
    """The number."""
    kind: int
    """Its type in the format, which says how wide it may be."""


_UINT16, _UINT32, _UINT64 = 5, 6, 9


def encode_mmdb(site_map: SiteMap, built_at_s: int) -> Rendition:
    """Give the file; the data of an address are {"site": NAME, "vips": [ADDRESS, ...]}.

    Where no site answers there are none. `built_at_s` is Unix time.
    """
    parted = Partition(site_map, _label, (_V4_ROOT,))
    numbers = {label: number for number, label in enumerate(parted.labels)}

    def records(family: int) -> Iterator[tuple[int, int, int]]:
        for network, length, label in parted.blocks(family):
            if label[0] is not None:
                yield network, length, numbers[label] | _DATA

    tree = _Tree()
    tree.fill(0, BITS[IPV6], records(IPV6))
    v4_root = tree.make_node(_V4_ROOT)
    tree.fill(v4_root, BITS[IPV4], records(IPV4))
    for alias in _ALIASES:
        tree.lead(alias, v4_root)
    data, offsets = _encode_labels(parted.labels)
    return Rendition(_encode(tree, data, offsets, built_at_s), len(tree) // _NODES_A_PIECE + 1)


def _label(place: Place) -> Label:
    return place.site, place.vips


class _Tree:
    """Nodes of two records each, grown in place."""

    def __init__(self) -> None:
        self.records = array("I", (_EMPTY, _EMPTY))

    def __len__(self) -> int:
        return len(self.records) // 2

    def fill(self, root: int, bits: int, blocks: Iterable[tuple[int, int, int]]) -> None:
        """Put disjoint ascending blocks (network, length, record) below an empty node."""
        records = self.records
        path = [root] * bits
        before, reach = 0, 1  # the block before, and how deep its path may be shared
        for network, length, record in blocks:
            if length == 0:
                records[2 * root] = records[2 * root + 1] = record
                return
            shared = min(bits - (network ^ before).bit_length(), reach - 1)
            node = path[shared]
            for depth in range(shared, length - 1):
                child = self._add()
                records[2 * node + (network >> bits - 1 - depth & 1)] = child
                path[depth + 1] = node = child
            records[2 * node + (network >> bits - length & 1)] = record
            before, reach = network, length

    def make_node(self, block: Prefix) -> int:
        """Give the node of a block in which nothing is, made with those above it."""
        node = self._reach(block)
        assert node is not None  # noqa: S101  (what is in the block was left out of the tree)
        child = self._add()
        self.records[2 * node + _last_bit(block)] = child
        return child

    def lead(self, block: Prefix, node: int) -> None:
        """Let a block lead to a node, unless all around it has one label anyway."""
        above = self._reach(block)
        if above is not None:
            self.records[2 * above + _last_bit(block)] = node

    def _reach(self, block: Prefix) -> int | None:
        """Give the node above a block, made where it is missing; None where data are above it."""
        network, bits = int.from_bytes(block.network, "big"), len(block.network) * 8
        node = 0
        for depth in range(block.length - 1):
            at = 2 * node + (network >> bits - 1 - depth & 1)
            if self.records[at] & _DATA:
                return None
            if self.records[at] == _EMPTY:
                child = self._add()
                self.records[at] = child
            node = self.records[at]
        return node

    def _add(self) -> int:
        self.records.extend((_EMPTY, _EMPTY))
        return len(self) - 1


def _last_bit(block: Prefix) -> int:
    return int.from_bytes(block.network, "big") >> len(block.network) * 8 - block.length & 1


# The octets.


def _encode(tree: _Tree, data: bytes, offsets: Sequence[int], built_at_s: int) -> Iterator[bytes]:
    """Give the tree, the data and the metadata."""
    count = len(tree)
    size = 3 if count + len(_SEPARATOR) + len(data) < 1 << 24 else 4
    first_data = count + len(_SEPARATOR)
    for start in range(0, 2 * count, 2 * _NODES_A_PIECE):
        yield b"".join(
            (first_data + offsets[record ^ _DATA] if record & _DATA else record or count).to_bytes(
                size, "big"
            )
            for record in tree.records[start : start + 2 * _NODES_A_PIECE]
        )
    metadata: Value = {
        "node_count": _Uint(count, _UINT32),
        "record_size": _Uint(8 * size, _UINT16),
        "ip_version": _Uint(6, _UINT16),
        "database_type": "Sparrow-Site",
        "languages": ["en"],
        "binary_format_major_version": _Uint(2, _UINT16),
        "binary_format_minor_version": _Uint(0, _UINT16),
        "build_epoch": _Uint(built_at_s, _UINT64),
        "description": {"en": "The site that each client address is sent to"},
    }
    yield _SEPARATOR + data + MARKER + encode_value(metadata)


def _encode_labels(labels: Iterable[Label]) -> tuple[bytes, list[int]]:
    """Give the data section, and where in it each label's data begin."""
    data, offsets = bytearray(), []
    for site, vips in labels:
        offsets.append(len(data))
        if site is not None:
            data += encode_value({"site": site, "vips": [render_address(vip) for vip in vips]})
    return bytes(data), offsets


def encode_value(value: Value) -> bytes:
    """Give a value behind its control octets (section "Data Field Format")."""
    if isinstance(value, str):
        octets = value.encode()
        return _encode_control(_STRING, len(octets)) + octets
    if isinstance(value, _Uint):
        octets = value.value.to_bytes((value.value.bit_length() + 7) // 8, "big")
        return _encode_control(value.kind, len(octets)) + octets
    if isinstance(value, list):
        return _encode_control(_ARRAY, len(value)) + b"".join(map(encode_value, value))
    pairs = (encode_value(key) + encode_value(each) for key, each in value.items())
    return _encode_control(_MAP, len(value)) + b"".join(pairs)


def _encode_control(kind: int, size: int) -> bytes:
    """Give the octets that say type and size.

    size             in the first octet   octets behind the type
    to 28            size                 none
    29 to 284        29                   1: size - 29
    285 to 65,820    30                   2: size - 285
    """
    if size < 29:
        short, rest = size, b""
    elif size < 285:
        short, rest = 29, (size - 29).to_bytes(1, "big")
    else:
        short, rest = 30, (size - 285).to_bytes(2, "big")
    if kind > _LAST_PLAIN:
        return bytes((short, kind - _LAST_PLAIN)) + rest
    return bytes((kind << 5 | short,)) + rest
