"""A route server that says what a test tells it to, in either release of GoBGP's interface.

For what a real one never does, and for release 4, of which none is at hand. Start from
`StandIn`.
"""

from __future__ import annotations

import queue
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
from speakers import PATIENCE_S, pack, pack_path, varint

from sparrow.values.address import parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVICES = {"apipb": "apipb.GobgpApi", "api": "api.GoBgpService"}
LOCAL = "192.0.2.1"
"""Address of the neighbour that all is from."""


def pack_session(*, is_up: bool) -> bytes:
    """Write an event of the neighbour's session."""
    state = pack(5, LOCAL) + pack(13, 6 if is_up else 1)
    return pack(2, pack(1, 3) + pack(2, pack(5, state)))


def pack_listed(prefix: str, path: tuple[int, ...]) -> bytes:
    """Write a row of a listed table."""
    parsed = parse_prefix(prefix)
    nlri = bytes((parsed.length,)) + parsed.network[: (parsed.length + 7) // 8]
    as_path = struct.pack(f"!BB{len(path)}I", 2, len(path), *path)
    attribute = bytes((0x40, 2, len(as_path))) + as_path
    return pack(1, pack(1, prefix) + pack(2, pack(4, 1) + pack(20, nlri) + pack(21, attribute)))


def pack_path_4(prefix: str, path: tuple[int, ...] | None) -> bytes:
    """Write a path as release 4 has it; None to withdraw it."""
    network, length = prefix.split("/")
    nlri = pack(1, pack(1, int(length)) + pack(2, network))
    segment = pack(1, 2) + pack(2, b"".join(map(varint, path or ())))
    family = pack(1, 1 if parse_prefix(prefix).family == 4 else 2) + pack(2, 1)
    return (
        pack(1, nlri)
        + pack(2, pack(2, b""))
        + pack(2, pack(3, pack(1, segment)))
        + pack(5, int(path is None))
        + pack(9, family)
        + pack(15, LOCAL)
    )


class StandIn(grpc.GenericRpcHandler):
    """Serves from `start` to `stop`; its table is what was said last, or what `table` is set to."""

    def __init__(self, release: str, credentials: grpc.ServerCredentials | None = None) -> None:
        self.table: dict[str, tuple[int, ...]] = {}
        self.lists = 0
        self.requests: dict[str, list[bytes]] = {}
        self.is_answering = threading.Event()
        self.is_answering.set()
        self._service = SERVICES.get(release, release)
        self._pack = pack_path if release == "apipb" else pack_path_4
        self._watchers: list[tuple[queue.Queue[bytes | None], bool]] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(8)
        self._server = grpc.server(self._pool, (self,))
        if credentials is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.is_answering.set()
        self.end_streams()
        self._server.stop(None).wait()
        self._pool.shutdown()

    # What tests say.

    def say(self, changes: Mapping[str, tuple[int, ...] | None]) -> None:
        """Change the table, and tell of each change in an event of its own."""
        with self._lock:
            for prefix, path in changes.items():
                if path is None:
                    self.table.pop(prefix, None)
                else:
                    self.table[prefix] = path
                self._tell(pack(3, pack(2, self._pack(prefix, path))))

    def say_session(self, *, is_up: bool) -> None:
        with self._lock:
            self._tell(pack_session(is_up=is_up))

    def say_session_late(self, *, is_up: bool) -> None:
        """Tell of the session where prefixes are told of, which is behind all of these."""
        with self._lock:
            for events, wants_paths in self._watchers:
                if wants_paths:
                    events.put(pack_session(is_up=is_up))

    def end_streams(self) -> None:
        """End every stream of events, as a server does that is stopped."""
        with self._lock:
            self._tell(None)
            self._watchers.clear()

    def _tell(self, event: bytes | None) -> None:
        is_of_paths = event is not None and event.startswith(b"\x1a")
        for events, wants_paths in self._watchers:
            if wants_paths or not is_of_paths:
                events.put(event)

    # What is asked.

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        service, method = details.method.strip("/").split("/")
        if service != self._service:
            return None
        if method == "GetBgp":
            return grpc.unary_unary_rpc_method_handler(self._get_bgp)
        found = {"ListPath": self._list, "WatchEvent": self._watch}[method]
        return grpc.unary_stream_rpc_method_handler(found)

    def _get_bgp(self, _request: bytes, _context: grpc.ServicerContext) -> bytes:
        self.is_answering.wait(PATIENCE_S)
        return b""

    def _list(self, request: bytes, _: grpc.ServicerContext) -> Iterator[bytes]:
        with self._lock:
            self.requests.setdefault("ListPath", []).append(request)
            rows = list(self.table.items())
        family = 4 if pack(3, pack(1, 1) + pack(2, 1)) in request else 6
        for prefix, path in rows:
            if parse_prefix(prefix).family == family:
                yield pack_listed(prefix, path)
        self.lists += family == 6

    def _watch(self, request: bytes, _: grpc.ServicerContext) -> Iterator[bytes]:
        events: queue.Queue[bytes | None] = queue.Queue()
        with self._lock:
            self.requests.setdefault("WatchEvent", []).append(request)
            self._watchers.append((events, b"\x12" in request))
        yield pack_session(is_up=True)
        while (event := events.get()) is not None:
            yield event
