"""A route: what a table says about the way to a prefix.

Law: a route is immutable and equal routes are interchangeable, so a table of a
million prefixes holds each distinct route once. Start from `parse_route`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sparrow.errors import InputError, Problem
from sparrow.values.asn import parse_asn


class Hop(NamedTuple):
    """One step of an AS path: nearly always one AS. A tuple, as it is hashed in millions."""

    asns: tuple[int, ...]
    """AS numbers in written order; several for an AS_SET or a multi-origin."""
    joint: str = ""
    """What stands between several: `_` for a multi-origin, `,` for an AS_SET."""

    def __str__(self) -> str:
        """Render as in a route file: `7`, `1_2` or `1,2`."""
        return self.joint.join(map(str, self.asns)) if len(self.asns) > 1 else str(self.asns[0])


@dataclass(frozen=True, slots=True, init=False)
class Route:
    """The AS path to a prefix, nearest AS first, origin last.

    Most are one AS number, and are held as that: a table has 100,000 of them, which
    take 80 octets each then and not 220.
    """

    steps: int | tuple[Hop, ...]
    """The AS number of a path that is no more, without a local preference; otherwise its hops."""
    local_pref: int | None
    """Its local preference, where the configuration says that it counts; None for none."""

    def __init__(self, hops: tuple[Hop, ...], local_pref: int | None = None) -> None:
        """Take at least one hop; a table of `prefix AS` lines gives exactly one."""
        is_origin = local_pref is None and len(hops) == 1 == len(hops[0].asns)
        object.__setattr__(self, "steps", hops[0].asns[0] if is_origin else hops)
        object.__setattr__(self, "local_pref", local_pref)

    def __hash__(self) -> int:
        """Hash as what it is made of, in a quarter of the time of what would be generated."""
        return hash(self.steps) if self.local_pref is None else hash((self.steps, self.local_pref))

    @property
    def hops(self) -> tuple[Hop, ...]:
        """The hops, at least one."""
        return self.steps if isinstance(self.steps, tuple) else (Hop((self.steps,)),)

    @property
    def path(self) -> tuple[int, ...]:
        """Every AS number of the path in written order, sets flattened."""
        if isinstance(self.steps, int):
            return (self.steps,)
        return tuple(asn for hop in self.steps for asn in hop.asns)

    @property
    def origins(self) -> tuple[int, ...]:
        """AS numbers of the last hop, in written order."""
        return (self.steps,) if isinstance(self.steps, int) else self.steps[-1].asns

    def __str__(self) -> str:
        """Render as in a route file, which has no local preference; else it reads back equal."""
        return " ".join(map(str, self.hops))


def build_origin_route(asn: int) -> Route:
    """Give the route that is one AS number: 100,000 times, so without a hop in between."""
    route = object.__new__(Route)
    object.__setattr__(route, "steps", asn)
    object.__setattr__(route, "local_pref", None)
    return route


def parse_route(text: str) -> Route:
    """Read the part of a route line behind the prefix.

    One AS number, or several separated by blanks, nearest first; each may be
    asplain, asdot or behind `AS`. A hop may be a multi-origin `1_2` or an AS_SET
    `1,2`, also written `{1,2}`. Raises `InputError` where there is none, or one
    is not an AS number.
    """
    words = text.split()
    if not words:
        raise InputError([Problem("there is no AS number behind the prefix")])
    return Route(tuple(map(parse_hop, words)))


def parse_hop(word: str) -> Hop:
    """Read one hop: `64600`, `1.10`, `AS7`, `1_2`, `1,2` or `{1,2}`.

    A multi-origin of sets (`1_2,3`) is kept as its members in written order and
    is written with `_` between all of them. Raises `InputError` otherwise.
    """
    bare = word[1:-1] if word[:1] == "{" and word[-1:] == "}" else word
    joint = "_" if "_" in bare else ","
    asns = tuple(parse_asn(part) for part in bare.replace("_", ",").split(","))
    return Hop(asns, joint if len(asns) > 1 else "")
