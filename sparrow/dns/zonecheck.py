"""Records into a zone that can be served, or all the reasons why not.

Law: what is let through obeys RFC 1034, 2181, 4592 and 6672; what is only warned
about is served as it is. The rules are in `zoneerrors` and `zonewarnings`. Start
from `build_zone`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.dns.rrset import RRset
from sparrow.dns.zone import Node, Zone, build_tree
from sparrow.dns.zonedraft import Draft, build_draft
from sparrow.dns.zonedraft import ZoneSource as ZoneSource
from sparrow.dns.zoneerrors import ERRORS
from sparrow.dns.zonewarnings import WARNINGS
from sparrow.errors import InputError, Problem, limit_problems

if TYPE_CHECKING:
    from sparrow.dns.zonefile import Record


@dataclass(frozen=True, slots=True)
class BuiltZone:
    """A zone that can be served, and what its operator may not have meant."""

    zone: Zone
    """The zone, immutable."""
    warnings: tuple[Problem, ...]
    """Doubts, rule by rule; of each rule the first 20 and the count of the rest."""


def build_zone(source: ZoneSource) -> BuiltZone:
    """Check the records of a zone and plant its tree.

    Exact duplicates are dropped; of differing TTLs in a set the lowest counts;
    rdatas keep the order of the file. Raises `InputError` with the problems of
    every rule (of each the first 20 and the count of the rest), each with the
    file and line of the record to blame.
    """
    draft = build_draft(source)
    errors = [problem for check in ERRORS for problem in limit_problems(check(draft))]
    if errors:
        raise InputError(errors)
    zone = _plant(draft)
    warnings = (problem for warn in WARNINGS for problem in limit_problems(warn(draft, zone)))
    return BuiltZone(zone, tuple(warnings))


def _plant(draft: Draft) -> Zone:
    """Make the tree of a draft that no rule objects to."""
    steers = draft.source.steers
    nodes = [
        Node(name, {rtype: _join(records) for rtype, records in types.items()}, steers.get(name))
        for name, types in draft.sets.items()
    ]
    bare = [Node(name, {}, steer) for name, steer in steers.items() if name not in draft.sets]
    return build_tree(draft.source.origin, [*nodes, *bare])


def _join(records: list[Record]) -> RRset:
    """Make one set of its records, with their lowest TTL (RFC 2181 section 5.2)."""
    ttl = min(record.ttl for record in records)
    return RRset(records[0].owner, records[0].rtype, ttl, tuple(r.rdata for r in records))
