"""Tables of countries made from a few lines, and the country of an address found line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.geo.countries import Provenance
from sparrow.geo.listing import CountryList
from sparrow.values.address import Prefix, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from sparrow.geo.countries import CountryTable

PROVENANCE = Provenance("a test", "2026-08-22", "CC0-1.0")
CODES = ("AU", "CN", "DE", "NL", "ZZ")


def table_of(*lines: str) -> CountryTable:
    """Build the table of lines `prefix country`."""
    return list_of(*lines).build(PROVENANCE)


def list_of(*lines: str) -> CountryList:
    found = CountryList()
    found.extend((line.replace(" ", "\t") for line in lines), "a list")
    return found


def slow_country(lines: Iterable[str], address: bytes) -> str | None:
    """Find the country of an address among lines `prefix country`."""
    best: tuple[int, str] = (-1, "ZZ")
    for line in lines:
        text, country = line.split(" ")
        prefix = parse_prefix(text)
        if prefix.contains(address) and prefix.length > best[0]:
            best = prefix.length, country
    return None if best[1] == "ZZ" else best[1]


def random_lines(chance: Random, count: int) -> list[str]:
    """Give lines of both families with distinct prefixes, many inside each other, unsorted."""
    found: dict[str, str] = {}
    for size, longest in ((4, 32), (16, 64)):
        for _ in range(count):
            length = chance.choice((0, 1, 2, 3, 4, 7, 8, 9, 24, longest - 1, longest))
            bits = chance.choice((0, 5, (1 << length) - 1, chance.getrandbits(length or 1)))
            network = (bits & (1 << length) - 1) << (size * 8 - length)
            found[str(Prefix(network.to_bytes(size, "big"), length))] = chance.choice(CODES)
    lines = [f"{prefix} {country}" for prefix, country in found.items()]
    chance.shuffle(lines)
    return lines


def edges(lines: Iterable[str]) -> list[bytes]:
    """Give the addresses where a prefix begins and ends, and those beside them."""
    found = set()
    for line in lines:
        prefix = parse_prefix(line.split(" ")[0])
        size = len(prefix.network)
        first = int.from_bytes(prefix.network, "big")
        behind = first + (1 << size * 8 - prefix.length)
        found |= {
            number.to_bytes(size, "big")
            for number in (first - 1, first, behind - 1, behind)
            if 0 <= number < 1 << size * 8
        }
    return sorted(found)
