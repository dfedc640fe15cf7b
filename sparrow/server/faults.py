"""What goes wrong while serving, told to the log without flooding it.

Law: a kind of fault is logged at once the first time, and then at most once a
minute, with the number of times it was not; what comes from the wire is shown
so that it cannot pass for something else. Start from `FaultLog`.
"""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING

from sparrow.values.address import render_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.dns.respond import Sender

_log = logging.getLogger(__name__)

PAUSE_S = 60.0
"""Seconds; often enough to be seen in the evening's log, too rare to fill a disk."""
_SHOWN = 512
"""Octets of a packet that are logged; queries are rarely longer."""


class FaultLog:
    """Remembers when each kind of fault was last logged. Kinds are few: places in the code."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the time, in seconds from anywhere, off `clock`."""
        self._clock = clock
        self._next_s: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def report(self, kind: str, text: str, level: int = logging.WARNING) -> None:
        """Log a fault, unless its kind was logged a moment ago."""
        now_s = self._clock()
        if now_s < self._next_s.get(kind, now_s):
            self._left_out[kind] += 1
            return
        left_out = self._left_out.get(kind, 0)
        self._next_s[kind] = now_s + PAUSE_S
        self._left_out[kind] = 0
        more = f" ({left_out} more of this kind since it was last logged)" if left_out else ""
        _log.log(level, "%s%s", text, more)

    def report_exception(self, error: Exception, packet: bytes, sender: Sender) -> None:
        """Log that the answer code failed at a packet, with all that is needed to repeat it.

        The packet is shown in hex and the error by its `repr`, so no octet of a
        stranger's reaches the log as it is.
        """
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
        transport = "TCP" if sender.is_tcp else "UDP"
        cut = "..." if len(packet) > _SHOWN else ""
        self.report(
            f"{type(error).__name__} at {place}",
            f"no answer for a packet of {render_address(sender.address)} ({transport}): {error!r}\n"
            f"{''.join(traceback.format_list(frames))}packet: {packet[:_SHOWN].hex()}{cut}",
            logging.ERROR,
        )
