"""A UDP loop on a thread of its own, on loopback, and what it counted."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparrow.plan.counters import RCODES, STRIDE, Word
from sparrow.plan.udp import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sparrow.plan.plan import Plan
    from sparrow.plan.udp import Generations

BASE = 8
"""Words before the block, so that a loop that forgets its base is found out."""
PATIENCE_S = 10.0


def words(count: int) -> memoryview:
    return memoryview(bytearray(count * 8)).cast("Q")


@dataclass
class Served:
    """A loop, its socket and its counters."""

    twin: ModuleType
    loop: Any
    sock: socket.socket
    counts: memoryview
    tallies: dict[int, memoryview] = field(default_factory=dict)
    """By generation: sites, then outcome words."""

    def publish(self, plan: Plan) -> None:
        self.tallies[plan.generation] = words(1 + plan.answers.params.site_count + len(plan.words))
        self.loop.publish(self.twin.Responder(plan), self.tallies[plan.generation], 1)

    def count(self, word: int) -> int:
        return self.counts[BASE + word]

    def moved(self) -> dict[str, int]:
        """Give the counters that are not 0, but for batches, which depend on the clock."""
        named = {each.name.lower(): self.count(each) for each in Word}
        del named["batches"]
        rcodes = {f"rcode {n}": self.count(RCODES + n) for n in range(24)}
        return {name: number for name, number in (named | rcodes).items() if number}

    @property
    def port(self) -> int:
        return int(self.sock.getsockname()[1])


@contextmanager
def serving(
    twin: ModuleType, plan: Plan, sock: socket.socket, generations: Generations | None = None
) -> Iterator[Served]:
    """Serve a bound socket until the block ends; what waits in it then was answered."""
    made = make_loop(twin, sock, generations)
    made.publish(plan)
    thread = threading.Thread(target=made.loop.serve)
    thread.start()
    try:
        yield made
    finally:
        made.loop.stop()
        thread.join(PATIENCE_S)
        sock.close()
    assert not thread.is_alive()


def make_loop(
    twin: ModuleType, sock: socket.socket, generations: Generations | None = None
) -> Served:
    counts = words(BASE + STRIDE)
    is_wildcard = not any(socket.inet_pton(sock.family, sock.getsockname()[0].partition("%")[0]))
    endpoint = Endpoint(sock.fileno(), counts, BASE, has_pktinfo=is_wildcard, ring_size=4)
    return Served(twin, twin.UdpLoop(endpoint, generations), sock, counts)


def bound(host: str = "127.0.0.1") -> socket.socket:
    """Give a UDP socket as the keeper opens it."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    if ":" in host:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    sock.bind((host, 0))
    return sock


@contextmanager
def client(port: int, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Give a socket that takes packets from this address alone."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect((host, port))
        yield sock


def asked(sock: socket.socket, packet: bytes) -> bytes:
    sock.send(packet)
    return sock.recv(65535)
