"""The IPv4 space coloured by site, or by what moves between two tables.

Law: a picture is a function of tables and sites alone, and its figures are those of
`sparrow.policy.tablestats` and `sparrow.policy.tablediff`. Start from `picture_table` and
`picture_diff`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from sparrow.picture.cells import fill_cells
from sparrow.picture.colours import PAPER, SITE_COLOURS, parse_colour, site_colour
from sparrow.picture.layout import Entry, Sheet, compose
from sparrow.policy.atlas import combine
from sparrow.policy.intervals import sweep_table
from sparrow.policy.moves import COUNTED, sweep_routed, walk
from sparrow.policy.preference import build_finder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.policy.intervals import Intervals
    from sparrow.policy.site import SiteSet
    from sparrow.policy.tablediff import FamilyDiff
    from sparrow.rib.snapshot import FamilyTable, Snapshot

ORDERS = {512: 9, 1024: 10, 2048: 11, 4096: 12}
"""Order of the curve by the pixels of a side; the last has a pixel for each /24."""

_PAPER, _EMPTY, _SPECIAL, _STILL, _OTHER, _FIRST = range(6)
_COLOURS = (
    PAPER,
    parse_colour("f7f6f2"),  # no route
    parse_colour("dcdbd6"),  # special-purpose
    parse_colour("c9d3da"),  # routed, and stays where it is
    parse_colour("2b2d33"),  # moves, but is not among the largest
    *SITE_COLOURS,
)


def picture_table(
    snapshot: Snapshot,
    site_set: SiteSet,
    order: int,
    title: str,
    preferred: Intervals | None = None,
) -> bytes:
    """Draw which site each IPv4 address has; give a PNG file.

    `preferred` has the number of the site that each address prefers; without it that is the
    one that AS numbers of paths name. An address without a route has none, but where there
    is no route at all.
    """
    nowhere = len(site_set.sites)
    codes = _sweep_sites(snapshot, site_set)
    if preferred:
        codes = _mask(preferred, snapshot.v4, nowhere) if len(snapshot.v4) else preferred
    sizes = [0] * (nowhere + 1)
    for start, end, code in codes.stretches():
        if code <= nowhere:
            sizes[code] += end - start
    whole = sum(sizes[:nowhere])
    ranked = sorted(range(nowhere), key=lambda number: (-sizes[number], number))
    colours = {number: _FIRST + site_colour(place) for place, number in enumerate(ranked)}
    colours[nowhere] = _EMPTY
    painted = ((start, end, colours.get(code, _SPECIAL)) for start, end, code in codes.stretches())
    legend = [
        Entry(colours[number], site_set.sites[number].name, _percent(sizes[number], whole))
        for number in ranked
    ]
    share = f"{len(snapshot.v4):,} prefixes cover {_percent(whole, sum(sizes))} of the space"
    return compose(
        Sheet(
            title=title,
            subtitle=share if len(snapshot.v4) else "no routes: sites by what else is known",
            order=order,
            cells=fill_cells(painted, order),
            colours=_COLOURS,
            heading="nearest site, share of what is coloured",
            legend=(*legend, *_UNROUTED),
        )
    )


_UNROUTED = (Entry(_EMPTY, "no route", ""), Entry(_SPECIAL, "special-purpose", ""))


def _sweep_sites(snapshot: Snapshot, site_set: SiteSet) -> Intervals:
    """Make the map of sites, in which no route is a code of its own behind theirs."""
    homes = array("I", map(build_finder(site_set).site_of, snapshot.routes))
    return sweep_table(snapshot.v4, homes, len(site_set.sites))


def _mask(preferred: Intervals, table: FamilyTable, nowhere: int) -> Intervals:
    """Give a map of sites in which no route is a code of its own behind theirs."""
    cells, pairs = combine(preferred, sweep_routed(table))
    return cells.relabel(array("I", [_hide(pair, nowhere) for pair in pairs]))


def _hide(pair: int, nowhere: int) -> int:
    code, routed = pair >> 32, pair & COUNTED
    return code if routed or code > COUNTED else nowhere


def picture_diff(
    tables: tuple[Snapshot, Snapshot],
    site_set: SiteSet,
    found: FamilyDiff,
    order: int,
    title: str,
) -> bytes:
    """Draw what moves from the first table to the second; give a PNG file.

    `found` is what `diff_tables` says of IPv4.
    """
    numbers = {site.name: number for number, site in enumerate(site_set.sites)}
    largest = found.pairs[: len(SITE_COLOURS)]
    colours = {
        (numbers[pair.before], numbers[pair.after]): _FIRST + place
        for place, pair in enumerate(largest)
    }
    whole = found.addresses
    legend = [
        Entry(_FIRST + place, f"{pair.before} \u2192 {pair.after}", _percent(pair.addresses, whole))
        for place, pair in enumerate(largest)
    ]
    if others := found.pairs[len(largest) :]:
        share = _percent(sum(pair.addresses for pair in others), whole)
        legend.append(Entry(_OTHER, f"{len(others)} other moves", share))
    before, after = (_sweep_sites(table, site_set) for table in tables)
    painted = _paint_moves(walk(before, after, is_whole=True), colours, site_set)
    return compose(
        Sheet(
            title=title,
            subtitle=(
                f"{_percent(found.moved, whole)} of what is routed moves; of {found.prefixes:,} "
                f"prefixes {found.announced:,} come, {found.withdrawn:,} go, "
                f"{found.rerouted:,} have another route"
            ),
            order=order,
            cells=fill_cells(painted, order),
            colours=_COLOURS,
            heading="moves, share of what is routed",
            legend=(*legend, Entry(_STILL, "stays", ""), *_UNROUTED),
        )
    )


def _paint_moves(
    stretches: Iterable[tuple[int, int, int, int]],
    colours: dict[tuple[int, int], int],
    site_set: SiteSet,
) -> Iterator[tuple[int, int, int]]:
    """Give (start, end, colour) of stretches with two codes.

    special | route in neither | site of both | colour
    yes     | -                | -            | special
    no      | yes              | -            | empty
    no      | no               | the same     | still; no route is `self`
    no      | no               | differs      | that of the pair
    """
    nowhere = len(site_set.sites)
    homes = [*range(nowhere), site_set.self_site]
    for start, end, old, new in stretches:
        if old > COUNTED or new > COUNTED:
            yield start, end, _SPECIAL
        elif old == new == nowhere:
            yield start, end, _EMPTY
        elif homes[old] == homes[new]:
            yield start, end, _STILL
        else:
            yield start, end, colours.get((homes[old], homes[new]), _OTHER)


def _percent(part: int, whole: int) -> str:
    share = 100 * part / (whole or 1)
    return f"{share:.1f} %" if share >= 0.05 or not part else "< 0.1 %"
