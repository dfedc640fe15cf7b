"""What is counted while serving.

Law: the thread of the event loop is the only one that writes; every number but
`tcp_open` only grows. Start from `Counters`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sparrow.dns.rrset import Rcode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.dns.respond import Reply

Snapshot: TypeAlias = dict[str, int | dict[str, int]]

_TC = 0x02
"""The truncation bit in the third octet of a message."""


@dataclass(slots=True)
class Counters:
    """Numbers since the start. Mutable; shared by all shells of one event loop."""

    site_names: Sequence[str]
    """Names of the sites that a choice's numbers stand for; set again, in the loop's thread and
    in the same step, when a view with other sites is published."""
    udp: int = 0
    """Packets received over UDP."""
    tcp: int = 0
    """Messages received over TCP."""
    silent: int = 0
    """Of both, those that got no reply: responses, cut headers, source port 0."""
    truncated: int = 0
    """Replies with TC set."""
    ecs: int = 0
    """Queries with a well-formed client subnet."""
    exceptions: int = 0
    """Packets that the answer code failed at; queries among them were answered SERVFAIL."""
    receive_errors: int = 0
    """Times that receiving on UDP failed."""
    send_errors: int = 0
    """Replies that the system did not take, or that the peer reset its connection on."""
    tcp_open: int = 0
    """Connections that are open now."""
    tcp_accepted: int = 0
    """Connections that were served."""
    tcp_refused: int = 0
    """Connections closed at once, as their address had too many."""
    tcp_displaced: int = 0
    """Connections closed while idle to make room for another."""
    tcp_timed_out: int = 0
    """Connections closed after the idle timeout."""
    accept_errors: int = 0
    """Times that accepting a connection failed."""
    rcodes: Counter[int] = field(default_factory=Counter)
    """Replies by response code."""
    sites: Counter[str] = field(default_factory=Counter)
    """Steered replies by the site that was chosen."""
    services: Counter[str] = field(default_factory=Counter)
    """Steered replies by service, those without a site included."""

    def record(self, reply: Reply | None, *, is_tcp: bool) -> None:
        """Count a packet and what became of it; None is silence.

        Raises `IndexError` where the reply's site has no name, that is where
        `site_names` was not set together with the view.
        """
        choice = reply.choice if reply else None
        # First, as this alone can fail; nothing is counted then.
        site = self.site_names[choice.site] if choice and choice.site is not None else None
        self._count_packet(is_tcp=is_tcp)
        if reply is None:
            self.silent += 1
            return
        self.rcodes[reply.rcode] += 1
        if reply.wire[2] & _TC:
            self.truncated += 1
        if reply.query.edns and reply.query.edns.subnet:
            self.ecs += 1
        if choice:
            self.services[choice.service] += 1
        if site is not None:
            self.sites[site] += 1

    def record_failure(self, *, is_answered: bool, is_tcp: bool) -> None:
        """Count a packet that the answer code failed at, and whether SERVFAIL was sent for it."""
        self._count_packet(is_tcp=is_tcp)
        self.exceptions += 1
        if is_answered:
            self.rcodes[Rcode.SERVFAIL] += 1
        else:
            self.silent += 1

    def _count_packet(self, *, is_tcp: bool) -> None:
        if is_tcp:
            self.tcp += 1
        else:
            self.udp += 1

    def snapshot(self) -> Snapshot:
        """Give all numbers as JSON has them; every site of the present is there, if only with 0."""
        return {
            "queries": {"udp": self.udp, "tcp": self.tcp},
            "silent": self.silent,
            "responses": {_rcode_name(rcode): n for rcode, n in sorted(self.rcodes.items())},
            "truncated": self.truncated,
            "ecs": self.ecs,
            "sites": dict.fromkeys(self.site_names, 0) | dict(self.sites),
            "services": dict(self.services),
            "exceptions": self.exceptions,
            "receive_errors": self.receive_errors,
            "send_errors": self.send_errors,
            "connections": {
                "open": self.tcp_open,
                "accepted": self.tcp_accepted,
                "refused": self.tcp_refused,
                "displaced": self.tcp_displaced,
                "timed_out": self.tcp_timed_out,
                "accept_errors": self.accept_errors,
            },
        }


def _rcode_name(rcode: int) -> str:
    return Rcode(rcode).name
