"""A packet in, a packet or nothing out: what the shell of TCP needs of who answers.

Law: nothing raises out of `Answering.answer`; a packet that the answer code fails
at is answered with `encode_failure`. Start from `Answering`; `PlanExchange` is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sparrow.dns.respond import Sender
    from sparrow.server.faults import FaultLog

_HEADER_SIZE = 12
_QR = 0x80
_OPCODE_AND_RD = 0x79
"""What a response repeats of the third octet of the header (RFC 1035 section 4.1.1)."""
_SERVFAIL = 2


class ShellCounters(Protocol):
    """What the shell of TCP counts by itself; see `sparrow.plan.counters.Block`."""

    send_errors: int
    tcp_open: int
    tcp_accepted: int
    tcp_refused: int
    tcp_displaced: int
    tcp_timed_out: int
    accept_errors: int


class Answering(Protocol):
    """What a shell needs of who answers."""

    @property
    def counters(self) -> ShellCounters:
        """Where everything is counted."""

    @property
    def faults(self) -> FaultLog:
        """Where what goes wrong is told."""

    def answer(self, packet: bytes, sender: Sender) -> bytes | None:
        """Give the packet to send back; None for silence."""


def encode_failure(packet: bytes) -> bytes | None:
    """Give SERVFAIL with the header alone, for a packet that could not be answered.

    None where it is no query: a response, or a cut header. The question is left
    out, as reading it may be what failed; the id is what a resolver goes by.
    """
    if len(packet) < _HEADER_SIZE or packet[2] & _QR:
        return None
    return packet[:2] + bytes((_QR | packet[2] & _OPCODE_AND_RD, _SERVFAIL)) + bytes(8)
