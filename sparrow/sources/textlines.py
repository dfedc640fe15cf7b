"""The lines of a text dump, and the entries that its rows make.

Law: a line is known by its number, whatever was wrong with the lines before it; rows of
one prefix that stand together are one entry. Start from `split_lines` and `gather`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sparrow.sources.entry import Entry, Peer, PeerPath, Skip
from sparrow.values.address import Prefix, parse_address, parse_network, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.rib.route import Route
    from sparrow.sources.entry import Skipped

    Row: TypeAlias = tuple[Prefix, PeerPath]

MAX_LINE = 64 * 1024
"""Octets of a line; one with 300 communities and 200 AS numbers has 6,000."""
MAX_CACHED = 2**16
"""Peer paths held at once; those of a prefix's neighbours recur soon or not at all."""

_MARK = "\xef\xbb\xbf"
"""The byte order mark of UTF-8, octet by octet."""


def split_lines(pieces: Iterable[bytes], skipped: Skipped) -> Iterator[tuple[int, str]]:
    """Give number and text of every line, an octet a character, without its end.

    A line over `MAX_LINE` is counted and passed over; so is an unended last one where
    `skipped` says by then that the file was cut.
    """
    number, tail, is_long = 0, b"", False
    for piece in pieces:
        lines = (tail + piece).split(b"\n")
        tail = lines.pop()
        for line in lines:
            number += 1
            if is_long or len(line) > MAX_LINE:
                is_long = False
                skipped.add(Skip.BAD_LINE, number)
                continue
            text = line.decode("latin-1").rstrip("\r")
            yield number, text.removeprefix(_MARK) if number == 1 else text
        if len(tail) > MAX_LINE:
            tail, is_long = b"", True
    if is_long or (tail and skipped.cut_at is not None):
        skipped.add(Skip.BAD_LINE, number + 1)
    elif tail:
        text = tail.decode("latin-1").rstrip("\r")
        yield number + 1, text.removeprefix(_MARK) if not number else text


def gather(rows: Iterable[Row]) -> Iterator[Entry]:
    """Make an entry of each run of rows with one prefix."""
    prefix: Prefix | None = None
    paths: list[PeerPath] = []
    for each, path in rows:
        if prefix is None or (each is not prefix and each != prefix):
            if prefix is not None:
                yield Entry(prefix, tuple(paths))
            prefix, paths = each, []
        paths.append(path)
    if prefix is not None:
        yield Entry(prefix, tuple(paths))


class Prefixes:
    """Parses the prefixes of rows, of which many have that of the row before."""

    def __init__(self) -> None:
        """Start without one."""
        self._text: str | None = None
        self._prefix = Prefix(bytes(4), 0)

    def parse(self, text: str) -> Prefix:
        """Give the prefix; bits behind its length are cleared. Raises `InputError`."""
        if text != self._text:
            address, length = parse_network(text)
            self._prefix = Prefix(truncate(address, length), length)
            self._text = text
        return self._prefix


def nearest_asn(route: Route) -> int:
    """Give the AS number next to the router: that of its neighbour, as a rule."""
    return route.hops[0].asns[0]


class SharedPeers:
    """Neighbours, each of which is made once."""

    def __init__(self) -> None:
        """Start without one."""
        self._known: dict[tuple[str | None, int], Peer] = {}

    def get(self, address: str | None, asn: int) -> Peer:
        """Give the neighbour; None for no address. Raises `InputError`."""
        peer = self._known.get((address, asn))
        if peer is None:
            if len(self._known) >= MAX_CACHED:
                self._known.clear()
            peer = Peer(parse_address(address) if address else None, asn)
            self._known[address, asn] = peer
        return peer


class SharedPaths:
    """Peer paths, each of which is made once while it recurs."""

    def __init__(self) -> None:
        """Start without one."""
        self._known: dict[tuple[int, int, int | None, bool | None], PeerPath] = {}

    def get(
        self,
        route: Route,
        peer: Peer | None,
        local_pref: int | None = None,
        *,
        is_best: bool | None = None,
    ) -> PeerPath:
        """Give the peer path of these four."""
        # By identity: route and peer are one object each while their texts recur, and
        # hashing them is slow. What is held here keeps both, and so their identity.
        key = id(route), id(peer), local_pref, is_best
        path = self._known.get(key)
        if path is None:
            if len(self._known) >= MAX_CACHED:
                self._known.clear()
            path = self._known[key] = PeerPath(route, peer, local_pref, is_best)
        return path
