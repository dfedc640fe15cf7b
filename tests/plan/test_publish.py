"""Generations in a directory: whole or not at all, the two latest, and readers told."""

from __future__ import annotations

import json
import mmap
import resource
import struct
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from random_plans import full_authority

from sparrow.cli import main
from sparrow.plan.compile import PlanFiles, compile_plan
from sparrow.plan.format import PlanError
from sparrow.plan.publish import last_generation, load_current, publish_plan
from sparrow.plan.reader import open_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

DEMO = Path(__file__).parents[2] / "routes" / "demo" / "sparrow.yaml"


@pytest.fixture(scope="module")
def files() -> PlanFiles:
    return compile_plan(full_authority(), 1, 1)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def stored(directory: Path) -> tuple[bytes, int]:
    content = (directory / "generation").read_bytes()
    magic, number = struct.unpack("<8sQ", content)
    return magic, number


def with_other_map(files: PlanFiles, number: int) -> PlanFiles:
    """Give files of which one map differs in its last octet."""
    maps = list(files.maps)
    maps[number] = maps[number][:-1] + bytes((maps[number][-1] ^ 1,))
    return replace(files, maps=tuple(maps))


@contextmanager
def file_size_limit(octets: int) -> Iterator[None]:
    """Have every file that grows beyond this be refused, as on a full disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_a_published_plan_can_be_opened(tmp_path: Path, files: PlanFiles) -> None:
    publish_plan(tmp_path / "a" / "plan", files, 1)
    assert 1 == open_plan(tmp_path / "a" / "plan").generation


def test_current_is_one_line_that_names_every_file(tmp_path: Path, files: PlanFiles) -> None:
    publish_plan(tmp_path, files, 4)
    text = (tmp_path / "current").read_text()
    tree = json.loads(text)
    assert 1 == text.count("\n") == len(text.splitlines())
    assert (1, 4, "answers-4", "outcomes-4") == (
        tree["format"],
        tree["generation"],
        tree["answers"]["file"],
        tree["outcomes"]["file"],
    )
    assert [f"map-4-{number}" for number in range(len(files.maps))] == [
        each["file"] for each in tree["maps"]
    ]


def test_only_owner_and_group_may_read(tmp_path: Path, files: PlanFiles) -> None:
    directory = tmp_path / "plan"
    publish_plan(directory, files, 1)
    assert 0o750 == directory.stat().st_mode & 0o777
    assert {0o640} == {path.stat().st_mode & 0o777 for path in directory.iterdir()}


def test_readers_see_the_number_change_in_the_file_that_they_have_mapped(
    tmp_path: Path, files: PlanFiles
) -> None:
    publish_plan(tmp_path, files, 1)
    with (tmp_path / "generation").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 16, mmap.MAP_SHARED, mmap.PROT_READ)
    publish_plan(tmp_path, files, 2**40)
    assert (b"SPRWGEN1", 2**40) == struct.unpack("<8sQ", mapped[:])
    mapped.close()


def test_a_map_that_did_not_change_keeps_its_file(tmp_path: Path, files: PlanFiles) -> None:
    publish_plan(tmp_path, files, 1)
    publish_plan(tmp_path, with_other_map(compile_plan(full_authority(), 2, 9), 1), 2)
    current = load_current(tmp_path)
    assert current is not None
    assert ["map-1-0", "map-2-1"] == [entry.name for entry in current.maps][:2]


def test_a_map_that_was_damaged_is_written_again(tmp_path: Path, files: PlanFiles) -> None:
    publish_plan(tmp_path, files, 1)
    with (tmp_path / "map-1-0").open("r+b") as file:
        file.seek(5000)
        file.write(b"damage")
    publish_plan(tmp_path, files, 2)
    current = load_current(tmp_path)
    assert current is not None
    assert "map-2-0" == current.maps[0].name


def test_files_of_the_two_latest_generations_stay(tmp_path: Path, files: PlanFiles) -> None:
    (tmp_path / "notes").write_text("mine")
    (tmp_path / ".answers-2.aside").write_text("left behind by one that was killed")
    for generation in (1, 2, 3):
        publish_plan(tmp_path, with_other_map(files, 0) if generation == 3 else files, generation)
    maps = [f"map-1-{number}" for number in range(len(files.maps))]
    others = ["answers-2", "answers-3", "current", "generation", "notes"]
    assert sorted((*maps, "map-3-0", *others, "outcomes-2", "outcomes-3")) == names(tmp_path)


def test_what_cannot_be_tidied_away_does_not_undo_what_is_published(
    tmp_path: Path, files: PlanFiles
) -> None:
    (tmp_path / ".left.aside").mkdir()  # cannot be removed as a file can
    for generation in (1, 2, 3):
        publish_plan(tmp_path, files, generation)
    assert (b"SPRWGEN1", 3) == stored(tmp_path)
    assert [".left.aside", "answers-2", "answers-3"] == names(tmp_path)[:3]


def test_a_generation_must_be_above_the_present_one(tmp_path: Path, files: PlanFiles) -> None:
    publish_plan(tmp_path, files, 5)
    with pytest.raises(PlanError, match="generation 5 already"):
        publish_plan(tmp_path, files, 5)
    assert 5 == last_generation(tmp_path)


def test_an_empty_directory_had_no_generation(tmp_path: Path) -> None:
    assert [0, 0] == [last_generation(tmp_path), last_generation(tmp_path / "nowhere")]


def test_the_last_generation_is_known_where_current_is_lost(
    tmp_path: Path, files: PlanFiles
) -> None:
    publish_plan(tmp_path, files, 8)
    (tmp_path / "current").write_text("{")
    assert 8 == last_generation(tmp_path)
    (tmp_path / "generation").unlink()
    assert 8 == last_generation(tmp_path)
    publish_plan(tmp_path, files, 9)
    assert 9 == open_plan(tmp_path).generation
    assert (b"SPRWGEN1", 9) == stored(tmp_path)


def test_a_full_disk_is_an_error_and_the_generation_before_stays(
    tmp_path: Path, files: PlanFiles
) -> None:
    publish_plan(tmp_path, files, 1)
    before = names(tmp_path)
    size = len(files.maps[0])
    with (
        file_size_limit(size - 1),
        pytest.raises(PlanError, match=rf"map-2-0 cannot be written, it takes {size} octets: "),
    ):
        publish_plan(tmp_path, with_other_map(files, 0), 2)
    assert before == names(tmp_path)
    assert (1, (b"SPRWGEN1", 1)) == (open_plan(tmp_path).generation, stored(tmp_path))


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path, files: PlanFiles) -> None:
    (tmp_path / "plan").write_text("a file")
    for directory in (tmp_path / "plan", tmp_path / "plan" / "below"):
        with pytest.raises(PlanError, match="plan"):
            publish_plan(directory, files, 1)


def test_the_command_compile_writes_generation_after_generation(tmp_path: Path) -> None:
    directory = tmp_path / "plan"
    arguments = ["compile", "-c", str(DEMO), "-o", str(directory)]
    results = [CliRunner().invoke(main, arguments) for _ in range(2)]
    assert [0, 0] == [result.exit_code for result in results]
    assert "generation 2, 1 maps" in results[1].stderr
    assert 2 == open_plan(directory).generation


def test_the_command_compile_ends_with_2_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("a file")
    arguments = ["compile", "-c", str(DEMO), "-o", str(tmp_path / "plan")]
    result = CliRunner().invoke(main, arguments)
    assert 2 == result.exit_code
    assert result.stderr.startswith("error: ")
