"""MRT files at the gate: a content is what one neighbour says in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mrtmaking import peer_table, rib, rib_entry, sequence

from sparrow.sources.files import RouteFile
from sparrow.sources.line import RouteFormat
from sparrow.tables.contents import ContentStore, Reading
from sparrow.tables.state import name_table
from sparrow.values.peer import parse_peer

if TYPE_CHECKING:
    from pathlib import Path

DUMP = peer_table() + rib(
    2, "1.0.0.0/8", rib_entry(0, sequence(64600, 9)), rib_entry(1, sequence(64601, 7, 9))
)
ROUTES = {None: "64600 9", "AS64600": "64600 9", "192.0.2.2": "64601 7 9"}


@pytest.mark.parametrize("peer", ROUTES)
def test_a_copy_is_read_as_its_file_was_to_be(tmp_path: Path, peer: str | None) -> None:
    path = tmp_path / "rib"
    path.write_bytes(DUMP)
    file = RouteFile(str(path), RouteFormat.MRT, parse_peer(peer) if peer else None)
    store = ContentStore(tmp_path / "kept")
    content = store.take(file, file.path, None)
    path.write_bytes(b"something else by now")
    ((_, route),) = store.load([content], Reading()).snapshot.entries()
    assert ROUTES[peer] == str(route)


def test_the_same_file_with_another_neighbour_is_another_table(tmp_path: Path) -> None:
    path = tmp_path / "rib"
    path.write_bytes(DUMP)
    store = ContentStore(tmp_path / "kept")
    choices = [parse_peer(peer) if peer else None for peer in ROUTES]
    files = [RouteFile(str(path), RouteFormat.MRT, choice) for choice in choices]
    names = {name_table([store.take(file, file.path, None)]) for file in files}
    assert len(ROUTES) == len(names)
