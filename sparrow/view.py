"""What is published: everything that answers depend on, as one value.

Law: a `View` never changes. The daemon builds the next one aside and swaps one
reference; whoever serves takes that reference once per query. Start from
`View`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparrow.config.model import Config
    from sparrow.dns.respond import Authority
    from sparrow.lore import LoadedLore
    from sparrow.policy.damping import Held
    from sparrow.policy.site import SiteSet
    from sparrow.sources.files import Loaded


@dataclass(frozen=True, slots=True)
class View:
    """One state of the server, from the configuration to the answers."""

    config: Config
    """The configuration it was built from."""
    config_path: str
    """Where that was read."""
    tables: Loaded
    """The routing tables in flat arrays, and the files they came from."""
    lore: LoadedLore
    """What else is known of addresses, and the files that came from."""
    stale: frozenset[str]
    """Names of the sites whose views are too old to go by."""
    site_set: SiteSet | None
    """The sites; None where none are configured."""
    authority: Authority
    """What the answers to DNS queries depend on."""
    held: Held
    """What changes of routes would move, and do not yet."""
    serial: int
    """1 for the first state served, one more for each that differed."""
    loaded_at_s: float
    """Unix time at which the tables were begun to be read."""
    published_at_s: float
    """Unix time at which it was built."""
