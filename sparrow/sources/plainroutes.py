"""Route files as dumps: `ssrs` and `pfx2as`, read line by line into entries.

Law: a line means what `docs/route-files.md` says; one that cannot be read is counted, as
in any other dump. Start from `read_route_lines`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.errors import InputError
from sparrow.rib.route import parse_route
from sparrow.sources.aspath import MAX_CACHED
from sparrow.sources.entry import Entry, PeerPath, Skip
from sparrow.sources.line import RouteFormat, split_line
from sparrow.sources.textlines import Prefixes, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.sources.entry import Skipped


def read_route_lines(
    pieces: Iterable[bytes], skipped: Skipped, route_format: RouteFormat
) -> Iterator[Entry]:
    """Give the entries of a text whose octets come in pieces cut anywhere."""
    prefixes, known = Prefixes(), _Paths()
    for number, line in split_lines(pieces, skipped):
        try:
            texts = split_line(line.encode("latin-1"), route_format)
            if texts is not None:
                yield Entry(prefixes.parse(texts[0]), (known[texts[1]],))
        except InputError:
            skipped.add(Skip.BAD_LINE, number)


class _Paths(dict[str, PeerPath]):
    """The paths of the texts met so far."""

    def __missing__(self, text: str) -> PeerPath:
        if len(self) >= MAX_CACHED:
            self.clear()
        path = self[text] = PeerPath(parse_route(text), None)
        return path
