"""Tables with the fewest lines: against every table there is, where those can be counted."""

from __future__ import annotations

from array import array
from functools import cache
from itertools import product
from random import Random
from typing import TYPE_CHECKING

import pytest
from slowmap import SlowMap, random_rows
from threesites import SITE_SET, table

from sparrow.policy.aggregate import aggregate, aggregate_table
from sparrow.policy.intervals import sweep_plain
from sparrow.policy.preference import build_finder
from sparrow.policy.site import SiteSet
from sparrow.policy.steering import build_base_map
from sparrow.rib.snapshot import FamilyTable
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat
from sparrow.values.address import BITS, IPV4, IPV6, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slowmap import Row

ANSWERS = (0, 1, 2)


def table_of(family: int, rows: Iterable[Row]) -> FamilyTable:
    ordered = sorted(rows)
    numbers = [row[0] for row in ordered]
    columns = (
        (array("I", numbers),)
        if family == IPV4
        else (array("Q", [n >> 64 for n in numbers]), array("Q", [n % 2**64 for n in numbers]))
    )
    lengths = array("B", [row[1] for row in ordered])
    return FamilyTable(family, columns, lengths, array("I", [row[2] for row in ordered]))


def blocks_of(text: str, depth: int) -> list[tuple[int, int]]:
    """Give the block `text` and all its parts, cut in halves `depth` times."""
    prefix = parse_prefix(text)
    network, bits = int.from_bytes(prefix.network, "big"), BITS[prefix.family]
    return [
        (network | part << bits - prefix.length - level, prefix.length + level)
        for level in range(depth + 1)
        for part in range(1 << level)
    ]


def list_tables(family: int, region: str) -> dict[tuple[object, ...], list[list[Row]]]:
    """Give every table of a region of four addresses, by what it answers to each of them."""
    blocks = blocks_of(region, 2)
    found: dict[tuple[object, ...], list[list[Row]]] = {}
    for routes in product((None, *ANSWERS), repeat=len(blocks)):
        rows = [(*block, r) for block, r in zip(blocks, routes, strict=True) if r is not None]
        slow = SlowMap(family, rows)
        answered = tuple(slow.find(blocks[0][0] + step) for step in range(4))
        found.setdefault(answered, []).append(rows)
    return found


def test_of_all_tables_of_four_addresses_none_is_shorter() -> None:
    rng = Random(1)
    for answered, tables in list_tables(IPV4, "20.0.0.0/30").items():
        fewest = min(map(len, tables))
        for rows in rng.sample(tables, min(3, len(tables))):
            lines = list(aggregate(table_of(IPV4, rows), ANSWERS))
            assert fewest == len(lines)
            slow = SlowMap(IPV4, lines)
            assert answered == tuple(slow.find((20 << 24) + step) for step in range(4))


@pytest.mark.parametrize(
    ("family", "region"),
    [
        (IPV4, "192.88.99.0/30"),  # its third address is a special block of its own
        (IPV6, "::/126"),  # the first two addresses are two of them
    ],
)
def test_what_is_special_stays_so_and_what_is_not_does_too(family: int, region: str) -> None:
    rng = Random(region)
    first = blocks_of(region, 0)[0][0]
    for answered, tables in list_tables(family, region).items():
        rows = rng.choice(tables)
        lines = list(aggregate(table_of(family, rows), ANSWERS))
        slow = SlowMap(family, lines)
        assert answered == tuple(slow.find(first + step) for step in range(4))
        assert len(lines) <= len(rows)


def count_fewest(rows: list[Row], blocks: list[tuple[int, int]]) -> int:
    """Count the lines of the shortest table by its definition: try every line at every block."""
    whole = SlowMap(IPV4, rows)
    last = blocks[-1][1]

    @cache
    def cost(network: int, length: int, given: int | None) -> float:
        return min(
            (line != given) + below(network, length, line) for line in {given, *ANSWERS}
        )  # a line of None would be needed to take an answer back, and there is none

    @cache
    def below(network: int, length: int, given: int | None) -> float:
        if length == last:
            return 0 if whole.find(network)[2] == given else float("inf")
        half = network | 1 << 31 - length
        return cost(network, length + 1, given) + cost(half, length + 1, given)

    return int(cost(*blocks[0], None))


