"""Where every address is, as well as it is known.

Law: a table tells of the whole address space, in stretches that follow each other from the
first address on, and never changes once it is made. Start from `PlaceTable`.

Addresses are counted in units, as in `sparrow.geo.countries`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sparrow.geo.countries import NOWHERE, UNIT_BITS
from sparrow.values.address import IPV4, family_of

if TYPE_CHECKING:
    from sparrow.geo.countries import CountryTable, Provenance, Stretches


class Place(NamedTuple):
    """What is known of where an address is."""

    country: str = NOWHERE
    """Code of ISO 3166-1 alpha-2; `NOWHERE` where none is known."""
    location: tuple[float, float] | None = None
    """Latitude, north positive, and longitude, east positive, in degrees; None where at most
    the country is known."""


@dataclass(frozen=True, slots=True)
class PlaceTable:
    """The place of every address of both families."""

    provenance: Provenance
    """Where it comes from."""
    places: tuple[Place, ...]
    """By number."""
    v4: Stretches
    """IPv4; numbers are indices into `places`."""
    v6: Stretches
    """IPv6. Blocks that wrap IPv4 addresses mean nothing here: unwrap an address first."""

    def of_family(self, family: int) -> Stretches:
        """Give the stretches of family 4 or 6."""
        return self.v4 if family == IPV4 else self.v6

    def place_of(self, address: bytes) -> Place:
        """Give what is known of a packed address."""
        family = family_of(address)
        stretches = self.of_family(family)
        unit = int.from_bytes(address[: UNIT_BITS[family] // 8], "big")
        return self.places[stretches.numbers[bisect_right(stretches.starts, unit) - 1]]


def places_of(table: CountryTable) -> PlaceTable:
    """Give a table of countries as one of places, which shares its stretches."""
    places = tuple(Place(code) for code in table.codes)
    return PlaceTable(table.provenance, places, table.v4, table.v6)
