"""The path attributes of BGP, as far as the choice of a site needs them.

Law: every length is held against what is there, and all attributes are walked, as they
may stand in any order (RFC 4271 section 5). Start from `find_attributes`.
"""

from __future__ import annotations

from typing import NamedTuple

AS_TRANS = 23456
"""Stands for an AS number over 65535 where there are two octets (RFC 6793 section 9)."""

_EXTENDED_LENGTH = 0x10
_AS_PATH, _LOCAL_PREF, _AGGREGATOR, _MP_REACH, _AS4_PATH, _AS4_AGGREGATOR = 2, 5, 7, 14, 17, 18
_ALSO_WANTED = frozenset({_LOCAL_PREF, _AGGREGATOR, _AS4_PATH, _AS4_AGGREGATOR})


class Attributes(NamedTuple):
    """What was found. A tuple, since it is made 300,000 times a second and is a key."""

    path: bytes
    """The value of AS_PATH; empty where there is none."""
    local_pref: int | None
    """LOCAL_PREF; None where there is none."""
    path4: bytes
    """The value of AS4_PATH; empty where there is none, or none that counts."""
    reach_at: int
    """Where the value of MP_REACH_NLRI (RFC 4760 section 3) begins where that is the last
    attribute; else where all of them end."""


def find_attributes(octets: bytes) -> Attributes:
    """Walk the attributes of a path. Raises `ValueError` where lengths do not add up."""
    at = start = kind = 0
    end = len(octets)
    path = b""
    others: dict[int, bytes] = {}
    try:
        while at < end:
            kind = octets[at + 1]
            if octets[at] & _EXTENDED_LENGTH:
                start = at + 4
                at = start + (octets[at + 2] << 8 | octets[at + 3])
            else:
                start = at + 3
                at = start + octets[at + 2]
            if kind == _AS_PATH:
                path = octets[start:at]
            elif kind in _ALSO_WANTED:
                others[kind] = octets[start:at]
    except IndexError:
        raise ValueError("an attribute ends before its length") from None
    if at != end:
        raise ValueError("an attribute is longer than what is there")
    reach_at = start if kind == _MP_REACH else end
    if not others:
        return Attributes(path, None, b"", reach_at)
    return Attributes(path, _decode_local_pref(others), _path4(others), reach_at)


def _decode_local_pref(others: dict[int, bytes]) -> int | None:
    octets = others.get(_LOCAL_PREF)
    if octets is None:
        return None
    if len(octets) != 4:
        raise ValueError("LOCAL_PREF does not have four octets")
    return int.from_bytes(octets, "big")


def _path4(others: dict[int, bytes]) -> bytes:
    """Give AS4_PATH; empty where AGGREGATOR tells that it does not count.

    Somebody on the way knew no AS numbers of four octets but aggregated, so that what
    came before is no longer the path (RFC 6793 section 4.2.3).
    """
    if _AGGREGATOR in others and _AS4_AGGREGATOR in others:
        asn = int.from_bytes(others[_AGGREGATOR][:2], "big")
        if asn != AS_TRANS:
            return b""
    return others.get(_AS4_PATH, b"")
