"""Words written into mapped files: those that differ, in every generation that may be served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from statesites import NAMES, build_state_authority

from sparrow.plan.board import OutcomeBoard, Written
from sparrow.plan.compile import compile_plan
from sparrow.plan.format import PlanError
from sparrow.plan.outcomes import encode_words
from sparrow.plan.publish import Remap, Ways, load_current, publish_plan
from sparrow.plan.reader import open_plan
from sparrow.policy.outcome import ALL_SERVING, Condition, Conditions, Standing

if TYPE_CHECKING:
    from pathlib import Path

FAILED = (Condition(Standing.FAILED), Condition(Standing.FAILED))
DOWN: Conditions = {"au": FAILED}


def publish(directory: Path, generation: int, board: OutcomeBoard | None = None) -> None:
    files = compile_plan(build_state_authority(), generation, 1)
    publish_plan(directory, files, generation, Ways(board.admit) if board else None)


def words_of(directory: Path) -> list[int]:
    return list(open_plan(directory).words)


def expected(directory: Path, conditions: Conditions) -> list[int]:
    return list(encode_words(open_plan(directory).answers.meta, conditions))


def test_a_plan_that_was_there_before_us_is_written_whole(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    board = OutcomeBoard(tmp_path)
    board.open()
    before = open_plan(tmp_path)
    plain = list(before.words)
    written = board.write(DOWN)
    differing = [
        place for place, word in enumerate(expected(tmp_path, DOWN)) if word != plain[place]
    ]
    assert Written(len(differing), has_moved=True) == written
    assert expected(tmp_path, DOWN) == words_of(tmp_path) == list(before.words)


def test_what_a_daemon_before_us_left_is_set_right(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    first, second = OutcomeBoard(tmp_path), OutcomeBoard(tmp_path)
    first.open()
    first.write(DOWN)
    second.open()
    assert second.write(ALL_SERVING).has_moved
    assert expected(tmp_path, ALL_SERVING) == words_of(tmp_path)


def test_equal_conditions_store_nothing(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    board = OutcomeBoard(tmp_path)
    board.open()
    assert Written(0, has_moved=False) == board.write(ALL_SERVING)  # as it was compiled
    board.write({"au": (Condition(change_in_s=6.1), Condition())})
    found = board.write({"au": (Condition(change_in_s=6.9), Condition())})
    assert Written(0, has_moved=False) == found  # 7 seconds, both


def test_another_ttl_moves_nobody(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    board = OutcomeBoard(tmp_path)
    board.open()
    written = board.write({"au": (Condition(change_in_s=7), Condition())})
    assert (True, False) == (written.words > 0, written.has_moved)


def test_the_words_of_a_generation_are_right_before_it_is_present(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    board = OutcomeBoard(tmp_path)
    board.open()
    board.write(DOWN)
    seen = []

    def admit(name: str) -> None:
        board.admit(name)
        current = load_current(tmp_path)
        table = board.table(name)
        assert current is not None
        assert table is not None
        seen.append((current.generation, list(table.words)))

    publish_plan(tmp_path, compile_plan(build_state_authority(), 2, 1), 2, Ways(admit))
    assert [(1, expected(tmp_path, DOWN))] == seen


def test_a_generation_that_was_not_published_leaves_its_name_to_the_next(tmp_path: Path) -> None:
    board = OutcomeBoard(tmp_path)
    publish(tmp_path, 1, board)
    (tmp_path / ".current.aside").mkdir()  # `current` cannot be written
    with pytest.raises(PlanError):
        publish(tmp_path, 2, board)
    (tmp_path / ".current.aside").rmdir()
    publish(tmp_path, 2, board)
    board.write(DOWN)
    assert expected(tmp_path, DOWN) == words_of(tmp_path)


def test_both_generations_are_written(tmp_path: Path) -> None:
    board = OutcomeBoard(tmp_path)
    publish(tmp_path, 1, board)
    old = open_plan(tmp_path)
    publish(tmp_path, 2, board)
    new = open_plan(tmp_path)
    board.write(DOWN)
    assert expected(tmp_path, DOWN) == list(old.words) == list(new.words)
    board.keep({"outcomes-2"})
    board.write(ALL_SERVING)
    assert expected(tmp_path, DOWN) == list(old.words)
    assert expected(tmp_path, ALL_SERVING) == list(new.words)
    assert board.table("outcomes-1") is None


def test_merged_classes_have_the_lowest_cap_until_they_are_apart_again(tmp_path: Path) -> None:
    board = OutcomeBoard(tmp_path)
    publish(tmp_path, 1, board)
    conditions = {"au": (Condition(Standing.FAILED, 40), Condition())}
    board.write(conditions)
    stands_for = {0: (2, 1, 2, 3, 4, 5)}
    board.merge("outcomes-1", stands_for)
    meta = open_plan(tmp_path).answers.meta
    assert list(encode_words(meta, conditions, stands_for)) == words_of(tmp_path)
    assert words_of(tmp_path) != expected(tmp_path, conditions)
    board.merge("outcomes-1", {})
    assert expected(tmp_path, conditions) == words_of(tmp_path)


def test_files_that_cannot_be_read_are_left_alone(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    (tmp_path / "outcomes-9").write_bytes((tmp_path / "outcomes-1").read_bytes())
    (tmp_path / "outcomes-8").write_bytes(b"")
    (tmp_path / "answers-8").write_bytes((tmp_path / "answers-1").read_bytes())
    board = OutcomeBoard(tmp_path)
    board.open()
    board.write(DOWN)
    assert [True, False, False] == [
        board.table(f"outcomes-{serial}") is not None for serial in (1, 8, 9)
    ]
    with pytest.raises(PlanError):
        board.admit("outcomes-8")


def test_an_outcomes_file_with_too_few_words_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    small = compile_plan(build_state_authority(names=2), 5, 1)
    (tmp_path / "answers-5").write_bytes((tmp_path / "answers-1").read_bytes())
    (tmp_path / "outcomes-5").write_bytes(small.outcomes)
    with pytest.raises(PlanError, match="fewer words"):
        OutcomeBoard(tmp_path).admit("outcomes-5")


def test_a_directory_that_is_not_there_yet_has_no_words(tmp_path: Path) -> None:
    board = OutcomeBoard(tmp_path / "plan")
    board.open()
    assert Written(0, has_moved=False) == board.write(dict.fromkeys(NAMES, FAILED))


def test_a_generation_of_other_maps_keeps_answers_and_outcomes(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    before = open_plan(tmp_path)
    entries = load_current(tmp_path)
    assert entries is not None
    changed = compile_plan(build_state_authority(("20.0.0.0/9 2",)), 2, 1).maps[0]
    maps = (changed, *entries.maps[1:])
    current = publish_plan(tmp_path, Remap(maps), 2)
    assert ("answers-1", "outcomes-1") == (current.answers.name, current.outcomes.name)
    assert ["map-2-0", "map-1-1"] == [each.name for each in current.maps]
    after = open_plan(tmp_path, before)
    assert after.answers is before.answers
    assert [False, True] == [new is old for new, old in zip(after.maps, before.maps, strict=True)]


def test_maps_alone_make_no_first_generation(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no generation to take names from"):
        publish_plan(tmp_path / "plan", Remap(()), 1)
