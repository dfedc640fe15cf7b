"""What the readers of BGP dumps give: entries, and counts of what they passed over.

Law: a reader gives what the dump says and judges no route; a bad record is counted with
its place and skipped, a bad file raises `InputError`. Start from `Entry`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sparrow.values.address import render_address

if TYPE_CHECKING:
    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix

MAX_PLACES = 3
"""Places of one reason that are kept: enough to look at, and no more than fit on a line."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A neighbour that a dump has routes from."""

    address: bytes | None
    """Packed; None where the dump does not tell."""
    asn: int | None
    """Its AS number; where the dump does not tell, the nearest of the path; None without both."""

    def __str__(self) -> str:
        """Render as `192.0.2.1 AS64600`."""
        parts = (
            render_address(self.address) if self.address is not None else "",
            f"AS{self.asn}" if self.asn is not None else "",
        )
        return " ".join(filter(None, parts))


class PeerPath(NamedTuple):
    """What one neighbour says of a prefix. Equal ones are mostly one object.

    A tuple, as a dump has one for every second path, and those are made in a third of the time.
    """

    route: Route
    """The AS path, confederation segments left out (RFC 5065)."""
    peer: Peer | None
    """Whose word it is; None for a table that has no neighbours."""
    local_pref: int | None = None
    """LOCAL_PREF where the dump has it."""
    is_best: bool | None = None
    """Whether the router marked it as its choice; None where the dump has no such mark."""


class Entry(NamedTuple):
    """The paths to a prefix that stand together in a dump, in its order. A tuple for speed, too."""

    prefix: Prefix
    """The destination. A dump may have it again further on."""
    paths: tuple[PeerPath, ...]
    """At least one."""


class Skip(StrEnum):
    """Why something in a dump was passed over."""

    UPDATE = "updates and session states, which are no part of a table"
    UNKNOWN_RECORD = "records of a type that holds no routes or is not known"
    OTHER_FAMILY = "routes of an address family other than IPv4 and IPv6 unicast and multicast"
    NO_PEERS = "records without a table of peers before them"
    BAD_PEER = "paths of a peer that the table of peers lacks"
    BAD_RECORD = "damaged records"
    BAD_ATTRIBUTES = "paths with damaged attributes"
    NO_PATH = "paths without an AS number: the router's own networks, or other protocols"
    UNUSED = "paths that the router does not use (history, damped, inaccessible)"
    BAD_LINE = "lines that cannot be read"


@dataclass(slots=True)
class SkipCount:
    """How often one reason was met, and where first. Written by `Skipped` alone."""

    count: int = 0
    """Records, paths or lines."""
    places: list[int] = field(default_factory=list)
    """The first `MAX_PLACES` of them, ascending."""


@dataclass(slots=True)
class Skipped:
    """What a reader passed over. Mutable: written by the reader, read when it is done."""

    counts: dict[Skip, SkipCount] = field(default_factory=dict)
    """By reason, in the order in which they were met."""
    unit: str = "octet"
    """What places are counted in: octets of the unpacked file from 0, or lines from 1."""
    cut_at: int | None = None
    """Octet of the unpacked file from which on nothing could be read; None: read to its end."""

    def add(self, reason: Skip, place: int) -> None:
        """Count something that was passed over at `place`."""
        found = self.counts.get(reason)
        if found is None:
            found = self.counts[reason] = SkipCount()
        found.count += 1
        if len(found.places) < MAX_PLACES:
            found.places.append(place)

    def lines(self) -> list[str]:
        """Say in a sentence for each reason what was skipped, and how the file ended."""
        found = [
            f"skipped {each.count}: {reason} "
            f"({self.unit} {', '.join(map(str, each.places))}{self._dots(each)})"
            for reason, each in self.counts.items()
        ]
        if self.cut_at is not None:
            found.append(f"cut or damaged at octet {self.cut_at}; what stands before it was read")
        return found

    @staticmethod
    def _dots(each: SkipCount) -> str:
        return ", ..." if each.count > len(each.places) else ""
