from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from peers import LOOPBACK, check_of

from sparrow.health.aims import Aim
from sparrow.health.rounds import Round, run_round
from sparrow.health.spawning import Programs
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from sparrow.config.health import Check
    from sparrow.health.probes.attempt import Attempt

OK, FAILED = Finding(Result.OK, "fine"), Finding(Result.FAILED, "broken")
UNKNOWN, DEGRADED = Finding(Result.UNKNOWN, "who knows"), Finding(Result.DEGRADED, "worn")


class Scripted:
    """A probe that finds what is written, each try taking some seconds of a clock of its own."""

    def __init__(self, *script: tuple[Finding, float]) -> None:
        self.script = list(script)
        self.now_s = 0.0
        self.given: list[float] = []
        """The time that each try was given."""

    async def __call__(self, _: Check, attempt: Attempt, /) -> Finding:
        self.given.append(attempt.timeout_s)
        finding, took_s = self.script[len(self.given) - 1]
        self.now_s += took_s
        return finding

    def clock(self) -> float:
        return self.now_s


def run(probe: Any, clock: Any = None, *, interval: float = 3, timeout: float = 1.5) -> Round:
    times = {"interval": f"{interval}s", "timeout": f"{timeout}s"}
    check = check_of("tcp", port=1, **times)
    aim = Aim(check, LOOPBACK, "a check")
    return asyncio.run(run_round(aim, probe, Programs(), clock or probe.clock))


@pytest.mark.parametrize("found", [OK, DEGRADED, UNKNOWN])
def test_what_did_not_fail_is_not_tried_again(found: Finding) -> None:
    probe = Scripted((found, 0.1))
    assert Round(found, is_spoiled=False) == run(probe)
    assert [1.5] == probe.given


@pytest.mark.parametrize("second", [OK, FAILED, UNKNOWN])
def test_a_failure_is_tried_again_and_the_second_try_counts(second: Finding) -> None:
    probe = Scripted((FAILED, 0.1), (second, 0.1))
    assert Round(second, is_spoiled=False) == run(probe)
    assert [1.5, 1.5] == probe.given


@pytest.mark.parametrize(
    ("interval", "timeout", "took_s", "given"),
    [
        (3, 1.5, 1.5, [1.5, 1.5]),  # a round ends with its interval
        (10, 1.5, 1.5, [1.5, 1.5]),
        (4, 4, 1, [4, 3]),
        (4, 4, 3.5, [4, 0.5]),
        (4, 4, 3.7, [4]),  # no time that is worth it
        (4, 4, 4, [4]),
    ],
)
def test_a_second_try_has_what_is_left_of_the_round(
    interval: float, timeout: float, took_s: float, given: list[float]
) -> None:
    probe = Scripted((FAILED, took_s), (FAILED, 0))
    run(probe, interval=interval, timeout=timeout)
    assert given == probe.given


@pytest.mark.parametrize(
    ("script", "is_spoiled"),
    [
        ([(FAILED, 1.5), (FAILED, 1.5)], False),
        ([(FAILED, 2.2), (FAILED, 0.8)], False),  # late, as on a busy machine
        ([(FAILED, 2.4)], True),
        ([(OK, 2.4)], True),
        ([(FAILED, 3600)], True),
        ([(FAILED, 0), (FAILED, 3600)], True),
        ([(FAILED, 0), (OK, 3600)], True),
        ([(UNKNOWN, 3600)], False),  # no evidence in any case, and its words are of use
    ],
)
def test_a_try_that_was_held_up_spoils_its_round(
    script: list[tuple[Finding, float]], *, is_spoiled: bool
) -> None:
    assert is_spoiled is run(Scripted(*script)).is_spoiled


def test_a_probe_that_breaks_is_no_evidence(caplog: pytest.LogCaptureFixture) -> None:
    async def probe(_: object, __: object) -> Finding:
        raise ZeroDivisionError("by nothing")

    expected = Finding(Result.UNKNOWN, "the probe broke: ZeroDivisionError('by nothing')")
    assert expected == run(probe, lambda: 0.0).finding
    assert "a check: its probe broke" in caplog.text


def test_what_a_target_says_cannot_move_a_terminal() -> None:
    probe = Scripted((Finding(Result.UNKNOWN, "500 \x1b[31m\udcff\r\n" + 600 * "e"), 0.1))
    words = run(probe).finding.words
    assert ("500 \ufffd[31m\ufffd\ufffd\ufffde", 500) == (words[:13], len(words))


def test_a_probe_that_does_not_end_is_given_up() -> None:
    async def probe(_: object, __: object) -> Finding:
        await asyncio.sleep(60)
        return OK

    found = run(probe, lambda: 0.0, interval=0.1, timeout=0.01).finding
    assert Finding(Result.UNKNOWN, "the probe did not end in time") == found


LOADED = """
import sys
from peers import check_of
from sparrow.health import schedule, once
from sparrow.health.kinds import find_probe
find_probe(check_of("tcp", port=1))
print("aiohttp" in sys.modules)
find_probe(check_of("http"))
print("aiohttp" in sys.modules)
"""


def test_the_library_for_http_is_loaded_only_where_a_check_needs_it() -> None:
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{LOADED}"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "False\nTrue\n" == ran.stdout
