"""A small DNS server on loopback, from a plan as workers have it, and a plain TCP client for it."""

from __future__ import annotations

import asyncio
import functools
import socket
import struct
import tempfile
import threading
import time
from array import array
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import dns.message
import dns.name
import dns.rdata

from sparrow.config.fields import Endpoint
from sparrow.config.model import TcpConfig
from sparrow.dns.respond import Authority, Identity, Sender
from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Steer, Zone, ZoneSet, build_tree
from sparrow.keeping.tally import Tally, render_counters
from sparrow.plan.compile import compile_plan
from sparrow.plan.counters import PlanCounters, WorkerCounters
from sparrow.plan.format import ANSWERS_MAGIC, AnswersSection, decode_file, encode_file
from sparrow.plan.publish import publish_plan
from sparrow.plan.reader import open_plan
from sparrow.plan.twin import IS_PURE, UdpLoop
from sparrow.plan.udp import Endpoint as LoopEndpoint
from sparrow.policy.intervals import sweep
from sparrow.policy.site import Service, Site, SiteSet
from sparrow.policy.steering import AddressMap, build_steering
from sparrow.server.planned import PlanExchange
from sparrow.server.served import ServedPlan
from sparrow.server.sockets import open_tcp, open_udp
from sparrow.server.tcp import TcpServer
from sparrow.values.address import parse_address, parse_prefix
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Self

    from sparrow.plan.compile import PlanFiles
    from sparrow.plan.counters import Block
    from sparrow.plan.plan import Plan

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
def build_authority(site_names: tuple[str, ...] = SITE_NAMES) -> Authority:
    """Two sites: NL_CLIENTS belong to the second, everybody else to the first."""
    vips = [tuple(map(parse_address, texts)) for texts in VIPS.values()]
    site_set = SiteSet(tuple(map(Site, site_names, ((), ()), vips)))
    service = Service("default", dict(enumerate(vips)))
    block = parse_prefix(NL_CLIENTS)
    rows = [(int.from_bytes(block.network, "big"), block.length, 0)]
    base = AddressMap(sweep(4, rows, array("H", [1]), 0), sweep(6, [], array("H"), 0))
    steering = build_steering(site_set, {"default": service}, base)
    identity = Identity(nsid=b"ns1.test", cookie_secrets=(bytes(16),))
    return Authority(ZoneSet({ORIGIN: build_zone()}), steering, identity)


@functools.cache
def compile_authority(site_names: tuple[str, ...] = SITE_NAMES, generation: int = 1) -> PlanFiles:
    return compile_plan(build_authority(site_names), generation, 1)


@functools.cache
def compile_broken() -> PlanFiles:
    """A plan whose answers are whole, but whose zones, of which misses are answered, are none."""
    files = compile_authority()
    sections = {
        number: files.answers[each.offset : each.offset + each.count * each.item_size]
        for number, each in decode_file(ANSWERS_MAGIC, memoryview(files.answers)).items()
    }
    broken = {**sections, AnswersSection.ZONES: b"no zones"}
    return replace(files, answers=encode_file(ANSWERS_MAGIC, files.serial, broken))


def make_plan(folder: Path, files: PlanFiles, generation: int = 1) -> Plan:
    """Publish a plan in a folder, which is made where it is missing, and open it."""
    publish_plan(folder, files, generation)
    return open_plan(folder)


class UdpSeat:
    """One UDP socket with a loop and, behind it, what answers its misses: a thread each."""

    def __init__(self, sock: socket.socket, counters: WorkerCounters, writer: int) -> None:
        """Count as the writers `writer`, the loop, and `writer` + 1."""
        self.sock = sock
        self._writer = writer
        self._counters = counters
        self._has_ended = threading.Event()
        self._exchange: PlanExchange | None = None
        is_wildcard = not any(socket.inet_pton(sock.family, sock.getsockname()[0]))
        base = counters.block(writer).base
        self.loop = UdpLoop(
            LoopEndpoint(sock.fileno(), counters.words, base, has_pktinfo=is_wildcard)
        )
        self._threads = (
            threading.Thread(target=self._serve, daemon=True),
            threading.Thread(target=self._answer_misses, daemon=True),
        )

    def start(self, served: ServedPlan) -> None:
        block = self._counters.block(self._writer + 1)
        self._exchange = PlanExchange(block, self._writer + 1, served)
        self.loop.publish(
            served.responder, served.counters.words, served.counters.base(self._writer)
        )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.loop.stop()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        self.sock.close()

    def _serve(self) -> None:
        self.loop.serve()
        self._has_ended.set()

    def _answer_misses(self) -> None:
        assert self._exchange
        has_ended = False
        while not has_ended:
            has_ended = self._has_ended.is_set()
            while missed := self.loop.take_miss(0.05):
                wire = self._exchange.answer_miss(missed.packet, Sender(missed.source))
                if wire is not None and not self.loop.send_miss(missed, wire):
                    self._exchange.counters.send_errors += 1


@dataclass
class Server:
    """A server that runs in threads of its own, and how to look into it."""

    endpoints: tuple[Endpoint, ...]
    counted: Path
    """Folder of the counters."""
    block: Block
    """What TCP counts."""
    loop: asyncio.AbstractEventLoop
    tcp: TcpServer
    is_stopped: bool = False

    @property
    def port(self) -> int:
        return self.endpoints[0].port

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_S)

    def snapshot(self) -> dict[str, Any]:
        """Give the counters as the status shows them."""
        return render_counters(Tally(self.counted).read()[0], SITE_NAMES)

    def wait_until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Give the counters as soon as they fulfil a condition that something brings about."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition(counts := self.snapshot()):
            assert time.monotonic() < deadline, f"the counters never got there: {counts}"
            time.sleep(0.01)
        return counts

    def stop(self, bound_s: float = PATIENCE_S) -> concurrent.futures.Future[None]:
        """Begin to stop TCP as a worker does; the future is done when its sockets are closed."""
        self.is_stopped = True
        return asyncio.run_coroutine_threadsafe(self.tcp.drain(bound_s), self.loop)


@contextmanager
def serving(
    *endpoints: Endpoint, limits: TcpConfig | None = None, files: PlanFiles | None = None
) -> Iterator[Server]:
    """Serve the zone example.org on loopback while the block runs, or another plan's."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plan = make_plan(folder / "plan", files or compile_authority())
        counted, writers = folder / "counters", 2 * len(endpoints)
        udp = WorkerCounters(counted, "udp-0", writers, is_pure=IS_PURE)
        tcp = WorkerCounters(counted, "tcp", 1, is_pure=IS_PURE)
        udp_served = ServedPlan(plan, PlanCounters(counted, "udp-0", writers, plan))
        tcp_served = ServedPlan(plan, PlanCounters(counted, "tcp", 1, plan))
        for counters in (udp, tcp, udp_served.counters, tcp_served.counters):
            stack.callback(counters.release)
        seats = []
        for number, each in enumerate(endpoints):
            seats.append(UdpSeat(open_udp(each), udp, 2 * number))
            stack.callback(seats[-1].stop)
            seats[-1].start(udp_served)
        loop = stack.enter_context(_event_loop())
        exchange = PlanExchange(tcp.block(0), 0, tcp_served)
        listeners = [open_tcp(each) for each in endpoints]

        async def start() -> TcpServer:
            return TcpServer(listeners, exchange, limits or TcpConfig())

        made = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE_S)
        server = Server(endpoints, counted, tcp.block(0), loop, made)
        try:
            yield server
        finally:
            if not server.is_stopped:
                server.stop(0.0).result(PATIENCE_S)


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


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
