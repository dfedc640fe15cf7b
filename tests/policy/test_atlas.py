"""Layers over each other, against looking each of them up address by address."""

from __future__ import annotations

from array import array
from itertools import pairwise
from random import Random

import pytest
from slowmap import random_rows

from sparrow.policy.atlas import Atlas, combine, lay_over
from sparrow.policy.intervals import Intervals, sweep
from sparrow.policy.layer import Layer
from sparrow.rib.twin import native
from sparrow.values.address import BITS, FAMILIES, IPV4, IPV6

SEEDS = range(25)
TWINS = [pytest.param(True, id="pure"), pytest.param(False, id="native")]


def random_map(rng: Random, family: int) -> Intervals:
    codes = [rng.choice((0, 1, 2, 2**31 + 5)) for _ in range(6)]
    rows = random_rows(rng, family, len(codes))
    swept = sweep(family, rows, range(len(codes)), rng.randrange(len(codes)))
    return swept.relabel(array("I", [codes[code % len(codes)] for code in range(1 << 18)]))


def random_layer(rng: Random) -> Layer[int]:
    return Layer(random_map(rng, IPV4), random_map(rng, IPV6), ())


def probes(rng: Random, maps: list[Intervals]) -> list[int]:
    """Give addresses on both sides of edges, and anywhere."""
    bits = maps[0].bits
    edges = [start for each in maps for start in rng.sample(list(each.starts), 1)]
    near = [edge + step for edge in edges for step in (-1, 0, 1)]
    return [each for each in (*near, *(rng.getrandbits(bits) for _ in range(20))) if each >= 0]


def skip_without_native(*, is_pure: bool) -> None:
    if not is_pure and native is None:
        pytest.skip("the native module is not built")


@pytest.mark.parametrize("is_pure", TWINS)
@pytest.mark.parametrize("family", [IPV4, IPV6])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_pair_has_the_codes_that_both_maps_have(seed: int, family: int, *, is_pure: bool) -> None:
    skip_without_native(is_pure=is_pure)
    rng = Random(seed)
    one, other = random_map(rng, family), random_map(rng, family)
    joined, pairs = combine(one, other, is_pure=is_pure)
    for address in probes(rng, [one, other]):
        expected = one.find(address).code << 32 | other.find(address).code
        assert expected == pairs[joined.find(address).code]


@pytest.mark.parametrize("family", [IPV4, IPV6])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_twins_combine_alike(seed: int, family: int) -> None:
    skip_without_native(is_pure=False)
    rng = Random(seed)
    one, other = random_map(rng, family), random_map(rng, family)
    pure, pairs = combine(one, other, is_pure=True)
    joined, native_pairs = combine(one, other, is_pure=False)
    assert (list(pure.starts), pure.codes, pairs) == (
        list(joined.starts),
        joined.codes,
        native_pairs,
    )


@pytest.mark.parametrize("is_pure", TWINS)
def test_thousands_of_pairs_keep_their_numbers(*, is_pure: bool) -> None:
    skip_without_native(is_pure=is_pure)
    starts = array("I", range(5000))
    one = Intervals(32, starts, array("I", range(5000)))
    other = Intervals(32, starts, array("I", reversed(range(5000))))
    joined, pairs = combine(one, other, is_pure=is_pure)
    assert list(range(5000)) == list(joined.codes)
    assert [code << 32 | 4999 - code for code in range(5000)] == list(pairs)


@pytest.mark.parametrize("is_pure", TWINS)
@pytest.mark.parametrize("family", [IPV4, IPV6])
@pytest.mark.parametrize("seed", SEEDS)
def test_relabelled_neighbours_are_joined(seed: int, family: int, *, is_pure: bool) -> None:
    skip_without_native(is_pure=is_pure)
    rng = Random(seed)
    rows = random_rows(rng, family, 8)
    swept = sweep(family, rows, range(8), 0).relabel(range(1 << 18), is_pure=is_pure)
    labels = [rng.randrange(3) for _ in range(1 << 18)]
    found = swept.relabel(labels, is_pure=is_pure)
    for address in probes(rng, [swept]):
        assert labels[swept.find(address).code] == found.find(address).code
    assert all(left != right for left, right in pairwise(found.codes))


def find_codes(atlas: Atlas, family: int, address: int) -> list[int]:
    cells = atlas.v4 if family == IPV4 else atlas.v6
    cell = cells.find(address).code
    return [column[cell] for column in atlas.columns]


@pytest.mark.parametrize("is_pure", TWINS)
@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_cell_has_the_code_of_every_layer(seed: int, count: int, *, is_pure: bool) -> None:
    skip_without_native(is_pure=is_pure)
    rng = Random(seed)
    layers = [random_layer(rng) for _ in range(count)]
    atlas = lay_over(layers, is_pure=is_pure)
    for family in FAMILIES:
        for address in probes(rng, [each.of_family(family) for each in layers]):
            expected = [each.of_family(family).find(address).code for each in layers]
            assert expected == find_codes(atlas, family, address)


def test_cells_of_a_family_differ_from_each_other() -> None:
    atlas = lay_over([random_layer(Random(seed)) for seed in range(3)])
    of_v4 = {*atlas.v4.codes}
    kinds = {cell: tuple(column[cell] for column in atlas.columns) for cell in of_v4}
    assert len(of_v4) == len({*kinds.values()})
    assert of_v4.isdisjoint(atlas.v6.codes)
    assert atlas.cells == len(of_v4 | {*atlas.v6.codes})


def test_what_is_drawn_has_the_label_of_each_cell() -> None:
    rng = Random(3)
    atlas = lay_over([random_layer(rng), random_layer(rng)])
    labels = [cell % 3 for cell in range(atlas.cells)]
    drawn = atlas.draw(labels)
    for family, cells in ((IPV4, atlas.v4), (IPV6, atlas.v6)):
        for address in (rng.getrandbits(BITS[family]) for _ in range(50)):
            assert labels[cells.find(address).code] == drawn.of_family(family).find(address).code


@pytest.mark.parametrize(
    "maps",
    [
        (((array("I", (0,)),), array("I", (1,))), ((array("Q", (0,)),) * 2, array("I", (1,)))),
        (((array("I"),), array("I")), ((array("I", (0,)),), array("I", (1,)))),
        (((array("I", (0,)),), array("I")), ((array("I", (0,)),), array("I", (1,)))),
    ],
    ids=["two families", "no interval", "no code"],
)
def test_maps_that_do_not_fit_are_refused_natively(maps: tuple[tuple[object, object], ...]) -> None:
    skip_without_native(is_pure=False)
    (starts, codes), (others, other_codes) = maps
    with pytest.raises(ValueError, match=r"map|start"):
        native.combine(starts, codes, others, other_codes)  # type: ignore[arg-type]
