"""What a live source is to the rest of the program.

Law: its table is there from the start, old at first and never half read; `Standing` says
how old. Start from `Source`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sparrow.rib.snapshot import Snapshot


class Phase(StrEnum):
    """What a source is doing."""

    CONNECTING = "connecting"
    """It was not reached yet, or is not any more."""
    LISTING = "listing"
    """Its table is being read."""
    LIVE = "live"
    """Its table is followed."""
    DOWN = "down"
    """It is followed, but the sessions that it has its routes from are down."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source stands."""

    name: str
    """What it is called in the configuration."""
    phase: Phase
    """What it is doing."""
    problem: str
    """Why it was lost last; empty where it is not lost."""
    stale_since_s: float | None
    """Unix time since when its table may be old; None where it is not."""
    v4: int
    """IPv4 prefixes, as last taken."""
    v6: int
    """IPv6 prefixes, as last taken."""
    withheld: int
    """Prefixes that it withdrew and that count all the same."""
    is_frozen: bool
    """Whether it withdrew more than is allowed."""
    updates: int
    """Prefixes announced and withdrawn in events since the start."""
    repaired: int
    """Prefixes that were found wrong when the table was listed again."""
    skipped: int
    """Paths that could not be read, or that have no AS number."""
    reconnects: int
    """How often it was lost."""


class Source(Protocol):
    """A live source."""

    def start(self) -> None:
        """Follow it from now on."""

    def stop(self) -> None:
        """Follow it no more, and wait until that is so."""

    def snapshot(self) -> Snapshot:
        """Give its table as it is."""

    def standing(self) -> Standing:
        """Tell how it stands, at once."""

    def let_go(self) -> int:
        """Carry out the withdrawals that are withheld, as they are meant; count them."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until its table has been read once; tell whether it was."""
