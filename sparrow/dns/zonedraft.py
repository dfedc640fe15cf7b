"""A zone before anybody vouches for it: records by name and type, and where they stand.

Law: a draft holds what was written, less exact duplicates, and decides nothing;
the rules of `zoneerrors` and `zonewarnings` read it. Start from `ZoneSource`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sparrow.dns.rrset import RRset, RRType, render_rtype
from sparrow.dns.zonefile import Record
from sparrow.errors import Problem
from sparrow.values.name import Name, decode_name, is_below, render_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sparrow.dns.zone import Steer

_SOA_NUMBERS = 20
"""Octets behind the two names of a SOA (RFC 1035 section 3.3.13)."""

_NAME_AT: dict[int, int] = {
    RRType.NS: 0,
    RRType.CNAME: 0,
    RRType.PTR: 0,
    RRType.DNAME: 0,
    RRType.MX: 2,
    RRType.SRV: 6,
}
"""Types whose rdata ends with one name, and the offset at which it starts."""


@dataclass(frozen=True, slots=True)
class ZoneSource:
    """Everything that a zone is made of."""

    origin: Name
    """Name of the apex."""
    records: tuple[Record, ...]
    """What the master file holds, in its order; empty without one."""
    place: tuple[str, int]
    """File and line where the config declares the zone."""
    soa: RRset | None = None
    """The SOA of the config; None where the master file has it."""
    ns: RRset | None = None
    """The apex NS of the config; None where the master file has them."""
    steers: Mapping[Name, Steer] = field(default_factory=dict)
    """Steered names, absolute."""
    steer_lines: Mapping[Name, tuple[str, int]] = field(default_factory=dict)
    """File and line of the config for steered names; those left out are at `place`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The records of a zone by name and type."""

    source: ZoneSource
    """What it was made of."""
    sets: Mapping[Name, Mapping[int, list[Record]]]
    """Records inside the zone; per name the types in order of their first record."""
    outside: tuple[Record, ...]
    """Records that are not at or below the apex."""
    doubles: tuple[Record, ...]
    """Records that stand above in the same words; they are in no set."""
    overruled: tuple[Record, ...]
    """First records of the sets that the config has too, and differently."""
    cuts: frozenset[Name]
    """Owners of NS other than the apex."""
    dnames: frozenset[Name]
    """Owners of DNAME."""

    def cover(self, name: Name) -> Name | None:
        """Give the topmost delegation or DNAME strictly above `name`; None where there is none."""
        if self.cuts or self.dnames:
            for depth in range(len(self.source.origin), len(name)):
                above = name[len(name) - depth :]
                if above in self.cuts or above in self.dnames:
                    return above
        return None

    def is_occluded(self, name: Name) -> bool:
        """Tell whether a delegation above `name` hides it (RFC 2136 section 7.18)."""
        return self.cover(name) in self.cuts

    def steer_place(self, name: Name) -> tuple[str, int]:
        """Give file and line of the config that steers `name`."""
        return self.source.steer_lines.get(name, self.source.place)

    def records(self, *rtypes: int) -> Iterator[Record]:
        """Give the records of some types, name by name."""
        for types in self.sets.values():
            for rtype in rtypes:
                yield from types.get(rtype, ())

    def owners(self, rtype: int) -> Iterator[Name]:
        """Give the names that have a type, in order of appearance."""
        return (name for name, types in self.sets.items() if rtype in types)


def build_draft(source: ZoneSource) -> Draft:
    """Sort the records of a zone by name and type, and set duplicates aside."""
    sets: dict[Name, dict[int, list[Record]]] = {}
    outside: list[Record] = []
    doubles: list[Record] = []
    seen: set[tuple[Name, int, bytes]] = set()
    for record in source.records:
        key = (record.owner, record.rtype, fold_rdata(record.rtype, record.rdata))
        if not is_below(record.owner, source.origin):
            outside.append(record)
        elif key in seen:
            doubles.append(record)
        else:
            seen.add(key)
            sets.setdefault(record.owner, {}).setdefault(record.rtype, []).append(record)
    apex = sets.get(source.origin, {})
    configured = _configured_sets(source)
    overruled = tuple(
        apex[rtype][0]
        for rtype, records in configured.items()
        if rtype in apex and _folded(apex[rtype]) != _folded(records)
    )
    # The config counts as written first, so that a clash is blamed on the file.
    sets[source.origin] = {**configured, **apex}
    return Draft(
        source,
        sets,
        tuple(outside),
        tuple(doubles),
        overruled,
        cuts=frozenset(name for name in sets if RRType.NS in sets[name]) - {source.origin},
        dnames=frozenset(name for name in sets if RRType.DNAME in sets[name]),
    )


def _configured_sets(source: ZoneSource) -> dict[int, list[Record]]:
    """Give SOA and NS of the config as records that stand where the zone is declared."""
    return {
        rrset.rtype: [
            Record(source.origin, rrset.rtype, rrset.ttl, rdata, *source.place)
            for rdata in rrset.rdatas
        ]
        for rrset in (source.soa, source.ns)
        if rrset is not None
    }


def _folded(records: list[Record]) -> set[bytes]:
    return {fold_rdata(record.rtype, record.rdata) for record in records}


def fold_rdata(rtype: int, rdata: bytes) -> bytes:
    """Give rdata with the case of its names gone, for comparing (RFC 4034 section 6.2).

    Length octets of labels are below 64, so lower() leaves them alone. Names in
    types other than those of `target_of` and SOA are compared as they are written.
    """
    if rtype == RRType.SOA:
        return rdata[:-_SOA_NUMBERS].lower() + rdata[-_SOA_NUMBERS:]
    start = _NAME_AT.get(rtype)
    return rdata if start is None else rdata[:start] + rdata[start:].lower()


def target_of(record: Record) -> Name:
    """Give the name at the end of an NS, CNAME, PTR, DNAME, MX or SRV record."""
    return decode_name(record.rdata, _NAME_AT[record.rtype])[0]


def describe(record: Record) -> str:
    """Give owner and type of a record, for a message."""
    return f"{render_name(record.owner)} {render_rtype(record.rtype)}"


def blame(record: Record, what: str) -> Problem:
    """Say that something is wrong with a record, after its owner and type."""
    return Problem(f"{describe(record)} {what}", record.file, record.line)


def where(record: Record) -> str:
    """Give `file:line` of a record that another one clashes with."""
    return f"{record.file}:{record.line}"
