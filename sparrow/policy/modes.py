"""Which route file is in force: a table from sets of sites that are up to files.

Law: a function of the modes, the sites, and which of them are up, alone. Start from
`choose_mode`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sparrow.policy.outcome import Standing
from sparrow.values.address import FAMILIES, IPV4

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sparrow.policy.outcome import Conditions

NORMAL = "normal"
"""Key of the mode that every set of sites has that has no other."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A route file, and the sites that are up when it is in force."""

    key: str
    """As the operator wrote it: `normal`, or names of sites joined by `+`."""
    sites: frozenset[str]
    """Those names; empty for `normal`."""
    path: str
    """The file, absolute."""


class ModeReason(Enum):
    """Why a mode is in force."""

    ALL_UP = "every site is up"
    ALL_DOWN = "no site is up, and nothing is known to be better than the normal table"
    LISTED = "these sites are up"
    UNLISTED = "no mode is configured for these sites, so the built-in skipping does the rest"


@dataclass(frozen=True, slots=True)
class ModeChoice:
    """The mode that is in force."""

    mode: Mode
    """The mode."""
    up: tuple[str, ...]
    """Names of the sites that are up, sorted."""
    reason: ModeReason
    """Which rule chose it."""

    def __str__(self) -> str:
        """Render as a sentence for people."""
        return f"mode {self.mode.key}: {self.reason.value} ({'+'.join(self.up) or 'none'})"


# First match, from top to bottom:
#
#   sites that are up    | mode           | reason
#   ---------------------+----------------+---------
#   every one            | normal         | ALL_UP
#   none                 | normal         | ALL_DOWN
#   a set that has a key | that of the key| LISTED
#   any other set        | normal         | UNLISTED
def choose_mode(modes: Sequence[Mode], sites: Collection[str], up: Collection[str]) -> ModeChoice:
    """Give the mode in force; `modes` has one for `normal`, and `up` are among `sites`."""
    present = frozenset(up)
    by_sites = {mode.sites: mode for mode in modes if mode.key != NORMAL}
    normal = next(mode for mode in modes if mode.key == NORMAL)
    names = tuple(sorted(present))
    if present == frozenset(sites):
        return ModeChoice(normal, names, ModeReason.ALL_UP)
    if not present:
        return ModeChoice(normal, names, ModeReason.ALL_DOWN)
    if present in by_sites:
        return ModeChoice(by_sites[present], names, ModeReason.LISTED)
    return ModeChoice(normal, names, ModeReason.UNLISTED)


def list_serving(families: Mapping[str, Collection[int]], conditions: Conditions) -> frozenset[str]:
    """Give the names of the sites that serve in at least one family that they have.

    `families` has those of each site by its name, 4 or 6; a site with none counts by
    both. So a site that an operator drained or took down is not up, whatever its checks
    say.
    """
    serving = set()
    for site, has in families.items():
        found = conditions.get(site)
        if found is None or any(
            found[0 if family == IPV4 else 1].standing is Standing.SERVING
            for family in has or FAMILIES
        ):
            serving.add(site)
    return frozenset(serving)
