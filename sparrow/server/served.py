"""A plan as a process serves it: what answers the hot path, and where that is counted.

Law: this imports nothing that answers the rest, so that the first answer does not wait
for that. Start from `ServedPlan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.plan.twin import Responder

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparrow.dns.zone import ZoneSet
    from sparrow.plan.counters import PlanCounters
    from sparrow.plan.fallback import PlanAuthority
    from sparrow.plan.plan import Plan
    from sparrow.policy.steering import Choice


class ServedPlan:
    """A plan as a process serves it. Written by its main thread, read by all."""

    def __init__(
        self,
        plan: Plan,
        counters: PlanCounters,
        before: ServedPlan | None = None,
        on_unknown: Callable[[bytes], None] | None = None,
    ) -> None:
        """`before` is what was served before; what it knows of equal files is taken over.

        `on_unknown` is told the address of each client of whom nothing is known.
        """
        self.plan: Plan = plan
        """The plan."""
        is_alike = before is not None and before.plan.answers is plan.answers
        self.zones: ZoneSet | None = before.zones if before and is_alike else None
        """The zones of the plan; None until `sparrow.server.planned` first needs them."""
        self.counters = counters
        """Where its sites and classes are counted."""
        self.responder = Responder(plan)
        """Answers what the hot path answers."""
        self.authority: PlanAuthority | None = None
        """What answers the rest; None until then as well."""
        self.on_unknown = on_unknown
        """Told of unknown clients by what answers the rest; None for nobody."""

    def find_outcome(self, choice: Choice) -> int:
        """Give the number of the outcome word that decided a choice of the full algorithm."""
        policies = self.plan.answers.meta.policies
        for number, policy in enumerate(policies):
            if (policy.service, policy.family) == (choice.service, choice.family):
                first = self.plan.answers.policy(number).first_outcome
                return first + policy.classes.index(choice.candidates)
        raise LookupError(choice.service)
