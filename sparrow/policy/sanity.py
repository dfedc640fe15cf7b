"""Routes that no table of the Internet should have.

Law: a route is judged by itself and the limits alone, and what is refused is counted by
its reason; what the operator writes down himself is only counted. Start from `Sieve`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from sparrow.policy.special import ORDINARY_BLOCKS, SPECIAL_BLOCKS
from sparrow.values.address import IPV4, IPV6
from sparrow.values.asn import AsnRange, parse_asn_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix

RESERVED_ASNS = (
    AsnRange(23456, 23456),  # AS_TRANS, RFC 6793
    AsnRange(64496, 64511),  # documentation, RFC 5398
    AsnRange(65535, 65535),  # last of 16 bits, RFC 7300
    AsnRange(65536, 65551),  # documentation, RFC 5398
    AsnRange(65552, 131071),  # reserved by IANA
    AsnRange(4294967295, 4294967295),  # last of 32 bits, RFC 7300
)
"""AS numbers that no network has. Those for private use are not here: sites may have them."""
_NEAR_RESERVED = range(64496, 131072)
"""From the first to the last of those that stand together, and some between them."""
_ALONE_RESERVED = frozenset({23456, 4294967295})
"""The others."""


class Reason(StrEnum):
    """Why a route is refused."""

    DEFAULT_ROUTE = "a default route, which says nothing of where anybody is"
    MARTIAN = "address space that is not reachable on the Internet"
    TOO_LONG = "a prefix longer than the limit"
    ZERO_ASN = "AS 0 in the path"
    RESERVED_ASN = "a reserved AS number in the path"
    OWN_ASN = "our own AS in the path: a loop"
    LONG_PATH = "an absurdly long path"
    MAX_PREFIXES = "more prefixes than the source may have"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a source's routes must keep to."""

    max_length_v4: int = 24
    """Longest IPv4 prefix; what is longer does not travel on the Internet."""
    max_length_v6: int = 48
    """Longest IPv6 prefix."""
    max_hops: int = 64
    """Most hops of a path, prepends counted once. Nobody knows a right number; real paths
    have up to 20."""
    max_asns: int = 300
    """Most AS numbers of a path, all counted: what a line of a route file can hold."""
    own_asns: tuple[AsnRange, ...] = ()
    """AS numbers that must not be in a path; empty for none."""
    max_prefixes: int | None = None
    """Most prefixes of the source; None for any number."""
    takes_default: bool = False
    """Whether default routes pass."""
    takes_martians: bool = False
    """Whether prefixes inside special-purpose blocks pass."""
    takes_reserved: bool = False
    """Whether AS numbers that no network has pass, but for AS 0."""


DEFAULT_LIMITS = Limits()
"""What the routes of a source must keep to where nobody says otherwise."""


def judge_prefix(prefix: Prefix, limits: Limits) -> Reason | None:
    """Say why a prefix is refused; None where it is not.

    default route | special block | longer than the limit | outcome
    yes           | -             | -                     | DEFAULT_ROUTE, unless these pass
    no            | yes           | -                     | MARTIAN, unless these pass
    no            | no            | yes                   | TOO_LONG
    no            | no            | no                    | passes
    """
    if not prefix.length:
        return None if limits.takes_default else Reason.DEFAULT_ROUTE
    if not limits.takes_martians and _is_special(prefix):
        return Reason.MARTIAN
    most = limits.max_length_v4 if prefix.family == IPV4 else limits.max_length_v6
    return Reason.TOO_LONG if prefix.length > most else None


def judge_route(route: Route, limits: Limits) -> Reason | None:
    """Say why a path is refused; None where it is not."""
    path = route.path
    is_long = len(path) > limits.max_hops and count_hops(route) > limits.max_hops
    if is_long or len(path) > limits.max_asns:
        return Reason.LONG_PATH
    if 0 in path:  # RFC 7607
        return Reason.ZERO_ASN
    if not limits.takes_reserved and _has_reserved(path):
        return Reason.RESERVED_ASN
    is_loop = any(asn in own for own in limits.own_asns for asn in path)
    return Reason.OWN_ASN if is_loop else None


