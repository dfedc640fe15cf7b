"""AS paths as dumps have them, in octets and in text, made into routes.

Law: an AS_SET is one hop, prepended AS numbers stay, and confederation segments, which
mean something inside one network only, are left out (RFC 5065 section 5.3). A path is
parsed once: equal ones are one `Route`. Start from `PathOctets` and `PathTexts`.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, TypeAlias

from sparrow.rib.route import Hop, Route
from sparrow.values.asn import parse_asn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Hops: TypeAlias = "tuple[Hop, ...]"

MAX_CACHED = 2**18
"""Paths held at once: those of one neighbour's table fit, and 100 MB are not passed."""

_SET, _SEQUENCE, _CONFED_SEQUENCE, _CONFED_SET = 1, 2, 3, 4
"""Segment types (RFC 4271 section 4.3, RFC 5065 section 3)."""
_TOKEN = re.compile(r"[(){}\[\]]|[^\s,(){}\[\]]+")
_SET_ENDS = frozenset("}")
_ENDS = {"{": "}", "(": ")", "[": "]"}


class _Hops(dict[int, Hop]):
    """The hops of the AS numbers met so far."""

    def __missing__(self, asn: int) -> Hop:
        hop = self[asn] = Hop((asn,))
        return hop


class PathOctets:
    """Decodes the attribute AS_PATH (RFC 4271 section 4.3)."""

    def __init__(self, asn_size: int) -> None:
        """Read AS numbers of 2 or 4 octets."""
        self._code = {2: "H", 4: "I"}[asn_size]
        self._sequences = [struct.Struct(f"!{count}{self._code}") for count in range(256)]
        self._size = asn_size
        self._hops = _Hops()
        self._routes: dict[bytes, Route | None] = {}

    def route(self, octets: bytes) -> Route | None:
        """Give the route; None for a path without a hop. Raises `ValueError`."""
        try:
            return self._routes[octets]
        except KeyError:
            hops = self.hops(octets)
        if len(self._routes) >= MAX_CACHED:
            self._routes.clear()
        route = self._routes[octets] = Route(hops) if hops else None
        return route

    def hops(self, octets: bytes) -> Hops:
        """Give the hops. Raises `ValueError` where a segment is damaged."""
        size = self._size
        # Nearly every path is one sequence.
        if octets[:1] == b"\x02" and len(octets) > 2 and 2 + octets[1] * size == len(octets):
            asns = self._sequences[octets[1]].unpack_from(octets, 2)
            return tuple(map(self._hops.__getitem__, asns))
        hops: list[Hop] = []
        for kind, asns in self._segments(octets):
            if kind == _SEQUENCE:
                hops += map(self._hops.__getitem__, asns)
            elif kind == _SET:
                hops.append(_set_of(asns))
        return tuple(hops)

    def _segments(self, octets: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
        at = 0
        while at < len(octets):
            if len(octets) < at + 2:
                raise ValueError("a segment ends before its length")
            kind, count = octets[at], octets[at + 1]
            stop = at + 2 + count * self._size
            if stop > len(octets) or not count or not _SET <= kind <= _CONFED_SET:
                raise ValueError("a segment is of no known type, empty, or longer than the path")
            yield kind, struct.unpack(f"!{count}{self._code}", octets[at + 2 : stop])
            at = stop


def _set_of(asns: Sequence[int]) -> Hop:
    return Hop(tuple(asns), "," if len(asns) > 1 else "")


def merge_as4(hops: Hops, hops4: Hops) -> Hops:
    """Give the path of a neighbour with AS numbers of 2 octets (RFC 6793 section 4.2.3).

    `hops4`, from AS4_PATH, takes the place of as many hops at the end; where it is
    longer than `hops` it is ignored.
    """
    before = len(hops) - len(hops4)
    return hops if before < 0 else (*hops[:before], *hops4)


class PathTexts:
    """Parses AS paths as routers print them: `701 {7,8}`, `(65001 65002) 701`, `{7 8}`."""

    def __init__(self) -> None:
        """Start without a path."""
        self._routes: dict[str, Route | None] = {}
        self._hops: dict[str, Hop] = {}

    def route(self, text: str) -> Route | None:
        """Give the route; None for a path without a hop. Raises `InputError`, `ValueError`."""
        try:
            return self._routes[text]
        except KeyError:
            pass
        try:
            hops: Hops = tuple(map(self._hops.__getitem__, text.split()))
        except KeyError:
            hops = tuple(self._parse(text))
        if len(self._routes) >= MAX_CACHED:
            self._routes.clear()
            self._hops.clear()
        route = self._routes[text] = Route(hops) if hops else None
        return route

    def _parse(self, text: str) -> Iterator[Hop]:
        open_brackets: list[str] = []
        members: list[int] = []
        for token in _TOKEN.findall(text):
            if token in _ENDS:
                open_brackets.append(token)
            elif token in _ENDS.values():
                if not open_brackets or _ENDS[open_brackets.pop()] != token:
                    raise ValueError("a bracket of the AS path was never opened")
                if not open_brackets:
                    if token in _SET_ENDS:
                        yield _closed_set(members)
                    members = []
            elif open_brackets:
                members.append(parse_asn(token))
            else:
                yield self._hop(token)
        if open_brackets:
            raise ValueError("a bracket of the AS path is never closed")

    def _hop(self, token: str) -> Hop:
        hop = self._hops.get(token)
        if hop is None:
            hop = self._hops[token] = Hop((parse_asn(token),))
        return hop


def _closed_set(members: list[int]) -> Hop:
    if not members:
        raise ValueError("an AS_SET is empty")
    return _set_of(members)
