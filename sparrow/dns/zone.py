"""A zone as a tree of nodes, and the set of zones that a server has.

Law: what is published here has no mutators; a reload builds new zones. Every
ancestor of a name with data, up to the apex, is a node of its own, so empty
non-terminals exist (RFC 4592 section 2.2.2). Start from `Zone.find`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.dns.rrset import RRset, RRType
from sparrow.values.name import WILDCARD, Name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Steer:
    """Says that addresses of a name are those of the client's nearest site."""

    service: str
    """Name of the service that answers."""
    ttl: int
    """Seconds that a steered answer may be kept."""
    result_count: int | None = None
    """Most VIPs of the site that an answer holds; None for all."""
    ttl_min: int = 0
    """Seconds below which no check lowers the TTL; at most `ttl`."""


@dataclass(frozen=True, slots=True)
class Node:
    """A name that exists in a zone."""

    name: Name
    """Absolute name."""
    rrsets: Mapping[int, RRset] = field(default_factory=dict)
    """Static data by type; empty for an empty non-terminal."""
    steer: Steer | None = None
    """Who answers for A and AAAA; None where they are static data like any other."""


@dataclass(frozen=True, slots=True)
class Match:
    """All that a walk from the apex to a name has met."""

    node: Node | None
    """The node of the name itself; None where the name does not exist."""
    encloser: Node
    """The closest ancestor that exists, or the node itself (RFC 4592 section 3.3.1)."""
    cut: Node | None
    """Topmost node with a delegation, at or above the name; never the apex."""
    dname: Node | None
    """Topmost node strictly above the name that has a DNAME, and no cut above it."""
    wildcard: Node | None
    """Source of synthesis `*.encloser`, where the name does not exist."""


@dataclass(frozen=True, slots=True)
class Zone:
    """An authoritative zone of class IN."""

    origin: Name
    """Name of the apex."""
    nodes: Mapping[Name, Node]
    """Every name that exists, empty non-terminals, glue and occluded names included."""

    @property
    def apex(self) -> Node:
        """The node that holds SOA and NS."""
        return self.nodes[self.origin]

    @property
    def soa(self) -> RRset:
        """The start of authority, one record."""
        return self.apex.rrsets[RRType.SOA]

    def find(self, name: Name) -> Match:
        """Walk down from the apex to `name`, which lies at or below it."""
        encloser = self.apex
        dname = None
        for depth in range(len(self.origin), len(name) + 1):
            node = self.nodes.get(name[len(name) - depth :])
            if node is None:
                wildcard = self.nodes.get((WILDCARD, *encloser.name))
                return Match(None, encloser, None, dname, wildcard)
            encloser = node
            if dname is not None:
                continue
            if RRType.NS in node.rrsets and depth > len(self.origin):
                return Match(self.nodes.get(name), node, node, None, None)
            if RRType.DNAME in node.rrsets and depth < len(name):
                dname = node
        return Match(encloser, encloser, None, dname, None)


@dataclass(frozen=True, slots=True)
class ZoneSet:
    """The zones of a server, found by name."""

    zones: Mapping[Name, Zone]
    """Zones by origin."""

    def find(self, name: Name) -> Zone | None:
        """Give the closest zone at or above `name`; None outside all of them."""
        for depth in range(len(name) + 1):
            zone = self.zones.get(name[depth:])
            if zone is not None:
                return zone
        return None


def build_tree(origin: Name, nodes: Iterable[Node]) -> Zone:
    """Make a zone of its nodes, adding the empty non-terminals between them."""
    tree = {node.name: node for node in nodes}
    for name in list(tree):
        for depth in range(1, len(name) - len(origin) + 1):
            tree.setdefault(name[depth:], Node(name[depth:]))
    return Zone(origin, tree)
