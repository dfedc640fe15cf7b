"""The text of `show ip bgp` and `show bgp`: Cisco, Zebra, Quagga and FRR.

       Network          Next Hop            Metric LocPrf Weight Path
    *> 3.0.0.0          207.126.96.1            20             0 6461 701 80 i
    *                   198.51.100.1                           0 7018 80 i
    *> 198.51.100.128/25
                        192.0.2.1                0    100      0 64500 i

Law: numbers are told apart by their columns, since metric and local preference may be
blank; a row that does not end with its origin code was cut and is counted; a row without
a network belongs to the network above, or to nothing where that could not be read. Start
from `read_show_bgp`.

Columns are where the head line has them; releases of FRR are off by one.
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
from sparrow.values.address import Prefix, parse_address, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.sources.entry import Entry, Skipped
    from sparrow.sources.textlines import Row

HEAD = re.compile(r"\s*(?:[A-Za-z]+\s+)?Network\s+Next ?Hop\s+Metric\s+LocPrf\s+Weight\s+Path")
"""The line above the columns."""

_NETWORK = re.compile(r"(?:\d+\.\d+\.\d+\.\d+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)(?:/\d+)?(?=\s|$)")
_WORD = re.compile(r"\S+")
_FLAGS = frozenset(" *>=!sdhirSRmbxafctLVINe")
"""What may stand before the network, in any release."""
_NO_ROUTE = frozenset("hdR")
"""History, damped, removed."""
_ROUTE = frozenset("*srS>=")
"""Valid; or suppressed, second to another protocol's, stale: a route all the same."""
_ORIGINS = frozenset("ie?")
_LOCAL_PREF_TO_WEIGHT = 7
"""Columns from the end of the one to the end of the other."""
_CONTINUATION = " " * 16
"""Beginning of a line that goes on with a row; networks and next hops that are too long
for their columns end their lines, and the rest stands below in its columns."""
_PROMPT = re.compile(r"[\w.:/()@-]+[>#]")
"""Where the terminal of a session asks for a command."""
_CODES = "Status codes"
_QUIET = (
    "BGP table version",
    "Origin codes",
    "Nexthop codes",
    "RPKI validation codes",
    "Default local pref",
    "For address family",
    "Total number",
    "Displayed",
    "% ",
)
"""Beginnings of lines around the rows."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the parts of a row are, counted from 0."""

    network: int = 3
    """First character of the network; what stands before it are flags."""
    hop: int = 20
    """First character of the next hop."""
    path: int = 61
    """First character of the path; the weight ends two before it."""


@dataclass(slots=True)
class _Draft:
    """A row while its lines are read; written by `_RowParser` alone."""

    line: int
    flags: str
    hop: str | None = None


def read_show_bgp(pieces: Iterable[bytes], skipped: Skipped) -> Iterator[Entry]:
    """Give the entries of a text whose octets come in pieces cut anywhere."""
    return gather(_RowParser(skipped).read(pieces))


