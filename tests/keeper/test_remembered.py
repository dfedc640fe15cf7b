"""The layout of the last start: who may have written it, and when it still holds."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from keptserver import layout

from sparrow.config.locate import LAYOUT
from sparrow.keeping.remembered import Origin, load_layout, store_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.keeping.layout import Layout

ORIGIN = Origin(b"server: {}\n", "/etc/sparrow.yaml", {"HOME": "/root", "TERM": "a"}, 0, 2)


@pytest.fixture
def kept(tmp_path: Path) -> Layout:
    """A layout that is remembered in its folder."""
    kept = layout(tmp_path, 5353, user="somebody")
    store_layout(kept, ORIGIN)
    return kept


def test_a_layout_is_remembered_as_it_was(kept: Layout) -> None:
    assert kept == load_layout(kept.run_dir, ORIGIN)


@pytest.mark.parametrize(
    "change",
    [
        {"octets": b"server: {} \n"},
        {"config_path": "/etc/other.yaml"},
        {"environ": {"HOME": "/root", "XDG_STATE_HOME": "/x"}},
        {"environ": {}},
        {"uid": 1},
        {"processors": 3},
    ],
)
def test_another_origin_has_another_layout(kept: Layout, change: dict[str, Any]) -> None:
    assert None is load_layout(kept.run_dir, replace(ORIGIN, **change))


def test_what_the_layout_does_not_depend_on_may_change(kept: Layout) -> None:
    assert kept == load_layout(kept.run_dir, replace(ORIGIN, environ={"HOME": "/root"}))


def test_a_layout_in_the_folder_of_another_is_none(kept: Layout, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    Path(kept.run_dir, LAYOUT).rename(other / LAYOUT)
    assert None is load_layout(str(other), ORIGIN)


def link(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("other")))


def replace_with_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o620),
        lambda path: path.with_name("other").hardlink_to(path),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_text("[]"),
        link,
        replace_with_folder,
        Path.unlink,
    ],
    ids=["writable", "second name", "cut", "no object", "linked", "folder", "missing"],
)
def test_a_file_that_was_not_made_here_as_it_is_gives_none(
    kept: Layout, spoil: Callable[[Path], object]
) -> None:
    spoil(Path(kept.run_dir, LAYOUT))
    assert None is load_layout(kept.run_dir, ORIGIN)


def test_what_cannot_be_stored_is_not_remembered(tmp_path: Path) -> None:
    given = layout(tmp_path / "missing", 5353)
    store_layout(given, ORIGIN)
    assert None is load_layout(given.run_dir, ORIGIN)


def test_storing_follows_no_link_that_was_laid_for_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    for name in (LAYOUT, f".{LAYOUT}.{os.getpid()}"):
        (tmp_path / name).symlink_to(victim)
    given = layout(tmp_path, 5353)
    store_layout(given, ORIGIN)
    assert ("kept", given) == (victim.read_text(), load_layout(given.run_dir, ORIGIN))
