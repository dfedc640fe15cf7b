"""Databases in MaxMind's format: from the octets of a file to the place of every address.

Law: what is read is a whole table or an error; memory and time are bounded by the size of
the file. Start from `decode_mmdb`.

The library decodes the metadata and each record once. The tree is walked here, because the
library's own walk decodes a record for every network that has it: minutes for a database of
cities, instead of seconds.

A client counts by the place of its city; where the record names none, by the centre of its
country's population, since the coordinates that go with a country alone are the middle of
its territory. A tenth of a degree is as fine as places are told apart.
"""

from __future__ import annotations

import io
import sys
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from maxminddb import MODE_FD, InvalidDatabaseError, open_database
from maxminddb.decoder import Decoder

from sparrow.errors import InputError, Problem
from sparrow.geo.countries import NOWHERE, UNIT_BITS, WORDS, Provenance, Stretches, is_code
from sparrow.geo.places import Place, PlaceTable
from sparrow.values.address import FAMILIES, IPV4, IPV6

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maxminddb.reader import Metadata

_SEPARATOR_OCTETS = 16
"""Between the tree and the records."""
_V4_DEPTH = 96
"""In a tree of IPv6 addresses those of IPv4 lie below ::/96, and other blocks lead there, too."""
_COUNTRY_KEYS = ("country", "country_code", "registered_country")
"""Where a record has its country: MaxMind's own keys, and what others have instead."""
_FINER_KEYS = ("city", "postal", "subdivisions")
"""What a record has, one of them at least, whose coordinates are finer than its country."""
_DECIMALS = 1
"""Of degrees: 11 km, and in these databases a place is seldom known better than to 20."""
_MARKER = b"\xab\xcd\xefMaxMind.com"
"""What stands before the metadata, by the description of the format."""
_VISITS = 4
"""Times that a node may be met on average: some writers share what is equal, circles never end."""
_FAULTS = (InvalidDatabaseError, ValueError, TypeError, LookupError, OverflowError, OSError)
"""What comes of octets that are no database, or of a damaged one."""


def decode_mmdb(octets: bytes, file: str) -> PlaceTable:
    """Read a database. Raises `InputError`, which names `file`."""
    try:
        metadata = _decode_metadata(octets)
        return _build_table(octets, metadata, file)
    except _FAULTS as error:
        what = f"this is no database in MaxMind's format, or a damaged one: {error}"
        raise InputError([Problem(what, file)]) from None


def _decode_metadata(octets: bytes) -> Metadata:
    try:
        with open_database(io.BytesIO(octets), MODE_FD) as reader:
            return reader.metadata()
    except InvalidDatabaseError:
        if _MARKER in octets:
            raise
        # The library's own words are of the object that it reads from.
        raise ValueError("the mark that such a file has near its end is missing") from None


def _build_table(octets: bytes, metadata: Metadata, file: str) -> PlaceTable:
    tree = _Tree(metadata.node_count, _list_records(octets, metadata))
    is_of_both = metadata.ip_version == 6
    v4_root = tree.find_v4_root() if is_of_both else 0
    walks = {
        IPV4: _Walk(tree, v4_root),
        IPV6: _Walk(tree, 0, v4_root) if is_of_both else _Walk(tree, tree.nodes),
    }
    found = {family: walk.list_stretches(UNIT_BITS[family]) for family, walk in walks.items()}
    numbers = sorted({record for _, records in found.values() for record in records})
    codes, places = _decode_places(octets, metadata, numbers)
    if places == [Place()]:
        what = "this database tells neither countries nor places: take one that does"
        raise InputError([Problem(what, file)])
    v4, v6 = (_join(family, *found[family], codes) for family in FAMILIES)
    built = datetime.fromtimestamp(metadata.build_epoch, UTC).date().isoformat()
    return PlaceTable(Provenance(_line(metadata.database_type), built, ""), tuple(places), v4, v6)


def _line(text: Any) -> str:
    """Give a text of the database without what would move a terminal when it is shown."""
    return "".join(each if each.isprintable() else "?" for each in str(text)[:80])


# --- the tree ---


