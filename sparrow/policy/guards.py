"""Guards: what a new table must fulfil before it takes the place of the old one.

Law: a function of the two tables, the sites, and the guards alone; each broken guard says
in words what was found and what is allowed. Start from `list_broken`.

Shares of address space are of the addresses that a route of either table matches, and in
each family the larger of two: with the routes of length 0, and without them. For IPv6 a
catch-all would make every change look small, as nearly all of its space is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sparrow.policy.moves import cover, list_moves
from sparrow.policy.steering import build_base_map
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sparrow.config.guarding import Canary, GuardsConfig
    from sparrow.policy.site import SiteSet
    from sparrow.policy.steering import AddressMap
    from sparrow.rib.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Broken:
    """A guard that a table does not fulfil."""

    guard: str
    """Key in `guards:` of the configuration."""
    what: str
    """What was found and what is allowed, in one sentence."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which guards count for a table."""

    is_normal: bool = True
    """Whether it is meant for the state in which all is well: fewest prefixes and canaries
    describe that state, and would forbid every table for a failover."""
    may_move: bool = False
    """Whether it is a mode's own file that changed, whose answers move because they must."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table of which the prefixes are counted."""

    view: str
    """What it is called, `view of nl`; "" for the only one."""
    old: Snapshot | None
    """What it is compared with; None where there is nothing of its kind."""
    new: Snapshot
    """The table."""
    has_floor: bool = True
    """Whether it must have the fewest prefixes that a table must have."""


@dataclass(frozen=True, slots=True)
class Scrutiny:
    """A table that is looked at."""

    old: Snapshot | None
    """What it is compared with; None where there is nothing of its kind."""
    new: Snapshot
    """The table."""
    site_set: SiteSet | None
    """The sites; None without any, so that no answer is steered."""
    scope: Scope = Scope()
    """Which guards count."""
    parts: tuple[Part, ...] = ()
    """The tables of which prefixes are counted; () where that is the table as a whole."""
    draw_old: Callable[[], AddressMap] | None = None
    """Gives the site that each address prefers by the old table; None where the route alone
    tells it."""
    draw_new: Callable[[], AddressMap] | None = None
    """The same by the new table."""

    def list_parts(self) -> tuple[Part, ...]:
        """Give the tables of which prefixes are counted."""
        return self.parts or (Part("", self.old, self.new),)


@dataclass(frozen=True, slots=True)
class Change:
    """Two tables, with the maps of the same sites that were made of them."""

    old: Snapshot
    """The table before."""
    new: Snapshot
    """The table behind it."""
    before: AddressMap
    """Home site of each address by the old table."""
    after: AddressMap
    """Home site of each address by the new table."""


#                 | meant for the normal state | compared with an old one
#   --------------+----------------------------+-------------------------------
#   min_prefixes  | yes                        |
#   canaries      | yes, where there are sites |
#   max_shrink    |                            | yes
#   max_moved     |                            | yes, where there are sites and
#                 |                            | no mode's own file changed
def list_broken(guards: GuardsConfig, scrutiny: Scrutiny) -> tuple[Broken, ...]:
    """Give the guards that a table breaks."""
    broken: list[Broken] = []
    for part in scrutiny.list_parts():
        if scrutiny.scope.is_normal and part.has_floor:
            broken += _check_prefixes(guards, part)
        if part.old is not None and guards.max_shrink is not None:
            broken += _check_shrink(guards.max_shrink, part.old, part)
    site_set = scrutiny.site_set
    if site_set is not None and (guards.max_moved is not None or guards.canaries):
        broken += _check_answers(guards, scrutiny, site_set)
    return tuple(broken)


def _check_answers(guards: GuardsConfig, scrutiny: Scrutiny, site_set: SiteSet) -> Iterator[Broken]:
    old, new, scope = scrutiny.old, scrutiny.new, scrutiny.scope
    after = scrutiny.draw_new() if scrutiny.draw_new else build_base_map(site_set, new)
    if old is not None and guards.max_moved is not None and not scope.may_move:
        before = scrutiny.draw_old() if scrutiny.draw_old else build_base_map(site_set, old)
        yield from _check_moved(guards.max_moved, Change(old, new, before, after))
    if scope.is_normal:
        names = [site.name for site in site_set.sites]
        for canary in guards.canaries:
            yield from _check(canary, after, names)


def _check_prefixes(guards: GuardsConfig, part: Part) -> Iterator[Broken]:
    table = f"the {part.view or 'table'}"
    least = dict(zip(FAMILIES, (guards.min_prefixes_v4, guards.min_prefixes_v6), strict=True))
    for family in FAMILIES:
        count, fewest = len(part.new.family(family)), least[family]
        if fewest is not None and count < fewest:
            what = f"{table} has {count} IPv{family} prefixes; at least {fewest} are wanted"
            yield Broken("min_prefixes", what)


def _check_shrink(limit: float, old: Snapshot, part: Part) -> Iterator[Broken]:
    which = f" of the {part.view}" if part.view else ""
    for family in FAMILIES:
        before, after = len(old.family(family)), len(part.new.family(family))
        if before and exceeds(before - after, before, limit):
            yield Broken(
                "max_shrink",
                f"IPv{family}{which} shrinks from {before} to {after} prefixes, by "
                f"{render_share(before - after, before)}; {render_limit(limit)} is allowed",
            )


def _check_moved(limit: float, change: Change) -> Iterator[Broken]:
    for family in FAMILIES:
        moved, counted = measure_moved(change, family)
        if exceeds(moved, counted, limit):
            yield Broken(
                "max_moved",
                f"answers may move for {render_share(moved, counted)} of the IPv{family} "
                f"address space; {render_limit(limit)} is allowed",
            )


def measure_moved(change: Change, family: int) -> tuple[int, int]:
    """Give how many addresses of a family get another site, and of how many that is.

    It is the larger of the two shares that the law speaks of; 0 of 1 where nothing moves.
    """
    moves = list(list_moves(change.before.of_family(family), change.after.of_family(family)))
    if not moves:
        return 0, 1
    tables = change.old.family(family), change.new.family(family)
    whole = sum(move.size for move in moves), cover(*tables).size
    if not any(table.has_default for table in tables):
        return whole
    known = cover(*tables, has_default=False)
    without = known.overlap(moves), known.size or 1
    return max(whole, without, key=lambda share: Fraction(*share))


def _check(canary: Canary, base_map: AddressMap, names: list[str]) -> Iterator[Broken]:
    """Look at every address of the block: no part of it may go elsewhere."""
    prefix = canary.prefix
    intervals = base_map.of_family(prefix.family)
    octets = len(prefix.network)
    first = place = int.from_bytes(prefix.network, "big")
    while place < first + (1 << (intervals.bits - prefix.length)):
        site = names[base_map.find(place.to_bytes(octets, "big")).class_number]
        if site != canary.site:
            which = f"{prefix}" if place == first else f"a part of {prefix}"
            yield Broken("canaries", f"{which} goes to {site} instead of {canary.site}")
            return
        place = intervals.edges(place)[1]


def exceeds(part: int, whole: int, limit: float) -> bool:
    """Tell whether a share is above a limit that was written in decimals, exactly."""
    return part > whole * Fraction(limit).limit_denominator(10**9)


def render_share(part: int, whole: int) -> str:
    """Give a share as a percentage for people, `12.3 %`."""
    share = 100 * part / whole if whole else 0.0
    return f"{share:.1f} %" if share >= 1 or not part else f"{share:.2g} %"


def render_limit(limit: float) -> str:
    """Give a configured share as a percentage, `10 %`."""
    return f"{100 * limit:g} %"
