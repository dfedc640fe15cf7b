"""The country of an address, and the tree that a table is kept as."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from countrylists import PROVENANCE, edges, random_lines, slow_country, table_of
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import InputError
from sparrow.geo.countries import build_tree, parse_tree
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from sparrow.geo.countries import CountryTable

LINES = ("10.0.0.0/8 NL", "10.1.0.0/16 DE", "2001:db8::/32 AU")


def country_of(table: CountryTable, text: str) -> str | None:
    return table.country_of(parse_address(text))


def kept() -> dict[str, Any]:
    """Give the tree of a small table as a file has it."""
    tree: dict[str, Any] = json.loads(json.dumps(build_tree(table_of(*LINES))))
    return tree


def test_the_most_specific_prefix_gives_the_country() -> None:
    table = table_of(*LINES)
    found = [country_of(table, f"10.{octet}.0.0") for octet in (0, 1, 2, 255)]
    assert ["NL", "DE", "NL", "NL"] == found
    assert ["AU", None] == [country_of(table, text) for text in ("2001:db8::1", "2001:db9::")]


def test_outside_of_every_prefix_there_is_no_country() -> None:
    table = table_of(*LINES)
    texts = ("0.0.0.0", "9.255.255.255", "11.0.0.0", "255.255.255.255", "::")
    assert [None] * 5 == [country_of(table, text) for text in texts]


def test_neighbours_of_one_country_are_one_stretch() -> None:
    table = table_of("10.0.0.0/9 NL", "10.128.0.0/9 NL", "10.3.0.0/16 NL", "::/0 DE")
    assert [0, 10 << 24, 11 << 24] == list(table.v4.starts)
    assert ([0], "DE") == (list(table.v6.starts), country_of(table, "ffff::"))


@pytest.mark.parametrize("seed", range(40))
def test_every_edge_of_random_prefixes_is_as_found_line_by_line(seed: int) -> None:
    lines = random_lines(Random(seed), 40)
    table = table_of(*lines)
    for address in edges(lines):
        assert slow_country(lines, address) == table.country_of(address), address.hex()


@pytest.mark.parametrize("seed", range(40))
def test_a_table_is_read_back_equal(seed: int) -> None:
    table = table_of(*random_lines(Random(seed), 30))
    text = json.dumps(build_tree(table))
    assert table == parse_tree(json.loads(text), "kept.json")
    for stretches in (table.v4, table.v6):
        assert sorted(set(stretches.starts)) == list(stretches.starts)
        pairs = zip(stretches.numbers, stretches.numbers[1:], strict=False)
        assert not any(one == other for one, other in pairs)


def test_the_tree_is_as_documented() -> None:
    assert {
        "version": 1,
        "source": PROVENANCE.source,
        "date": "2026-08-22",
        "licence": "CC0-1.0",
        "codes": ["", "AU", "DE", "NL"],
        "v4": {"sizes": "0a000000000100000001000000fe0000", "codes": "0003020300"},
        "v6": {"sizes": "20010db8000000000000000100000000", "codes": "000100"},
    } == kept()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": 2}, "its version is 2, not 1"),
        ({"codes": ["", "NL", "DE", "AU"]}, "in ascending order"),
        ({"codes": ["", "AU", "DE", "DE"]}, "in ascending order"),
        ({"codes": ["AU", "DE", "NL"]}, "in ascending order"),
        ({"codes": ["", "AU", "DE", "Nl"]}, "'Nl' is not the code of a country"),
        ({"codes": ["", "AU", "DE"]}, "a country that is not among its codes"),
        ({"codes": ["", "AU", 7, "NL"]}, "a text is something else"),
        ({"source": "\x1b[2J"}, "characters that cannot be shown"),
        ({"v4": {"sizes": "0a000000", "codes": "00"}}, "1 sizes for 1 countries"),
        ({"v4": {"sizes": "", "codes": ""}}, "0 sizes for 0 countries"),
        ({"v4": {"sizes": "00000000", "codes": "0001"}}, "a stretch is empty"),
        ({"v4": {"sizes": "8000000080000000", "codes": "000102"}}, "longer than the address space"),
        ({"v4": {"sizes": "8000", "codes": "0001"}}, "not a multiple"),
        ({"v4": {"sizes": "xyz", "codes": "0001"}}, "hexadecimal"),
        ({"v4": ["00"]}, "list indices"),
        ({"v6": {"sizes": ""}}, "'codes' is missing"),
    ],
)
def test_a_tree_that_is_no_table_is_refused_with_the_reason(
    change: dict[str, Any], why: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_tree(kept() | change, "kept.json")
    (problem,) = caught.value.problems
    assert "kept.json" == problem.file
    assert why in problem.what


@pytest.mark.parametrize("key", sorted(kept()))
def test_a_tree_that_lacks_a_key_is_refused(key: str) -> None:
    tree = kept()
    del tree[key]
    with pytest.raises(InputError, match=f"'{key}' is missing"):
        parse_tree(tree, "kept.json")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(kept())), inner),
)


@given(values)
def test_any_other_tree_is_refused(tree: Any) -> None:
    with pytest.raises(InputError):
        parse_tree(tree, "kept.json")


@given(st.sampled_from(sorted(kept())), values)
def test_a_tree_with_any_value_is_a_table_or_is_refused(key: str, value: Any) -> None:
    try:
        table = parse_tree(kept() | {key: value}, "kept.json")
    except InputError:
        return
    assert value == build_tree(table)[key]
