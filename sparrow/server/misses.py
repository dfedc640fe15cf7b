"""What a UDP loop leaves unanswered, answered on a thread that runs when nobody else wants to.

Law: a flood of misses starves misses, and never hits. A worker imports this when its
loops serve already, as all of `dns` comes with it. Start from `MissDesk`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sparrow.dns.respond import Sender
from sparrow.plan.twin import IS_PURE
from sparrow.server.planned import PlanExchange

if TYPE_CHECKING:
    from threading import Event

    from sparrow.plan.counters import Block
    from sparrow.plan.twin import UdpLoop
    from sparrow.server.served import ServedPlan

_WAIT_S = 0.2
"""Seconds that the thread sleeps at most before it looks whether it is to end."""


class MissDesk:
    """What answers the misses of one loop."""

    def __init__(self, loop: UdpLoop, counters: Block, writer: int, served: ServedPlan) -> None:
        """Answer for `loop` from `served`; see `PlanExchange` for how it is counted."""
        self._loop = loop
        self._exchange = PlanExchange(counters, writer, served)

    def publish(self, served: ServedPlan) -> None:
        """Answer from another plan from the next miss on; from any thread."""
        self._exchange.publish(served)

    def serve(self, has_ended: Event) -> None:
        """Answer until the loop has ended, and then what it has left."""
        _stand_back()
        while True:
            is_last = has_ended.is_set()
            missed = self._loop.take_miss(_WAIT_S)
            if missed is None:
                if is_last:
                    return
                continue
            wire = self._exchange.answer_miss(missed.packet, Sender(missed.source))
            if wire is not None and not self._loop.send_miss(missed, wire):
                self._exchange.counters.send_errors += 1


def _stand_back() -> None:
    """Run this thread only when nobody else wants to (sched(7), SCHED_IDLE).

    On the pure twin the loop needs the interpreter that we would sleep with, so
    there both run alike.
    """
    if not IS_PURE:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
