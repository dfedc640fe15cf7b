"""What a file says that somebody else keeps up to date.

Its age is by the clock on the wall, since that is the only one that files know. A file
that is older than it may be, missing or unreadable is no evidence of anything.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from sparrow.config.health import FileCheck
    from sparrow.health.probes.attempt import Attempt

_RESULTS = {"up": Result.OK, "down": Result.FAILED, "degraded": Result.DEGRADED}
_MAX_OCTETS = 4096
_SHOWN = 200


async def probe(check: FileCheck, _: Attempt) -> Finding:
    """Read the file; its first word is the result, and its first line the words."""
    try:
        # A pipe under that name would hold us up.
        descriptor = os.open(check.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            age_s = time.time() - os.fstat(descriptor).st_mtime
            octets = os.read(descriptor, _MAX_OCTETS)
        finally:
            os.close(descriptor)
    except OSError as error:
        return Finding(Result.UNKNOWN, f"cannot be read: {os.strerror(error.errno or 0).lower()}")
    # One that is as far ahead was written by another clock, and would never grow old.
    if abs(age_s) > check.max_age_s:
        where = "old" if age_s > 0 else "ahead of the clock"
        return Finding(Result.UNKNOWN, f"{abs(age_s):.0f} s {where}: {check.max_age_s:g} s allowed")
    return _read_words(octets.decode("utf-8", "replace"))


def _read_words(text: str) -> Finding:
    line = text.strip().partition("\n")[0].rstrip()
    shown = "".join(char if char.isprintable() else " " for char in line[:_SHOWN])
    word = next(iter(line.split()), "").lower()
    if word not in _RESULTS:
        return Finding(Result.UNKNOWN, f"says {shown!r}: neither up, down nor degraded")
    return Finding(_RESULTS[word], f"says {shown!r}")
