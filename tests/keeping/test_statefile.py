"""Files of the state directory: stored whole, read back, refused where they are damaged."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from running import is_root

from sparrow.errors import InputError
from sparrow.keeping.statefile import load_json, store_json

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_stored_is_read_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "state" / "orders.json"
    tree = {"a": [1, 2.5, None, "ü\ud800"], "b": {}}
    store_json(path, {"old": True})
    store_json(path, tree)
    assert tree == load_json(path)
    assert ["orders.json"] == [each.name for each in path.parent.iterdir()]
    assert (0o640, 0o750) == tuple(
        stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)
    )


def test_no_file_is_none(tmp_path: Path) -> None:
    assert load_json(tmp_path / "missing" / "orders.json") is None


@pytest.mark.parametrize("octets", [b"", b'{"a": ', b"\xff\xfe", b"[" * 100_000, b"1\n2"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "orders.json"
    path.write_bytes(octets)
    with pytest.raises(InputError) as refused:
        load_json(path)
    assert [str(path)] == [problem.file for problem in refused.value.problems]
    assert "mend or remove it" in str(refused.value)


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        load_json(tmp_path)


def test_what_a_killed_writer_left_aside_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    (tmp_path / ".orders.json.aside").write_text("half a f" * 100)
    store_json(path, [1])
    assert ([1], ["orders.json"]) == (load_json(path), [each.name for each in tmp_path.iterdir()])


@pytest.mark.parametrize("kind", ["symlink", "link"])
def test_a_link_that_somebody_laid_aside_is_not_written_through(tmp_path: Path, kind: str) -> None:
    victim, aside = tmp_path / "victim", tmp_path / ".orders.json.aside"
    victim.write_text("whole")
    if kind == "symlink":
        aside.symlink_to(victim)
    else:
        aside.hardlink_to(victim)
    store_json(tmp_path / "orders.json", [1])
    assert ("whole", [1]) == (victim.read_text(), load_json(tmp_path / "orders.json"))


@pytest.mark.skipif(not is_root(), reason="only root gives files away")
def test_what_root_stores_belongs_to_whom_the_folder_belongs(tmp_path: Path) -> None:
    os.chown(tmp_path, 4242, 4343)
    store_json(tmp_path / "orders.json", [1])
    found = (tmp_path / "orders.json").stat()
    assert (4242, 4343) == (found.st_uid, found.st_gid)


def test_a_store_that_fails_leaves_the_old(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    store_json(path, [1])
    with pytest.raises(TypeError):
        store_json(path, object())
    assert [1] == load_json(path)
