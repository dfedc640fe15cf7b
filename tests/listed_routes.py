"""Routes and sites written down in a test, as the route port asks for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem
from sparrow.rib.route import parse_route
from sparrow.values.address import parse_prefix, render_address
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.rib.route import Route
    from sparrow.ssrs.session import Session
    from sparrow.values.address import Prefix
    from sparrow.values.name import Name

ROUTES = """
0.0.0.0/1 64601
10.0.0.0/8 64600
10.1.0.0/16 64600 64601
10.1.2.0/24 7
10.1.2.0/25 1_2
172.16.0.0/16 3,4
192.168.100.128/25 131072
2001:db8::/32 64600
2001:db8:1::/48 64600 1_2
"""


@dataclass
class ListedRoutes:
    """A route source that looks through a dictionary; version, id and times never change."""

    routes: dict[Prefix, Route] = field(default_factory=lambda: read_routes(ROUTES))
    version: str = "1.2.3"
    router_id: bytes = bytes((192, 0, 2, 1))
    loaded_at: float = 970847248.0  # Fri Oct  6 15:47:28 2000 UTC

    def find(self, address: bytes) -> tuple[Prefix, Route] | None:
        hits = [prefix for prefix in self.routes if prefix.contains(address)]
        best = max(hits, key=lambda prefix: prefix.length, default=None)
        return (best, self.routes[best]) if best else None

    def get(self, prefix: Prefix) -> Route | None:
        return self.routes.get(prefix)

    def rows(self, family: int) -> Iterator[tuple[Prefix, Route]]:
        return iter(sorted(item for item in self.routes.items() if item[0].family == family))

    def count(self, family: int) -> int:
        return sum(prefix.family == family for prefix in self.routes)

    def sites(self) -> Iterable[str]:
        return ("au AS64600 210.18.215.100", "nl AS64601 193.173.27.8")

    def explain(self, name: Name, address: bytes) -> Iterable[str]:
        if name != (b"www", b"example"):
            raise InputError([Problem(f"{render_name(name)} is in no zone")])
        return (f"client {render_address(address)}", "site au")


def read_routes(text: str) -> dict[Prefix, Route]:
    """Read lines of `PREFIX AS`."""
    lines = (line.split(maxsplit=1) for line in text.split("\n") if line)
    return {parse_prefix(prefix): parse_route(route) for prefix, route in lines}


def drain(session: Session) -> bytes:
    """Take all that a session has to say for now."""
    return b"".join(iter(session.send, b""))


def converse(session: Session, *inputs: bytes) -> bytes:
    """Say one thing after another; give all that the session said after its greeting."""
    drain(session)
    return b"".join(_say(session, octets) for octets in inputs)


def _say(session: Session, octets: bytes) -> bytes:
    session.receive(octets)
    return drain(session)