def _has_reserved(path: tuple[int, ...]) -> bool:
    # Most paths have nothing that is even near, and a table has 100,000 distinct ones.
    suspects = [asn for asn in path if asn in _NEAR_RESERVED or asn in _ALONE_RESERVED]
    return any(asn in block for block in RESERVED_ASNS for asn in suspects)


def count_hops(route: Route) -> int:
    """Count the hops of a path, prepended ones once (a set is one)."""
    members = [hop.asns for hop in route.hops]
    return 1 + sum(left != right for left, right in pairwise(members))


def describe_refused(refused: Mapping[Reason, int]) -> dict[str, int]:
    """Give what was refused as the status has it, by words such as `too_long`."""
    return {reason.name.lower(): count for reason, count in refused.items() if count}


def render_limits(limits: Limits) -> str:
    """Give limits as one word; `parse_limits` reads it back equal."""
    flags = zip("dmr", _list_flags(limits), strict=True)
    parts = (
        str(limits.max_length_v4),
        str(limits.max_length_v6),
        str(limits.max_hops),
        str(limits.max_asns),
        "-" if limits.max_prefixes is None else str(limits.max_prefixes),
        "".join(letter for letter, is_taken in flags if is_taken) or "-",
        "+".join(map(str, limits.own_asns)) or "-",
    )
    return ",".join(parts)


def _list_flags(limits: Limits) -> tuple[bool, bool, bool]:
    return limits.takes_default, limits.takes_martians, limits.takes_reserved


def parse_limits(text: str) -> Limits:
    """Read what `render_limits` gives. Raises `ValueError` and `InputError` for anything else."""
    *numbers, most, flags, own = text.split(",")
    v4, v6, hops, asns = map(int, numbers)
    return Limits(
        max_length_v4=v4,
        max_length_v6=v6,
        max_hops=hops,
        max_asns=asns,
        own_asns=() if own == "-" else tuple(map(parse_asn_range, own.split("+"))),
        max_prefixes=None if most == "-" else int(most),
        takes_default="d" in flags,
        takes_martians="m" in flags,
        takes_reserved="r" in flags,
    )


@dataclass(slots=True)
class Sieve:
    """Judges the routes of one source, and counts what it refuses. Mutable."""

    limits: Limits = DEFAULT_LIMITS
    """What routes must keep to."""
    refused: dict[Reason, int] = field(default_factory=dict)
    """Routes refused, by reason; written by `refuse` alone."""

    def has_room(self, prefixes: int) -> bool:
        """Tell whether a source that has `prefixes` may have one more; count it where not."""
        if self.limits.max_prefixes is None or prefixes < self.limits.max_prefixes:
            return True
        self.refuse(Reason.MAX_PREFIXES)
        return False

    def refuse(self, reason: Reason, count: int = 1) -> None:
        """Count what was refused."""
        self.refused[reason] = self.refused.get(reason, 0) + count


def _leading(prefix: Prefix) -> Iterator[bytes]:
    """Give the first octets that addresses of a block can have: one of IPv4, two of IPv6."""
    size = 1 if prefix.family == IPV4 else 2
    spare = max(size * 8 - prefix.length, 0)
    first = int.from_bytes(prefix.network[:size], "big")
    for number in range(first, first + (1 << spare)):
        yield number.to_bytes(size, "big")


def _index_blocks() -> dict[bytes, tuple[Prefix, ...]]:
    """Give the special blocks that addresses with these first octets may lie in."""
    found: dict[bytes, tuple[Prefix, ...]] = {}
    for family in (IPV4, IPV6):
        for block in SPECIAL_BLOCKS[family]:
            for octets in _leading(block):
                found[octets] = (*found.get(octets, ()), block)
    return found


_BLOCKS = _index_blocks()


def _is_special(prefix: Prefix) -> bool:
    """Tell whether a prefix lies in a special block, and in no ordinary one inside it."""
    size = 1 if prefix.family == IPV4 else 2
    return any(
        _covers(block, prefix) for block in _BLOCKS.get(prefix.network[:size], ())
    ) and not any(_covers(block, prefix) for block in ORDINARY_BLOCKS[prefix.family])


def _covers(block: Prefix, prefix: Prefix) -> bool:
    return block.length <= prefix.length and block.contains(prefix.network)
