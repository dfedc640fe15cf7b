"""A plan whose files were removed or harmed is found out, and written anew."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from statesites import build_state_authority

from sparrow.dns.respond import Identity
from sparrow.keeping.layout import TcpLimits
from sparrow.keeping.publishing import Publisher
from sparrow.plan.fallback import build_authority
from sparrow.plan.watch import PlanSource
from sparrow.policy.outcome import ALL_SERVING, Condition, Standing
from sparrow.policy.steering import Client
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sparrow.plan.plan import Plan

LIMITS = TcpLimits(100, 10, 10)
FAILED = (Condition(Standing.FAILED), Condition(Standing.FAILED))
CLIENT = Client(parse_address("20.1.1.1"))


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    """One that has published, and told that the first site has failed."""
    found = Publisher(tmp_path)
    found.publish(build_state_authority(), LIMITS, ALL_SERVING)
    found.write({"au": FAILED})
    return found


def remove(name: str) -> Callable[[Path], None]:
    return lambda run_dir: (run_dir / "plan" / name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    def harm(run_dir: Path) -> None:
        path = run_dir / "plan" / name
        content = path.read_bytes()
        path.unlink()  # whoever has mapped it keeps it whole
        path.write_bytes(content[:-1])

    return harm


def flip(name: str) -> Callable[[Path], None]:
    def harm(run_dir: Path) -> None:
        path = run_dir / "plan" / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.unlink()
        path.write_bytes(content)

    return harm


def clear(run_dir: Path) -> None:
    shutil.rmtree(run_dir)
    run_dir.mkdir()


PLAINLY = {
    "cleared run directory": (clear, "current is missing or damaged"),
    "no plan": (
        lambda run_dir: shutil.rmtree(run_dir / "plan"),
        "current is missing or damaged",
    ),
    "no current": (remove("current"), "current is missing or damaged"),
    "no number": (remove("generation"), "generation is missing"),
    "no answers": (remove("answers-1"), "answers-1: No such file or directory"),
    "no map": (remove("map-1-0"), "map-1-0: No such file or directory"),
    "no outcomes": (remove("outcomes-1"), "outcomes-1: No such file or directory"),
    "cut answers": (cut("answers-1"), "answers-1 has "),
    "cut map": (cut("map-1-1"), "map-1-1 has "),
}
WITHIN = {"answers": flip("answers-1"), "a map": flip("map-1-0")}


def site_of(plan: Plan) -> int | None:
    steering = build_authority(plan).steering
    assert steering is not None
    return steering.choose("all-up", 4, CLIENT).site


@pytest.mark.parametrize("is_thorough", [False, True])
def test_a_whole_plan_has_no_damage(publisher: Publisher, *, is_thorough: bool) -> None:
    assert publisher.find_damage(is_thorough=is_thorough) is None


@pytest.mark.parametrize("case", PLAINLY)
def test_a_file_that_is_gone_or_cut_is_written_anew(
    tmp_path: Path, publisher: Publisher, case: str
) -> None:
    worker = PlanSource(tmp_path / "plan")
    harm, words = PLAINLY[case]
    harm(tmp_path)
    assert (publisher.find_damage(is_thorough=False) or "").startswith(words)
    assert publisher.mend() is not None
    assert publisher.find_damage(is_thorough=True) is None
    assert 2 == site_of(PlanSource(tmp_path / "plan").plan)
    followed = worker.poll()
    assert (0, None) == (worker.refused, worker.last_refusal)
    publisher.write({})
    assert 0 == site_of(followed)  # the worker that was there follows as any other


@pytest.mark.parametrize("case", WITHIN)
def test_octets_that_are_others_are_found_by_who_is_thorough(
    tmp_path: Path, publisher: Publisher, case: str
) -> None:
    WITHIN[case](tmp_path)
    assert publisher.find_damage(is_thorough=False) is None
    assert publisher.find_damage(is_thorough=True) is not None
    assert publisher.mend() is not None
    assert publisher.find_damage(is_thorough=True) is None
    assert 2 == site_of(PlanSource(tmp_path / "plan").plan)


def test_who_lost_the_right_finds_nothing_to_mend(tmp_path: Path, publisher: Publisher) -> None:
    Publisher(tmp_path).publish(build_state_authority(), LIMITS)
    shutil.rmtree(tmp_path / "plan")
    assert publisher.find_damage(is_thorough=True) is None


def test_who_published_nothing_has_nothing_to_mend(tmp_path: Path) -> None:
    found = Publisher(tmp_path)
    assert found.find_damage(is_thorough=True) is None
    assert found.mend() is None


def test_a_run_directory_that_was_cleared_away_is_published_in_again(
    tmp_path: Path, publisher: Publisher
) -> None:
    worker = PlanSource(tmp_path / "plan")
    clear(tmp_path)
    publisher.publish(build_state_authority(names=5), LIMITS)
    assert PlanSource(tmp_path / "plan").plan.generation == worker.poll().generation
    assert publisher.find_damage(is_thorough=True) is None


def test_routes_alone_are_not_published_beside_answers_that_are_gone(
    tmp_path: Path, publisher: Publisher
) -> None:
    remove("answers-1")(tmp_path)
    publisher.publish(build_state_authority(("20.0.0.0/9 2",)), LIMITS)
    assert "answers-2" == PlanSource(tmp_path / "plan").plan.answers.file.name


def test_identity_outlives_mending(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path)
    publisher.publish(replace(build_state_authority(), identity=Identity(nsid=b"here")), LIMITS)
    clear(tmp_path)
    publisher.mend()
    assert b"here" == PlanSource(tmp_path / "plan").plan.answers.nsid
