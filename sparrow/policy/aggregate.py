"""A table with the fewest lines that gives every address the same answer.

Law: an address that a line of the table matches gets the same answer from what comes of
it, one that none matches is matched by none, and no table with fewer lines does both, but
for lines inside special-purpose blocks. Start from `aggregate_table`.

This is the algorithm ORTC (Draves, King, Venkatachary, Zill: Constructing Optimal IP
Routing Tables, 1999) on each block that is covered without a gap; a line that crosses a
gap would fill it. A block is cut in halves as long as it has more than one answer:

    a part with one answer          wants that answer from above: no line is needed then
    halves that want one in common  want what they have in common
    halves that do not              want any of both; one more line will be needed

From above, a part that is given none of what it wants has a line of its own.

Lines inside a special-purpose block are reduced by themselves, and all others leave its
outline alone: a line inside it is what makes addresses ordinary
(`sparrow.policy.intervals`), so there it makes a difference which line matches.
"""

from __future__ import annotations

from array import array
from heapq import merge
from typing import TYPE_CHECKING, TypeAlias

from sparrow.policy.intervals import sweep_plain
from sparrow.policy.preference import build_finder
from sparrow.policy.special import SPECIAL_BLOCKS
from sparrow.rib.route import build_origin_route
from sparrow.values.address import BITS, FAMILIES, Prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sparrow.policy.intervals import Intervals
    from sparrow.policy.site import SiteSet
    from sparrow.rib.route import Route
    from sparrow.rib.snapshot import FamilyTable, Snapshot

    Line: TypeAlias = tuple[int, int, int]
    Block: TypeAlias = tuple[int, int]

_NOTHING = 2**32
"""What a stretch is given from above: no answer, and no set of them."""


def aggregate_table(
    snapshot: Snapshot, site_set: SiteSet | None = None
) -> Iterator[tuple[Prefix, Route]]:
    """Give the lines that lead every address to the same route, IPv4 first, ascending.

    With sites the answers are sites, and the route is an AS number that leads to the
    site: its first one, or for a site without one that of the first route to it.
    """
    routes = snapshot.routes
    answers: Sequence[int] = range(len(routes))
    if site_set is not None:
        answers = array("I", map(build_finder(site_set).site_of, routes))
        routes = _site_routes(routes, answers, site_set)
    for family in FAMILIES:
        octets = BITS[family] // 8
        for network, length, answer in aggregate(snapshot.family(family), answers):
            yield Prefix(network.to_bytes(octets, "big"), length), routes[answer]


def _site_routes(
    routes: Sequence[Route], sites: Sequence[int], site_set: SiteSet
) -> tuple[Route, ...]:
    """Give for each site a route that leads to it; any route for one that none leads to."""
    found: dict[int, Route] = {}
    for route, number in zip(routes, sites, strict=True):
        # Which of the AS numbers of a foreign path stands for it makes no difference.
        found.setdefault(number, build_origin_route(route.origins[0]))
    for number, site in enumerate(site_set.sites):
        if site.asns or number not in found:
            found[number] = build_origin_route(site.asns[0].first if site.asns else 0)
    return tuple(found[number] for number in range(len(site_set.sites)))


def aggregate(table: FamilyTable, answers: Sequence[int]) -> Iterator[Line]:
    """Give (network, length, answer) of the fewest lines, ascending by network and length.

    `answers` has the answer of each route of the table, from 0 to 2**31 - 2.
    """
    # 0 is left to the addresses without a route.
    numbers = array("I", [answer + 1 for answer in answers])
    parts = list(_split(table))
    return merge(*(aggregate_map(sweep_plain(part, numbers, 0), closed) for part, closed in parts))


def _split(table: FamilyTable) -> Iterator[tuple[FamilyTable, frozenset[Block]]]:
    """Give the rows inside each special block, and all others with the blocks they stay out of."""
    inside: list[range] = []
    blocks: set[Block] = set()
    for block in SPECIAL_BLOCKS[table.family]:
        blocks.add((int.from_bytes(block.network, "big"), block.length))
        if rows := table.rows_inside(block):
            inside.append(rows)
    outside, place = array("I"), 0
    for rows in inside:
        yield table.part(rows.start, rows.stop), frozenset()
        outside.extend(range(place, rows.start))
        place = rows.stop
    outside.extend(range(place, len(table)))
    yield table.pick(outside), frozenset(blocks)


