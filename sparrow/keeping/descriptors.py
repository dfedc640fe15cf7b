"""Open files passed from one process to another over a Unix socket (SCM_RIGHTS, unix(7)).

Law: a message arrives whole, with every descriptor, or not at all. Start from
`send_message`.
"""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

from sparrow.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHUNK = 200
"""Descriptors at once; the kernel takes 253 (SCM_MAX_FD)."""
_MAX_LINE = 2**20


def send_message(
    sock: socket.socket, message: Mapping[str, Any], descriptors: Sequence[int]
) -> None:
    """Send an object of JSON and open descriptors over a stream. Raises `OSError`."""
    head = json.dumps({"descriptors": len(descriptors), "message": message}).encode() + b"\n"
    sock.sendall(head)
    for start in range(0, len(descriptors), _CHUNK):
        socket.send_fds(sock, [b"."], list(descriptors[start : start + _CHUNK]))


def receive_message(sock: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive what `send_message` sent; the descriptors are ours, and not inherited.

    Raises `UnavailableError` where the sender breaks off or sends something else.
    """
    descriptors: list[int] = []
    try:
        head = json.loads(_receive_line(sock))
        while len(descriptors) < head["descriptors"]:
            octets, found, _, _ = socket.recv_fds(sock, 1, _CHUNK)
            descriptors += found
            _check_whole(octets, found)
        message: dict[str, Any] = head["message"]
    except (OSError, ValueError, KeyError, TypeError, UnavailableError) as error:
        for descriptor in descriptors:
            os.close(descriptor)
        raise UnavailableError(f"nothing was handed over: {error}") from None
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return message, descriptors


def _check_whole(octets: bytes, found: Sequence[int]) -> None:
    if not octets or not found:
        raise UnavailableError("the other process broke off while it handed over")


def _receive_line(sock: socket.socket) -> bytes:
    """Receive up to a newline, octet by octet: descriptors hang on the octets behind it."""
    line = bytearray()
    while not line.endswith(b"\n"):
        octet = sock.recv(1)
        if not octet or len(line) > _MAX_LINE:
            raise UnavailableError("the other process broke off")
        line += octet
    return bytes(line)
