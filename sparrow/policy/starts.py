"""The first addresses of intervals, in arrays.

Law: an array of 128-bit numbers is two of 64 bits, and gives them as integers one at a
time: 16 octets each, where a list of integers takes 56. Start from `build_starts`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import lshift, or_
from typing import TypeAlias, overload

from sparrow.values.address import BITS, IPV4

_LOW_64 = 2**64 - 1


@dataclass(frozen=True, slots=True)
class WideStarts(Sequence[int]):
    """Addresses of IPv6."""

    highs: array[int]
    """`array("Q")`: the upper 64 bits of each."""
    lows: array[int]
    """`array("Q")`: the lower 64 bits."""

    def __len__(self) -> int:
        """Count the addresses."""
        return len(self.highs)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> WideStarts: ...
    def __getitem__(self, place: int | slice) -> int | WideStarts:
        """Give one as an integer, or some as arrays."""
        if isinstance(place, slice):
            return WideStarts(self.highs[place], self.lows[place])
        return self.highs[place] << 64 | self.lows[place]

    def __iter__(self) -> Iterator[int]:
        """Give all as integers."""
        return map(or_, map(lshift, self.highs, repeat(64)), self.lows)


Starts: TypeAlias = "Sequence[int] | array[int]"
"""Of IPv4 `array("I")`, of IPv6 `WideStarts`."""


def build_starts(bits: int, numbers: Iterable[int]) -> Starts:
    """Give addresses of 32 or 128 bits in arrays."""
    if bits == BITS[IPV4]:
        return array("I", numbers)
    starts = WideStarts(array("Q"), array("Q"))
    for number in numbers:
        starts.highs.append(number >> 64)
        starts.lows.append(number & _LOW_64)
    return starts


def join_columns(columns: tuple[array[int], ...]) -> Starts:
    """Give starts as the native code has them: one array, or the upper and the lower halves."""
    return columns[0] if len(columns) == 1 else WideStarts(*columns)


def split_columns(starts: Starts) -> tuple[array[int], ...]:
    """Give starts as the native code takes them. Raises `TypeError` for other sequences."""
    if isinstance(starts, WideStarts):
        return starts.highs, starts.lows
    if isinstance(starts, array):
        return (starts,)
    raise TypeError(f"starts lie in arrays, not in a {type(starts).__name__}")
