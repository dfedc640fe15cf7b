"""What passes the gate, what is held there, and what operators let through."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest
from gatehouse import Gatehouse, rows

from sparrow.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

SHRINK = {"max_shrink": "10%"}


@pytest.fixture
def house(tmp_path: Path) -> Gatehouse:
    """Give a gate with one guard, behind which ten prefixes serve."""
    house = Gatehouse(tmp_path, dict(SHRINK))
    house.write("routes", rows(10))
    house.admit()
    house.events.clear()
    return house


def test_without_guards_every_table_passes(tmp_path: Path) -> None:
    house = Gatehouse(tmp_path)
    for count in (10, 1, 5):
        house.write("routes", rows(count))
        admitted = house.admit()
        assert (count, False, ()) == (house.count, admitted.is_held, admitted.warnings)
    assert ["table_accepted"] * 3 == house.told
    assert 3 == house.gate.describe()["serial"]


def test_what_is_equal_keeps_its_serial_and_tells_nothing(house: Gatehouse) -> None:
    house.write("routes", rows(10))
    house.admit()
    assert (1, []) == (house.gate.describe()["serial"], house.told)


def test_what_serves_is_not_parsed_again(house: Gatehouse) -> None:
    snapshot = house.serving.snapshot if house.serving else None
    house.write("routes", rows(10))
    assert snapshot is house.admit().loaded.snapshot


def test_a_table_that_breaks_a_guard_is_held(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    admitted = house.admit()
    reason = "IPv4 shrinks from 10 to 8 prefixes, by 20.0 %; 10 % is allowed"
    assert (10, True) == (house.count, admitted.is_held)
    assert admitted.warnings[0].what.endswith(f"to let it through: {reason}")
    held = house.gate.held
    assert held is not None
    assert ([reason], 1002.0) == (held["reasons"], held["at"])
    assert [("table_held", {"table": held["table"], "reason": reason})] == house.events


def test_a_table_just_inside_a_guard_passes(house: Gatehouse) -> None:
    house.write("routes", rows(9))
    assert (False, 9) == (house.admit().is_held, house.count)


def test_a_held_table_is_told_once(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    for _ in range(3):
        assert house.admit().is_held
    assert ["table_held"] == house.told
    assert 1002.0 == (house.gate.held or {})["at"]


def test_a_better_table_takes_the_place_of_the_held_one(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    house.admit()
    house.write("routes", rows(11))
    assert (False, 11, None) == (house.admit().is_held, house.count, house.gate.held)


def test_the_old_table_written_back_is_no_swap(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    house.admit()
    house.write("routes", rows(10))
    assert (False, None, 1) == (
        house.admit().is_held,
        house.gate.held,
        house.gate.describe()["serial"],
    )


def test_a_guard_that_is_loosened_lets_it_through(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    house.admit()
    house.guards = {"max_shrink": "20%"}
    assert (False, 8) == (house.admit().is_held, house.count)


def test_after_a_restart_the_accepted_table_serves(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    house.admit()
    house.start()
    admitted = house.admit()
    assert (10, True) == (house.count, admitted.is_held)
    assert str(house.folder / "routes") == admitted.loaded.files[0].path


def test_after_a_restart_a_new_table_is_compared_with_the_accepted_one(house: Gatehouse) -> None:
    house.start()
    house.write("routes", rows(8))
    assert (True, 10) == (house.admit().is_held, house.count)


def test_the_first_table_is_served_with_a_warning(tmp_path: Path) -> None:
    house = Gatehouse(tmp_path, {"min_prefixes": {"v4": 20}})
    house.write("routes", rows(10))
    admitted = house.admit()
    words = "guards: the table has 10 IPv4 prefixes; at least 20 are wanted"
    assert (10, False, words) == (house.count, admitted.is_held, admitted.warnings[0].what)


def test_what_cannot_be_read_changes_nothing(house: Gatehouse) -> None:
    house.write("routes", "10.0.0.0/8 nonsense\n")
    path = re.escape(str(house.folder / "routes"))
    with pytest.raises(InputError, match=f"^{path}:1: "):
        house.admit()
    (house.folder / "routes").unlink()
    with pytest.raises(InputError, match=f"^{path}: the file cannot be read: No such file"):
        house.admit()
    assert (10, []) == (house.count, house.told)


def test_an_operator_lets_a_held_table_through(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    house.admit()
    house.told  # noqa: B018  (forget)
    house.approve((house.gate.held or {})["table"])
    assert (8, None, 2) == (house.count, house.gate.held, house.gate.describe()["serial"])
    assert ("table_approved", {"serial": 2, "by": "ann", "reason": "it is meant so"}) == (
        house.events[0]
    )
    assert ["table_approved", "table_accepted"] == house.told
    assert (False, 8) == (house.admit().is_held, house.count)


def test_what_is_approved_is_what_was_held_whatever_the_file_has_by_now(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    house.admit()
    house.write("routes", rows(2))
    house.approve()
    assert 8 == house.count
    assert (True, 8) == (house.admit().is_held, house.count)


def test_what_is_not_held_cannot_be_approved(house: Gatehouse) -> None:
    with pytest.raises(InputError, match="no table is held"):
        house.approve()
    house.write("routes", rows(8))
    house.admit()
    with pytest.raises(InputError, match="deadbeef is not held: the files changed since"):
        house.approve("deadbeef")
    assert 10 == house.count


def test_a_rollback_returns_to_the_table_before(house: Gatehouse) -> None:
    house.write("routes", rows(11))
    house.admit()
    house.told  # noqa: B018  (forget)
    house.roll_back()
    held = house.gate.held or {}
    assert (10, 3) == (house.count, house.gate.describe()["serial"])
    assert ["it was rolled back by ann: it was wrong"] == held["reasons"]
    assert ["table_rolled_back", "table_accepted", "table_held"] == house.told


def test_what_was_rolled_back_stays_held_even_after_a_restart(house: Gatehouse) -> None:
    house.write("routes", rows(11))
    house.admit()
    house.roll_back()
    house.told  # noqa: B018  (forget)
    assert (True, 10) == (house.admit().is_held, house.count)
    house.start()
    assert (True, 10, []) == (house.admit().is_held, house.count, house.told)


def test_what_was_rolled_back_is_free_again_once_the_file_changed(house: Gatehouse) -> None:
    house.write("routes", rows(11))
    house.admit()
    house.roll_back()
    house.write("routes", rows(12))
    assert (False, 12) == (house.admit().is_held, house.count)
    house.write("routes", rows(11))
    assert (False, 11) == (house.admit().is_held, house.count)


def test_what_was_rolled_back_can_be_approved(house: Gatehouse) -> None:
    house.write("routes", rows(11))
    house.admit()
    house.roll_back()
    house.approve()
    assert (11, None) == (house.count, house.gate.held)
    assert (False, 11) == (house.admit().is_held, house.count)


def test_a_second_rollback_has_nowhere_to_go(house: Gatehouse) -> None:
    with pytest.raises(InputError, match="there is no table to return to"):
        house.roll_back()
    house.write("routes", rows(11))
    house.admit()
    assert {"serial": 1, "accepted_at": 1001.0} == house.gate.describe()["way_back"]
    house.roll_back()
    with pytest.raises(InputError, match="there is no table to return to"):
        house.roll_back()


def test_a_rollback_needs_the_same_route_files(house: Gatehouse) -> None:
    house.write("routes", rows(11))
    house.admit()
    house.write("more", "30.0.0.0/8 1\n")
    house.routes = ("routes", "more")
    with pytest.raises(InputError, match="other route files than are configured now"):
        house.roll_back()


def test_the_difference_to_the_held_table_is_told(house: Gatehouse) -> None:
    with pytest.raises(InputError, match="no table is held"):
        house.gate.diff(house.candidate())
    house.write("routes", rows(4) + rows(10)[rows(10).index("20.8") :])
    house.admit()
    found = house.gate.diff(house.candidate())
    assert (1, 4, 0.4) == (found["serial"], found["v4"]["withdrawn"], found["v4"]["moved"])
    assert [{"before": "nl", "after": "au", "share": 0.4, "prefixes": 4}] == found["v4"]["pairs"]
    assert house.gate.held == found["held"]


def test_two_files_are_one_table(tmp_path: Path) -> None:
    house = Gatehouse(tmp_path, dict(SHRINK), routes=("a", "b"))
    house.write("a", rows(10))
    house.write("b", "30.0.0.0/8 1\n")
    house.admit()
    house.write("a", rows(5))
    assert (True, 11) == (house.admit().is_held, house.count)
    house.write("b", "30.0.0.0/8 3\n")  # good by itself, but a table is taken whole
    assert (True, 11) == (house.admit().is_held, house.count)
    house.approve()
    assert 6 == house.count


def test_a_file_that_is_added_passes_and_one_that_goes_is_a_shrink(tmp_path: Path) -> None:
    house = Gatehouse(tmp_path, dict(SHRINK), routes=("a",))
    house.write("a", rows(10))
    house.admit()
    house.write("b", "30.0.0.0/8 1\n31.0.0.0/8 1\n")
    house.routes = ("a", "b")
    assert (False, 12) == (house.admit().is_held, house.count)
    house.routes = ("b",)
    assert (True, 12) == (house.admit().is_held, house.count)


def test_packed_tables_keep_their_rules_in_copies(house: Gatehouse) -> None:
    house.routes = ("packed.gz",)
    (house.folder / "packed.gz").write_bytes(gzip.compress(rows(20).encode()))
    house.admit()
    house.start()
    house.admit()
    assert 20 == house.count
    house.write("packed.gz", rows(20))
    path = re.escape(str(house.folder / "packed.gz"))
    with pytest.raises(InputError, match=f"{path}: the file is named .gz, but is not gzip"):
        house.admit()


def test_copies_are_bounded(house: Gatehouse) -> None:
    for count in range(10, 40):
        house.write("routes", rows(count))
        house.admit()
    assert 2 == house.copies
    house.write("routes", rows(5))
    house.admit()
    assert 3 == house.copies


def test_a_copy_that_is_damaged_is_neither_approved_nor_returned_to(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    house.admit()
    for path in (house.folder / "state" / "tables").iterdir():
        if path.name != "accepted.json" and path.read_text() == rows(8):
            path.write_text(rows(7))
    with pytest.raises(InputError, match="there is no whole copy of what"):
        house.approve()
    assert 10 == house.count


def test_where_the_accepted_table_is_lost_something_serves(house: Gatehouse) -> None:
    house.write("routes", rows(8))
    house.admit()
    house.start()
    for path in (house.folder / "state" / "tables").iterdir():
        if path.name != "accepted.json":
            path.unlink()
    assert (False, 8) == (house.admit().is_held, house.count)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"present": 1}', '{"present": {"serial": 1}}'])
def test_a_damaged_record_begins_anew(house: Gatehouse, text: str) -> None:
    (house.folder / "state" / "tables" / "accepted.json").write_text(text)
    house.start()
    house.write("routes", rows(8))
    assert (False, 8) == (house.admit().is_held, house.count)
    house.start()
    house.write("routes", rows(6))
    assert (True, 8) == (house.admit().is_held, house.count)


def test_a_state_folder_that_takes_nothing_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    house = Gatehouse(tmp_path, dict(SHRINK))
    house.write("routes", rows(10))
    house.admit()
    house.write("routes", rows(9))
    assert (False, 9) == (house.admit().is_held, house.count)
    house.write("routes", rows(5))
    assert (True, 9) == (house.admit().is_held, house.count)