@pytest.mark.parametrize("seed", range(60))
def test_random_tables_get_as_short_as_their_definition_allows(seed: int) -> None:
    rng = Random(seed)
    blocks = blocks_of("20.0.0.0/26", 6)
    picked = rng.sample(blocks, rng.randrange(1, rng.choice((8, 40, 100))))
    rows = [(*block, rng.choice(ANSWERS)) for block in picked]
    rows += [(*blocks[0], 1)] * (seed % 2 and blocks[0] not in picked)
    lines = list(aggregate(table_of(IPV4, rows), ANSWERS))
    assert count_fewest(rows, blocks) == len(lines)
    before, after = SlowMap(IPV4, rows), SlowMap(IPV4, lines)
    addresses = range(blocks[0][0] - 1, blocks[0][0] + 65)
    assert list(map(before.find, addresses)) == list(map(after.find, addresses))


@pytest.mark.parametrize("family", [IPV4, IPV6])
@pytest.mark.parametrize("seed", range(60))
def test_tables_across_special_blocks_answer_as_before(seed: int, family: int) -> None:
    rng = Random(seed)
    rows = random_rows(rng, family, 4)
    lines = list(aggregate(table_of(family, rows), (0, 1, 2, 1)))
    assert len(lines) <= len(rows)
    assert sorted(lines) == lines
    merged = [(network, length, (0, 1, 2, 1)[route]) for network, length, route in rows]
    before, after = SlowMap(family, merged), SlowMap(family, lines)
    for address in {*before.probes(rng, 300), *after.probes(rng, 300)}:
        assert before.find(address) == after.find(address)


def texts(text: str, site_set: SiteSet | None = None) -> list[str]:
    return [f"{prefix} {route}" for prefix, route in aggregate_table(table(text), site_set)]


def test_routes_stay_what_they_are() -> None:
    found = texts(
        "20.0.0.0/9 7 2; 20.128.0.0/9 7 2; 20.5.0.0/16 7 2; 20.6.0.0/16 2;"
        "2600::/16 1_2; 2601::/16 1"
    )
    assert ["20.0.0.0/8 7 2", "20.6.0.0/16 2", "2600::/16 1_2", "2601::/16 1"] == found


def test_with_sites_a_line_has_an_as_number_of_the_site() -> None:
    found = texts("20.0.0.0/9 7 2 8; 20.128.0.0/9 2; 21.0.0.0/8 9 3; 22.0.0.0/8 9", SITE_SET)
    assert ["20.0.0.0/8 2", "21.0.0.0/8 3", "22.0.0.0/8 1"] == found


def test_a_site_that_no_as_number_names_gets_one_that_is_nobodys() -> None:
    sites = SiteSet((*SITE_SET.sites[1:], type(SITE_SET.sites[0])("self", (), ())), 2)
    assert ["20.0.0.0/8 2", "22.0.0.0/7 9"] == texts(
        "20.0.0.0/8 7 2; 22.0.0.0/8 5 9; 23.0.0.0/8 8", sites
    )


def test_what_no_route_covers_is_not_covered_by_a_wider_line() -> None:
    assert 3 == len(texts("20.0.0.0/10 1; 20.64.0.0/10 1; 20.128.0.0/10 1; 21.0.0.0/8 1"))


def test_real_tables_answer_as_before(tables: Path) -> None:
    files = [*tables.glob("internet-*.pfx2as.gz")]
    assert files
    snapshot = load_snapshot([RouteFile(str(file), RouteFormat.PFX2AS) for file in files]).snapshot
    codes = range(1, len(snapshot.routes) + 1)
    for family in (IPV4, IPV6):
        whole = snapshot.family(family)
        lines = list(aggregate(whole, range(len(snapshot.routes))))
        assert len(lines) < len(whole) / 2
        reduced = table_of(family, lines)
        assert sweep_plain(whole, array("I", codes), 0) == sweep_plain(
            reduced, array("I", codes), 0
        )


def test_real_tables_send_everybody_to_the_same_site(tables: Path) -> None:
    (file,) = tables.glob("internet-*.v6.pfx2as.gz")
    snapshot = load_snapshot([RouteFile(str(file), RouteFormat.PFX2AS)]).snapshot
    owners = [each.asns[0].first for each in SITE_SET.sites]
    rng = Random(6)
    picked = rng.sample([route.origins[0] for route in snapshot.routes], 3)
    sites = SiteSet(
        tuple(
            type(site)(
                site.name, tuple(type(site.asns[0])(asn, asn) for asn in (picked[n], owner)), ()
            )
            for n, (site, owner) in enumerate(zip(SITE_SET.sites, owners, strict=True))
        )
    )
    finder = build_finder(sites)
    lines = list(aggregate_table(snapshot, sites))
    text = "\n".join(f"{prefix} {route}" for prefix, route in lines)
    assert {finder.site_of(route) for _, route in lines} == {0, 1, 2}
    assert build_base_map(sites, snapshot) == build_base_map(sites, table(text))
