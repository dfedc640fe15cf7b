"""From what is known of an address to the sites that it prefers.

Law: a preference is a function of what is known, of who stands for election and of the
rules alone. `sparrow.policy.chart` does the same for all addresses at once. Start from
`prefer`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from sparrow.policy.ranking import rank_some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.policy.knowledge import Known
    from sparrow.policy.ranking import Place, Rules


class Ground(Enum):
    """What the order of sites for an address rests on."""

    VIEWS = "the sites' own views"
    """A site's view has a route."""
    COMMON = "the common view"
    """An AS of the path belongs to a site."""
    NEARNESS = "distance or time, as no route names a site"
    """How far it is to some site is known, and no route names one."""
    SELF = "self, as nothing is known"
    """Nothing is known."""


@dataclass(frozen=True, slots=True)
class Preference:
    """The sites that an address prefers, best first."""

    sites: tuple[int, ...]
    """Their numbers; one at least."""
    ground: Ground
    """What their order rests on."""
    override: int | None = None
    """Index of the operator's override that put the first one there; None without one."""
    places: tuple[Place, ...] = ()
    """Which step decided each, where they were ranked; without the override."""


# First match, from top to bottom:
#
#   the view of an | home in the | distance or | who is preferred
#   eligible site  | common view | time known  |
#   ---------------+-------------+-------------+------------------
#   has a route    | any         | any         | as ranked
#   has none       | a site      | any         | the home
#   has none       | none        | yes         | as ranked
#   has none       | none        | no          | `self`
#
# A distance or a time that plays no part in the ranking is as good as unknown.
# An operator's override, of an eligible site, goes before whoever that is.
def prefer(known: Known, sites: Sequence[int], rules: Rules, self_site: int) -> Preference:
    """Choose among some sites, by number, ascending; there is at least one."""
    if known.is_covered(sites):
        found = _rank(known, sites, rules, Ground.VIEWS)
    elif known.home is not None:
        found = Preference((known.home,), Ground.COMMON)
    elif known.is_near_any(sites, rules.rank_by):
        found = _rank(known, sites, rules, Ground.NEARNESS)
    else:
        found = Preference((self_site,), Ground.SELF)
    wanted = known.override_site
    if wanted is None or wanted not in sites:
        return found
    return replace(found, sites=put_first(wanted, found.sites), override=known.override)


def _rank(known: Known, sites: Sequence[int], rules: Rules, ground: Ground) -> Preference:
    places = rank_some(known.evidence, sites, rules)
    return Preference(tuple(place.site for place in places), ground, None, places)


def put_first(site: int, order: tuple[int, ...]) -> tuple[int, ...]:
    """Give an order with `site` before all others."""
    return (site, *(each for each in order if each != site))
