"""A block of regular lines, read at once into the rows of a snapshot.

Law: a block gives the rows that its lines would give one by one, or None where any of
them is odd; to say what is wrong, or to forgive it, is for who reads line by line.
Start from `open_reader`.
"""

from __future__ import annotations

from array import array
from itertools import repeat
from typing import Protocol, TypeAlias

from sparrow.errors import InputError
from sparrow.rib.twin import IS_PURE, native
from sparrow.sources.line import MAX_LINE, RouteFormat, split_columns
from sparrow.values.address import AF_INET, AF_INET6, BITS, IPV4, IPV6, inet_pton

Rows: TypeAlias = "tuple[int, bytes, bytes, array[int]]"
"""Family, packed networks, lengths and route numbers, as `SnapshotBuilder.extend` takes them."""

LENGTHS = {
    family: {str(length): length for length in range(bits + 1)} for family, bits in BITS.items()
}
"""By family: prefix lengths by their texts."""

_SOCKET_FAMILY = {IPV4: AF_INET, IPV6: AF_INET6}
_HOST_OCTETS = tuple(
    bytes(0xFF >> min(max(length - 8 * octet, 0), 8) for length in range(256))
    for octet in range(16)
)
"""For each octet of an address: from a prefix length to the bits of it behind that length."""


class Numbers(Protocol):
    """Gives the numbers of routes."""

    def __getitem__(self, text: str) -> int:
        """Give the number of a route by its text; raises `InputError` where it is none."""

    def number_origin(self, asn: int) -> int:
        """Give the number of the route that is one AS number."""


class BlockReader(Protocol):
    """Reads the blocks of one file."""

    def read(self, block: bytes) -> Rows | None:
        """Give the rows of whole lines, all of one family; None if any line is odd."""


def open_reader(
    numbers: Numbers, route_format: RouteFormat, *, is_pure: bool = IS_PURE
) -> BlockReader:
    """Open the reader of a file."""
    if is_pure:
        return PureReader(numbers, route_format)
    is_pfx2as = route_format is RouteFormat.PFX2AS
    return native.BlockReader(numbers, is_pfx2as=is_pfx2as, max_line=MAX_LINE)


class PureReader:
    """The reader in plain Python: every step is one pass over a column of the block."""

    def __init__(self, numbers: Numbers, route_format: RouteFormat) -> None:
        """Read lines of `route_format`."""
        self._numbers = numbers
        self._format = route_format

    def read(self, block: bytes) -> Rows | None:
        """Give the rows of whole lines, all of one family; None if any line is odd."""
        columns = split_columns(block, self._format)
        if columns is None:
            return None
        addresses, length_texts, route_texts = columns
        family = IPV6 if ":" in addresses[0] else IPV4
        try:
            networks = b"".join(map(inet_pton, repeat(_SOCKET_FAMILY[family]), addresses))
            lengths = bytes(map(LENGTHS[family].__getitem__, length_texts))
            routes = array("I", map(self._numbers.__getitem__, route_texts))
        except (OSError, KeyError, InputError):
            return None
        return None if _has_host_bits(networks, lengths) else (family, networks, lengths, routes)


def _has_host_bits(networks: bytes, lengths: bytes) -> bool:
    """Tell whether any network has a bit set behind its length, all of them at once."""
    size = len(networks) // len(lengths)
    masks = bytearray(len(networks))
    for octet in range(size):
        masks[octet::size] = lengths.translate(_HOST_OCTETS[octet])
    return bool(int.from_bytes(networks, "big") & int.from_bytes(masks, "big"))
