"""From a list of prefixes and countries to the country of every address.

Law: the list counts as a whole or not at all, and its order makes no difference. Of
prefixes inside each other the most specific one counts; of several countries of one
prefix, as registries give to one in 500, the first by alphabet, for want of anything
better. Start from `CountryList`.

A line is `prefix TAB country`, as `192.0.2.0/24<TAB>NL`. Blank lines and those that begin
with `#` are passed over. `ZZ`, which registries write, is no country.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from sparrow.errors import InputError, Problem, ProblemList
from sparrow.geo.countries import (
    MAX_CODES,
    NOWHERE,
    UNIT_BITS,
    WORDS,
    CountryTable,
    Provenance,
    Stretches,
    is_code,
)
from sparrow.values.address import FAMILIES, family_of, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_UNKNOWN = "ZZ"
_MAX_SHOWN = 60
"""Characters of a wrong line that are shown."""


class CountryList:
    """Collects lines of any number of files, then builds once. Mutable."""

    def __init__(self) -> None:
        self._countries: dict[int, dict[tuple[int, int], str]] = {each: {} for each in FAMILIES}
        self._problems = ProblemList()
        self._contested: set[tuple[int, tuple[int, int]]] = set()
        self.finer = 0
        """Lines that were left out, as their prefix of IPv6 is longer than /64."""

    @property
    def contested(self) -> int:
        """Count the prefixes that several countries were given for."""
        return len(self._contested)

    def count(self, family: int) -> int:
        """Count the distinct prefixes of a family."""
        return len(self._countries[family])

    def extend(self, lines: Iterable[str], file: str) -> None:
        """Take the lines of a file; what is wrong with them is told by `build`."""
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if text and text[0] != "#":
                try:
                    self._take(*_parse_line(text))
                except InputError as error:
                    self._problems.append(Problem(error.problems[0].what, file, number))

    def _take(self, family: int, place: tuple[int, int], country: str) -> None:
        if place[1] > UNIT_BITS[family]:
            self.finer += 1
            return
        countries = self._countries[family]
        known = countries.setdefault(place, country)
        if known != country:
            self._contested.add((family, place))
            countries[place] = min(known or country, country or known)

    def build(self, provenance: Provenance) -> CountryTable:
        """Give the table. Raises `InputError` with all that is wrong."""
        if self._problems:
            raise InputError(self._problems)
        missing = [family for family in FAMILIES if not self._countries[family]]
        if missing:
            families = " and no ".join(f"IPv{family}" for family in missing)
            what = f"there is no {families} prefix: give the lists of both families together"
            raise InputError([Problem(what)])
        found = {country for each in self._countries.values() for country in each.values()}
        codes = (NOWHERE, *sorted(found - {NOWHERE}))
        if len(codes) > MAX_CODES:
            what = f"there are {len(codes) - 1} countries, which are more than there can be"
            raise InputError([Problem(what)])
        v4, v6 = (_join(family, self._countries[family], codes) for family in FAMILIES)
        return CountryTable(provenance, codes, v4, v6)


def _join(family: int, countries: Mapping[tuple[int, int], str], codes: Sequence[str]) -> Stretches:
    numbers = {code: number for number, code in enumerate(codes)}
    starts, found = [0], [0]
    for start, country in _sweep(UNIT_BITS[family], sorted(countries.items())):
        if starts[-1] == start:
            # What begins later at the same unit is more specific, or comes behind what ended.
            starts.pop()
            found.pop()
        if not found or found[-1] != numbers[country]:
            starts.append(start)
            found.append(numbers[country])
    return Stretches(array(WORDS[family], starts), array("B", found))


def _parse_line(text: str) -> tuple[int, tuple[int, int], str]:
    """Give family, (first unit, length) and country. Raises `InputError`."""
    prefix_text, tab, country = text.partition("\t")
    country = country.strip().upper()
    if not tab or not is_code(country):
        what = f"write `prefix TAB country`, as 192.0.2.0/24<TAB>NL: {text[:_MAX_SHOWN]!r}"
        raise InputError([Problem(what)])
    prefix = parse_prefix(prefix_text.strip())
    family = family_of(prefix.network)
    unit = int.from_bytes(prefix.network[: UNIT_BITS[family] // 8], "big")
    return family, (unit, prefix.length), NOWHERE if country == _UNKNOWN else country


def _sweep(bits: int, rows: Iterable[tuple[tuple[int, int], str]]) -> Iterator[tuple[int, str]]:
    """Give the units where a block begins or ends, ascending, and the country from there on.

    Rows are ((first unit, length), country), sorted. Where several come at one unit the last
    one counts.
    """
    whole = 1 << bits
    around = [(whole, NOWHERE)]
    for (network, length), country in [*rows, ((whole, bits), NOWHERE)]:
        while around[-1][0] <= min(network, whole - 1):
            end, _ = around.pop()
            yield end, around[-1][1]
        if network < whole:
            around.append((network + (whole >> length), country))
            yield network, country
