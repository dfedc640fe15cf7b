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
from typing import TYPE_CHECKING

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
from sparrow.rib.twin import IS_PURE, native
from sparrow.values.address import BITS, IPV4

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.plan.plan import PlanFile

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


def verify_map(file: PlanFile, *, is_pure: bool = IS_PURE) -> MapFile:
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
    v4_codes = _check_v4(found, is_pure=is_pure)
    v6_codes = _check_v6(found, is_pure=is_pure)
    if WRAPPED not in v6_codes and v4_codes != v6_codes:
        raise PlanError("the IPv6 map does not mark the blocks that wrap IPv4 addresses")
    classes = {code & SPECIAL - 1 for code in v4_codes | v6_codes - {WRAPPED}}
    return replace(found, class_count=max(classes) + 1)


def _check_v4(found: MapFile, *, is_pure: bool) -> set[int]:
    """Check the map of IPv4 and give its codes."""
    halves = array("I", found.v4_words.tobytes())
    codes, starts = halves[0::2], halves[1::2]
    _check_order((starts,), codes, "IPv4", is_pure=is_pure)
    distinct = set(codes) if is_pure else native.list_distinct(codes)
    if max(distinct) >= WRAPPED:
        raise PlanError("a code of the IPv4 map is none")
    build_index = _build_index if is_pure else _build_index_natively
    if found.v4_index.tobytes() != build_index(starts, _V4_EDGES).tobytes():
        raise PlanError("the IPv4 map's index is not that of its intervals")
    return distinct


def _check_v6(found: MapFile, *, is_pure: bool) -> set[int]:
    """Check the map of IPv6 and give its codes."""
    highs, lows = (array("Q", half.tobytes()) for half in (found.v6_high, found.v6_low))
    codes = array("I", found.v6_codes.tobytes())
    if not len(highs) == len(lows) == len(codes):
        raise PlanError("the sections of the IPv6 map are not of one length")
    _check_order((highs, lows), codes, "IPv6", is_pure=is_pure)
    distinct = set(codes) if is_pure else native.list_distinct(codes)
    if max(distinct) > WRAPPED:
        raise PlanError("a code of the IPv6 map is none")
    if len(codes) > 1 or codes[0] >= SPECIAL:
        _check_wrapped(highs, lows, codes)
    build_index = _build_index if is_pure else _build_index_natively
    if found.v6_index.tobytes() != build_index(highs, _V6_EDGES).tobytes():
        raise PlanError("the IPv6 map's index is not that of its intervals")
    return distinct


def _check_order(
    columns: tuple[array[int], ...], codes: array[int], family: str, *, is_pure: bool
) -> None:
    """Check that intervals ascend and are joined; `columns` are the words of their starts."""
    if not codes or any(column[0] for column in columns):
        raise PlanError(f"the {family} map does not begin with the first address")
    starts = list(zip(*columns, strict=True)) if is_pure else []
    if not (_ascends(starts) if is_pure else native.ascends(*columns)):
        raise PlanError(f"the {family} map's intervals do not ascend")
    if not (_differ(codes) if is_pure else native.neighbours_differ(codes)):
        raise PlanError(f"two neighbours of the {family} map have one code")


def _ascends(starts: Sequence[tuple[int, ...]]) -> bool:
    return all(map(lt, starts, islice(starts, 1, None)))


def _differ(codes: Sequence[int]) -> bool:
    return all(map(ne, codes, islice(codes, 1, None)))


def _check_wrapped(highs: array[int], lows: array[int], codes: array[int]) -> None:
    """Check that exactly the blocks that wrap IPv4 are marked so."""
    found = []
    place = -1
    for _ in range(codes.count(WRAPPED)):
        place = codes.index(WRAPPED, place + 1)
        is_last = place + 1 == len(codes)
        end = 1 << 128 if is_last else highs[place + 1] << 64 | lows[place + 1]
        found.append((highs[place] << 64 | lows[place], end))
    if found != _WRAPPED_BLOCKS:
        raise PlanError("the IPv6 map marks other blocks than those that wrap IPv4 addresses")


def _build_index_natively(starts: array[int], edges: range) -> array[int]:
    """Do as `_build_index`."""
    return native.build_index(starts, edges.start, edges.step.bit_length() - 1, len(edges))


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
