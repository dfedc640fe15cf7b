"""Routing tables as dictionaries, made at random: what a snapshot and a RIB are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from sparrow.rib.route import Route, parse_route
from sparrow.values.address import BITS, Prefix, truncate

if TYPE_CHECKING:
    from random import Random

ROUTES = tuple(map(parse_route, ("1", "2", "64600 64601", "1_2", "1,2", "4294967295")))


def longest_match(table: dict[Prefix, Route], address: bytes) -> tuple[Prefix, Route] | None:
    """Look through a whole table for the most specific prefix around an address."""
    hits = [prefix for prefix in table if prefix.contains(address)]
    best = max(hits, key=lambda prefix: prefix.length, default=None)
    return (best, table[best]) if best else None


def random_prefix(random: Random, family: int) -> Prefix:
    """Give a prefix that often nests in others: few distinct octets, any length."""
    address = bytes(random.choice((0, 1, 10, 127, 128, 255)) for _ in range(BITS[family] // 8))
    length = random.randint(0, BITS[family])
    return Prefix(truncate(address, length), length)


def random_table(random: Random, size: int) -> dict[Prefix, Route]:
    """Give a table of up to `size` prefixes of both families, in no order."""
    prefixes = [random_prefix(random, random.choice((4, 6))) for _ in range(size)]
    return {prefix: random.choice(ROUTES) for prefix in prefixes}


@st.composite
def prefixes(draw: st.DrawFn) -> Prefix:
    family = draw(st.sampled_from((4, 6)))
    size = BITS[family] // 8
    address = draw(st.lists(st.sampled_from((0, 1, 128, 255)), min_size=size, max_size=size))
    length = draw(st.integers(0, BITS[family]))
    return Prefix(truncate(bytes(address), length), length)


def tables() -> st.SearchStrategy[dict[Prefix, Route]]:
    return st.dictionaries(prefixes(), st.sampled_from(ROUTES), max_size=12)
