"""A few changes worked into a table of a million rows.

Law: what lies between the changes is copied, and never looked at. Start from `fold`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from sparrow.rib.snapshot import FamilyTable
from sparrow.values.address import IPV4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GONE = 2**32 - 1
"""Stands for no route; no table has as many."""
_WORD = 2**64 - 1


def number_rows(table: FamilyTable) -> Iterator[tuple[int, int]]:
    """Give each row as (prefix, route index), ascending.

    A prefix is one number here: the network, with the length in the lowest octet.
    """
    for network, length, route in table.rows():
        yield network << 8 | length, route


def find_route(table: FamilyTable, prefix: int) -> int:
    """Give the index of the route to a prefix, a number as `number_rows` gives it, or `GONE`."""
    words = _words(table.family, prefix)
    row = table.row_behind(words, 0, len(table)) - 1
    return table.routes[row] if row >= 0 and table.key(row) == words else GONE


def fold(table: FamilyTable, changes: Mapping[int, int]) -> FamilyTable:
    """Give a table in which some prefixes have other routes, or none, as `GONE` says.

    `changes` are route indices by prefix, a number as `number_rows` gives it. Without any
    the table is given as it is.
    """
    if not changes:
        return table
    columns = (*table.networks, table.lengths, table.routes)
    after = tuple(array(column.typecode) for column in columns)
    at = 0
    for prefix in sorted(changes):
        words = _words(table.family, prefix)
        behind = table.row_behind(words, at, len(table))
        is_there = behind > at and table.key(behind - 1) == words
        for new, old in zip(after, columns, strict=True):
            new.extend(old[at : behind - is_there])
        if changes[prefix] != GONE:
            for new, word in zip(after, (*words, changes[prefix]), strict=True):
                new.append(word)
        at = behind
    for new, old in zip(after, columns, strict=True):
        new.extend(old[at:])
    *networks, lengths, routes = after
    return FamilyTable(table.family, tuple(networks), lengths, routes)


def _words(family: int, prefix: int) -> tuple[int, ...]:
    """Give what the rows of a table are sorted by."""
    network, length = prefix >> 8, prefix & 0xFF
    return (network, length) if family == IPV4 else (network >> 64, network & _WORD, length)
