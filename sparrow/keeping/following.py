"""The plan of the run directory, as a worker follows it from one generation to the next.

Law: a worker serves from the plan that is there when it starts, whoever wrote it; a
plan that is refused is counted and logged, and the one before is served on. Start
from `Following`.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from sparrow.control.enquiry import ASKED_SOCKET
from sparrow.keeping.charge import COUNTERS, PLAN
from sparrow.plan.counters import PlanCounters, WorkerCounters
from sparrow.plan.format import PlanError
from sparrow.plan.twin import IS_PURE
from sparrow.plan.watch import GENERATION_FILE, PlanSource
from sparrow.server.enquiry import Enquiry
from sparrow.server.served import ServedPlan

if TYPE_CHECKING:
    from sparrow.keeping.charge import Charge

_log = logging.getLogger(__name__)

_POLL_S = 0.05
"""Seconds between two looks at the number of the generation: one load from memory."""
_FIRST_POLL_S = 0.005
"""The same before the first plan: clients wait."""


class Following:
    """The present plan of a worker, and its counters. For the worker's main thread."""

    def __init__(self, charge: Charge, writers: int) -> None:
        """Make the worker's counters, for so many writers."""
        self._name = charge.name
        self._folder = charge.run_dir / COUNTERS
        self._directory = charge.run_dir / PLAN
        self._writers = writers
        self._source: PlanSource | None = None
        self._last_refusal: str | None = None
        self._retiring: list[ServedPlan] = []
        self._enquiry = Enquiry(charge.run_dir / ASKED_SOCKET)
        self.counters = WorkerCounters(self._folder, self._name, writers, is_pure=IS_PURE)
        """What depends on no plan."""
        self.served: ServedPlan | None = None
        """The plan to serve from; None before the first."""

    @property
    def pause_s(self) -> float:
        """Seconds until the next look."""
        return _POLL_S if self.served else _FIRST_POLL_S

    def look(self) -> ServedPlan | None:
        """Give the plan to be published to those who answer; None where nothing is new."""
        if self._source is None:
            self._source = self._open()
            if self._source is None:
                return None
        plan = self._source.poll()
        self._say_refusal(self._source.last_refusal)
        before = self.served
        if before and before.plan.generation == plan.generation:
            return None
        counters = PlanCounters(self._folder, self._name, self._writers, plan)
        self.served = ServedPlan(plan, counters, before, self._enquiry.tell)
        if before:
            self._retiring.append(before)
        _log.debug("%s: generation %d", self._name, plan.generation)
        return self.served

    def tell(self) -> None:
        """Say in the counters which plan is served, once those who answer have it."""
        if self._source and self.served:
            self.counters.tell_plan(self.served.plan.generation, self._source.refused)

    def retire(self, oldest_generation: int) -> None:
        """Give up the counters of the plans before the oldest that anybody answers from."""
        for served in list(self._retiring):
            if served.plan.generation < oldest_generation:
                served.counters.release()
                self._retiring.remove(served)

    def _open(self) -> PlanSource | None:
        """Open the last plan; None where there is none, or none that can be taken."""
        with suppress(OSError):
            # Written last: before it is there the first plan is still on its way.
            if not (self._directory / GENERATION_FILE).exists():
                return None
        try:
            return PlanSource(self._directory)
        except PlanError as error:
            self._say_refusal(f"the last plan is not taken: {error}")
            return None

    def _say_refusal(self, text: str | None) -> None:
        if text is not None and text != self._last_refusal:
            _log.error("%s: %s", self._name, text)
            self._last_refusal = text
