"""Asks at a steady rate from many ports, and tells every distinct answer there was.

Run as a program: `flood.py PORT RATE SECONDS`, with a JSON list of queries in hexadecimal
on stdin, whose first two octets are replaced. Writes a line once it sends, and at the end
a line of JSON: `sent`, `received`, `strange` (answers to nothing that was asked), and
`answers`: [number of the query, octets behind the id in hexadecimal, count].
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SOCKETS = 16
BURST_S = 0.002
"""Seconds between two bursts."""
GRACE_S = 3.0
"""Seconds that the last answers may take."""
BUFFER = 4 * 2**20


class Client:
    """A port that asks; ids are used once until they are used up."""

    def __init__(self, port: int, queries: Sequence[bytes]) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with suppress(OSError):  # root alone may have more than the system's limit
            self._sock.setsockopt(socket.SOL_SOCKET, 33, BUFFER)  # SO_RCVBUFFORCE
        self._sock.connect(("127.0.0.1", port))
        self._sock.setblocking(False)
        self._queries = queries
        self._open: set[int] = set()
        self.sent = self.received = self.strange = 0
        self.answers: Counter[tuple[int, bytes]] = Counter()

    def ask(self) -> None:
        number = self.sent % 65536
        query = self._queries[number % len(self._queries)]
        self._open.add(number)
        self._sock.send(number.to_bytes(2, "big") + query)
        self.sent += 1

    def hear(self) -> None:
        with suppress(BlockingIOError):
            while True:
                response = self._sock.recv(4096)
                number = int.from_bytes(response[:2], "big")
                if number not in self._open:
                    self.strange += 1
                    continue
                self._open.discard(number)
                self.received += 1
                self.answers[number % len(self._queries), response[2:]] += 1


def flood(clients: Sequence[Client], rate: int, seconds: float) -> None:
    began_s = time.monotonic()
    sent = 0
    while (passed_s := time.monotonic() - began_s) < seconds:
        while sent < passed_s * rate:
            for client in clients:
                client.ask()
            sent += len(clients)
            if sent % (4 * len(clients)) == 0:
                for client in clients:
                    client.hear()
        for client in clients:
            client.hear()
        time.sleep(BURST_S)
    end_s = time.monotonic() + GRACE_S
    while any(each.received < each.sent for each in clients) and time.monotonic() < end_s:
        for client in clients:
            client.hear()
        time.sleep(BURST_S)


def main(port: int, rate: int, seconds: float) -> None:
    queries = [bytes.fromhex(text)[2:] for text in json.load(sys.stdin)]
    clients = [Client(port, queries) for _ in range(SOCKETS)]
    sys.stdout.write("sending\n")
    sys.stdout.flush()
    flood(clients, rate, seconds)
    answers: Counter[tuple[int, bytes]] = Counter()
    for client in clients:
        answers.update(client.answers)
    found = {
        key: sum(getattr(client, key) for client in clients)
        for key in ("sent", "received", "strange")
    }
    rows = [[number, octets.hex(), count] for (number, octets), count in answers.items()]
    sys.stdout.write(json.dumps(found | {"answers": rows}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
