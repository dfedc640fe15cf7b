"""One UDP loop of sparrow on a compiled plan, and nothing around it.

    python bench/loop.py DIRECTORY PORT

Serves on 127.0.0.1 until it is killed. Misses are not answered, and no generation but the
first is served: a worker of `sparrow serve` does that.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from pathlib import Path

from sparrow.plan.counters import STRIDE
from sparrow.plan.reader import open_plan
from sparrow.plan.twin import Responder, UdpLoop
from sparrow.plan.udp import Endpoint

RECEIVE_BUFFER = 4 << 20
"""Octets, as `sparrow serve` and the echo have."""


def main() -> None:
    """Serve."""
    directory, port = Path(sys.argv[1]), int(sys.argv[2])
    plan = open_plan(directory)
    counts = memoryview(bytearray(8 * STRIDE)).cast("Q")
    tallies = memoryview(bytearray(8 * (plan.answers.params.site_count + len(plan.words))))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        with suppress(OSError):  # without the right to it, the system gives what it gives
            sock.setsockopt(socket.SOL_SOCKET, 33, RECEIVE_BUFFER)  # SO_RCVBUFFORCE
        sock.bind(("127.0.0.1", port))
        loop = UdpLoop(Endpoint(sock.fileno(), counts, 0))
        loop.publish(Responder(plan), tallies.cast("Q"))
        loop.serve()


if __name__ == "__main__":
    main()