class _RowParser:
    def __init__(self, skipped: Skipped) -> None:
        self._skipped = skipped
        self._paths = PathTexts()
        self._peers = SharedPeers()
        self._shared = SharedPaths()
        self._prefixes = Prefixes()
        self._columns = _Columns()
        self._has_head = False
        self._prefix: Prefix | None = None
        self._draft: _Draft | None = None

    def read(self, pieces: Iterable[bytes]) -> Iterator[Row]:
        for number, raw in split_lines(pieces, self._skipped):
            line = _without_pager(raw)
            if not line or line.isspace():
                self._abandon()
            elif (row := self._take(number, line)) is not None:
                yield row
        self._abandon()

    def _take(self, number: int, line: str) -> Row | None:
        if self._draft is not None and line.startswith(_CONTINUATION):
            return self._go_on(self._draft, line, 0)
        self._abandon()
        if HEAD.match(line):
            self._columns = _find_columns(line)
            self._has_head, self._prefix = True, None
            return None
        if line.startswith(_CODES):
            # A second table begins; the line goes on in lines that look like rows.
            self._has_head, self._prefix = False, None
            return None
        behind = self._begin(number, line)
        return self._go_on(self._draft, line, behind) if self._draft else None

    def _abandon(self) -> None:
        """Count a row that was begun, and whose rest never came."""
        if self._draft is not None:
            self._skipped.add(Skip.BAD_LINE, self._draft.line)
            self._draft = None

    def _begin(self, number: int, line: str) -> int:
        """Start a row, and give where its next hop may stand."""
        at = _find_network(line, self._columns.network)
        if at is not None:
            text = line[at:].split(None, 1)[0]
            self._prefix = self._parse_network(text)
            if self._prefix is not None:
                self._draft = _Draft(number, line[:at])
                return at + len(text)
        elif self._prefix is not None and _has_no_network(line, self._columns):
            self._draft = _Draft(number, line[: self._columns.network])
            return self._columns.network + 1
        elif line.startswith(_QUIET) or _PROMPT.match(line) or not self._has_head:
            return 0
        # Rows below without a network are of this line's, which cannot be read.
        self._prefix = None
        self._skipped.add(Skip.BAD_LINE, number)
        return 0

    def _go_on(self, draft: _Draft, line: str, at: int) -> Row | None:
        """Take the rest of a row, or a part of it; None while more is to come, or for nothing."""
        words = list(_WORD.finditer(line, at))
        if words and draft.hop is None:
            draft.hop = words.pop(0)[0]
        if not words:
            return None
        self._draft = None
        if _NO_ROUTE.intersection(draft.flags) or _ROUTE.isdisjoint(draft.flags):
            self._skipped.add(Skip.UNUSED, draft.line)
            return None
        try:
            return self._make_row(draft, words)
        except (InputError, ValueError):
            self._skipped.add(Skip.BAD_LINE, draft.line)
            return None

    def _make_row(self, draft: _Draft, words: list[re.Match[str]]) -> Row | None:
        place = next(
            (place for place, word in enumerate(words) if self._is_weight(word)), len(words)
        )
        if place >= len(words) - 1 or words[-1][0] not in _ORIGINS:
            raise ValueError("the row has no weight in its column, or does not end with an origin")
        if not all(word[0].isdecimal() for word in words[:place]):
            raise ValueError("something that is no number stands before the weight")
        route = self._paths.route(" ".join(word[0] for word in words[place + 1 : -1]))
        if route is None or self._prefix is None:
            self._skipped.add(Skip.NO_PATH, draft.line)
            return None
        peer = self._peers.get(_address_of(draft.hop or ""), nearest_asn(route))
        local_pref = _find_local_pref(words[: place + 1])
        is_best = ">" in draft.flags
        return self._prefix, self._shared.get(route, peer, local_pref, is_best=is_best)

    def _is_weight(self, word: re.Match[str]) -> bool:
        """Tell whether a word is the weight: by its last column, which may be one off."""
        return abs(word.end() - (self._columns.path - 1)) <= 1 and word[0].isdecimal()

    def _parse_network(self, text: str) -> Prefix | None:
        try:
            return self._prefixes.parse(text) if "/" in text else _parse_classful(text)
        except InputError:
            return None


def _without_pager(line: str) -> str:
    """Give a line without what a terminal session leaves in it."""
    if "\b" in line or "\r" in line:
        line = line.replace("\r", "\b").rpartition("\b")[2]
    return line.expandtabs() if "\t" in line else line


def _find_columns(head: str) -> _Columns:
    return _Columns(head.index("Network"), head.index("Next"), head.index("Path"))


def _find_network(line: str, column: int) -> int | None:
    """Give where the network of a row begins, at most one off its column; None without one."""
    for at in (column, column + 1, column - 1):
        if at > 0 and _NETWORK.match(line, at) and _FLAGS.issuperset(line[:at]):
            return at
    return None


def _has_no_network(line: str, columns: _Columns) -> bool:
    """Tell whether a row begins with flags alone, and goes on at the next hop."""
    return (
        _FLAGS.issuperset(line[: columns.network])
        and not line[columns.network + 1 : columns.hop - 1].strip()
        and bool(line[columns.hop - 1 :].strip())
    )


def _parse_classful(text: str) -> Prefix | None:
    """Read an IPv4 network without a length: it is that of its class, or the default route.

    None where its class has a shorter length than its bits. Raises `InputError`.
    """
    address = parse_address(text)
    if len(address) == 16 or address[0] >= 224:
        return None
    length = 8 if address[0] < 128 else 16 if address[0] < 192 else 24
    if not any(address):
        length = 0
    return Prefix(address, length) if truncate(address, length) == address else None


def _find_local_pref(words: list[re.Match[str]]) -> int | None:
    """Give the number in the column before the weight, which is the last of `words`."""
    ends = words[-1].end() - _LOCAL_PREF_TO_WEIGHT
    for word in words[:-1]:
        if word.end() == ends:
            return int(word[0][-_LOCAL_PREF_TO_WEIGHT:])  # a metric may touch it
    return None


def _address_of(hop: str) -> str | None:
    """Give the next hop where it is an address: FRR may show names, and `@2<` behind them."""
    text = hop.partition("@")[0]
    try:
        parse_address(text)
    except InputError:
        return None
    return text
