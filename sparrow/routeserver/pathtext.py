"""AS paths as routers print them, with every AS number that is in them.

Law: whoever is in a path is a hop of it: members of an AS_SET, and of a confederation too,
since to Super Sparrow a path contains an AS number or it does not. (The readers of dumps, in
`sources.aspath`, leave confederations out, as those build tables for others.) Start from
`parse_path`.
"""

from __future__ import annotations

import re

from sparrow.errors import InputError
from sparrow.rib.route import Hop, Route
from sparrow.values.asn import parse_asn

MAX_PATH = 16384
"""Characters of a path; the longest that was ever seen in the Internet has some 2,000."""

_WORD = re.compile(r"[(){}\[\]]|[^\s,(){}\[\]]+")
_ENDS = {"{": "}", "(": ")", "[": "]"}
_SEQUENCES = frozenset("(")


def parse_path(text: str) -> Route | None:
    """Read `701 {7,8}`, `(65001 65002) 701`, `[65001,65002] 1.10`; None for an empty path.

    AS_SETs stand in braces, or in brackets (GateD); confederations in parentheses, their sets
    in brackets. Sets become one hop each, and all else hops in their order. Raises
    `ValueError` for anything else.
    """
    if len(text) > MAX_PATH:
        raise ValueError("the path is too long")
    hops: list[Hop] = []
    members: list[int] = []
    opened: str | None = None
    for word in _WORD.findall(text):
        if word in _ENDS and opened is None:
            opened, members = word, []
        elif opened is not None and word == _ENDS[opened]:
            hops += _close(opened, members)
            opened = None
        elif opened is not None:
            members.append(_parse_asn(word))
        else:
            hops.append(Hop((_parse_asn(word),)))
    if opened is not None:
        raise ValueError("a bracket is never closed")
    return Route(tuple(hops)) if hops else None


def _close(opened: str, members: list[int]) -> list[Hop]:
    if not members:
        raise ValueError("there is nothing between two brackets")
    if opened in _SEQUENCES:
        return [Hop((asn,)) for asn in members]
    return [Hop(tuple(members), "," if len(members) > 1 else "")]


def _parse_asn(word: str) -> int:
    try:
        return parse_asn(word)
    except InputError:
        raise ValueError(f"{word[:20]!r} is not an AS number") from None
