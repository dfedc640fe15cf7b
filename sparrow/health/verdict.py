"""From the results of one probe to a verdict on its target.

Law: pure; a verdict changes only by results that are evidence, as the table below says,
and never by time. Start from `advance`.

The rules are those of gdnsd: failures count together though successes lie between them,
until enough successes in a row prove the target sound again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Result(Enum):
    """What one round of a probe found."""

    OK = "ok"
    DEGRADED = "degraded"
    """It works, and something wants attention."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """No evidence of either: the probe itself could not do its work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one round of a probe ended."""

    result: Result
    """What it found."""
    words: str
    """The same for people, on one line."""


class Verdict(Enum):
    """What the results so far say of a target."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    """No evidence yet, or none that still counts."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How many results change a verdict; each at least 1."""

    up: int = 10
    """Successes in a row that bring a target up."""
    ok: int = 5
    """Successes in a row that clear the failures counted against a target that is up."""
    down: int = 3
    """Failures, not necessarily in a row, that bring a target down."""


@dataclass(frozen=True, slots=True)
class ProbeState:
    """What is kept of all results of one probe."""

    verdict: Verdict = Verdict.UNKNOWN
    """What they say."""
    failures: int = 0
    """Failures counted against a target that is up; 0 for any other."""
    successes: int = 0
    """Successes in a row towards the next change; 0 where none is in sight."""
    is_degraded: bool = False
    """Whether the last result that was evidence was `DEGRADED`."""


def advance(state: ProbeState, result: Result, thresholds: Thresholds) -> ProbeState:
    """Give the state after one more result."""
    if result is Result.UNKNOWN:
        return state
    step = _STEPS[state.verdict, result is not Result.FAILED]
    return replace(step(state, thresholds), is_degraded=result is Result.DEGRADED)


def forget(state: ProbeState) -> ProbeState:
    """Give the state after a pause that made its results too old to be evidence."""
    return ProbeState() if state.verdict is not Verdict.UNKNOWN else state


def soonest_change_s(state: ProbeState, thresholds: Thresholds, interval_s: float) -> float | None:
    """Give the seconds until the verdict may change at the soonest; None for not in sight.

    A target that is up and has no failure against it counts as stable. An unknown one
    may change with the next result.
    """
    if state.verdict is Verdict.UNKNOWN:
        return interval_s
    if state.verdict is Verdict.DOWN:
        return interval_s * max(thresholds.up - state.successes, 1)
    if not state.failures:
        return None
    return interval_s * max(thresholds.down - state.failures, 1)


#   verdict \ result | success (ok, degraded)              | failure                    | unknown
#   -----------------+-------------------------------------+----------------------------+--------
#   unknown          | up                                  | down                       | stays
#   up, failures = 0 | stays                               | see below                  | stays
#   up, failures > 0 | successes + 1; at `ok` both are 0   | failures + 1, successes 0; | stays
#                    |                                     | at `down`: down            |
#   down             | successes + 1; at `up`: up          | successes 0                | stays


def _rise(_: ProbeState, __: Thresholds) -> ProbeState:
    return ProbeState(Verdict.UP)


def _fall(_: ProbeState, __: Thresholds) -> ProbeState:
    return ProbeState(Verdict.DOWN)


def _reassure(state: ProbeState, thresholds: Thresholds) -> ProbeState:
    if not state.failures or state.successes + 1 >= thresholds.ok:
        return ProbeState(Verdict.UP)
    return replace(state, successes=state.successes + 1)


def _endanger(state: ProbeState, thresholds: Thresholds) -> ProbeState:
    if state.failures + 1 >= thresholds.down:
        return ProbeState(Verdict.DOWN)
    return replace(state, failures=state.failures + 1, successes=0)


def _recover(state: ProbeState, thresholds: Thresholds) -> ProbeState:
    if state.successes + 1 >= thresholds.up:
        return ProbeState(Verdict.UP)
    return replace(state, successes=state.successes + 1)


_STEPS = {
    (Verdict.UNKNOWN, True): _rise,
    (Verdict.UNKNOWN, False): _fall,
    (Verdict.UP, True): _reassure,
    (Verdict.UP, False): _endanger,
    (Verdict.DOWN, True): _recover,
    (Verdict.DOWN, False): _fall,
}
