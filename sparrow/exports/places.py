"""What each client address gets of a service, by a plan: both families of answers at once.

Law: every address of a family lies in exactly one stretch, and neighbours differ. A
special-purpose address is taken as the source of a query, so it has the class that the
map notes beside its mark. Start from `SiteMap`.
"""

from __future__ import annotations

from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from sparrow.errors import InputError, Problem
from sparrow.plan.format import NOWHERE
from sparrow.plan.lookup import read_outcome
from sparrow.policy.intervals import SPECIAL, WRAPPED
from sparrow.values.address import BITS, FAMILIES, IPV4

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.plan.plan import MapFile, Plan

WRAPPED_PLACE = -1
"""Place of the addresses that wrap IPv4: they have that of the address inside."""
_CLASS = SPECIAL - 1
_LOW_32 = 2**32 - 1


class Place(NamedTuple):
    """What some clients get."""

    site: str | None
    """Name of the site that `sparrow lookup` shows; None where there is no address to give."""
    order: tuple[str, ...]
    """That site, then the others in the order in which they are tried."""
    vips: tuple[bytes, ...]
    """Packed addresses that are given, IPv4 first."""


class Stretch(NamedTuple):
    """Neighbouring addresses with one place."""

    start: int
    """First address."""
    end: int
    """First address behind it."""
    place: int
    """Number of the place, or `WRAPPED_PLACE`."""


class SiteMap:
    """The places of a service. The outcomes are read when it is made, the maps as it is used."""

    def __init__(self, plan: Plan, service: str) -> None:
        """Read the outcomes of a service. Raises `InputError` where the plan has none."""
        self._maps: list[MapFile | None] = []
        self._parts: list[list[Place]] = []
        for family in FAMILIES:
            number = _find_policy(plan, service, family)
            map_number = plan.answers.policy(number).map_number
            self._maps.append(None if map_number == NOWHERE else plan.maps[map_number])
            self._parts.append(_read_parts(plan, number))
        self._numbers: dict[tuple[int, int], int] = {}
        self._places: dict[Place, int] = {}
        # Formats want to know every place before they write of the first.
        for family in FAMILIES:
            for _ in self.stretches(family):
                pass

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place that there is, by number."""
        return tuple(self._places)

    @property
    def has_wrapped(self) -> bool:
        """Tell whether there are stretches of `WRAPPED_PLACE`."""
        return any(each is not None for each in self._maps)

    def stretches(self, family: int) -> Iterator[Stretch]:
        """Give the stretches of a family of client addresses, ascending."""
        start, present = 0, None
        for at, codes in _walk_pairs(self._maps, family):
            number = self._number(codes)
            if number != present:
                if present is not None:
                    yield Stretch(start, at, present)
                start, present = at, number
        if present is not None:
            yield Stretch(start, 1 << BITS[family], present)

    def _number(self, codes: tuple[int, int]) -> int:
        number = self._numbers.get(codes)
        if number is None:
            if any(code & WRAPPED for code in codes):
                number = WRAPPED_PLACE
            else:
                v4, v6 = (code & _CLASS for code in codes)
                place = _join_parts(self._parts[0][v4], self._parts[1][v6])
                number = self._places.setdefault(place, len(self._places))
            self._numbers[codes] = number
        return number


def _find_policy(plan: Plan, service: str, family: int) -> int:
    policies = plan.answers.meta.policies
    for number, policy in enumerate(policies):
        if (policy.service, policy.family) == (service, family):
            return number
    known = ", ".join(dict.fromkeys(each.service for each in policies)) or "none"
    raise InputError([Problem(f"there is no service {service!r}: the services are {known}")])


def _read_parts(plan: Plan, number: int) -> list[Place]:
    """Give what each class of a policy gets now, of its family of addresses alone."""
    answers = plan.answers
    policy, meta = answers.policy(number), answers.meta.policies[number]
    found = []
    for class_number, order in enumerate(meta.classes):
        site = read_outcome(plan, policy, class_number).site
        part = answers.part(meta.first_part + site) if site is not None else None
        if site is None or part is None or part.address_count == 0:
            found.append(Place(None, (), ()))
            continue
        ends = range(part.at, part.at + part.address_count * part.size, part.size)
        vips = tuple(bytes(answers.rdata[at : at + part.size]) for at in ends)
        names = dict.fromkeys(answers.meta.sites[each] for each in (site, *order))
        found.append(Place(answers.meta.sites[site], tuple(names), vips))
    return found


def _join_parts(v4: Place, v6: Place) -> Place:
    """Join what is given of both families; the site is that of IPv4, as a look-up has it."""
    leading = v6 if v4.site is None else v4
    return Place(leading.site, leading.order, v4.vips + v6.vips)


def _walk_pairs(maps: list[MapFile | None], family: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Give where something changes in either of two maps, with the codes of both from there on."""
    first, second = maps
    if first is second:
        for start, code in _walk(first, family):
            yield start, (code, code)
        return
    codes = [0, 0]
    both = merge(_tag(0, first, family), _tag(1, second, family))
    for start, changes in groupby(both, itemgetter(0)):
        for _, side, code in changes:
            codes[side] = code
        yield start, (codes[0], codes[1])


def _tag(side: int, source: MapFile | None, family: int) -> Iterator[tuple[int, int, int]]:
    return ((start, side, code) for start, code in _walk(source, family))


def _walk(source: MapFile | None, family: int) -> Iterator[tuple[int, int]]:
    """Give first address and code of each interval; without a map all is of class 0."""
    if source is None:
        yield 0, 0
    elif family == IPV4:
        for word in source.v4_words:
            yield word >> 32, word & _LOW_32
    else:
        for high, low, code in zip(source.v6_high, source.v6_low, source.v6_codes, strict=True):
            yield high << 64 | low, code
