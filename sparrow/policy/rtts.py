"""How long a packet takes between every address and each site, where it was measured.

Law: for each site the most specific prefix counts that was measured from there, so that a
block with figures for some sites has those of the block around it for the others. Start
from `build_rtts`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from sparrow.policy.intervals import sweep_plain
from sparrow.policy.layer import Layer
from sparrow.rib.snapshot import FamilyTable
from sparrow.values.address import BITS, FAMILIES, IPV4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.policy.intervals import Intervals
    from sparrow.sources.rtt import Rtts, RttTable

_LOW_64 = 2**64 - 1


def build_rtts(table: RttTable) -> Layer[Rtts]:
    """Give the times from every address to the sites of a table, by their number."""
    codes = {_nothing(table): 0}
    v4, v6 = (_build_family(family, table, codes) for family in FAMILIES)
    return Layer(v4, v6, tuple(codes))


def merge(near: Rtts, around: Rtts) -> Rtts:
    """Give the times of a block, those that it lacks from what lies around it."""
    return tuple(
        outer if inner is None else inner for inner, outer in zip(near, around, strict=True)
    )


def _nothing(table: RttTable) -> Rtts:
    return (None,) * len(table.sites)


def _build_family(family: int, table: RttTable, codes: dict[Rtts, int]) -> Intervals:
    """Make the map of a family; codes that are new are added to `codes`."""
    rows = sorted(
        (int.from_bytes(prefix.network, "big"), prefix.length, figures)
        for prefix, figures in table.prefixes.items()
        if prefix.family == family
    )
    numbers = array("I")
    around = [(1 << BITS[family], _nothing(table))]
    for network, length, figures in rows:
        while around[-1][0] <= network:
            around.pop()
        merged = merge(figures, around[-1][1])
        around.append((network + (1 << (BITS[family] - length)), merged))
        numbers.append(codes.setdefault(merged, len(codes)))
    networks = _columns(family, [network for network, _, _ in rows])
    lengths = array("B", [length for _, length, _ in rows])
    blocks = FamilyTable(family, networks, lengths, array("I", range(len(rows))))
    return sweep_plain(blocks, numbers, 0)


def _columns(family: int, networks: Sequence[int]) -> tuple[array[int], ...]:
    """Give networks as `FamilyTable` has them."""
    if family == IPV4:
        return (array("I", networks),)
    highs = array("Q", [network >> 64 for network in networks])
    return highs, array("Q", [network & _LOW_64 for network in networks])
