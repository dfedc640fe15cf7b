"""Neighbours of a bgpd that announce any AS path, written by hand (RFC 4271, RFC 6793).

So that its table has several paths to a prefix, AS_SETs and confederations, which no
configuration of it could make.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SET, SEQUENCE, CONFED_SEQUENCE, CONFED_SET = 1, 2, 3, 4
"""Segments of an AS path (RFC 4271 section 4.3, RFC 5065 section 3)."""
OPEN, UPDATE, KEEPALIVE = 1, 2, 4

Segment = tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class Announcement:
    """A prefix, and the path to it."""

    prefix: str
    path: tuple[Segment, ...]


@dataclass
class Neighbour:
    """A speaker of BGP that waits to be connected to."""

    number: int
    """Last octet of its address, 127.0.0.N, and of its next hop, 198.51.100.N."""
    asn: int
    announced: Sequence[Announcement]

    def listen(self) -> None:
        self._peers: list[socket.socket] = []
        self._listener = socket.create_server((f"127.0.0.{self.number}", 0))

    def configure(self) -> tuple[str, ...]:
        """Give the lines of `router bgp` that make a bgpd connect to it."""
        address, port = self._listener.getsockname()
        head = f" neighbor {address}"
        rest = (f"remote-as {self.asn}", f"port {port}", "timers connect 1", "ebgp-multihop")
        return (*(f"{head} {each}" for each in rest), f"{head} advertisement-interval 0")

    def close(self) -> None:
        # Wakes the thread that accepts or reads, which close() alone does not.
        for each in (self._listener, *self._peers):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._peers.append(peer)
            with peer, contextlib.suppress(OSError):
                self._converse(peer)
            self._peers.remove(peer)

    def _converse(self, peer: socket.socket) -> None:
        capabilities = bytes((2, 6, 65, 4)) + struct.pack("!I", self.asn)
        capabilities += bytes((2, 6, 1, 4, 0, 1, 0, 1))
        router = socket.inet_aton(f"127.0.0.{self.number}")
        body = struct.pack("!BHH4sB", 4, self.asn, 180, router, len(capabilities)) + capabilities
        peer.sendall(message(OPEN, body) + message(KEEPALIVE))
        with peer.makefile("rb") as heard:
            while (kind := read(heard)) != KEEPALIVE:
                if kind is None:
                    return
            for each in self.announced:
                peer.sendall(message(UPDATE, self._update(each)))
            while read(heard) is not None:
                peer.sendall(message(KEEPALIVE))

    def _update(self, announcement: Announcement) -> bytes:
        network, _, length = announcement.prefix.partition("/")
        path = b"".join(
            struct.pack(f"!BB{len(asns)}I", kind, len(asns), *asns)
            for kind, asns in announcement.path
        )
        hop = socket.inet_aton(f"198.51.100.{self.number}")
        attributes = b"".join(
            struct.pack("!BBB", 0x40, code, len(value)) + value
            for code, value in ((1, b"\0"), (2, path), (3, hop))
        )
        nlri = bytes((int(length),)) + socket.inet_aton(network)[: (int(length) + 7) // 8]
        return struct.pack("!HH", 0, len(attributes)) + attributes + nlri


def message(kind: int, body: bytes = b"") -> bytes:
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def read(heard: object) -> int | None:
    """Read a message and give its type; None at the end."""
    head = heard.read(19)  # type: ignore[attr-defined]
    if len(head) < 19:
        return None
    length, kind = struct.unpack("!HB", head[16:])
    heard.read(length - 19)  # type: ignore[attr-defined]
    return int(kind)


@contextmanager
def serving(*neighbours: Neighbour) -> Iterator[tuple[str, ...]]:
    """Have neighbours wait; gives the lines that make a bgpd connect to them."""
    for each in neighbours:
        each.listen()
    threads = [threading.Thread(target=each.serve) for each in neighbours]
    for thread in threads:
        thread.start()
    try:
        yield tuple(line for each in neighbours for line in each.configure())
    finally:
        for each in neighbours:
            each.close()
        for thread in threads:
            thread.join()
