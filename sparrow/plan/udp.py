"""What the UDP loops of both twins take and give.

Law: a loop counts only into the block that it was given, and is the only one who writes
there. Start from `Endpoint`.
"""

from __future__ import annotations

from dataclasses import dataclass

BATCH = 64
"""Packets that are answered from one plan before the generation is looked at again."""
WAKE_MS = 100
"""An idle loop looks as often whether it is to stop, or there is another generation."""
DRAINED = 8192
"""Packets answered at most when stopping: about as many as wait in a receive buffer of 4 MiB, as
the kernel charges at least 512 octets for each."""
PACKET_ROOM = 4096
"""Octets of a packet that are read. A query that is longer carries options of which none is
answered to; it is taken for what its first octets are."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A bound UDP socket, and where its loop counts."""

    fd: int
    """The socket. The loop makes it blocking, with a receive timeout of `WAKE_MS`."""
    counts: memoryview
    """Writable words ("Q")."""
    base: int
    """First word of the loop's block in it."""
    has_pktinfo: bool = False
    """Whether the socket is bound to a wildcard address, and says to which one a packet came."""
    ring_size: int = 256
    """Misses that may wait, a power of two: at 80 microseconds for each, 20 milliseconds."""


@dataclass(frozen=True, slots=True)
class Generations:
    """How a loop tells that there is another generation than the one it serves."""

    number: memoryview
    """One word ("Q"): the mapped number of the present generation."""
    notice_fd: int
    """An eventfd; it is written to once for each number that is not served."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A packet that is not answered from the plan."""

    packet: bytes
    """As received, its first `PACKET_ROOM` octets."""
    source: bytes
    """Packed address that it came from."""
    way_back: object
    """Where the reply goes, and from which address; for the loop that gave it."""
