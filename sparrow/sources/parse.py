"""A route file read block by block into the rows of a snapshot.

Law: a file is taken whole or not at all, and every line is judged alike, alone or
among a million regular ones. Octets go in, rows and problems come out; nothing is
opened here. Start from `RouteParser`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem, ProblemList
from sparrow.rib.route import Hop, Route, parse_hop, parse_route
from sparrow.rib.twin import IS_PURE
from sparrow.sources.block import LENGTHS, open_reader
from sparrow.sources.line import MAX_LINE, MAX_ROUTE, RouteFormat, show_line, split_line
from sparrow.values.address import FAMILIES, family_of, parse_network, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sparrow.rib.snapshot import Repeats, SnapshotBuilder
    from sparrow.sources.block import Rows

MAX_TEXT = 2**30
"""Octets of the text of a file; both tables of the Internet have 35 million."""
MAX_ROWS = 10_000_000
"""Rows of a table, all its files together; both tables of the Internet have 1.5 million."""
UNENDED_MAX = 64 * 1024
"""Octets from which a file must end with a newline: a table without one was cut."""

_MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8. Editors put it in front of a text; it stands for nothing."""
_REASON_SHOWN = 200
"""Characters of a reason that are shown: it may quote a word of thousands."""


class _Hops(dict[str, Hop]):
    """The hops of the words met so far: 1,000,000 paths are made of 80,000 of them."""

    def __missing__(self, word: str) -> Hop:
        hop = self[word] = Hop((int(word),)) if _is_plain(word) else parse_hop(word)
        return hop


class RouteNumbers(dict[str, int]):
    """The route numbers of the texts met so far; share one among the files of a table.

    Looking up a text that is new parses it, and raises `InputError` where it is no route.
    """

    def __init__(self, builder: SnapshotBuilder, known: Iterable[Route] = ()) -> None:
        """Start without a text; `builder` gives the numbers.

        Hops of the `known` routes of several hops are shared with them.
        """
        super().__init__()
        self.builder = builder
        self.number_origin = builder.number_origin
        """Gives the number of the route that is one AS number."""
        paths = (route for route in known if not isinstance(route.steps, int))
        self._hops = _Hops((str(hop), hop) for route in paths for hop in route.hops)

    def __missing__(self, text: str) -> int:
        """Parse a text that is new, and number its route."""
        if _is_plain(text):
            number = self[text] = self.builder.number_origin(int(text))
            return number
        if len(text) > MAX_ROUTE:
            raise InputError([Problem(f"the AS path is longer than {MAX_ROUTE} characters")])
        hops = tuple(map(self._hops.__getitem__, text.split()))
        # What to say of a route without a hop is for `parse_route` to know.
        number = self[text] = self.builder.number(Route(hops) if hops else parse_route(text))
        return number


def _is_plain(word: str) -> bool:
    """Tell an AS number without a look at its size: nine digits are below 2**32."""
    return len(word) <= 9 and word.isascii() and word.isdigit()


