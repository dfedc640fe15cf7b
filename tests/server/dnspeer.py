"""A small DNS server on loopback for the tests of its shells, and a plain TCP client for it."""

from __future__ import annotations

import asyncio
import functools
import socket
import struct
import threading
import time
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import dns.message
import dns.name
import dns.rdata

from sparrow.config.fields import Endpoint
from sparrow.config.model import TcpConfig
from sparrow.dns.respond import Authority, Identity, Reply, Sender, respond
from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Steer, Zone, ZoneSet, build_tree
from sparrow.policy.intervals import sweep
from sparrow.policy.site import Service, Site, SiteSet
from sparrow.policy.steering import AddressMap, build_steering
from sparrow.server.counters import Counters
from sparrow.server.exchange import Exchange
from sparrow.server.sockets import DnsSockets, open_listeners
from sparrow.server.tcp import TcpServer
from sparrow.server.udp import UdpServer
from sparrow.values.address import parse_address, parse_prefix
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from typing import Self

    from sparrow.server.exchange import Responder

T = TypeVar("T")

ORIGIN = parse_name("example.org")
SITE_NAMES = ("au", "nl")
VIPS = {"au": ("210.18.215.100", "2001:db8:a::1"), "nl": ("193.173.27.8",)}
NL_CLIENTS = "193.173.0.0/16"
"""Clients of the second site; all others belong to the first."""
PATIENCE_S = 20.0
"""Seconds after which a test gives up; nothing is measured with it."""


def rrset(owner: str, rtype: str, *texts: str) -> RRset:
    name = parse_name(owner, ORIGIN)
    rdatas = tuple(
        dns.rdata.from_text("IN", rtype, text, origin=dns.name.root, relativize=False).to_wire()
        for text in texts
    )
    return RRset(name, RRType[rtype], 300, rdatas)


def build_zone() -> Zone:
    soa = "ns.example.org. hostmaster.example.org. 1 28800 7200 604800 300"
    strings = " ".join('"' + "x" * 200 + '"' for _ in range(100))
    nodes = (
        ("@", rrset("@", "SOA", soa), rrset("@", "NS", "ns.example.org.")),
        ("ns", rrset("ns", "A", "192.0.2.53"), rrset("ns", "AAAA", "2001:db8::53")),
        ("static", rrset("static", "A", "192.0.2.1"), rrset("static", "TXT", "hello")),
        ("alias", rrset("alias", "CNAME", "static.example.org.")),
        ("*.wild", rrset("*.wild", "MX", "10 static.example.org.")),
        ("sub", rrset("sub", "NS", "ns.sub.example.org.")),
        ("ns.sub", rrset("ns.sub", "A", "192.0.2.54")),
        ("medium", rrset("medium", "TXT", " ".join('"' + "y" * 250 + '"' for _ in range(4)))),
        ("large", rrset("large", "TXT", strings)),
    )
    static = [
        Node(parse_name(owner, ORIGIN), {rrset.rtype: rrset for rrset in rrsets})
        for owner, *rrsets in nodes
    ]
    return build_tree(ORIGIN, [*static, Node(parse_name("www", ORIGIN), {}, Steer("default", 7))])


@functools.cache
def build_authority() -> Authority:
    """Two sites: NL_CLIENTS belong to nl, everybody else to au."""
    vips = {name: tuple(map(parse_address, texts)) for name, texts in VIPS.items()}
    site_set = SiteSet(tuple(Site(name, (), vips[name]) for name in SITE_NAMES))
    service = Service("default", dict(enumerate(vips.values())))
    block = parse_prefix(NL_CLIENTS)
    rows = [(int.from_bytes(block.network, "big"), block.length, 0)]
    base = AddressMap(sweep(4, rows, array("H", [1]), 0), sweep(6, [], array("H"), 0))
    steering = build_steering(site_set, {"default": service}, base)
    identity = Identity(nsid=b"ns1.test", cookie_secrets=(bytes(16),))
    return Authority(ZoneSet({ORIGIN: build_zone()}), steering, identity)


def answer(packet: bytes, sender: Sender) -> Reply | None:
    return respond(build_authority(), packet, sender, int(time.time()))


