"""What a monitoring plugin says.

The exit codes are those of the plugins of Nagios and all that came after it: 0 ok,
1 warning, 2 critical, 3 unknown. Any other, a signal, and a program that cannot be run
count as unknown. Our timeout rules, however long the program would wait by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.targets import ADDRESS
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from sparrow.config.health import ExternalCheck
    from sparrow.health.probes.attempt import Attempt

_RESULTS = {0: Result.OK, 1: Result.DEGRADED, 2: Result.FAILED}


async def probe(check: ExternalCheck, attempt: Attempt) -> Finding:
    """Run the program, with the address where `{address}` stands."""
    argv = [word.replace(ADDRESS, attempt.host) for word in check.command]
    ran = await attempt.programs.run(argv, {}, attempt.timeout_s)
    if ran.was_killed:
        return Finding(Result.FAILED, f"killed, as it took longer than {attempt.timeout_s:.3g} s")
    if ran.exit_code is None:
        return Finding(Result.UNKNOWN, f"{argv[0]} cannot be run: {ran.first_line}")
    result = _RESULTS.get(ran.exit_code, Result.UNKNOWN)
    return Finding(result, ran.first_line or _describe(ran.exit_code))


def _describe(exit_code: int) -> str:
    return f"exit code {exit_code}" if exit_code >= 0 else f"ended by signal {-exit_code}"
