"""The RIB: which route leads to an address.

Law: this is the only place that knows PyTricia, and no key reaches it but packed
octets of the right family with the bits behind the length zero. PyTricia takes
anything else without a word and answers wrongly later: one trie for both families
mixes them up, an integer key is IPv4 only, a text is parsed, and asking for a
prefix is a longest match. Start from `build_rib`.

One thread writes, by `Rib.apply`. A look-up beside it sees each prefix either as it
was or as it will be.
"""

from __future__ import annotations

from collections import deque
from itertools import chain
from struct import iter_unpack
from typing import TYPE_CHECKING, Any

from pytricia import PyTricia

from sparrow.rib.delta import Delta, diff
from sparrow.rib.snapshot import EMPTY, FamilyTable, Snapshot
from sparrow.values.address import AF_INET, AF_INET6, BITS, FAMILIES, IPV4, Prefix, family_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.rib.route import Route

_BLOCK = 2048
"""Rows put into a trie in one go: no other thread runs meanwhile, for about 1 ms."""
_SIZES = (4, 16)
"""Octets of an address."""


class Rib:
    """Longest-prefix match over both families, changed in place by deltas."""

    def __init__(self) -> None:
        self._tries = {family: _open_trie(family) for family in FAMILIES}
        self._size = 0

    def __len__(self) -> int:
        """Count the prefixes; PyTricia itself would walk every node for that."""
        return self._size

    def find(self, address: bytes) -> tuple[Prefix, Route] | None:
        """Give the most specific prefix around `address` with its route, or None.

        Raises `ValueError` where `address` is not 4 or 16 octets.
        """
        if not isinstance(address, bytes) or len(address) not in _SIZES:
            raise ValueError(f"an address is 4 or 16 octets, not {address!r}")
        trie = self._tries[family_of(address)]
        key = trie.get_key(address)
        return None if key is None else (Prefix(*key), trie[key])

    def get(self, prefix: Prefix) -> Route | None:
        """Give the route to exactly this prefix, or None."""
        trie = self._tries[prefix.family]
        key = (prefix.network, prefix.length)
        # Also None for a prefix that breaks its own law (bits behind the length,
        # a length of 40 in IPv4): what PyTricia finds for it has another key.
        route: Route | None = trie[key] if trie.get_key(key) == key else None
        return route

    def apply(self, delta: Delta) -> None:
        """Turn the table that `delta` starts from into the one it leads to, in place.

        What comes is put in before what goes is taken out, so that an address
        that has a route in both tables always has one. Raises `ValueError`, with
        nothing changed, where this is not a table of the size that `delta`
        starts from.
        """
        if self._size != delta.size_before:
            what = f"the delta starts from {delta.size_before} prefixes, here are {self._size}"
            raise ValueError(what)
        for family, trie in self._tries.items():
            _announce(trie, delta.announced.family(family), delta.announced.routes)
            _withdraw(trie, delta.withdrawn.family(family))
        self._size = delta.size_after


def build_rib(snapshot: Snapshot) -> Rib:
    """Build the RIB of a whole table."""
    rib = Rib()
    rib.apply(diff(EMPTY, snapshot))
    return rib


def _open_trie(family: int) -> Any:
    # The last argument makes keys come back as (octets, length) instead of text.
    return PyTricia(BITS[family], AF_INET if family == IPV4 else AF_INET6, True)


def _announce(trie: Any, table: FamilyTable, routes: tuple[Route, ...]) -> None:
    for block in _blocks(table):
        values = map(routes.__getitem__, block.routes)
        deque(map(trie.insert, _keys(block), block.lengths, values), maxlen=0)


def _withdraw(trie: Any, table: FamilyTable) -> None:
    for block in _blocks(table):
        deque(map(trie.delete, zip(_keys(block), block.lengths, strict=True)), maxlen=0)


def _blocks(table: FamilyTable) -> Iterator[FamilyTable]:
    return (table.part(start, start + _BLOCK) for start in range(0, len(table), _BLOCK))


def _keys(table: FamilyTable) -> Iterator[bytes]:
    """Give the packed networks one by one."""
    return chain.from_iterable(iter_unpack(f"{BITS[table.family] // 8}s", table.packed()))
