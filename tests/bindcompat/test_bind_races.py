"""Four threads in the driver while plans are swapped: no race, and no memory lost."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from bindclients import Clients
from bindground import (
    ADDRESSES,
    CONF,
    HALVES,
    LOWER,
    SELF,
    WORDS,
    Harness,
    build_driver,
    compile_plan,
    serving_bind,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Home

SWAPS = 3
THREAD_SANITIZER = "-O1 -g -fsanitize=thread"


def swap_under_load(driver: Harness, home: Home) -> None:
    """Have four threads ask while generations come, are refused, and the driver is made anew."""
    driver.order("run 4")
    for turn in range(1, SWAPS + 1):
        compile_plan(home, HALVES[turn % 2])
        driver.wait_for_answer([ADDRESSES[64602 if turn % 2 else 64600]])
    (home.path / "plan" / "current").write_text("{}")
    (home.path / "plan" / "generation").unlink()
    compile_plan(home, HALVES[0])
    driver.wait_for_answer([ADDRESSES[64600]])
    counts = dict(line.split() for line in driver.order("stop"))
    assert {ADDRESSES[64600], ADDRESSES[64602], SELF} == counts.keys()
    driver.order("again")
    assert [ADDRESSES[64600]] == driver.addresses(LOWER)


@pytest.mark.timeout(900)
def test_valgrind_finds_no_error_and_no_leak(
    harness: tuple[Path, Path], home: Home, plan: Path, needs: Callable[[str], str]
) -> None:
    valgrind = (
        needs("valgrind"),
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--show-leak-kinds=all",
        "--errors-for-leak-kinds=all",
    )
    with Harness((*valgrind, *harness), f"{WORDS} --plan {plan}") as driver:
        swap_under_load(driver, home)
        assert (0, "") == driver.end()


@pytest.mark.timeout(900)
def test_valgrind_finds_nothing_of_the_driver_in_named(
    home: Home,
    plan: Path,
    driver: Path,
    needs: Callable[[str], str],
    free_port: Callable[[], int],
) -> None:
    folder, port = home.path / "bind", free_port()
    report = home.path / "report"
    valgrind = (
        needs("valgrind"),
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect,possible",
        "--keep-debuginfo=yes",  # BIND unloads the driver before the end
        "--fair-sched=yes",
        f"--log-file={report}",
    )
    conf = CONF.format(folder=folder, port=port, driver=driver, words=f"{WORDS} --plan {plan}")
    with (
        serving_bind(needs("named"), folder, port, conf, valgrind) as bind,
        Clients(port) as one,
        Clients(port) as other,
    ):
        for turn in range(1, SWAPS + 1):
            compile_plan(home, HALVES[turn % 2])
            bind.wait_for_answer([ADDRESSES[64602 if turn % 2 else 64600]])
    assert {ADDRESSES[64600], ADDRESSES[64602]} == one.answers[LOWER] | other.answers[LOWER]
    text = report.read_text()
    assert "ERROR SUMMARY" in text
    assert [] == [line for line in text.splitlines() if driver.name in line], text


@pytest.fixture(scope="module")
def sanitized(
    needs: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The harness and the driver, built with the compiler's ThreadSanitizer."""
    needs("make")
    folder = tmp_path_factory.mktemp("sanitized")
    (folder / "empty.c").write_text("int main(void) { return 0; }\n")
    command = ("cc", *THREAD_SANITIZER.split(), "-o", folder / "empty", folder / "empty.c")
    for step in (command, (folder / "empty",)):
        if subprocess.run(step, capture_output=True, check=False).returncode != 0:
            pytest.skip("the compiler has no ThreadSanitizer (-fsanitize=thread)")
    driver, harness = build_driver(folder, THREAD_SANITIZER)
    return harness, driver


@pytest.mark.timeout(900)
def test_thread_sanitizer_finds_no_race(
    sanitized: tuple[Path, Path], home: Home, plan: Path
) -> None:
    with Harness(sanitized, f"{WORDS} --plan {plan}") as driver:
        swap_under_load(driver, home)
        code, errors = driver.end()
    assert [] == re.findall(r"WARNING: ThreadSanitizer.*", errors), errors
    assert (0, "") == (code, errors)
