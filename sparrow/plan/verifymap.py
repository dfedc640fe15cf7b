"""Whether an address map is as `docs/plan-format.md` says, to the last item.

Law: what passes can be looked up with any address without a further check, and gives
what a scan of its intervals would. Start from `verify_map`.

A map of the whole Internet has half a million intervals, so the checks are loops that
run inside the interpreter's C code.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import islice, repeat
from operator import lt, ne
from typing import TYPE_CHECKING, TypeVar

from sparrow.plan.format import (
    INDEX_BITS,
    V6_FIRST,
    V6_INDEX_SHIFT,
    MapSection,
    PlanError,
)
from sparrow.plan.plan import MapFile
from sparrow.policy.intervals import SPECIAL, WRAPPED
from sparrow.policy.special import WRAPPINGS
from sparrow.values.address import BITS, IPV4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.plan.plan import PlanFile

_Start = TypeVar("_Start", int, tuple[int, int])

_V4_EDGES = range(0, (1 << BITS[IPV4]) + 1, 1 << BITS[IPV4] - INDEX_BITS)
"""First addresses of the blocks that the index tells apart, and the end of the last."""
_V6_EDGES = range(
    V6_FIRST >> 64,
    (V6_FIRST >> 64) + (1 << INDEX_BITS + V6_INDEX_SHIFT - 64) + 1,
    1 << V6_INDEX_SHIFT - 64,
)
"""The same for IPv6: the upper halves, as the lower ones are zeros."""
_WRAPPED_BLOCKS = sorted(
    (start := int.from_bytes(each.block.network, "big"), start + (1 << 128 - each.block.length))
    for each in WRAPPINGS
)


def verify_map(file: PlanFile) -> MapFile:
    """Check a mapped file and give its views. Raises `PlanError`."""
    found = MapFile(
        file=file,
        v4_words=file.view(MapSection.V4_WORDS, "Q"),
        v4_index=file.view(MapSection.V4_INDEX, "I"),
        v6_high=file.view(MapSection.V6_HIGH, "Q"),
        v6_low=file.view(MapSection.V6_LOW, "Q"),
        v6_codes=file.view(MapSection.V6_CODES, "I"),
        v6_index=file.view(MapSection.V6_INDEX, "I"),
        class_count=0,
    )
    v4_codes = _check_v4(found)
    v6_codes = _check_v6(found)
    classes = {code & SPECIAL - 1 for code in v4_codes | v6_codes - {WRAPPED}}
    return replace(found, class_count=max(classes) + 1)


def _check_v4(found: MapFile) -> set[int]:
    """Check the map of IPv4 and give its codes."""
    halves = array("I", found.v4_words.tobytes())
    codes, starts = halves[0::2], halves[1::2]
    _check_order(starts, codes, "IPv4")
    distinct = set(codes)
    if max(distinct) >= WRAPPED:
        raise PlanError("a code of the IPv4 map is none")
    _check_index(starts, found.v4_index, _V4_EDGES, "IPv4")
    return distinct


def _check_v6(found: MapFile) -> set[int]:
    """Check the map of IPv6 and give its codes."""
    highs, lows = (array("Q", half.tobytes()) for half in (found.v6_high, found.v6_low))
    codes = array("I", found.v6_codes.tobytes())
    if not len(highs) == len(lows) == len(codes):
        raise PlanError("the sections of the IPv6 map are not of one length")
    starts = list(zip(highs, lows, strict=True))
    _check_order(starts, codes, "IPv6")
    distinct = set(codes)
    if max(distinct) > WRAPPED:
        raise PlanError("a code of the IPv6 map is none")
    _check_wrapped(starts, codes)
    _check_index(highs, found.v6_index, _V6_EDGES, "IPv6")
    return distinct


def _check_order(starts: Sequence[_Start], codes: Sequence[int], family: str) -> None:
    if not starts or starts[0] not in (0, (0, 0)):
        raise PlanError(f"the {family} map does not begin with the first address")
    if not all(map(lt, starts, islice(starts, 1, None))):
        raise PlanError(f"the {family} map's intervals do not ascend")
    if not all(map(ne, codes, islice(codes, 1, None))):
        raise PlanError(f"two neighbours of the {family} map have one code")


def _check_wrapped(starts: Sequence[tuple[int, int]], codes: array[int]) -> None:
    """Check that exactly the blocks that wrap IPv4 are marked so."""
    ends = [*islice(starts, 1, None), (1 << 64, 0)]
    found = [
        (starts[number][0] << 64 | starts[number][1], ends[number][0] << 64 | ends[number][1])
        for number, code in enumerate(codes)
        if code == WRAPPED
    ]
    if found != _WRAPPED_BLOCKS:
        raise PlanError("the IPv6 map marks other blocks than those that wrap IPv4 addresses")


def _check_index(starts: Sequence[int], index: memoryview, edges: range, family: str) -> None:
    if index.tobytes() != _build_index(starts, edges).tobytes():
        raise PlanError(f"the {family} map's index is not that of its intervals")


def _build_index(starts: Sequence[int], edges: range) -> array[int]:
    """Give for each edge the number of starts below it; both ascend."""
    first, shift = edges.start, edges.step.bit_length() - 1
    index = array("I")
    done = 0
    for number, start in enumerate(starts):
        # Edges that are not above this start, and that no start before it passed.
        passed = (start - first >> shift) + 1
        if passed > done:
            passed = min(passed, len(edges))
            index.extend(repeat(number, passed - done))
            done = passed
    index.extend(repeat(len(starts), len(edges) - done))
    return index
