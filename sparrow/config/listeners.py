"""Where a configuration listens, and which of these places exclude each other.

Law: two listeners exclude each other when the system would refuse the second
one. The IPv6 wildcard takes IPv6 only. Start from `find_listeners`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparrow.config.fields import Endpoint
    from sparrow.config.model import Config
    from sparrow.config.tree import Path


@dataclass(frozen=True, slots=True)
class Listener:
    """One place to listen, and the key that says so."""

    key: str
    """The key as a message names it."""
    path: Path
    """Where it is configured."""
    endpoint: Endpoint
    """The address and the port."""


def find_listeners(config: Config) -> list[Listener]:
    """Give all TCP listeners; DNS has one where it has zones to answer."""
    listeners = [
        Listener("server.listen", ("server", "listen", position), endpoint)
        for position, endpoint in enumerate(config.server.listen)
        if config.zones
    ]
    if config.ssrs is not None:
        listeners.append(Listener("ssrs.listen", ("ssrs", "listen"), config.ssrs.listen))
    if config.http is not None:
        listeners.append(Listener("http.listen", ("http", "listen"), config.http.listen))
    return listeners


def overlaps(one: Endpoint, two: Endpoint) -> bool:
    """Tell whether both cannot be open at once.

    port   family   addresses           overlap
    other                               no
    same   other                        no
    same   same     equal               yes
    same   same     one is wildcard     yes
    same   same     different           no
    """
    if one.port != two.port or len(one.host) != len(two.host):
        return False
    return one.host == two.host or not any(one.host) or not any(two.host)
