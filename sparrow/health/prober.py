"""One probe, run again and again, and what its results add up to.

Law: rounds keep to a grid of one interval on a clock that is never set back; a round
that was held up is not counted, and a verdict whose last round lies too far back is
forgotten. Start from `Prober`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from sparrow.health.kinds import find_probe
from sparrow.health.report import ProbeRow
from sparrow.health.rounds import run_round
from sparrow.health.site import Target
from sparrow.health.verdict import (
    Finding,
    ProbeState,
    Result,
    Verdict,
    advance,
    forget,
    soonest_change_s,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.config.health import Check
    from sparrow.health.aims import Aim
    from sparrow.health.kinds import Probe
    from sparrow.health.probes.attempt import Attempt
    from sparrow.health.spawning import Programs

_log = logging.getLogger(__name__)

_OLD_INTERVALS = 3
"""Intervals after which a result is no evidence: two rounds have not come to their end,
and a round in progress takes one at most."""


def boot_clock() -> float:
    """Give seconds since the machine was started, those included in which it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Prober:
    """A probe and its verdict. Its task is the only one that changes it."""

    def __init__(self, aim: Aim, programs: Programs, clock: Callable[[], float]) -> None:
        """Begin without a verdict; `run` does the work."""
        self.aim = aim
        """What is probed."""
        self.subject = aim.subject
        """What is found out, in one word that other processes know it by."""
        self.state = ProbeState()
        """What the results add up to."""
        self.finding: Finding | None = None
        """How the last round ended; None before the first."""
        self.since = time.time()
        """When the verdict became what it is, in Unix time: for people."""
        self.took_s: float | None = None
        """Seconds that the last round took; None before the first."""
        self.due_s = 0.0
        """When the next round begins, on the clock of the event loop."""
        self._programs = programs
        self._clock = clock
        self._last_round_s = clock()
        self._hurry = asyncio.Event()
        self._probe = _find_probe(aim)

    def take_over(self, state: ProbeState, finding: Finding | None, since: float) -> None:
        """Begin with what was found out before; only before `run`."""
        self.state = state
        self.finding = finding
        self.since = since

    def remember(self, state: ProbeState, since: float) -> None:
        """Begin with what another process found out, of which the words are gone."""
        result = Result.FAILED if state.verdict is Verdict.DOWN else Result.OK
        words = "as it was when this process began"
        self.take_over(state, Finding(result, words), since)

    def hurry(self) -> None:
        """Let the next round begin at once."""
        self._hurry.set()

    def target(self) -> Target:
        """Give what sites are told of it."""
        aim, state, finding = self.aim, self.state, self.finding
        return Target(
            label=aim.label,
            verdict=state.verdict,
            is_degraded=state.is_degraded,
            change_in_s=soonest_change_s(state, aim.thresholds, aim.check.interval_s),
            has_spoken=finding is None or finding.result is not Result.UNKNOWN,
            words=finding.words if finding else "",
        )

    def row(self, sites: tuple[str, ...]) -> ProbeRow:
        """Give what status shows of it; `sites` are those that it is for."""
        finding = self.finding
        return ProbeRow(
            check=self.aim.label,
            sites=sites,
            verdict=self.state.verdict,
            result=finding.result if finding else None,
            is_degraded=self.state.is_degraded,
            words=finding.words if finding else "",
            failures=self.state.failures,
            successes=self.state.successes,
            since=self.since,
            took_s=self.took_s,
        )

    async def run(self, first_in_s: float, on_round: Callable[[Prober], None]) -> None:
        """Run rounds for ever; `on_round` is called after each that changed anything."""
        loop = asyncio.get_running_loop()
        self.due_s = loop.time() + first_in_s
        while True:
            await self._await_due()
            before = (self.state, self.finding)
            self._forget_old()
            if before[0] is not self.state:
                on_round(self)
            began_s = loop.time()
            round_ = await run_round(self.aim, self._probe, self._programs, self._clock)
            before = (self.state, self.finding)
            if round_.is_spoiled:
                self._forget_old()
                self.due_s = loop.time()
            else:
                self._count(round_.finding)
                self.took_s = loop.time() - began_s
                self.due_s = self._next_due_s(loop.time())
            if before != (self.state, self.finding):
                on_round(self)

    def _next_due_s(self, now_s: float) -> float:
        """Give the next line of the grid; where a whole interval was missed, a grid from now."""
        interval_s = self.aim.check.interval_s
        next_s = self.due_s + interval_s
        return next_s if now_s < next_s + interval_s else now_s

    async def _await_due(self) -> None:
        try:
            async with asyncio.timeout_at(self.due_s):
                await self._hurry.wait()
                self.due_s = asyncio.get_running_loop().time()
        except TimeoutError:
            pass
        self._hurry.clear()

    def _count(self, finding: Finding) -> None:
        self._last_round_s = self._clock()
        self.finding = finding
        self._become(advance(self.state, finding.result, self.aim.thresholds))

    def _forget_old(self) -> None:
        """Give up a verdict that we or the machine slept over."""
        age_s = self._clock() - self._last_round_s
        if age_s > _OLD_INTERVALS * self.aim.check.interval_s:
            self._become(forget(self.state))

    def _become(self, state: ProbeState) -> None:
        before, self.state = self.state, state
        if before.verdict is not state.verdict:
            self.since = time.time()
            words = self.finding.words if self.finding else "no result yet"
            if state.verdict is Verdict.UNKNOWN:
                words = "its last result is too old, as the machine or this process stood still"
            _log.info("check %s: %s: %s", self.aim.label, state.verdict.value, words)


def _find_probe(aim: Aim) -> Probe:
    try:
        return find_probe(aim.check)
    except (ImportError, OSError) as error:
        _log.error("check %s cannot be run: %s", aim.label, error)
        return _missing(f"cannot be run here: {error}")


def _missing(words: str) -> Probe:
    async def probe(_: Check, __: Attempt) -> Finding:
        return Finding(Result.UNKNOWN, words)

    return probe
