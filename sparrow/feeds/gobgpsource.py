"""A GoBGP server as it is configured. Start from `GobgpSource`."""

from __future__ import annotations

from dataclasses import dataclass

from sparrow.values.address import render_address


@dataclass(frozen=True, slots=True)
class Tls:
    """How the server is known, and how we are."""

    ca: str | None = None
    """File of certificates to trust; None for those of the system."""
    cert: str | None = None
    """File of our certificate; None for none."""
    key: str | None = None
    """File of its key."""


@dataclass(frozen=True, slots=True)
class GobgpSource:
    """A route server as configured."""

    target: str
    """`ADDRESS:PORT`, or `unix:PATH`."""
    neighbor: bytes | None = None
    """Packed address of the neighbour whose routes count; None for the best paths."""
    tls: Tls | None = None
    """None without encryption."""
    settle_s: float = 0.5
    """Seconds without an event before those that came are taken up."""
    max_delay_s: float = 5.0
    """Seconds after which they are all the same."""
    freeze: float | None = 0.1
    """Part of the table that may go within a minute; None for all of it."""
    quiet_s: float = 30.0
    """Seconds in which nothing comes back before what is withheld is let go."""
    relist_s: float = 3600.0
    """Seconds between two comparisons of the whole table."""
    keeps_local_pref: bool = False
    """Whether routes have their local preference; a table is then read without native code."""
    ends_with_session: bool = False
    """Whether a site is gone where its session is, so that this is to be known within seconds."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        of = f" neighbor {render_address(self.neighbor)}" if self.neighbor else ""
        return f"gobgp {self.target}{of}"
