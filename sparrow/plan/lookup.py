"""Who a client is to a plan: from its address to a class, from the class to an outcome.

Law: a look-up reads the index and one interval's edges, so that its scope is that of the
class map (RFC 7871 section 7.2.1). Start from `classify` and `read_outcome`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.plan.format import (
    INDEX_BITS,
    NO_TTL_CAP,
    NOWHERE,
    V6_FIRST,
    V6_INDEX_SHIFT,
    OutcomeFlag,
)
from sparrow.policy.intervals import WRAPPED, Leaf, scope_of
from sparrow.policy.special import unwrap
from sparrow.values.address import BITS, IPV4, IPV6

if TYPE_CHECKING:
    from sparrow.plan.plan import MapFile, Plan, Policy

_V4_INDEX_SHIFT = BITS[IPV4] - INDEX_BITS
_LOW_64 = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Classified:
    """The class of a client in a policy."""

    class_number: int
    """Class of the address that decided."""
    scope: int
    """Bits of the client subnet that the answer holds for; 0 where no subnet was used."""
    decided_by: bytes
    """The address that was looked up: the subnet's, or the source's."""
    is_special: bool
    """Whether the subnet was special-purpose, so that the source decided."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a class gets at this moment."""

    site: int | None
    """Site whose addresses are given; None where there is none to give."""
    is_failed: bool
    """Whether the answer is SERVFAIL."""
    ttl_cap_s: int | None
    """Most seconds that the answer may be kept; None where nothing is capped."""
    is_cap_exact: bool
    """Whether the cap also holds below the floor of a slot."""
    is_unknown: bool = False
    """Whether nothing is known of the class: its scope is narrower than the map has it, and
    somebody is to be asked, so that the hot path leaves it to others."""


def classify(plan: Plan, policy: Policy, source: bytes, subnet: bytes | None) -> Classified:
    """Give the class of a client.

    `source` is the packed address that the query came from; `subnet` the first address
    of the client subnet, None where there is none or its source length is 0.
    """
    if policy.map_number == NOWHERE:
        return Classified(0, 0, subnet or source, is_special=False)
    address_map = plan.maps[policy.map_number]
    if subnet is None:
        leaf = find_leaf(address_map, source)
        return Classified(leaf.class_number, 0, source, is_special=False)
    leaf = find_leaf(address_map, subnet)
    if not leaf.is_special:
        return Classified(leaf.class_number, leaf.scope, subnet, is_special=False)
    of_source = find_leaf(address_map, source)
    return Classified(of_source.class_number, leaf.scope, source, is_special=True)


def read_outcome(plan: Plan, policy: Policy, class_number: int) -> Outcome:
    """Read the outcome word of a class, once: it may change at any time."""
    word = plan.words[policy.first_outcome + class_number]
    site, flags, cap = word & 0xFFFF, word >> 16 & 0xFFFF, word >> 32
    is_empty = bool(flags & OutcomeFlag.EMPTY)
    is_there = site < plan.answers.params.site_count
    is_failed = bool(flags & OutcomeFlag.SERVFAIL) or not (is_there or is_empty)
    return Outcome(
        site=None if is_failed or is_empty else site,
        is_failed=is_failed,
        ttl_cap_s=None if cap == NO_TTL_CAP else cap,
        is_cap_exact=bool(flags & OutcomeFlag.EXACT),
        is_unknown=bool(flags & OutcomeFlag.ASK),
    )


def find_leaf(address_map: MapFile, address: bytes) -> Leaf:
    """Give code and scope of a packed address; one that wraps IPv4 is looked up as that."""
    if len(address) == 4:
        return _find_v4(address_map, int.from_bytes(address, "big"))
    leaf = _find_v6(address_map, int.from_bytes(address, "big"))
    if leaf.code != WRAPPED:
        return leaf
    inner, offset = unwrap(address)
    leaf = _find_v4(address_map, int.from_bytes(inner, "big"))
    return Leaf(leaf.code, offset + leaf.scope)


def _find_v4(address_map: MapFile, address: int) -> Leaf:
    words, index = address_map.v4_words, address_map.v4_index
    bucket = address >> _V4_INDEX_SHIFT
    first, end = max(index[bucket], 1) - 1, index[bucket + 1]
    number = bisect_right(words, address << 32 | 0xFFFFFFFF, first, end) - 1
    start = words[number] >> 32
    stop = words[number + 1] >> 32 if number + 1 < len(words) else 1 << BITS[IPV4]
    return Leaf(words[number] & 0xFFFFFFFF, scope_of(address, start, stop, BITS[IPV4]))


def _find_v6(address_map: MapFile, address: int) -> Leaf:
    highs, lows = address_map.v6_high, address_map.v6_low
    first, end = _v6_range(address_map.v6_index, len(highs), address)
    # Among the intervals that start in this /64, the lower halves decide; if there is
    # none, or all start above the address, it is the one before them.
    first_equal = bisect_left(highs, address >> 64, first, end)
    end_equal = bisect_right(highs, address >> 64, first_equal, end)
    number = bisect_right(lows, address & _LOW_64, first_equal, end_equal) - 1
    stop = 1 << BITS[IPV6]
    if number + 1 < len(highs):
        stop = highs[number + 1] << 64 | lows[number + 1]
    start = highs[number] << 64 | lows[number]
    return Leaf(address_map.v6_codes[number], scope_of(address, start, stop, BITS[IPV6]))


def _v6_range(index: memoryview, count: int, address: int) -> tuple[int, int]:
    """Give the first interval that may hold the address, and the first behind those."""
    if address < V6_FIRST:
        return 0, index[0]
    bucket = address - V6_FIRST >> V6_INDEX_SHIFT
    if bucket >= 1 << INDEX_BITS:
        return max(index[1 << INDEX_BITS], 1) - 1, count
    return max(index[bucket], 1) - 1, index[bucket + 1]
