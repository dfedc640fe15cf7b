"""What the driver does not take: a wrong plan, and options that say nothing it can do."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from bindground import (
    ADDRESSES,
    HALVES,
    LOWER,
    SELF,
    UPPER,
    WORDS,
    ZONE_WORDS,
    Harness,
    compile_plan,
)
from running import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bindground import Bind
    from running import Home

    Serving = Callable[[str], AbstractContextManager[Bind]]

NEAREST = [ADDRESSES[64600]]
"""Of a client of the lower half."""


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 0x40
    path.write_bytes(octets)


def file_of(plan: Path, kind: str) -> Path:
    return max(plan.glob(f"{kind}*"))


def rewrite_current(plan: Path, **changes: object) -> None:
    tree = json.loads((plan / "current").read_text()) | changes
    (plan / "current").write_text(json.dumps(tree))


SPOILINGS = {
    "the map is cut": (lambda plan: cut(file_of(plan, "map-")), "octets that current says"),
    "the answers are cut": (
        lambda plan: cut(file_of(plan, "answers-")),
        "octets that current says",
    ),
    "the outcomes are cut": (
        lambda plan: cut(file_of(plan, "outcomes-")),
        "octets that current says",
    ),
    "a bit of the map is another": (lambda plan: flip(file_of(plan, "map-")), "digest"),
    "a bit of the answers is another": (lambda plan: flip(file_of(plan, "answers-")), "digest"),
    "the map is gone": (lambda plan: file_of(plan, "map-").unlink(), "No such file"),
    "current is gone": (lambda plan: (plan / "current").unlink(), "current: No such file"),
    "current is cut": (lambda plan: cut(plan / "current"), "not as the format wants"),
    "generation is cut": (lambda plan: cut(plan / "generation"), "number of a generation"),
    "generation is gone": (lambda plan: (plan / "generation").unlink(), "No such file"),
    "all of it is gone": (shutil.rmtree, "No such file"),
    "it is of a newer format": (
        lambda plan: rewrite_current(plan, format=2),
        "it has format 2, and this driver reads 1",
    ),
    "current has a key more": (
        lambda plan: rewrite_current(plan, more=1),
        "not as the format wants",
    ),
    "current leads elsewhere": (
        lambda plan: rewrite_current(plan, outcomes={"file": "../outcomes-1", "size": 8}),
        "not as the format wants",
    ),
    "current is behind the number": (
        lambda plan: rewrite_current(plan, generation=0),
        "it still has generation 0",
    ),
}
"""What is done to a plan, and what the driver says of it."""


@pytest.mark.parametrize("spoiling", SPOILINGS)
def test_without_a_plan_that_can_be_taken_self_is_answered_and_one_line_says_why(
    harness: tuple[Path, Path], plan: Path, spoiling: str
) -> None:
    spoil, expected = SPOILINGS[spoiling]
    spoil(plan)
    with Harness(harness, f"{WORDS} --plan {plan}") as driver:
        assert driver.is_created
        answers = [driver.addresses(LOWER) for _ in range(100)]
        assert [[SELF]] * 100 == answers
        assert 1 == len(driver.logged), driver.logged
        assert expected in driver.logged[0]
        assert "--self is answered" in driver.logged[0]
        assert driver.logged[0].startswith(f"-3 sparrow: dlz 'www': the plan in {plan}")


@pytest.mark.parametrize("spoiling", SPOILINGS)
def test_what_is_spoiled_later_changes_no_answer_and_a_good_plan_is_taken_again(
    harness: tuple[Path, Path], home: Home, plan: Path, spoiling: str
) -> None:
    with Harness(harness, f"{WORDS} --plan {plan}") as driver:
        driver.wait_for_answer(NEAREST)
        compile_plan(home, HALVES[1])
        driver.wait_for_answer([ADDRESSES[64602]])
        SPOILINGS[spoiling][0](plan)
        # With its outcomes cut off, a plan that was taken has no more to say.
        expected = [SELF] if "outcomes are cut" in spoiling else [ADDRESSES[64602]]
        assert [expected] * 50 == [driver.addresses(LOWER) for _ in range(50)]
        shutil.rmtree(plan, ignore_errors=True)
        compile_plan(home, HALVES[0])
        driver.wait_for_answer(NEAREST)
        assert [SELF] == driver.addresses(UPPER)
        assert (0, "") == driver.end()


@pytest.mark.parametrize("kind", ["map-", "answers-"])
def test_a_new_generation_that_fails_the_check_is_not_taken_and_the_old_one_stays(
    harness: tuple[Path, Path], home: Home, plan: Path, kind: str
) -> None:
    with Harness(harness, f"{WORDS} --plan {plan}") as driver:
        driver.wait_for_answer(NEAREST)
        shutil.copytree(plan, home.path / "aside")
        aside = compile_plan(home, HALVES[1], "aside")
        flip(file_of(aside, kind))
        take_over(aside, plan)
        wait_until(lambda: said(driver, "the one before stays"), lambda: str(driver.logged))
        assert NEAREST == driver.addresses(LOWER)
        assert 1 == len(driver.logged)
        compile_plan(home, HALVES[1])
        driver.wait_for_answer([ADDRESSES[64602]])
        assert "is taken" in driver.logged[-1]


def said(driver: Harness, text: str) -> bool:
    driver.order("ask -")
    return any(text in line for line in driver.logged)


def take_over(aside: Path, plan: Path) -> None:
    """Bring what is new in one directory into the other, the number last."""
    for path in aside.iterdir():
        if not (plan / path.name).exists():
            shutil.copy(path, plan)
    (aside / "current").rename(plan / "current")
    with (plan / "generation").open("r+b") as file:
        file.write((aside / "generation").read_bytes())


def test_named_serves_on_whatever_becomes_of_the_files_under_it(
    home: Home, plan: Path, serving: Serving
) -> None:
    with serving(f"{WORDS} --plan {plan}") as bind:
        for path in plan.iterdir():
            with path.open("r+b") as file:
                file.truncate(0)
        assert [SELF] == bind.addresses(LOWER)
        shutil.rmtree(plan)
        bind.wait_for_log("No such file or directory; the one before stays")
        compile_plan(home)
        bind.wait_for_answer(NEAREST)


def test_named_starts_without_a_plan_and_takes_the_first_that_comes(
    home: Home, serving: Serving
) -> None:
    with serving(f"{WORDS} --plan {home.path / 'plan'}") as bind:
        assert [SELF] == bind.addresses(LOWER)
        assert 1 == bind.log().count("is not taken"), bind.log()
        compile_plan(home)
        bind.wait_for_answer(NEAREST)
        bind.wait_for_log("generation 1 of the plan")


WRONG_WORDS = [
    ("ss --bad 1", "--bad: there is no such option"),
    (f"{WORDS} --plan", "--plan: nothing stands behind it"),
    (f"{WORDS}", "either --plan or --host says where answers come from"),
    (f"{WORDS} --plan p --host h", "either --plan or --host"),
    (f"{WORDS} --plan p --port 1", "go with --host, not with --plan"),
    (f"{WORDS} --host h --service s", "--service goes with --plan"),
    (f"{WORDS} --host 127.0.0.1 --route_server gated", "speaks with ssrs and zebra"),
    (f"{WORDS} --host localhost --no_lookup", "--host localhost"),
    (f"{WORDS} --plan p --ttl -1", "--ttl -1: it wants a number from 0 to 604800"),
    (f"{WORDS} --plan p --result_count 0", "--result_count 0: it wants a number from 1 to 64"),
    (f"{WORDS} --plan p --peer 1=host", "--peer 1=host: it wants AS=ADDRESS"),
    (f"{WORDS} --plan p --peer 4294967296=192.0.2.1", "it wants AS=ADDRESS"),
    (f"{WORDS} --plan p --self host", "--self host: it wants an address"),
    (f"{WORDS} --plan p --ns a..b", "--ns a..b: it wants a domain name"),
    (f"sdb {WORDS[3:]} --plan p", "has to be ss"),
    (f"ss --peer 1=192.0.2.1 --plan p {ZONE_WORDS}", "--self is missing"),
    (f"ss --self 192.0.2.1 --plan p {ZONE_WORDS}", "--peer is missing"),
    ("ss --peer 1=192.0.2.1 --self 192.0.2.1 --plan p", "wants --soa_host, --soa_email and --ns"),
]


@pytest.mark.parametrize(("words", "expected"), WRONG_WORDS)
def test_words_that_are_not_understood_are_errors_at_load(
    harness: tuple[Path, Path], words: str, expected: str
) -> None:
    with Harness(harness, words) as driver:
        assert not driver.is_created
        assert any(expected in line for line in driver.logged), driver.logged
        assert {"-4"} == {line.split()[0] for line in driver.logged}
        assert (0, "") == driver.end()


def test_a_peer_whose_as_no_site_has_is_an_error_at_load(
    harness: tuple[Path, Path], plan: Path
) -> None:
    words = f"{WORDS} --peer 65000=192.0.2.50 --plan {plan}"
    with Harness(harness, words) as driver:
        assert not driver.is_created
        assert "--peer 65000=192.0.2.50: no site of the plan" in driver.logged[0]


def test_a_service_that_the_plan_has_not_is_an_error_at_load(
    harness: tuple[Path, Path], plan: Path
) -> None:
    with Harness(harness, f"{WORDS} --service api --plan {plan}") as driver:
        assert not driver.is_created
        assert "has no service api" in driver.logged[0]


def test_named_does_not_start_with_options_that_are_wrong(serving: Serving) -> None:
    with (
        pytest.raises(AssertionError, match="--bad: there is no such option"),
        serving(f"{WORDS} --bad --plan p"),
    ):
        pass
