"""What systemd is told of our state (sd_notify(3)). Start from `notify`."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

VARIABLE = "NOTIFY_SOCKET"


def notify(*assignments: str) -> bool:
    """Send `NAME=value` lines to who started us; False where nobody listens.

    The variable stays, as a process says more than one thing; it is taken from the
    environment of children.
    """
    path = os.environ.get(VARIABLE, "")
    if not path.startswith(("/", "@")):
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto("\n".join(assignments).encode(), address)
        return True
    return False