class RouteParser:
    """The parser of one file: `feed` its octets in any pieces, then `finish`.

    Its rows go into the builder, which may hold the rows of other files before
    and behind them. They are of no use if `problems` is not empty at the end.
    """

    def __init__(
        self,
        file: str,
        route_format: RouteFormat,
        numbers: RouteNumbers,
        *,
        is_pure: bool = IS_PURE,
    ) -> None:
        """Read what messages call `file`; rows go into the builder of `numbers`."""
        self._file = file
        self._format = route_format
        self._numbers = numbers
        self._builder = numbers.builder
        self._reader = open_reader(numbers, route_format, is_pure=is_pure)
        self._is_at_start = True
        self._tail = b""
        self._is_skipping = False
        self._octets = 0
        self._line = 0
        self._bad_lines = ProblemList()
        self._file_problems: list[Problem] = []
        self._masked_lines = array("I")
        self._pfx2as_count = 0
        self._spans = {family: _Span(self._builder.count(family)) for family in FAMILIES}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong so far: the first bad lines, how many more, then the file itself."""
        return (*self._bad_lines, *self._file_problems)

    def feed(self, octets: bytes) -> None:
        """Take the next piece of the file; lines may be cut anywhere between pieces.

        Raises `InputError` where file or table are too large to go on with.
        """
        self._octets += len(octets)
        self._check_size()
        if self._is_at_start:
            octets, self._tail = self._tail + octets, b""
            if len(octets) < len(_MARK):
                self._tail = octets
                return
            self._is_at_start = False
            octets = octets.removeprefix(_MARK)
        if self._is_skipping:
            self._is_skipping = b"\n" not in octets
            octets = octets.partition(b"\n")[2]
        whole = octets.rfind(b"\n") + 1
        if whole:
            self._take_block(self._tail + octets[:whole])
            self._tail = b""
        self._tail += octets[whole:]
        if len(self._tail) > MAX_LINE + 1:
            # It is refused whatever follows: take it now, and hold no more of it.
            self._take_block(self._tail[: MAX_LINE + 2] + b"\n")
            self._tail = b""
            self._is_skipping = True

    def finish(self) -> None:
        """Take the end of the file."""
        if self._tail and self._octets > UNENDED_MAX:
            what = "the file ends in the middle of this line, so it was cut off: write it anew"
            self._file_problems.append(Problem(what, self._file, self._line + 1))
        elif self._tail:
            self._take_block(self._tail + b"\n")
            self._tail = b""
        for family, span in self._spans.items():
            span.stop = self._builder.count(family)
        if not self.problems and not any(map(len, self._spans.values())):
            what = (
                "the file holds no route; an empty table would leave every user without a match: "
                "leave the file out of the configuration if that is meant"
            )
            self._file_problems.append(Problem(what, self._file))

    def count_prefixes(self, family: int, repeats: Repeats) -> int:
        """Count the distinct prefixes of the file; `repeats` are the builder's."""
        span = self._spans[family]
        return len(span) - len(span.split_repeats(repeats)[0])

    def warnings(self, repeats: Mapping[int, Repeats]) -> tuple[Problem, ...]:
        """Tell what is doubtful in a good file; `repeats` are the builder's, by family."""
        doubled, replacing = array("I"), array("I")
        for family, span in self._spans.items():
            own, foreign = span.split_repeats(repeats[family])
            doubled.extend(map(span.line_of, own))
            replacing.extend(map(span.line_of, foreign))
        found = (
            (self._masked_lines, "has bits set behind its length; those were set to zero"),
            (doubled, "stands in this file before; the last line counts"),
            (replacing, "stands in an earlier file too; this file's route counts"),
        )
        return (
            *(self._warn(lines, what) for lines, what in found if lines),
            *self._warn_of_format(),
        )

    def _warn(self, lines: array[int], what: str) -> Problem:
        first = min(lines)
        count = f"{len(lines)} lines, this one first: " if len(lines) > 1 else ""
        return Problem(f"{count}the prefix {what}", self._file, first)

    def _warn_of_format(self) -> list[Problem]:
        if not self._pfx2as_count or self._pfx2as_count < sum(map(len, self._spans.values())):
            return []
        what = (
            "every line is a bare address, a number and an origin, read as a host route with "
            "an AS path of two; if the number is a length, set the format to pfx2as"
        )
        return [Problem(what, self._file)]

    def _take_block(self, block: bytes) -> None:
        rows = self._reader.read(block)
        if rows is None:
            self._take_lines(block)
        else:
            self._take_rows(rows)

    def _take_rows(self, rows: Rows) -> None:
        """Take a row from each of as many lines."""
        family, _, lengths, _ = rows
        self._spans[family].mark(self._builder.count(family), self._line + 1)
        self._builder.extend(*rows)
        self._line += len(lengths)

    def _take_lines(self, block: bytes) -> None:
        """Take a block line by line, and say what is wrong with each."""
        pending = {family: _Pending() for family in FAMILIES}
        for line in block.split(b"\n")[:-1]:
            self._line += 1
            try:
                self._take_line(line, pending)
            except InputError as error:
                self._refuse(line, error.problems[0].what)
        for family, rows in pending.items():
            self._builder.extend(family, bytes(rows.networks), bytes(rows.lengths), rows.routes)

    def _take_line(self, line: bytes, pending: Mapping[int, _Pending]) -> None:
        texts = split_line(line, self._format)
        if texts is None:
            return
        prefix, route = texts
        address, length = parse_network(prefix)
        number = self._numbers[route]
        network = truncate(address, length)
        family = family_of(network)
        if network != address:
            self._masked_lines.append(self._line)
        if "/" not in prefix:
            first, _, rest = route.partition(" ")
            is_one = bool(rest) and " " not in rest  # 1_2 and {1,2} are origins of pfx2as too
            self._pfx2as_count += is_one and first in LENGTHS[family]
        rows = pending[family]
        self._spans[family].mark(self._builder.count(family) + len(rows.lengths), self._line)
        rows.networks += network
        rows.lengths.append(length)
        rows.routes.append(number)

    def _refuse(self, line: bytes, reason: str) -> None:
        short = reason if len(reason) <= _REASON_SHOWN else f"{reason[:_REASON_SHOWN]}..."
        what = f"{short}; the line is {show_line(line)}"
        self._bad_lines.append(Problem(what, self._file, self._line))

    def _check_size(self) -> None:
        """Refuse what no table of the Internet is, before it fills the memory."""
        if self._octets > MAX_TEXT:
            what = f"the file is over {MAX_TEXT} octets of text: no route table is"
            raise InputError([Problem(what, self._file)])
        if sum(map(self._builder.count, FAMILIES)) > MAX_ROWS:
            what = f"with this file the tables have over {MAX_ROWS} lines with a prefix: too many"
            raise InputError([Problem(what, self._file, self._line)])


@dataclass(slots=True)
class _Pending:
    """Rows of a block that are not yet with the builder."""

    networks: bytearray = field(default_factory=bytearray)
    lengths: bytearray = field(default_factory=bytearray)
    routes: array[int] = field(default_factory=lambda: array("I"))


class _Span:
    """The rows of one file and family in the builder, and the lines they came from."""

    def __init__(self, start: int) -> None:
        """Start with row `start` of the builder."""
        self.start = start
        self.stop = start
        # From each of these rows on, rows and lines run side by side.
        self._rows = array("I")
        self._lines = array("I")

    def __len__(self) -> int:
        """Count the rows."""
        return self.stop - self.start

    def mark(self, row: int, line: int) -> None:
        """Note that `row`, and the rows behind it until the next mark, start at `line`."""
        if not self._rows or line - row != self._lines[-1] - self._rows[-1]:
            self._rows.append(row)
            self._lines.append(line)

    def line_of(self, row: int) -> int:
        """Give the line of a row."""
        place = bisect_right(self._rows, row) - 1
        return self._lines[place] + row - self._rows[place]

    def split_repeats(self, repeats: Repeats) -> tuple[list[int], list[int]]:
        """Give the rows of this span that repeat its own rows, and those of earlier files."""
        first = bisect_left(repeats.later, self.start)
        behind = bisect_left(repeats.later, self.stop)
        own: list[int] = []
        foreign: list[int] = []
        for row, earlier in zip(
            repeats.later[first:behind], repeats.earlier[first:behind], strict=True
        ):
            (own if earlier >= self.start else foreign).append(row)
        return own, foreign
