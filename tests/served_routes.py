"""A route port that serves in a thread, and peers that talk to it over plain sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.server.ssrs import RoutePort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sparrow.server.ssrs import RoutePortSettings
    from sparrow.ssrs.source import RouteSource

WAIT_S = 20
PROMPT = b"sparrow> "


@dataclass(frozen=True)
class Running:
    """A route port that serves in a thread of its own."""

    port: RoutePort
    address: tuple[str, int]

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(self.address, timeout=WAIT_S, source_address=(source, 0))


@contextmanager
def serving(source: RouteSource, settings: RoutePortSettings) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = RoutePort(source, settings)
        loop = asyncio.new_event_loop()
        task = loop.create_task(port.serve([listener]))
        thread = threading.Thread(target=run_to_the_end, args=(loop, task))
        thread.start()
        try:
            yield Running(port, listener.getsockname()[:2])
        finally:
            loop.call_soon_threadsafe(task.cancel)
            thread.join(WAIT_S)
            loop.close()
            assert 0 == port.open_connections


def run_to_the_end(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(task)


def read_until(peer: socket.socket, ending: bytes) -> bytes:
    output = b""
    while not output.endswith(ending):
        octets = peer.recv(65536)
        assert octets, f"closed after {output[-200:]!r}"
        output += octets
    return output


def read_all(peer: socket.socket) -> bytes:
    return b"".join(iter(lambda: peer.recv(65536), b""))


def say(peer: socket.socket, text: bytes) -> bytes:
    peer.sendall(text)
    return read_until(peer, PROMPT)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
