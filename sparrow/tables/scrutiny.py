"""What guards look at in tables of files, by view, and what those tables make clients prefer.

Law: a table without views is counted as a whole. Start from `scrutinize`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from sparrow.policy.guards import Part, Scrutiny
from sparrow.rib.snapshot import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.policy.guards import Scope
    from sparrow.policy.site import SiteSet
    from sparrow.policy.steering import AddressMap
    from sparrow.sources.files import Loaded

    Draw: TypeAlias = Callable[[Loaded], AddressMap]
    """Gives the number of the site that each address prefers by some tables."""


def scrutinize(
    old: Loaded | None, new: Loaded, site_set: SiteSet | None, scope: Scope, draw: Draw | None
) -> Scrutiny:
    """Give what guards look at; `old` is None where there is nothing to compare with.

    Without `draw` the routes of the whole table alone tell the sites.
    """
    return Scrutiny(
        old=old.snapshot if old else None,
        new=new.snapshot,
        site_set=site_set,
        scope=scope,
        parts=list_parts(old, new),
        draw_old=partial(draw, old) if draw and old else None,
        draw_new=partial(draw, new) if draw else None,
    )


def list_parts(old: Loaded | None, new: Loaded) -> tuple[Part, ...]:
    """Give the tables that are counted by themselves; () without views.

    The common view has no fewest prefixes beside views, as it is for what these leave.
    """
    of_old = old.views if old else {}
    names = dict.fromkeys((*of_old, *new.views))
    if not names:
        return ()
    views = (
        Part(
            f"view of {name}",
            of_old.get(name, EMPTY) if old else None,
            new.views.get(name, EMPTY),
        )
        for name in names
    )
    common = Part("common view", old.common if old else None, new.common, has_floor=False)
    return (*views, common)
