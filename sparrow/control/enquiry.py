"""What workers tell the daemon of clients of whom nothing is known: one datagram for each.

    dropped u32, address 4 or 16 octets        network order

`dropped` counts the datagrams that could not be sent since the last one that could. The
socket is in the run directory, of type SOCK_DGRAM; nothing is ever answered. Start from
`decode_enquiry`.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

ASKED_SOCKET = "asked.sock"
"""Name of the daemon's socket in the run directory."""

_DROPPED = struct.Struct("!I")
_MAX_DROPPED = 2**32 - 1

MAX_DATAGRAM = _DROPPED.size + 16
"""Octets of the longest, which is of an IPv6 address."""


class Enquired(NamedTuple):
    """A datagram."""

    address: bytes
    """The packed address of the client."""
    dropped: int
    """How many were lost before it."""


def encode_enquiry(address: bytes, dropped: int) -> bytes:
    """Give the datagram about a packed address."""
    return _DROPPED.pack(min(dropped, _MAX_DROPPED)) + address


def decode_enquiry(octets: bytes) -> Enquired | None:
    """Read a datagram; None where it is none."""
    address = octets[_DROPPED.size :]
    if len(address) not in (4, 16):
        return None
    return Enquired(address, _DROPPED.unpack_from(octets)[0])
