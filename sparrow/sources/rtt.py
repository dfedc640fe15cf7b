"""Tables of measured round-trip times: from text to figures.

Law: a table counts as a whole or not at all, and its order makes no difference; one without
a time counts not at all. Start from `parse_rtts`.

A line is `PREFIX or ASN, SITE, MILLISECONDS`, as `192.0.2.0/24,nl,12.5`. Blank lines and
those that begin with `#` are passed over, and so is a first line that has no digit: the
names of the columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeAlias, TypeVar

from sparrow.config.findings import word_unknown
from sparrow.errors import InputError, Problem, ProblemList
from sparrow.values.address import Prefix, parse_prefix
from sparrow.values.asn import parse_asn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_T = TypeVar("_T")

Rtts: TypeAlias = "tuple[float | None, ...]"
"""Milliseconds to each site, by number; None where nobody has measured."""

_MAX_MS = 60_000
"""Longest time that is believed: a minute is no measurement, but a wrong unit."""
_MILLISECONDS = re.compile(r"\d{1,5}(?:\.\d{1,12})?", re.ASCII)
_MAX_SHOWN = 60
"""Characters of a wrong line that are shown."""


@dataclass(frozen=True, slots=True)
class RttTable:
    """Round-trip times to some sites. Only read once made."""

    sites: tuple[str, ...]
    """Names of the sites, by number."""
    prefixes: Mapping[Prefix, Rtts]
    """From each prefix of clients."""
    asns: Mapping[int, Rtts]
    """From each AS of clients."""


def parse_rtts(lines: Iterable[str], file: str, sites: Sequence[str]) -> RttTable:
    """Read a table of times to `sites`, which have their numbers by order.

    Raises `InputError` with what is wrong; `file` is named in it.
    """
    reading = _Reading({site: number for number, site in enumerate(sites)})
    is_first = True
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] == "#":
            continue
        if not is_first or any(character.isdigit() for character in text):
            try:
                reading.take(text)
            except InputError as error:
                reading.problems.append(Problem(error.problems[0].what, file, number))
        is_first = False
    if not reading.problems and not reading.prefixes and not reading.asns:
        what = (
            "the file holds no time; an empty table would rank every client by something else: "
            "leave the file out of the configuration if that is meant"
        )
        reading.problems.append(Problem(what, file))
    if reading.problems:
        raise InputError(reading.problems)
    return RttTable(tuple(sites), _freeze(reading.prefixes), _freeze(reading.asns))


class _Reading:
    """What has been read so far."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self.numbers = numbers
        self.prefixes: dict[Prefix, list[float | None]] = {}
        self.asns: dict[int, list[float | None]] = {}
        self.problems = ProblemList()

    def take(self, text: str) -> None:
        """Take a line. Raises `InputError` without a place."""
        fields = [field.strip() for field in text.split(",")]
        if len(fields) != 3:
            _refuse(
                "write `PREFIX or ASN, SITE, MILLISECONDS`, such as 192.0.2.0/24,nl,12.5: "
                f"{text[:_MAX_SHOWN]!r}"
            )
        clients, site, milliseconds = fields
        figures = self._figures_of(clients)
        number = self.numbers.get(site)
        if number is None:
            _refuse(word_unknown("site", site, list(self.numbers)))
        if figures[number] is not None:
            _refuse(f"{clients} has a time to {site!r} already: keep one")
        figures[number] = _parse_milliseconds(milliseconds)

    def _figures_of(self, clients: str) -> list[float | None]:
        nothing: list[float | None] = [None] * len(self.numbers)
        if ":" in clients or "/" in clients or clients.count(".") > 1:
            return self.prefixes.setdefault(parse_prefix(clients), nothing)
        return self.asns.setdefault(parse_asn(clients), nothing)


def _parse_milliseconds(text: str) -> float:
    if _MILLISECONDS.fullmatch(text) and float(text) <= _MAX_MS:
        return float(text)
    what = f"{text[:_MAX_SHOWN]!r} is no time: write milliseconds, 0 to {_MAX_MS}"
    raise InputError([Problem(what)])


def _refuse(what: str) -> NoReturn:
    raise InputError([Problem(what)])


def _freeze(rows: dict[_T, list[float | None]]) -> dict[_T, Rtts]:
    return {clients: tuple(figures) for clients, figures in rows.items()}
