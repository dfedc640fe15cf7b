"""Sockets that systemd has opened for us (sd_listen_fds(3)).

Law: what is not for this process is not touched; what is, is taken once. Start
from `take_activated`.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

FIRST_FD = 3
"""SD_LISTEN_FDS_START."""


def take_activated(environ: MutableMapping[str, str], pid: int) -> list[socket.socket]:
    """Give the sockets passed to process `pid`, in order, and clear the variables.

    They are non-blocking, and not inherited. Descriptors that are no sockets of the
    Internet families are left alone.
    """
    count = environ.pop("LISTEN_FDS", "0")
    is_ours = environ.pop("LISTEN_PID", "") == str(pid)
    environ.pop("LISTEN_FDNAMES", None)
    if not is_ours or not count.isdigit():
        return []
    found = [socket.socket(fileno=FIRST_FD + number) for number in range(int(count))]
    for sock in found:
        sock.set_inheritable(False)
        sock.setblocking(False)
    return found
