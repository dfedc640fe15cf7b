"""Octets of a section, gathered: runs of them kept once, and whole numbers packed.

Law: what is added is never moved. Start from `OctetPool`.
"""

from __future__ import annotations

import sys
from array import array


class OctetPool:
    """Collects runs of octets; equal ones share their place. One compile writes it."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._offsets = {b"": 0}

    def add(self, octets: bytes) -> int:
        """Give the offset of a run of octets."""
        offset = self._offsets.get(octets)
        if offset is None:
            offset = self._offsets[octets] = len(self._octets)
            self._octets += octets
        return offset

    def content(self) -> bytes:
        """Give all octets."""
        return bytes(self._octets)


def encode_items(items: array[int]) -> bytes:
    """Give the items of an array in little-endian order, which every plan file has."""
    if sys.byteorder == "big":
        items = array(items.typecode, items)
        items.byteswap()
    return items.tobytes()
