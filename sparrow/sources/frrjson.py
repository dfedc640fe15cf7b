"""FRR's `show bgp json`: one large object, read prefix by prefix.

    {"vrfId": 0, ..., "routes": {"1.0.0.0/24": [{"valid": true, "bestpath": true,
     "path": "64500 13335", "peerId": "192.0.2.1", "locPrf": 100, ...}, ...], ...}, ...}

Law: no more than one prefix's value is held at once, and one that is no JSON is counted
and passed over, as its end is found by brackets and quotes alone. Start from
`read_frr_json`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError
from sparrow.sources.aspath import PathTexts
from sparrow.sources.entry import Entry, Skip
from sparrow.sources.textlines import Prefixes, SharedPaths, SharedPeers, nearest_asn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.sources.entry import PeerPath, Skipped

MAX_VALUE = 2**20
"""Characters of one prefix's value; a path has 400, and a router 100 of them at most."""

ROUTES = re.compile(r'"routes"\s*:\s*\{')
"""Behind it stand the prefixes; with several address families it comes several times."""
_NEXT_KEY = re.compile(r'\s*,?\s*"([^"\\]{0,64})"\s*:\s*')
_END = re.compile(r"\s*\}")
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|"', re.DOTALL)
"""Whole strings, brackets, and the quote of a string that has not ended yet."""
_MAX_DEPTH = 32
"""Brackets within each other; FRR has 6."""
_KEPT = 64
"""Characters that are kept of what was passed over: `"routes": {` may be cut anywhere."""


def read_frr_json(pieces: Iterable[bytes], skipped: Skipped) -> Iterator[Entry]:
    """Give the entries of a text whose octets come in pieces cut anywhere."""
    return _Reader(pieces, skipped).read()


class _Text:
    """The text as far as it was read and is still needed; an octet is a character."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.text = ""
        self.at = 0
        self._before = 0

    @property
    def place(self) -> int:
        """Octet of the file at which the next character stands."""
        return self._before + self.at

    def more(self) -> bool:
        """Read on, and drop what is behind us; False at the end.

        As much again as there is: what is looked through anew each time would take a time
        that grows with its square otherwise.
        """
        held = self.text[self.at :]
        added = []
        missing = max(len(held), 1)
        while missing > 0 and (piece := next(self._pieces, b"")):
            added.append(piece.decode("latin-1"))
            missing -= len(piece)
        self._before += self.at
        self.text, self.at = "".join((held, *added)), 0
        return bool(added)


class _Reader:
    def __init__(self, pieces: Iterable[bytes], skipped: Skipped) -> None:
        self._text = _Text(pieces)
        self._skipped = skipped
        self._prefixes = Prefixes()
        self._paths = PathTexts()
        self._peers = SharedPeers()
        self._shared = SharedPaths()

    def read(self) -> Iterator[Entry]:
        while self._find_routes():
            while (key := self._next_key()) is not None:
                place = self._text.place
                value = self._next_value()
                if value is None:
                    self._skipped.cut_at = place
                    return
                entry = self._make_entry(key, value, place)
                if entry is not None:
                    yield entry
            if not self._is_closed():
                self._skipped.cut_at = self._text.place
                return

    def _find_routes(self) -> bool:
        """Go behind the bracket of the next object of routes; False where there is none."""
        text = self._text
        while True:
            found = ROUTES.search(text.text, text.at)
            if found is not None:
                text.at = found.end()
                return True
            text.at = max(text.at, len(text.text) - _KEPT)
            if not text.more():
                return False

    def _next_key(self) -> str | None:
        """Go behind the next key and its colon; None where there is none."""
        text = self._text
        while True:
            found = _NEXT_KEY.match(text.text, text.at)
            # The value's first character has to be there too, as blanks may precede it.
            if found is not None and found.end() < len(text.text):
                text.at = found.end()
                return found[1]
            if len(text.text) - text.at > 2 * _KEPT or not text.more():
                return None

    def _is_closed(self) -> bool:
        return _END.match(self._text.text, self._text.at) is not None

    def _next_value(self) -> str | None:
        """Give the text of the next array or object; None where it does not end."""
        text = self._text
        while True:
            stop = _find_end(text.text, text.at)
            if stop is not None:
                value, text.at = text.text[text.at : stop], stop
                return value
            if len(text.text) - text.at > MAX_VALUE or not text.more():
                return None

    def _make_entry(self, key: str, value: str, place: int) -> Entry | None:
        try:
            prefix = self._prefixes.parse(key)
            tree = json.loads(value)
        except (InputError, ValueError, RecursionError):
            self._skipped.add(Skip.BAD_RECORD, place)
            return None
        rows = tree.get("paths") if isinstance(tree, dict) else tree
        if not isinstance(rows, list) or "/" not in key:
            self._skipped.add(Skip.BAD_RECORD, place)
            return None
        found = [self._make_path(row, place) for row in rows if not _is_heading(row)]
        paths = tuple(path for path in found if path is not None)
        return Entry(prefix, paths) if paths else None

    def _make_path(self, row: Any, place: int) -> PeerPath | None:
        try:
            route = self._paths.route(_path_text(row))
            if route is None:
                self._skipped.add(Skip.NO_PATH, place)
                return None
            if (
                not row.get("valid")
                or row.get("history")
                or row.get("damped")
                or row.get("removed")
            ):
                self._skipped.add(Skip.UNUSED, place)
                return None
            peer = self._peers.get(_peer_text(row), nearest_asn(route))
        except (InputError, ValueError):
            self._skipped.add(Skip.BAD_ATTRIBUTES, place)
            return None
        return self._shared.get(route, peer, _local_pref(row), is_best=_is_best(row))


def _find_end(text: str, at: int) -> int | None:
    """Give where the array or object that begins at `at` ends; None where it does not."""
    depth = 0
    for found in _MARKS.finditer(text, at):
        mark = found[0]
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        elif mark == '"':
            return None
        if depth <= 0:
            return found.end()
        if depth > _MAX_DEPTH:
            return None
    return None


def _is_heading(row: Any) -> bool:
    """Tell whether it is what `detail` has before the paths: the prefix and its version."""
    return isinstance(row, dict) and "prefix" in row and not {"path", "aspath", "valid"} & set(row)


def _path_text(row: Any) -> str:
    """Give the AS path, of the short form or of `detail`. Raises `ValueError`."""
    if not isinstance(row, dict):
        raise ValueError("the path is no object")  # noqa: TRY004 - as other bad paths
    path = row.get("path")
    if path is None:
        detail = row.get("aspath")
        path = detail.get("string") if isinstance(detail, dict) else None
    if not isinstance(path, str):
        raise ValueError("the path has no AS path")  # noqa: TRY004 - as other bad paths
    return "" if path == "Local" else path


def _peer_text(row: dict[str, Any]) -> str | None:
    """Give the neighbour's address; None where it is not told, or is a name."""
    peer = row.get("peerId")
    if peer is None and isinstance(row.get("peer"), dict):
        peer = row["peer"].get("peerId")
    if isinstance(peer, str) and (":" in peer or peer.count(".") == 3):
        return peer.partition("%")[0]
    return None


def _local_pref(row: dict[str, Any]) -> int | None:
    value = row.get("locPrf", row.get("localPref", row.get("locPref")))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_best(row: dict[str, Any]) -> bool:
    """Tell whether it is the best path: `true`, or of `detail` an object with `overall`."""
    best = row.get("bestpath")
    return bool(best.get("overall")) if isinstance(best, dict) else best is True
