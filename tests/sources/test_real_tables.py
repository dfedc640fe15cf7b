"""The whole Internet of one day, read and held against a scan of the file."""

from __future__ import annotations

import gzip
from random import Random
from typing import TYPE_CHECKING

import pytest

from sparrow.rib.delta import diff
from sparrow.rib.snapshot import EMPTY
from sparrow.rib.table import Rib, build_rib
from sparrow.sources.files import Loaded, RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat
from sparrow.values.address import BITS, Prefix, parse_address, truncate

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = {4: 1_168_945, 6: 279_855}


def table_file(tables: Path, family: int) -> Path:
    return next(tables.glob(f"internet-*.v{family}.pfx2as.gz"))


@pytest.fixture(scope="module")
def loaded(tables: Path) -> Loaded:
    return load_snapshot(
        [RouteFile(str(table_file(tables, family)), RouteFormat.PFX2AS) for family in (4, 6)]
    )


@pytest.fixture(scope="module")
def rib(loaded: Loaded) -> Rib:
    return build_rib(loaded.snapshot)


def test_real_tables_are_read_whole_and_without_a_warning(loaded: Loaded) -> None:
    assert (COUNTS[4], COUNTS[6]) == (len(loaded.snapshot.v4), len(loaded.snapshot.v6))
    assert () == loaded.warnings
    assert [(COUNTS[4], 0), (0, COUNTS[6])] == [
        (file.prefixes_v4, file.prefixes_v6) for file in loaded.files
    ]


def test_rib_holds_every_prefix_once(loaded: Loaded, rib: Rib) -> None:
    assert sum(COUNTS.values()) == len(rib)
    assert diff(loaded.snapshot, loaded.snapshot).is_empty


@pytest.mark.parametrize("family", [4, 6])
def test_thousand_look_ups_agree_with_a_scan_of_the_file(
    tables: Path, rib: Rib, family: int
) -> None:
    # A dictionary of the file's own texts: no line of the reader is run for it.
    origins: dict[tuple[bytes, int], str] = {}
    with gzip.open(table_file(tables, family), "rt") as file:
        for line in file:
            address, length, origin = line.split()
            origins[parse_address(address), int(length)] = origin
    random = Random(family)
    size = BITS[family] // 8
    announced = random.sample(sorted(origins), 600)
    addresses = [
        (int.from_bytes(network, "big") | random.getrandbits(BITS[family] - length)).to_bytes(
            size, "big"
        )
        for network, length in announced
    ]
    addresses += [random.randbytes(size) for _ in range(400)]
    for address in addresses:
        keys = [(truncate(address, length), length) for length in range(BITS[family], -1, -1)]
        best = next((key for key in keys if key in origins), None)
        found = rib.find(address)
        expected = best and (Prefix(*best), origins[best])
        assert expected == (found and (found[0], str(found[1])))


def test_withdrawing_everything_leaves_nothing(loaded: Loaded) -> None:
    rib = build_rib(loaded.snapshot)
    rib.apply(diff(loaded.snapshot, EMPTY))
    assert (0, None) == (len(rib), rib.find(bytes((1, 1, 1, 1))))