def _list_records(octets: bytes, metadata: Metadata) -> array[int]:
    """Give both records of every node, one behind the other, as `array("I")`."""
    size = metadata.search_tree_size
    tree, width = octets[:size], metadata.record_size // 4
    words = bytearray(8 * metadata.node_count)
    if metadata.record_size == 28:
        # The octet in the middle has the highest bits of the left record, then of the right.
        middle = tree[3::7]
        words[0::8] = middle.translate(bytes(octet >> 4 for octet in range(256)))
        words[4::8] = middle.translate(bytes(octet & 15 for octet in range(256)))
        for place, octet in ((1, 0), (2, 1), (3, 2), (5, 4), (6, 5), (7, 6)):
            words[place::8] = tree[octet::7]
    else:
        half = width // 2
        for place in range(half):
            words[4 - half + place :: 8] = tree[place::width]
            words[8 - half + place :: 8] = tree[half + place :: width]
    records = array("I", bytes(words))
    if sys.byteorder == "little":
        records.byteswap()
    return records


@dataclass(frozen=True, slots=True)
class _Tree:
    nodes: int
    """How many there are; a record with this number is empty, one above it leads to data."""
    records: array[int]
    """Two for each node: where bit 0 leads to, and where bit 1 does."""

    def find_v4_root(self) -> int:
        """Give what ::/96 leads to: a node, or a record."""
        record = 0
        for _ in range(_V4_DEPTH):
            if record >= self.nodes:
                break
            record = self.records[2 * record]
        return record


@dataclass(frozen=True, slots=True)
class _Walk:
    tree: _Tree
    root: int
    """Where to begin: a node, or a record."""
    passed_over: int = -1
    """The node that is not entered; -1 for none."""

    def list_stretches(self, bits: int) -> tuple[list[int], list[int]]:
        """Give first units and records of the stretches below the root, `bits` deep.

        Of what is finer than a unit the record of its first address counts. Neighbours
        have different records. Raises `ValueError` where the nodes are no tree.
        """
        nodes, records = self.tree.nodes, self.tree.records
        passed_over = self.passed_over if self.passed_over < nodes else -1
        starts: list[int] = []
        found: list[int] = []
        left = _VISITS * nodes
        waiting = [(self.root, 0, bits)]
        while waiting:
            record, start, below = waiting.pop()
            while record < nodes and record != passed_over:
                left -= 1
                if left < 0:
                    raise ValueError("its nodes lead in circles")
                if below:
                    below -= 1
                    waiting.append((records[2 * record + 1], start | 1 << below, below))
                record = records[2 * record]
            value = max(nodes, record)
            if not found or found[-1] != value:
                starts.append(start)
                found.append(value)
        return starts, found


# --- the records ---


def _decode_places(
    octets: bytes, metadata: Metadata, records: Iterable[int]
) -> tuple[dict[int, int], list[Place]]:
    """Give the number of each record's place, and the places; the first is unknown."""
    begin = metadata.search_tree_size
    decoder = Decoder(octets, begin + _SEPARATOR_OCTETS)
    numbers = {Place(): 0}
    codes = {metadata.node_count: 0}
    for record in records:
        if record != metadata.node_count:
            content, _ = decoder.decode(begin + record - metadata.node_count)
            codes[record] = numbers.setdefault(_read_place(content), len(numbers))
    return codes, list(numbers)


def _read_place(content: Any) -> Place:
    """Give what a record tells; nothing of it need be there."""
    if not isinstance(content, dict):
        return Place()
    codes = (_read_country(content.get(key)) for key in _COUNTRY_KEYS)
    country = next(filter(None, codes), NOWHERE)
    is_finer = country == NOWHERE or any(content.get(key) for key in _FINER_KEYS)
    location = _read_location(content.get("location", content)) if is_finer else None
    return Place(country, location)


def _read_country(content: Any) -> str:
    code = content.get("iso_code") if isinstance(content, dict) else content
    return code if isinstance(code, str) and is_code(code) else NOWHERE


def _read_location(content: Any) -> tuple[float, float] | None:
    if not isinstance(content, dict):
        return None
    latitude, longitude = content.get("latitude"), content.get("longitude")
    if not isinstance(latitude, float | int) or not isinstance(longitude, float | int):
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    return round(latitude, _DECIMALS), round(longitude, _DECIMALS)


def _join(family: int, starts: list[int], records: list[int], codes: dict[int, int]) -> Stretches:
    """Give the stretches of a family, neighbours of one place joined."""
    units, numbers = array(WORDS[family]), array("I")
    for start, record in zip(starts, records, strict=True):
        number = codes[record]
        if not numbers or numbers[-1] != number:
            units.append(start)
            numbers.append(number)
    return Stretches(units, numbers)
