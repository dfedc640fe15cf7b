"""One try of a probe, and what its errors mean.

Law: what goes wrong at the target is a failure; what goes wrong here, on our own
machine, is no evidence. Start from `Attempt` and `in_time`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sparrow.health.spawning import Programs

_OWN_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""We have run out of something. That a target cannot be reached is about the target: a
name server that is cut off from another site must not send users there."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a probe is given for one try, besides its check."""

    host: str
    """Text of the address to try; empty for a check that has none."""
    timeout_s: float
    """Seconds until the try has failed."""
    programs: Programs
    """Runs external programs."""


async def in_time(work: Coroutine[None, None, Finding], timeout_s: float) -> Finding:
    """Give what `work` finds; a failure where it takes too long or meets an error."""
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError:
        return Finding(Result.FAILED, f"no answer within {timeout_s:.3g} s")
    except OSError as error:
        return blame(error)


def blame(error: OSError) -> Finding:
    """Say what an error of a connection means."""
    result = Result.UNKNOWN if error.errno in _OWN_ERRORS else Result.FAILED
    return Finding(result, _describe(error))


def _describe(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if error.errno is None:
        return str(error) or type(error).__name__
    return os.strerror(error.errno).lower()
