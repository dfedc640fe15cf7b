"""What a worker tells the daemon of clients of whom nothing is known.

Law: telling costs a datagram and never waits; where the daemon does not listen, or does not
keep up, it is dropped and counted, and the next query tells again. Start from `Enquiry`.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

from sparrow.control.enquiry import encode_enquiry
from sparrow.policy.unknown import block_around

if TYPE_CHECKING:
    from pathlib import Path

_SILENT_S = 1.0
"""Seconds for which a block is told of once: what is asked meanwhile is under way."""
_MAX_TOLD = 4096
"""Blocks that are remembered; beyond these, some are told of again."""


class Enquiry:
    """Tells of unknown clients. Any thread may use it."""

    def __init__(self, path: Path) -> None:
        """Send to a socket that need not be there."""
        self._path = str(path)
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._told: set[object] = set()
        self._since_s = 0.0
        self._dropped = 0

    def tell(self, address: bytes) -> None:
        """Tell of a packed address, unless one of its block was told of just now."""
        block = block_around(address)
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._since_s > _SILENT_S or len(self._told) >= _MAX_TOLD:
                self._told.clear()
                self._since_s = now_s
            if block in self._told:
                return
            self._told.add(block)
            self._send(address)

    def close(self) -> None:
        """Give the socket back; to tell again opens another."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _send(self, address: bytes) -> None:
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            self._socket.sendto(encode_enquiry(address, self._dropped), self._path)
            self._dropped = 0
        except OSError:
            self._dropped += 1
