"""A packet in, a packet or nothing out, from a plan: for TCP, and for what the UDP loop missed.

Law: nothing raises out of here; a packet that the answer code fails at is answered
SERVFAIL, counted and logged, and the next one is served. A packet is answered from one
plan. Start from `PlanExchange`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sparrow.dns.respond import TCP_LIMIT, respond
from sparrow.dns.rrset import Rcode
from sparrow.plan.fallback import build_authority
from sparrow.plan.pure import MISS
from sparrow.server.exchange import encode_failure
from sparrow.server.faults import FaultLog

if TYPE_CHECKING:
    from sparrow.dns.respond import Reply, Sender
    from sparrow.plan.counters import Block
    from sparrow.plan.fallback import PlanAuthority
    from sparrow.plan.pure import Answered
    from sparrow.server.served import ServedPlan

_TC = 0x02
"""The truncation bit in the third octet of a message."""


class PlanExchange:
    """Answers from the plan that was published last, and counts in the block of one writer."""

    def __init__(self, counters: Block, writer: int, served: ServedPlan) -> None:
        """Answer from `served`; `writer` is the number of our blocks in its counters."""
        self.counters = counters
        """Where everything is counted that depends on no plan."""
        self.faults = FaultLog()
        """Where what goes wrong is told."""
        self._writer = writer
        self._served = served

    def publish(self, served: ServedPlan) -> None:
        """Answer from another plan from the next packet on; from any thread."""
        self._served = served

    def answer(self, packet: bytes, sender: Sender) -> bytes | None:
        """Give the packet to send back over TCP; None for silence."""
        self.counters.queries += 1
        served = self._served
        now_s = int(time.time())
        try:
            found = served.responder.answer(packet, sender.address, TCP_LIMIT, now_s)
            if found is MISS:
                self.counters.misses += 1
                return self._respond(served, packet, sender)
            if found is None:
                self.counters.silent += 1
                return None
            self.counters.answered += 1
            self._count_answer(served, found)
        except Exception as error:  # noqa: BLE001  (the one place where the error of one packet ends)
            return self._fail(error, packet, sender)
        return found.wire

    def answer_miss(self, packet: bytes, sender: Sender) -> bytes | None:
        """Give the packet to send back for one that was counted as a miss; None for silence."""
        try:
            return self._respond(self._served, packet, sender)
        except Exception as error:  # noqa: BLE001  (as above)
            return self._fail(error, packet, sender)

    def _respond(self, served: ServedPlan, packet: bytes, sender: Sender) -> bytes | None:
        reply = respond(authority_of(served), packet, sender, int(time.time()))
        if reply is None:
            self.counters.silent += 1
            return None
        self._count_reply(served, reply)
        return reply.wire

    def _fail(self, error: Exception, packet: bytes, sender: Sender) -> bytes | None:
        self.faults.report_exception(error, packet, sender)
        self.counters.exceptions += 1
        refusal = encode_failure(packet)
        if refusal is None:
            self.counters.silent += 1
        else:
            self.counters.count_rcode(Rcode.SERVFAIL)
        return refusal

    def _count_answer(self, served: ServedPlan, found: Answered) -> None:
        self.counters.count_rcode(found.rcode)
        if found.has_subnet:
            self.counters.ecs += 1
        if found.policy is None or found.class_number is None:
            return
        first = served.plan.answers.policy(found.policy).first_outcome
        base = served.counters.base(self._writer)
        served.counters.count(base, found.site, first + found.class_number)

    def _count_reply(self, served: ServedPlan, reply: Reply) -> None:
        self.counters.count_rcode(reply.rcode)
        if reply.wire[2] & _TC:
            self.counters.truncated += 1
        if reply.query.edns and reply.query.edns.subnet:
            self.counters.ecs += 1
        if reply.choice:
            base = served.counters.base(self._writer)
            served.counters.count(base, reply.choice.site, served.find_outcome(reply.choice))


def authority_of(served: ServedPlan) -> PlanAuthority:
    """Give what answers all of a plan, decoded when first needed. Raises `PlanError`."""
    if served.authority is None:
        served.authority = build_authority(served.plan, served.zones, served.on_unknown)
        served.zones = served.authority.zones
    return served.authority
