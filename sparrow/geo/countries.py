"""The country of every address, and the tree of JSON that it is kept as.

Law: a table tells of the whole address space, in stretches that follow each other from the
first address on; it never changes once it is made. Start from `CountryTable`;
`docs/country-table.md` defines the tree.

Addresses are counted in *units*: IPv4 by one, IPv6 by /64, since no registry gives less
than that to anybody.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from sparrow.errors import InputError, Problem
from sparrow.values.address import IPV4, IPV6, family_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNIT_BITS = {IPV4: 32, IPV6: 64}
"""Leading bits of an address that tell its unit, by family."""
WORDS = {IPV4: "I", IPV6: "Q"}
"""Array type of units, by family."""
NOWHERE = ""
"""Code of addresses that no country is known of."""
MAX_CODES = 256
"""Codes of a table, `NOWHERE` included: a number has one octet. ISO 3166-1 has 249."""
_VERSION = 1
_CODE = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Stretches:
    """The stretches of one family: neighbours have different countries. Only read once made."""

    starts: array[int]
    """First unit of each, ascending from 0: `array("I")` for IPv4, `array("Q")` for IPv6."""
    numbers: array[int]
    """`array("B")`: beside each the number of its country, an index into `CountryTable.codes`."""

    def __len__(self) -> int:
        """Count the stretches."""
        return len(self.starts)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a table comes from."""

    source: str
    """Who made it, or the files that it was read from."""
    date: str
    """The day that it was made or changed, as 2026-08-22."""
    licence: str
    """The licence of what it was made of; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class CountryTable:
    """The country of every address of both families."""

    provenance: Provenance
    """Where it comes from."""
    codes: tuple[str, ...]
    """Codes of ISO 3166-1 alpha-2 by number; the first is `NOWHERE`, the others ascend."""
    v4: Stretches
    """IPv4."""
    v6: Stretches
    """IPv6. Blocks that wrap IPv4 addresses mean nothing here: unwrap an address first."""

    def of_family(self, family: int) -> Stretches:
        """Give the stretches of family 4 or 6."""
        return self.v4 if family == IPV4 else self.v6

    def country_of(self, address: bytes) -> str | None:
        """Give the code of a packed address; None where no country is known of it."""
        family = family_of(address)
        stretches = self.of_family(family)
        unit = int.from_bytes(address[: UNIT_BITS[family] // 8], "big")
        number = stretches.numbers[bisect_right(stretches.starts, unit) - 1]
        return self.codes[number] or None


def join_sizes(family: int, sizes: array[int], numbers: array[int]) -> Stretches:
    """Make the stretches of a family from the units of each but the last.

    The last one goes to the end of the address space. Raises `ValueError` where there is no
    room for it, one is empty, or there are not as many numbers as stretches.
    """
    if len(sizes) + 1 != len(numbers):
        raise ValueError(f"there are {len(sizes)} sizes for {len(numbers)} countries")
    if 0 in sizes:
        raise ValueError("a stretch is empty")
    try:
        return Stretches(array(WORDS[family], accumulate(sizes, initial=0)), numbers)
    except OverflowError:
        raise ValueError("the stretches are longer than the address space") from None


def build_tree(table: CountryTable) -> dict[str, Any]:
    """Give the tree that a table is kept as."""
    return {
        "version": _VERSION,
        "source": table.provenance.source,
        "date": table.provenance.date,
        "licence": table.provenance.licence,
        "codes": list(table.codes),
        "v4": _tree_of(IPV4, table.v4),
        "v6": _tree_of(IPV6, table.v6),
    }


def _tree_of(family: int, stretches: Stretches) -> dict[str, str]:
    starts = stretches.starts
    sizes = array(WORDS[family], (end - start for start, end in pairwise(starts)))
    return {
        "sizes": _swap_on_little_endian(sizes).tobytes().hex(),
        "codes": stretches.numbers.tobytes().hex(),
    }


def _swap_on_little_endian(words: array[int]) -> array[int]:
    """Turn words between the machine's byte order and the network's, in place."""
    if sys.byteorder == "little":
        words.byteswap()
    return words


def parse_tree(tree: Any, file: str) -> CountryTable:
    """Read what `build_tree` made. Raises `InputError`, which names `file`, for anything else."""
    try:
        _check_version(tree["version"])
        provenance = Provenance(*(_text(tree[key]) for key in ("source", "date", "licence")))
        codes = _check_codes(tree["codes"])
        v4, v6 = (
            _parse_stretches(family, tree[f"v{family}"], len(codes)) for family in (IPV4, IPV6)
        )
    except (KeyError, TypeError, ValueError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        what = f"this is no table of countries ({why}): make one with `sparrow geo update`"
        raise InputError([Problem(what, file)]) from None
    return CountryTable(provenance, codes, v4, v6)


def _check_version(version: Any) -> None:
    if version != _VERSION:
        raise ValueError(f"its version is {version!r}, not {_VERSION}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is something else")
    if not value.isprintable():
        raise ValueError("a text has characters that cannot be shown")
    return value


def _check_codes(codes: Any) -> tuple[str, ...]:
    """Give the codes, if they are `NOWHERE` and then codes of countries, each once."""
    known = tuple(map(_text, codes))
    countries = known[1:]
    if (
        known[:1] != (NOWHERE,)
        or len(known) > MAX_CODES
        or countries != tuple(sort_codes(countries))
    ):
        raise ValueError("its codes are not those of countries, in ascending order")
    return known


def sort_codes(codes: Iterable[str]) -> list[str]:
    """Give each code once, ascending. Raises `ValueError` where one is not two capitals."""
    found = sorted(set(codes))
    for code in found:
        if not is_code(code):
            raise ValueError(f"{code!r} is not the code of a country")
    return found


def is_code(text: str) -> bool:
    """Tell whether a text looks like a code of ISO 3166-1 alpha-2."""
    return _CODE.fullmatch(text) is not None


def _parse_stretches(family: int, tree: Mapping[str, Any], codes: int) -> Stretches:
    numbers = array("B", bytes.fromhex(_text(tree["codes"])))
    if max(numbers, default=0) >= codes:
        raise ValueError("a stretch has a country that is not among its codes")
    sizes = array(WORDS[family], bytes.fromhex(_text(tree["sizes"])))
    return join_sizes(family, _swap_on_little_endian(sizes), numbers)
