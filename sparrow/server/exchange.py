"""A packet in, a packet or nothing out: what all DNS shells have in common.

Law: nothing raises out of here; a packet that the answer code fails at is
answered SERVFAIL, counted and logged, and the next one is served. Start from
`Exchange`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from sparrow.dns.respond import Reply, Sender
from sparrow.server.faults import FaultLog

if TYPE_CHECKING:
    from sparrow.server.counters import Counters

Responder: TypeAlias = Callable[[bytes, Sender], Reply | None]
"""Answers a packet from what is served at present; None sends nothing."""

_HEADER_SIZE = 12
_QR = 0x80
_OPCODE_AND_RD = 0x79
"""What a response repeats of the third octet of the header (RFC 1035 section 4.1.1)."""
_SERVFAIL = 2


class ShellCounters(Protocol):
    """What shells of TCP count by themselves; see `sparrow.server.counters.Counters`."""

    send_errors: int
    tcp_open: int
    tcp_accepted: int
    tcp_refused: int
    tcp_displaced: int
    tcp_timed_out: int
    accept_errors: int


class Answering(Protocol):
    """What a shell needs of an exchange."""

    @property
    def counters(self) -> ShellCounters:
        """Where everything is counted."""

    @property
    def faults(self) -> FaultLog:
        """Where what goes wrong is told."""

    def answer(self, packet: bytes, sender: Sender) -> bytes | None:
        """Give the packet to send back; None for silence."""


class Exchange:
    """A responder, and the error policy around it. Shared by all shells of one event loop."""

    def __init__(self, respond: Responder, counters: Counters) -> None:
        self.counters = counters
        """Where everything is counted."""
        self.faults = FaultLog()
        """Where what goes wrong is told."""
        self._respond = respond

    def answer(self, packet: bytes, sender: Sender) -> bytes | None:
        """Give the packet to send back; None for silence."""
        try:
            reply = self._respond(packet, sender)
            self.counters.record(reply, is_tcp=sender.is_tcp)
        except Exception as error:  # noqa: BLE001  (the one place where the error of one packet ends)
            refusal = encode_failure(packet)
            self.counters.record_failure(is_answered=refusal is not None, is_tcp=sender.is_tcp)
            self.faults.report_exception(error, packet, sender)
            return refusal
        return reply.wire if reply else None


def encode_failure(packet: bytes) -> bytes | None:
    """Give SERVFAIL with the header alone, for a packet that could not be answered.

    None where it is no query: a response, or a cut header. The question is left
    out, as reading it may be what failed; the id is what a resolver goes by.
    """
    if len(packet) < _HEADER_SIZE or packet[2] & _QR:
        return None
    return packet[:2] + bytes((_QR | packet[2] & _OPCODE_AND_RD, _SERVFAIL)) + bytes(8)
