"""What the route port asks of the program: the one seam between the two.

Law: a session sees routes through a `RouteSource` and through nothing else; it
knows no socket, no table and no configuration. Start from `RouteSource`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix
    from sparrow.values.name import Name


class RouteSource(Protocol):
    """The routes and sites that serve at the moment of each call.

    A source lives as long as the port; what it gives changes with a reload.
    """

    @property
    def version(self) -> str:
        """Version of the program, such as `1.2.0`."""

    @property
    def router_id(self) -> bytes:
        """Packed IPv4 address that stands for us in what is printed."""

    @property
    def loaded_at(self) -> float:
        """Unix time, in seconds, at which the tables that serve were loaded."""

    def find(self, address: bytes) -> tuple[Prefix, Route] | None:
        """Give the most specific route that covers a packed address; None without one."""

    def get(self, prefix: Prefix) -> Route | None:
        """Give the route of exactly this prefix; None without one."""

    def rows(self, family: int) -> Iterator[tuple[Prefix, Route]]:
        """Go through the table of a family, 4 or 6, sorted by network, then length.

        The iterator is read slowly, at the speed of somebody's terminal: it
        stays valid, on the table it began with, when another is loaded.
        """

    def count(self, family: int) -> int:
        """Tell how many prefixes the table of a family, 4 or 6, has."""

    def sites(self) -> Iterable[str]:
        """Describe the sites, in lines of text without their ends."""

    def explain(self, name: Name, address: bytes) -> Iterable[str]:
        """Describe how a query for `name` from a packed address is answered, in lines.

        Raises `InputError` where that cannot be asked, such as for a name in no zone.
        """
