"""A TCP connection that can be cut while both ends live on. Start from `Relay`."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Listens on a port of 127.0.0.1 and passes on what comes, both ways, to another one."""

    def __init__(self, port: int, target_port: int) -> None:
        """Listen at once."""
        self._port, self._target_port = port, target_port
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self.mend()

    @property
    def target(self) -> str:
        """Where it listens, as `ADDRESS:PORT`."""
        return f"127.0.0.1:{self._port}"

    def mend(self) -> None:
        """Take connections from now on."""
        listener = socket.create_server(("127.0.0.1", self._port))
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """End all connections, and refuse others until it is mended."""
        with self._lock:
            ends, self._ends = self._ends, []
            if self._listener:
                ends.append(self._listener)
            self._listener = None
        for end in ends:
            with contextlib.suppress(OSError):  # not connected any more
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # cut
            while True:
                near, _ = listener.accept()
                self._join(near, listener)

    def _join(self, near: socket.socket, listener: socket.socket) -> None:
        """Connect what was accepted; where nobody listens behind, close it."""
        try:
            far = socket.create_connection(("127.0.0.1", self._target_port), 5)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            is_cut = self._listener is not listener
            if not is_cut:
                self._ends += (near, far)
        if is_cut:
            near.close()
            far.close()
            return
        for ends in ((near, far), (far, near)):
            threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Pass octets on until either end closes, and then close both."""
    with contextlib.suppress(OSError):
        while octets := source.recv(1 << 18):
            sink.sendall(octets)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
