"""Reading master files from disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sparrow.errors import InputError
from sparrow.sources.zonetext import MAX_OCTETS, load_text

if TYPE_CHECKING:
    from pathlib import Path


def problem_with(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_text(str(path))
    return str(caught.value)


@pytest.mark.parametrize("octets", ["é\r\n".encode(), "\ufeffé\r\n".encode()])
def test_text_is_utf_8_with_or_without_a_byte_order_mark(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "z"
    path.write_bytes(octets)
    assert "é\r\n" == load_text(str(path))


def test_a_file_that_is_not_utf_8_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "z"
    path.write_bytes(b"a\nb\xe9\n")
    assert f"{path}:2: octet 0xe9 is not UTF-8: save the file as UTF-8" == problem_with(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "z"
    expected = f"{path}: the zone file cannot be read: No such file or directory"
    assert expected == problem_with(path)


def test_what_is_not_a_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reason = "the zone file cannot be read"
    assert f"{fifo}: {reason}: it is a named pipe, not a regular file" == problem_with(fifo)
    assert f"{tmp_path}: {reason}: Is a directory" == problem_with(tmp_path)


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    assert "the zone file cannot be read" in problem_with(tmp_path / "a\0b")


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "z"
    with path.open("wb") as file:
        file.truncate(MAX_OCTETS + 1)
    expected = f"{path}: the zone file cannot be read: it is over {MAX_OCTETS} octets long"
    assert expected == problem_with(path)