@dataclass
class Server:
    """A server that runs in a thread of its own, and how to look into it."""

    endpoints: tuple[Endpoint, ...]
    counters: Counters
    loop: asyncio.AbstractEventLoop
    tcp: TcpServer
    udp: tuple[UdpServer, ...]
    is_stopped: bool = False

    @property
    def port(self) -> int:
        return self.endpoints[0].port

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_S)

    def snapshot(self) -> dict[str, Any]:
        """Give the counters, read in the thread that writes them."""

        async def read() -> dict[str, Any]:
            return dict(self.counters.snapshot())

        return self.run(read())

    def wait_until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Give the counters as soon as they fulfil a condition that something brings about."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition(counts := self.snapshot()):
            assert time.monotonic() < deadline, f"the counters never got there: {counts}"
            time.sleep(0.01)
        return counts

    def stop(self, bound_s: float = PATIENCE_S) -> concurrent.futures.Future[None]:
        """Begin to stop as a daemon does; the future is done when all sockets are closed."""

        async def drain() -> None:
            for server in self.udp:
                server.close()
            await self.tcp.drain(bound_s)

        self.is_stopped = True
        return asyncio.run_coroutine_threadsafe(drain(), self.loop)


@contextmanager
def serving(
    *endpoints: Endpoint, limits: TcpConfig | None = None, responder: Responder = answer
) -> Iterator[Server]:
    """Serve the zone example.org on loopback while the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        start = _start(open_listeners(endpoints), limits or TcpConfig(), responder)
        server = asyncio.run_coroutine_threadsafe(start, loop).result(PATIENCE_S)
        try:
            yield server
        finally:
            if not server.is_stopped:
                server.stop(0.0).result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


async def _start(
    listeners: Sequence[DnsSockets], limits: TcpConfig, responder: Responder
) -> Server:
    counters = Counters(SITE_NAMES)
    exchange = Exchange(responder, counters)
    return Server(
        endpoints=tuple(sockets.endpoint for sockets in listeners),
        counters=counters,
        loop=asyncio.get_running_loop(),
        tcp=TcpServer([sockets.tcp for sockets in listeners], exchange, limits),
        udp=tuple(UdpServer(sockets.udp, exchange) for sockets in listeners),
    )


def endpoint(host: str, port: int) -> Endpoint:
    return Endpoint(parse_address(host), port)


def query(name: str = "static.example.org", rtype: str = "A", query_id: int = 1) -> bytes:
    message = dns.message.make_query(name, rtype, id=query_id)
    return message.to_wire()


def framed(*packets: bytes) -> bytes:
    return b"".join(struct.pack("!H", len(packet)) + packet for packet in packets)


def id_of(packet: bytes) -> int:
    return int.from_bytes(packet[:2], "big")


class TcpClient:
    """One connection, blocking, with nothing hidden."""

    def __init__(
        self,
        port: int,
        host: str = "127.0.0.1",
        *,
        receive_buffer: int = 0,
        is_late: bool = False,
    ) -> None:
        """Connect, unless the client is late; then `connect` is for the caller to call."""
        self.peer = (host, port)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE_S)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if not is_late:
            self.connect()

    def connect(self) -> None:
        try:
            self.sock.connect(self.peer)
        except OSError:
            self.sock.close()
            raise
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, octets: bytes) -> None:
        self.sock.sendall(octets)

    def shut(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        """Close with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def take(self, size: int) -> bytes:
        """Give `size` octets, or fewer where the server closed."""
        parts = bytearray()
        while len(parts) < size:
            part = self.sock.recv(size - len(parts))
            if not part:
                break
            parts += part
        return bytes(parts)

    def read(self) -> bytes | None:
        """Give the next message; None where the server closed in between two."""
        head = self.take(2)
        if not head:
            return None
        assert len(head) == 2
        size = int.from_bytes(head, "big")
        packet = self.take(size)
        assert size == len(packet)
        return packet

    def ask(self, packet: bytes) -> bytes | None:
        self.send(framed(packet))
        return self.read()

    def is_closed(self) -> bool:
        """Wait for the server's end, and tell whether it came without another octet."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True
