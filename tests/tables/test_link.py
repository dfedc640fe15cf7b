"""The link that leads to the route file in force."""

from __future__ import annotations

import multiprocessing
import re
from pathlib import Path

import pytest

from sparrow.errors import InputError
from sparrow.tables.link import Swap, read_link, swap_link


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """Give a path for a link, and two files for it to lead to."""
    for name in ("normal", "au"):
        (tmp_path / name).write_text(f"10.0.0.0/8 1 # {name}\n")
    return str(tmp_path / "routes"), str(tmp_path / "normal"), str(tmp_path / "au")


def test_a_link_is_made_where_there_is_none(files: tuple[str, str, str]) -> None:
    link, normal, _ = files
    assert Swap(link, None, normal) == swap_link(link, normal)
    assert normal == read_link(link)


def test_a_link_is_swapped(files: tuple[str, str, str]) -> None:
    link, normal, au = files
    swap_link(link, normal)
    assert Swap(link, normal, au) == swap_link(link, au)
    assert au == read_link(link)
    assert ["au", "normal", "routes"] == sorted(each.name for each in Path(link).parent.iterdir())


def test_a_link_that_leads_there_is_not_touched(files: tuple[str, str, str]) -> None:
    link, normal, _ = files
    swap_link(link, normal)
    before = Path(link).lstat()
    swap = swap_link(link, normal)
    after = Path(link).lstat()
    assert (False, before.st_ino, before.st_ctime_ns) == (
        swap.is_needed,
        after.st_ino,
        after.st_ctime_ns,
    )


def test_a_dry_run_writes_nothing(files: tuple[str, str, str]) -> None:
    link, normal, au = files
    swap_link(link, normal)
    assert Swap(link, normal, au) == swap_link(link, au, is_dry_run=True)
    assert normal == read_link(link)


def test_what_a_killed_swap_left_is_removed(files: tuple[str, str, str]) -> None:
    link, normal, au = files
    Path(link).with_name(".routes.aside").symlink_to(normal)
    swap_link(link, au)
    assert ["au", "normal", "routes"] == sorted(each.name for each in Path(link).parent.iterdir())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_no_link_is_left_alone(files: tuple[str, str, str], kind: str) -> None:
    link, normal, _ = files
    Path(link).mkdir() if kind == "folder" else Path(link).write_text("10.0.0.0/8 7\n")
    with pytest.raises(InputError, match=f"^{re.escape(link)}: this is not a symbolic link"):
        swap_link(link, normal)
    assert kind == ("folder" if Path(link).is_dir() else "file")


@pytest.mark.parametrize(
    ("target", "why"), [("missing", "No such file"), (".", "not a regular file")]
)
def test_a_link_never_leads_to_what_is_no_table(
    files: tuple[str, str, str], target: str, why: str
) -> None:
    link, normal, _ = files
    swap_link(link, normal)
    path = str(Path(link).parent / target)
    with pytest.raises(InputError, match=f"{re.escape(path)}: the link is not swapped.*{why}"):
        swap_link(link, path)
    assert normal == read_link(link)


def test_a_folder_that_is_missing_is_said(tmp_path: Path, files: tuple[str, str, str]) -> None:
    with pytest.raises(InputError, match="the link cannot be swapped: No such file"):
        swap_link(str(tmp_path / "none" / "routes"), files[1])


def _swap_often(link: str, target: str, times: int) -> None:
    for _ in range(times):
        swap_link(link, target)


def test_readers_and_other_swappers_always_find_a_whole_link(files: tuple[str, str, str]) -> None:
    link, normal, au = files
    swap_link(link, normal)
    context = multiprocessing.get_context("spawn")
    swappers = [context.Process(target=_swap_often, args=(link, to, 300)) for to in (normal, au)]
    for swapper in swappers:
        swapper.start()
    seen = set()
    while any(swapper.is_alive() for swapper in swappers):
        seen.add(Path(link).read_text(encoding="ascii")[:12])
    for swapper in swappers:
        swapper.join()
    assert [0, 0] == [swapper.exitcode for swapper in swappers]
    assert {"10.0.0.0/8 1"} == seen
