"""Guards and failover: no guard stops one, and each mode is compared with itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gatehouse import Gatehouse, rows

if TYPE_CHECKING:
    from pathlib import Path

GUARDS = {
    "min_prefixes": {"v4": 5},
    "max_shrink": "10%",
    "max_moved": "10%",
    "canaries": ("20.1.0.0/16 -> nl",),
}
ONLY_AU = "0.0.0.0/0 1\n"


@pytest.fixture
def house(tmp_path: Path) -> Gatehouse:
    """Give a gate with every guard, a link, and three modes, of which `normal` is in force."""
    house = Gatehouse(tmp_path, dict(GUARDS), modes=("normal", "au", "nl"))
    house.write("normal.routes", rows(10))
    house.write("au.routes", ONLY_AU)
    house.write("nl.routes", "0.0.0.0/0 2\n")
    house.point("normal.routes")
    house.admit()
    house.events.clear()
    return house


def test_no_guard_stops_a_failover_that_was_never_seen_before(house: Gatehouse) -> None:
    house.point("au.routes")
    admitted = house.admit()
    assert (False, (), 1) == (admitted.is_held, admitted.warnings, house.count)
    assert "au" == house.gate.describe()["mode"]


def test_nor_the_way_back(house: Gatehouse) -> None:
    for name, count in (("au", 1), ("normal", 10), ("nl", 1), ("au", 1), ("normal", 10)):
        house.point(f"{name}.routes")
        assert (False, count) == (house.admit().is_held, house.count)
    assert 6 == house.gate.describe()["serial"]


def test_a_mode_is_compared_with_what_was_accepted_of_it(house: Gatehouse) -> None:
    house.point("au.routes")
    house.admit()
    house.point("normal.routes")
    house.write("normal.routes", rows(8))
    admitted = house.admit()
    # Returning is not stopped: it serves what normal was.
    assert (True, 10) == (admitted.is_held, house.count)
    assert "normal" == house.gate.describe()["mode"]
    assert "shrinks from 10 to 8" in admitted.warnings[0].what


def test_a_failover_to_a_file_that_breaks_a_guard_serves_what_the_mode_was(
    house: Gatehouse,
) -> None:
    house.write("au.routes", "".join(f"{n}.0.0.0/8 1\n" for n in range(20, 40)))
    house.point("au.routes")
    house.admit()
    house.point("normal.routes")
    house.admit()
    house.write("au.routes", ONLY_AU)  # one prefix instead of twenty
    house.point("au.routes")
    admitted = house.admit()
    assert (True, 20, "au") == (admitted.is_held, house.count, house.gate.describe()["mode"])
    house.approve()
    assert 1 == house.count


def test_a_file_of_a_mode_may_move_answers(house: Gatehouse) -> None:
    house.guards = {"max_moved": "10%"}
    house.write("normal.routes", rows(10, asn=3))
    assert not house.admit().is_held


def test_the_first_normal_table_has_to_be_large_enough_too(tmp_path: Path) -> None:
    house = Gatehouse(tmp_path, {"min_prefixes": {"v4": 5}}, modes=("normal", "au"))
    house.write("normal.routes", rows(4))
    house.write("au.routes", ONLY_AU)
    house.point("au.routes")
    house.admit()
    house.point("normal.routes")
    assert (True, 1, "au") == (house.admit().is_held, house.count, house.gate.describe()["mode"])
    house.write("normal.routes", rows(5))
    assert (False, 5) == (house.admit().is_held, house.count)


def test_a_file_of_no_mode_may_not(tmp_path: Path) -> None:
    house = Gatehouse(tmp_path, {"max_moved": "10%"})
    house.write("routes", rows(10))
    house.admit()
    house.write("routes", rows(10, asn=3))
    assert house.admit().is_held


def test_another_route_file_may_not_move_answers_while_a_mode_is_in_force(tmp_path: Path) -> None:
    house = Gatehouse(
        tmp_path, {"max_moved": "10%"}, routes=("routes", "more"), modes=("normal", "au")
    )
    house.write("normal.routes", rows(10))
    house.write("au.routes", ONLY_AU)
    house.write("more", "30.0.0.0/8 2\n")
    house.point("normal.routes")
    house.admit()
    house.write("more", "30.0.0.0/8 3\n")
    assert house.admit().is_held
    # The failover goes on, with what was accepted of the other file.
    house.point("au.routes")
    admitted = house.admit()
    assert (True, "au", 2) == (admitted.is_held, house.gate.describe()["mode"], house.count)


def test_the_normal_file_must_be_large_enough_and_right(house: Gatehouse) -> None:
    house.guards = {"min_prefixes": {"v4": 10}, "canaries": GUARDS["canaries"]}
    house.write("normal.routes", rows(9, asn=3))
    admitted = house.admit()
    assert admitted.is_held
    assert "at least 10 are wanted; 20.1.0.0/16 goes to us instead of nl" in (
        admitted.warnings[0].what
    )


def test_a_rollback_stays_within_the_mode(house: Gatehouse) -> None:
    house.write("normal.routes", rows(11))
    house.admit()
    house.point("au.routes")
    house.admit()
    assert None is house.gate.describe()["way_back"]
    house.point("normal.routes")
    house.admit()
    house.roll_back()
    assert (10, "normal") == (house.count, house.gate.describe()["mode"])
    # What was rolled back stays so over a failover, which it does not stop.
    house.point("au.routes")
    assert (False, 1) == (house.admit().is_held, house.count)
    house.point("normal.routes")
    assert (True, 10) == (house.admit().is_held, house.count)


def test_copies_of_every_mode_are_kept_and_no_more(house: Gatehouse) -> None:
    for count in range(10, 20):
        house.write("normal.routes", rows(count))
        house.admit()
        for mode in ("au", "nl", "normal"):
            house.point(f"{mode}.routes")
            house.admit()
    assert 4 == house.copies  # au, nl, and two of normal


def test_a_mode_that_is_not_configured_any_more_is_forgotten(house: Gatehouse) -> None:
    for mode in ("au", "nl", "normal"):
        house.point(f"{mode}.routes")
        house.admit()
    house.modes = ("normal", "au")
    house.write("normal.routes", rows(11))
    house.admit()
    assert 3 == house.copies
