"""MRT files among the route files of a table."""

from __future__ import annotations

import bz2
import gzip
from typing import TYPE_CHECKING

import pytest
from mrtmaking import peer_table, record, rib, rib_entry, sequence

from sparrow.errors import InputError
from sparrow.policy.sanity import Limits, Reason
from sparrow.sources.files import Loaded, RouteFile, load_snapshot, parse_route_file
from sparrow.sources.line import RouteFormat
from sparrow.values.asn import AsnRange
from sparrow.values.peer import parse_peer

if TYPE_CHECKING:
    from pathlib import Path

LONG, SHORT = sequence(64600, 7, 7, 8, 9), sequence(64601, 9)
TABLE = b"".join(
    (
        peer_table(),
        rib(2, "1.0.0.0/8", rib_entry(0, LONG), rib_entry(1, SHORT)),
        rib(4, "2a00::/12", rib_entry(1, SHORT)),
        rib(2, "2.0.0.0/8", rib_entry(0, LONG)),
        rib(2, "10.0.0.0/8", rib_entry(0, LONG)),
    )
)
ALL = ["1.0.0.0/8 64601 9", "2.0.0.0/8 64600 7 7 8 9", "2a00::/12 64601 9"]


def load(folder: Path, octets: bytes, peer: str | None = None) -> Loaded:
    path = folder / "rib"
    path.write_bytes(octets)
    choice = parse_peer(peer) if peer else None
    return load_snapshot([RouteFile(str(path), RouteFormat.MRT, choice)])


def rows(loaded: Loaded) -> list[str]:
    return [f"{prefix} {route}" for prefix, route in loaded.snapshot.entries()]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_a_dump_is_a_table_packed_or_not(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    loaded = load(tmp_path, pack(TABLE))
    assert ALL == rows(loaded)
    (file,) = loaded.files
    assert (2, 1, "mrt") == (file.prefixes_v4, file.prefixes_v6, file.format)
    (warning,) = loaded.warnings
    assert "left out 1: address space that is not reachable" in warning.what


@pytest.mark.parametrize(
    ("peer", "expected"),
    [("192.0.2.2", [ALL[0], ALL[2]]), ("AS64600", ["1.0.0.0/8 64600 7 7 8 9", ALL[1]])],
)
def test_one_neighbour_may_be_chosen(tmp_path: Path, peer: str, expected: list[str]) -> None:
    assert expected == rows(load(tmp_path, TABLE, peer))


@pytest.mark.parametrize(
    ("octets", "peer", "what"),
    [
        (TABLE[:-1], None, "cut or damaged at octet"),
        (gzip.compress(TABLE)[:-1], None, "cut or damaged at octet"),
        (b"1.0.0.0/8 7\n", None, "there is no route in it, read as mrt"),
        (b"", None, "there is no route in it, read as mrt"),
        (peer_table() + record(16, 4, b""), None, "skipped 1: updates"),
        (TABLE, "AS9", "there is no route of neighbour AS9 that can be used"),
        (peer_table() + rib(2, "10.0.0.0/8", rib_entry(0, LONG)), None, "left out 1: address"),
    ],
)
def test_a_dump_that_is_cut_or_of_no_use_is_refused(
    tmp_path: Path, octets: bytes, peer: str | None, what: str
) -> None:
    with pytest.raises(InputError, match=what) as raised:
        load(tmp_path, octets, peer)
    assert [str(tmp_path / "rib")] == [problem.file for problem in raised.value.problems]


def test_damaged_records_are_told_and_cost_nothing_else(tmp_path: Path) -> None:
    loaded = load(tmp_path, TABLE + record(13, 2, b"") + rib(2, "3.0.0.0/8", rib_entry(1, SHORT)))
    assert [*ALL[:2], "3.0.0.0/8 64601 9", ALL[2]] == rows(loaded)
    assert f"skipped 1: damaged records (octet {len(TABLE)})" in {
        each.what for each in loaded.warnings
    }


def test_files_of_all_formats_are_one_table_in_which_the_last_counts(tmp_path: Path) -> None:
    dump, lines = tmp_path / "rib", tmp_path / "lines"
    dump.write_bytes(TABLE)
    lines.write_text("1.0.0.0/8 5\n3.0.0.0/8 6\n")
    mrt, ssrs = RouteFile(str(dump), RouteFormat.MRT), RouteFile(str(lines))
    first, second = load_snapshot([mrt, ssrs]), load_snapshot([ssrs, mrt])
    assert ["1.0.0.0/8 5", ALL[1], "3.0.0.0/8 6", ALL[2]] == rows(first)
    assert [*ALL[:2], "3.0.0.0/8 6", ALL[2]] == rows(second)
    for loaded in (first, second):
        assert ["earlier file" in each.what for each in loaded.warnings].count(True) == 1


def test_a_reload_shares_the_routes_that_are_the_same(tmp_path: Path) -> None:
    before = load(tmp_path, TABLE)
    files = [RouteFile(str(tmp_path / "rib"), RouteFormat.MRT)]
    after = load_snapshot(files, previous=before.snapshot)
    assert [id(route) for route in before.snapshot.routes] == [
        id(route) for route in after.snapshot.routes
    ]


@pytest.mark.parametrize("kind", ["ssrs", "pfx2as", "mrt", "mrt AS7", "mrt 2001:db8::1"])
def test_the_kind_of_a_file_is_read_back(kind: str) -> None:
    assert kind == parse_route_file("/a", kind).kind


def test_limits_of_a_file_say_what_is_left_out_and_travel_in_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "rib.mrt"
    entry = rib_entry(0, sequence(7, 64600, 9))
    blocks = ("1.0.0.0/8", "1.2.3.0/25", "10.0.0.0/8")
    path.write_bytes(peer_table() + b"".join(rib(2, block, entry) for block in blocks))
    kinds = {}
    for limits in (
        Limits(),
        Limits(max_length_v4=25),
        Limits(takes_martians=True, max_prefixes=1),
    ):
        file = RouteFile(str(path), RouteFormat.MRT, parse_peer("192.0.2.1"), "nl", limits)
        assert file == parse_route_file(file.path, file.kind)
        loaded = load_snapshot([file])
        kinds[file.kind] = (
            [str(prefix) for prefix, _ in loaded.views["nl"].entries()],
            dict(loaded.files[0].refused),
        )
    assert [
        (["1.0.0.0/8"], {Reason.TOO_LONG: 1, Reason.MARTIAN: 1}),
        (["1.0.0.0/8", "1.2.3.0/25"], {Reason.MARTIAN: 1}),
        (["1.0.0.0/8"], {Reason.TOO_LONG: 1, Reason.MAX_PREFIXES: 1}),
    ] == list(kinds.values())


def test_a_loop_leaves_a_file_without_a_route_of_use(tmp_path: Path) -> None:
    path = tmp_path / "rib.mrt"
    path.write_bytes(peer_table() + rib(2, "1.0.0.0/8", rib_entry(0, sequence(7, 64600, 9))))
    own = Limits(own_asns=(AsnRange(64600, 64600),))
    with pytest.raises(InputError, match="left out 1: our own AS in the path: a loop"):
        load_snapshot([RouteFile(str(path), RouteFormat.MRT, limits=own)])
