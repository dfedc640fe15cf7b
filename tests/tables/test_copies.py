"""Copies of route files while more than one process keeps them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sparrow.sources.files import RouteFile
from sparrow.tables.contents import ContentStore, Reading


def begin_copy(folder: Path, letter: str, pid: int) -> Path:
    """Make what a process has of a copy before the copy has its name."""
    path = folder / f"{letter * 64}.{pid}.aside"
    path.write_bytes(b"half")
    return path


def test_what_another_living_process_writes_is_left_alone_and_what_a_dead_one_left_is_not(
    tmp_path: Path,
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    of_living = begin_copy(tmp_path, "a", os.getppid())
    begin_copy(tmp_path, "b", gone.pid)
    begin_copy(tmp_path, "c", os.getpid())  # of one that had our number before us
    (tmp_path / ("d" * 64)).write_bytes(b"whole, and needed no longer")
    (tmp_path / "accepted.json").write_bytes(b"{}")
    routes = tmp_path / "routes"
    routes.write_text("192.0.2.0/24 1\n")
    store = ContentStore(tmp_path)
    kept = store.take(RouteFile(str(routes)), str(routes), None)
    store.prune([kept])
    expected = {"accepted.json", "routes", of_living.name, store.path_of(kept).name}
    assert expected == {path.name for path in tmp_path.iterdir()}


def test_what_is_doubted_of_equal_contents_is_said_of_every_file_that_has_them(
    tmp_path: Path,
) -> None:
    store, paths = ContentStore(tmp_path / "kept"), [str(tmp_path / name) for name in "abc"]
    texts = ("10.0.0.1/8 1\n", "10.0.0.1/8 1\n", "11.0.0.1/8 1\n")
    contents = []
    for path, text in zip(paths, texts, strict=True):
        Path(path).write_text(text)
        contents.append(store.take(RouteFile(path), path, None))
    named = {warning.file for warning in store.load(contents, Reading()).warnings}
    assert {f"{paths[0]}, {paths[1]}", paths[2]} == named
