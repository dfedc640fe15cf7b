"""The text that `bgpdump -m` makes of a table in MRT format, a path a line.

    TABLE_DUMP2|TIME|B|PEER ADDRESS|PEER AS|PREFIX|AS PATH|ORIGIN|NEXT HOP|LOCAL_PREF|...

Law: one line is one path or is counted; updates are counted and no more. Start from
`read_bgpdump`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.errors import InputError
from sparrow.sources.aspath import PathTexts
from sparrow.sources.entry import Skip
from sparrow.sources.textlines import Prefixes, SharedPaths, SharedPeers, gather, split_lines
from sparrow.values.asn import parse_asn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.sources.entry import Entry, Skipped
    from sparrow.sources.textlines import Row

TABLE_KINDS = ("TABLE_DUMP", "TABLE_DUMP2", "TABLE_DUMP_V2")
"""First words of a path of a table."""
UPDATE_KINDS = ("BGP4MP", "BGP4MP_ET")
"""First words of updates and session states."""

_PATH_TYPES = ("B", "A")
"""`-m` writes B, `-M` writes A."""


def read_bgpdump(pieces: Iterable[bytes], skipped: Skipped) -> Iterator[Entry]:
    """Give the entries of a text whose octets come in pieces cut anywhere."""
    return gather(_read_rows(pieces, skipped))


def _read_rows(pieces: Iterable[bytes], skipped: Skipped) -> Iterator[Row]:
    row_parser = _RowParser()
    for number, line in split_lines(pieces, skipped):
        fields = line.split("|")
        if fields[0] in UPDATE_KINDS:
            skipped.add(Skip.UPDATE, number)
        elif fields[0] in TABLE_KINDS and len(fields) >= 7 and fields[2] in _PATH_TYPES:
            try:
                row = row_parser.parse(fields)
            except (InputError, ValueError):
                skipped.add(Skip.BAD_LINE, number)
                continue
            if row is None:
                skipped.add(Skip.NO_PATH, number)
            else:
                yield row
        elif line:
            skipped.add(Skip.BAD_LINE, number)


class _RowParser:
    def __init__(self) -> None:
        self._prefixes = Prefixes()
        self._paths = PathTexts()
        self._shared = SharedPaths()
        self._peers = SharedPeers()

    def parse(self, fields: list[str]) -> Row | None:
        """Give prefix and path; None without a path. Raises `InputError`, `ValueError`."""
        _, _, _, address, asn, prefix, path_text, *rest = fields
        peer = self._peers.get(address, parse_asn(asn))
        found = self._prefixes.parse(prefix)
        route = self._paths.route(path_text)
        if route is None:
            return None
        # It writes 0 where there is no LOCAL_PREF.
        local_pref = int(rest[2]) if len(rest) > 2 and rest[2].isdecimal() else 0
        return found, self._shared.get(route, peer, local_pref or None)
