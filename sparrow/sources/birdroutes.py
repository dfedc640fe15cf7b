"""The text of BIRD's `show route all`, of BIRD 1, 2 and 3.

    1.0.0.0/24           unicast [bgp1 2026-06-19 from 192.0.2.1] * (100) [AS13335i]
    <tab>via 192.0.2.1 on eth0
    <tab>Type: BGP univ
    <tab>BGP.as_path: 64500 13335
                         unicast [bgp2 2026-06-19] (100) [AS13335i]
    ...

Law: a route begins at its head and is given at the next head; one without an AS path is
of another protocol, or of the router's own. Start from `read_bird`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.errors import InputError
from sparrow.sources.aspath import PathTexts
from sparrow.sources.entry import Skip
from sparrow.sources.textlines import (
    Prefixes,
    SharedPaths,
    SharedPeers,
    gather,
    nearest_asn,
    split_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.sources.entry import Entry, Skipped
    from sparrow.sources.textlines import Row

_CODE = re.compile(r"\d{4}[- ]")
"""What stands before the lines of the control socket, and of `birdc -v`."""
_HEAD = re.compile(
    r"(?P<prefix>[0-9A-Fa-f.:]+/\d+)?\s+"
    r"(?:unicast|via|dev|unreachable|blackhole|prohibit|prohibited|multipath|recursive)\b"
    r"[^\[]*\[(?P<source>[^\]]*)\](?P<marks>[^(\[]*)"
)
_ATTRIBUTE = re.compile(r"\s+(?:BGP\.|bgp_)(as_path|path|local_pref|next_hop):(.*)")
_FROM = re.compile(r"\bfrom (\S+)")
_TITLES = ("Table ", "BIRD ", "Access restricted", "bird>")
"""Beginnings of lines at the margin that are no routes."""


@dataclass(slots=True)
class _Draft:
    """A route while its lines are read; written by `_RowParser` alone."""

    line: int
    prefix: str
    source: str
    is_best: bool
    path: str | None = None
    local_pref: int | None = None
    next_hop: str | None = None


def read_bird(pieces: Iterable[bytes], skipped: Skipped) -> Iterator[Entry]:
    """Give the entries of a text whose octets come in pieces cut anywhere."""
    return gather(_RowParser(skipped).read(pieces))


class _RowParser:
    def __init__(self, skipped: Skipped) -> None:
        self._skipped = skipped
        self._prefixes = Prefixes()
        self._paths = PathTexts()
        self._peers = SharedPeers()
        self._shared = SharedPaths()
        self._draft: _Draft | None = None
        self._prefix: str | None = None

    def read(self, pieces: Iterable[bytes]) -> Iterator[Row]:
        for number, line in split_lines(pieces, self._skipped):
            content = line if line[:1].isspace() else _CODE.sub("", line, count=1)
            head = _HEAD.match(content)
            if head is not None or not content[:1].isspace():
                yield from self._finish()
            if head is not None:
                self._begin(number, head)
            elif content[:1].isspace():
                self._take_attribute(content)
            elif content:
                self._take_title(number, content)
        if self._skipped.cut_at is None:
            yield from self._finish()

    def _begin(self, number: int, head: re.Match[str]) -> None:
        """Start a route; one without a prefix is another path to the prefix above."""
        self._prefix = head["prefix"] or self._prefix
        if self._prefix is None:
            self._skipped.add(Skip.BAD_LINE, number)
        else:
            self._draft = _Draft(number, self._prefix, head["source"], "*" in head["marks"])

    def _take_attribute(self, content: str) -> None:
        found = _ATTRIBUTE.match(content)
        if found is None or self._draft is None:
            return
        name, value = found[1], found[2].strip()
        if name in {"as_path", "path"}:
            self._draft.path = value
        elif name == "next_hop":
            self._draft.next_hop = value.partition(" ")[0]  # a link-local one may follow
        elif value.isdecimal():
            self._draft.local_pref = int(value)

    def _take_title(self, number: int, content: str) -> None:
        """Take a line at the margin that is no route: the rows below have no prefix above."""
        self._prefix = None
        if not content.startswith(_TITLES):
            self._skipped.add(Skip.BAD_LINE, number)

    def _finish(self) -> Iterator[Row]:
        draft, self._draft = self._draft, None
        if draft is None:
            return
        try:
            prefix = self._prefixes.parse(draft.prefix)
            route = self._paths.route(draft.path or "")
            if route is None:
                self._skipped.add(Skip.NO_PATH, draft.line)
                return
            peer = self._peers.get(_address_of(draft), nearest_asn(route))
        except (InputError, ValueError):
            self._skipped.add(Skip.BAD_LINE, draft.line)
            return
        yield prefix, self._shared.get(route, peer, draft.local_pref, is_best=draft.is_best)


def _address_of(draft: _Draft) -> str | None:
    """Give the neighbour's address: that of the protocol where it is not the next hop."""
    source = _FROM.search(draft.source)
    return source[1] if source else draft.next_hop
