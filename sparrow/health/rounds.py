"""One round of a check: a try, and another at once where the first failed.

Law: a round ends within twice the timeout, and within the interval, so that rounds never
overlap; one that was held up on our side is spoiled and counts for nothing. Start from
`run_round`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.health.probes.attempt import Attempt
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.health.aims import Aim
    from sparrow.health.kinds import Probe
    from sparrow.health.spawning import Programs

_log = logging.getLogger(__name__)

_LEAST_SHARE = 0.1
"""Part of the timeout that must be left for a second try to be worth it."""
_GRACE_S = 3.0
"""Seconds that a probe may overrun its time before it is given up; programs are reported
somewhat late, and a spawner that hangs is noticed after 2 s."""
_MAX_WORDS = 500
"""Characters of a finding's words: more is nothing to read in a table."""
_HELD_UP_S = 0.25
"""Seconds by which a try must be late, at least, to have been held up: a busy machine
comes near a tenth of that."""


@dataclass(frozen=True, slots=True)
class Round:
    """How a round ended."""

    finding: Finding
    """What it found."""
    is_spoiled: bool
    """Whether we or the machine stood still meanwhile, so that it counts for nothing."""


async def run_round(
    aim: Aim, probe: Probe, programs: Programs, clock: Callable[[], float]
) -> Round:
    """Run one round, of at most two tries.

    `clock` gives seconds that go on while the machine sleeps: by it the time is told
    that nobody had.
    """
    check = aim.check
    began_s = clock()

    async def run_try(timeout_s: float) -> Round:
        try_began_s = clock()
        finding = await _guard(aim, probe, Attempt(aim.host, timeout_s, programs))
        late_s = clock() - try_began_s - timeout_s
        is_late = late_s > max(_HELD_UP_S, timeout_s / 2)
        return Round(finding, is_late and finding.result is not Result.UNKNOWN)

    first = await run_try(check.timeout_s)
    left_s = min(2 * check.timeout_s, check.interval_s) - (clock() - began_s)
    is_over = left_s < check.timeout_s * _LEAST_SHARE
    if first.finding.result is not Result.FAILED or first.is_spoiled or is_over:
        return first
    return await run_try(min(check.timeout_s, left_s))


async def _guard(aim: Aim, probe: Probe, attempt: Attempt) -> Finding:
    """Run the probe; whatever is wrong with the probe itself is no evidence."""
    try:
        async with asyncio.timeout(attempt.timeout_s + _GRACE_S):
            finding = await probe(aim.check, attempt)
    except TimeoutError:
        return Finding(Result.UNKNOWN, "the probe did not end in time")
    except Exception as error:  # noqa: BLE001  (one broken probe must not end the others)
        _log.exception("%s: its probe broke", aim.label)
        return Finding(Result.UNKNOWN, f"the probe broke: {error!r}")
    return Finding(finding.result, _clean(finding.words))


def _clean(words: str) -> str:
    """Give words that are fit for a terminal and for a log, whatever a target said."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in words)[
        :_MAX_WORDS
    ]
