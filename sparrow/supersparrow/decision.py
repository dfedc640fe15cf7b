"""The rule of Super Sparrow: whose AS number is in the path to an address.

Law: a decision is a function of the path, the peers and the count. Start from `decide`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sparrow.supersparrow.vocabulary import Peer


@dataclass(frozen=True, slots=True)
class Decision:
    """What an address is given, and whose it is."""

    results: tuple[str, ...]
    """Values of peers, each once; empty where no peer is in the path, which means `self`."""
    asns: tuple[int, ...]
    """AS numbers that named them, in the order of the path."""


NOBODY = Decision((), ())
"""No peer is in the path, or there is no path."""


# The route server has chosen one path, the best. Of that:
#
#   peers in the path     results
#   none                  none: the caller gives `self`
#   one                   its values, in written order
#   several               those of the leftmost in the path, then those of the next
#
# in each case the first `count` of them. An AS number that is in the path several times,
# prepended, counts where it is first; members of an AS_SET count as written.
def decide(path: Iterable[int], peers: Sequence[Peer], count: int) -> Decision:
    """Decide by a path, nearest AS first, sets flattened; give at most `count` results."""
    found: dict[str, int] = {}
    for asn in dict.fromkeys(path):
        for peer in peers:
            if peer.asn == asn:
                found.setdefault(peer.value, asn)
    results = tuple(found)[:count]
    return Decision(results, tuple(dict.fromkeys(found[value] for value in results)))
