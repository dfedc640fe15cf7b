"""The difference between two routing tables.

Law: what is the same in both costs a comparison of arrays and nothing else, so
a reload that changes little is cheap to find and to apply. Start from `diff`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.rib.snapshot import FamilyTable, Snapshot
from sparrow.rib.twin import IS_PURE, native

if TYPE_CHECKING:
    from sparrow.rib.route import Route

_BLOCK = 1024
"""Rows compared at once. Measured: 256 to 4096 differ by less than the noise."""
_UNKNOWN = 2**32 - 1
"""Stands for a route that the old table lacks; no table has as many routes."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What turns one table into another."""

    withdrawn: Snapshot
    """Prefixes that the old table has and the new one has not, with their old routes."""
    announced: Snapshot
    """Prefixes that the new table adds, or has another route for, with their new routes."""
    size_before: int
    """Prefixes in the old table."""
    size_after: int
    """Prefixes in the new table."""

    @property
    def is_empty(self) -> bool:
        """Tell whether both tables hold the same prefixes with equal routes."""
        return not len(self.withdrawn) and not len(self.announced)


def diff(old: Snapshot, new: Snapshot, *, is_pure: bool = IS_PURE) -> Delta:
    """Compare two tables; routes are compared by value, not by number."""
    numbers = _old_numbers(old.routes, new.routes)
    diff_family = _diff_family if is_pure else _diff_natively
    gone4, come4 = diff_family(old.v4, new.v4, numbers)
    gone6, come6 = diff_family(old.v6, new.v6, numbers)
    return Delta(
        withdrawn=Snapshot(gone4, gone6, old.routes),
        announced=Snapshot(come4, come6, new.routes),
        size_before=len(old),
        size_after=len(new),
    )


def _old_numbers(old: tuple[Route, ...], new: tuple[Route, ...]) -> array[int]:
    """Give for each new route its number in the old table, or `_UNKNOWN`."""
    if not old:
        return array("I", (_UNKNOWN,)) * len(new)
    places = {route: number for number, route in enumerate(old)}
    return array("I", [places.get(route, _UNKNOWN) for route in new])


def _diff_natively(
    old: FamilyTable, new: FamilyTable, numbers: array[int]
) -> tuple[FamilyTable, FamilyTable]:
    gone, come = native.diff(old, new, numbers)
    return old.pick(gone), new.pick(come)


def _diff_family(
    old: FamilyTable, new: FamilyTable, numbers: array[int]
) -> tuple[FamilyTable, FamilyTable]:
    """Give the rows of `old` that went, and those of `new` that came or changed."""
    routes = array("I", map(numbers.__getitem__, new.routes)) if len(old) else new.routes
    aligned = FamilyTable(new.family, new.networks, new.lengths, routes)
    gone, come = array("I"), array("I")
    at_old = at_new = 0
    while step := min(_BLOCK, len(old) - at_old, len(aligned) - at_new):
        before = old.part(at_old, at_old + step)
        after = aligned.part(at_new, at_new + step)
        if before == after:
            at_old, at_new = at_old + step, at_new + step
            continue
        # Up to the lower of the two last keys both windows are complete.
        bound = min(before.key(step - 1), after.key(step - 1))
        count_old = before.row_behind(bound, 0, step)
        count_new = after.row_behind(bound, 0, step)
        went, came = _compare(before.part(0, count_old), after.part(0, count_new))
        gone.extend([at_old + row for row in went])
        come.extend([at_new + row for row in came])
        at_old, at_new = at_old + count_old, at_new + count_new
    gone.extend(range(at_old, len(old)))
    come.extend(range(at_new, len(new)))
    return old.pick(gone), new.pick(come)


def _compare(before: FamilyTable, after: FamilyTable) -> tuple[list[int], list[int]]:
    """Give the rows of `before` that `after` lacks, and the rows of `after` that differ."""
    was = {(network, length): route for network, length, route in before.rows()}
    came = [
        row
        for row, (network, length, route) in enumerate(after.rows())
        if was.pop((network, length), None) != route
    ]
    went = [
        row for row, (network, length, _) in enumerate(before.rows()) if (network, length) in was
    ]
    return went, came
