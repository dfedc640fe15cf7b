"""Clients of whom nothing is known yet, because somebody is only now asked about them.

Law: whoever is unknown is answered by `self`, and what he is told is soon forgotten and holds
for few: for the block that one question is about, and for the shortest time. Start from
`UNKNOWN_LENGTHS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.policy.special import unwrap
from sparrow.values.address import IPV4, IPV6, Prefix, family_of, truncate

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_LENGTHS: Mapping[int, int] = {IPV4: 24, IPV6: 56}
"""Bits of the block that one question is about: what RFC 7871 section 11.1 would have
resolvers send of an IPv4 client, and of IPv6 what a network gives to one customer."""


def block_around(address: bytes) -> Prefix:
    """Give the block of a packed address that one question is about."""
    length = UNKNOWN_LENGTHS[family_of(address)]
    return Prefix(truncate(address, length), length)


def narrow_scope(address: bytes, scope: int) -> int:
    """Give the scope for an unknown client, for `scope` of all that is unknown around it.

    One that wraps IPv4 has the bits before its IPv4 address in its scope.
    """
    inner, offset = unwrap(address)
    return max(scope, offset + UNKNOWN_LENGTHS[family_of(inner)])


def shorten_cap(cap_s: int | None, ttl_min_s: int, *, is_exact: bool) -> tuple[int, bool]:
    """Give the cap of a TTL, and whether it is exact, for an unknown client.

    It is the floor of the TTL, unless something that is planned comes before that.
    """
    if cap_s is not None and is_exact and cap_s < ttl_min_s:
        return cap_s, True
    return 0, False
