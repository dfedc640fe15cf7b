"""What health tells the rest of the server. Start from `Transition` and `ProbeRow`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparrow.health.verdict import Result, Verdict


@dataclass(frozen=True, slots=True)
class Transition:
    """A site that came to be up or down, for one family that it has addresses of."""

    site: str
    """Its name."""
    family: int
    """4 or 6."""
    is_up: bool
    """What it came to be."""
    why: str
    """What its checks say; may be empty where it is up."""
    at: float
    """When, in Unix time."""


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One probe, as status shows it."""

    check: str
    """Name of the check, and the address where it has several."""
    sites: tuple[str, ...]
    """Names of the sites that it is for."""
    verdict: Verdict
    """What its results add up to."""
    result: Result | None
    """What its last round found; None before the first."""
    is_degraded: bool
    """Whether it works with a warning."""
    words: str
    """What its last round found, for people."""
    failures: int
    """Failures counted against it while it is up."""
    successes: int
    """Successes in a row towards the next change."""
    since: float
    """When the verdict became what it is, in Unix time."""
    took_s: float | None
    """Seconds that its last round took; None before the first."""
