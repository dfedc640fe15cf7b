"""The longest match in a table without a trie: for a question now and then.

Law: it gives what `sparrow.rib.table.Rib.find` gives of the same table. Start from
`find_longest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.values.address import BITS, IPV4, Prefix, family_of

if TYPE_CHECKING:
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import Snapshot

_WORD = 2**64 - 1


def find_longest(
    snapshot: Snapshot, address: bytes, *, least: int = 0
) -> tuple[Prefix, Route] | None:
    """Give the most specific prefix of `least` bits around a packed address, with its route.

    It takes a binary search for each length that there can be, a millisecond at most.
    """
    family = family_of(address)
    table = snapshot.family(family)
    bits, number = BITS[family], int.from_bytes(address, "big")
    stop = len(table)
    for length in range(bits, least - 1, -1):
        network = number >> bits - length << bits - length
        words = (network,) if family == IPV4 else (network >> 64, network & _WORD)
        stop = table.row_behind((*words, length), 0, stop)
        if stop and table.key(stop - 1) == (*words, length):
            prefix = Prefix(network.to_bytes(bits // 8, "big"), length)
            return prefix, snapshot.routes[table.routes[stop - 1]]
    return None