def aggregate_map(intervals: Intervals, closed: frozenset[Block] = frozenset()) -> Iterator[Line]:
    """Give the fewest lines for a map whose code is 1 more than the answer, and 0 for none.

    (network, length, answer), ascending; no line for a block of `closed` as a whole.
    """
    bits = intervals.bits
    starts = iter(intervals.starts)
    start = next(starts)
    cover = _Cover(bits)
    for code in intervals.codes:
        end = next(starts, 1 << bits)
        if code:
            for block in _cut(start, end, bits):
                cover.push(block, code - 1, is_closed=block in closed)
        else:
            yield from cover.finish()
        start = end
    yield from cover.finish()


def _cut(start: int, end: int, bits: int) -> Iterator[Block]:
    """Give the blocks (network, length) that make up the addresses from `start` to below `end`."""
    while start < end:
        aligned = (start & -start).bit_length() - 1 if start else bits
        spare = min(aligned, (end - start).bit_length() - 1)
        yield start, bits - spare
        start += 1 << spare


class _Wishes:
    """Sets of answers as numbers: one answer is its own number, larger sets are below 0."""

    def __init__(self) -> None:
        self._sets: list[frozenset[int]] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._joined: dict[tuple[int, int], int] = {}

    def members(self, number: int) -> frozenset[int]:
        return frozenset((number,)) if number >= 0 else self._sets[-1 - number]

    def join(self, left: int, right: int) -> int:
        """Give what both want, else what either wants."""
        if left == right:
            return left
        found = self._joined.get((left, right))
        if found is None:
            ours, theirs = self.members(left), self.members(right)
            found = self._joined[left, right] = self._number(ours & theirs or ours | theirs)
        return found

    def _number(self, wanted: frozenset[int]) -> int:
        if len(wanted) == 1:
            return next(iter(wanted))
        found = self._numbers.get(wanted)
        if found is None:
            self._sets.append(wanted)
            found = self._numbers[wanted] = -len(self._sets)
        return found


class _Cover:
    """The parts of a stretch without a gap, as trees in two arrays.

    A tree stands behind its halves, the upper one next to it, so that their places follow
    from sizes: 8 octets a part.
    """

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._clear()

    def _clear(self) -> None:
        self._wishes = _Wishes()
        self._sizes = array("I")
        self._wanted = array("i")
        self._tops: list[tuple[int, int, bool]] = []

    def push(self, block: Block, answer: int, *, is_closed: bool) -> None:
        """Take the part behind the last one; a closed one has no line of its own."""
        (network, length), tops, sizes, wanted = block, self._tops, self._sizes, self._wanted
        sizes.append(1)
        wanted.append(answer)
        while tops:
            before, before_length, was_closed = tops[-1]
            if before_length != length or before ^ network != 1 << self._bits - length:
                break
            lower = len(sizes) - 1 - sizes[-1]
            if is_closed or was_closed:
                wanted.append(wanted[-1] if is_closed else wanted[lower])
            else:
                wanted.append(self._wishes.join(wanted[lower], wanted[-1]))
            sizes.append(1 + sizes[lower] + sizes[-1])
            tops.pop()
            network, length, is_closed = before, length - 1, False
        tops.append((network, length, is_closed))

    def finish(self) -> Iterator[Line]:
        """Give the lines of all parts, and start anew."""
        place = len(self._sizes)
        trees = []
        for network, length, _ in reversed(self._tops):
            trees.append((place - 1, network, length, _NOTHING))
            place -= self._sizes[place - 1]
        sizes, wanted, members, bits = self._sizes, self._wanted, self._wishes.members, self._bits
        while trees:
            place, network, length, given = trees.pop()
            wish, lower = wanted[place], place - 1 - sizes[place - 1]
            is_given = given == wish or (wish < 0 and given in members(wish))
            # Where halves have nothing in common, a line for each is as short as one around.
            if not is_given and (wish >= 0 or members(wanted[lower]) & members(wanted[place - 1])):
                given = wish if wish >= 0 else min(members(wish))
                yield network, length, given
            if sizes[place] > 1:
                half = network | 1 << bits - length - 1
                trees.append((place - 1, half, length + 1, given))
                trees.append((lower, network, length + 1, given))
        self._clear()
