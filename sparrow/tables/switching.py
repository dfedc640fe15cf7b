"""Scripted failover: from how the sites stand to the link that leads to a route file.

Law: the command and the daemon do the same thing, by the same two steps. Start from
`decide_mode` and `apply_mode`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.policy.modes import choose_mode, list_serving
from sparrow.tables.contents import digest_file
from sparrow.tables.gate import list_modes
from sparrow.tables.link import swap_link
from sparrow.values.address import family_of

if TYPE_CHECKING:
    from sparrow.config.model import Config
    from sparrow.policy.modes import ModeChoice
    from sparrow.policy.outcome import Conditions
    from sparrow.tables.link import Swap


@dataclass(frozen=True, slots=True)
class Applied:
    """What putting a mode into force came to."""

    choice: ModeChoice
    """The mode, and why it."""
    swap: Swap
    """What became of the link."""
    has_changed: bool
    """Whether another content is behind the link than before."""


def decide_mode(config: Config, conditions: Conditions) -> ModeChoice | None:
    """Give the mode for how the sites stand; None where no modes are configured."""
    modes = list_modes(config)
    if not modes:
        return None
    families = {
        site.name: {
            family_of(vip)
            for vip in (
                *site.vips,
                *(vip for service in config.services for vip in service.own_vips(site.name)),
            )
        }
        for site in config.sites
    }
    return choose_mode(modes, tuple(families), list_serving(families, conditions))


def apply_mode(choice: ModeChoice, link: str, *, is_dry_run: bool = False) -> Applied:
    """Make the link lead to the file of a mode; what waits for a disk, so not in an event loop.

    With `is_dry_run` nothing is written. Raises `InputError`, and then the link leads to
    where it led before.
    """
    before = digest_file(link)
    swap = swap_link(link, choice.mode.path, is_dry_run=is_dry_run)
    return Applied(choice, swap, before != digest_file(choice.mode.path))
