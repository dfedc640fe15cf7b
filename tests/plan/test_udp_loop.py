"""The UDP loops of both twins, over real sockets."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import dns.message
import dns.query
import pytest
from handmade import EAST, NO_CAP, WEST, Draft
from plandirs import write_plan
from udploops import BASE, PATIENCE_S, asked, bound, client, make_loop, serving, words

from sparrow.plan import native, pureloop
from sparrow.plan.counters import Word
from sparrow.plan.reader import open_plan
from sparrow.plan.udp import Endpoint, Generations
from sparrow.values.name import encode_name, parse_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sparrow.plan.plan import Plan

SITE_VIPS = {EAST: {"192.0.2.1", "192.0.2.2"}, WEST: {"198.51.100.1"}}


@pytest.fixture(params=[native, pureloop], ids=["native", "pure"])
def twin(request: pytest.FixtureRequest) -> ModuleType:
    assert isinstance(request.param, ModuleType)
    return request.param


def plan_of(directory: Path, generation: int, site: int) -> Plan:
    """Give a plan in which every client is sent to one site."""
    draft = Draft()
    draft.words = [(site, 0, NO_CAP)] * 3
    directory.mkdir()
    write_plan(directory, draft.files(), generation)
    return open_plan(directory)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path / "plan", 7, EAST)


def query(name: str = "www.example.", rtype: int = 1, query_id: int = 0x1234) -> bytes:
    head = struct.pack("!6H", query_id, 0x0100, 1, 0, 0, 0)
    return head + encode_name(parse_name(name)) + struct.pack("!HH", rtype, 1)


def vips_of(wire: bytes) -> set[str]:
    return {str(rdata) for rrset in dns.message.from_wire(wire).answer for rdata in rrset}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_queries_are_answered_and_counted(twin: ModuleType, plan: Plan, host: str) -> None:
    with serving(twin, plan, bound(host)) as served:
        request = dns.message.make_query("www.example.", "A", use_edns=0)
        response = dns.query.udp(request, host, PATIENCE_S, served.port)
        denied = dns.query.udp(
            dns.message.make_query("no.example.", "A"), host, PATIENCE_S, served.port
        )
        refused = dns.query.udp(
            dns.message.make_query("other.", "A"), host, PATIENCE_S, served.port
        )
    assert SITE_VIPS[EAST] == {str(rdata) for rdata in response.answer[0]}
    assert (3, 5) == (denied.rcode(), refused.rcode())
    assert {"queries": 3, "answered": 3, "rcode 0": 1, "rcode 3": 1, "rcode 5": 1} == served.moved()
    assert [0, 1, 0, 1, 0, 0] == list(served.tallies[7])


def test_a_client_subnet_is_counted(
    twin: ModuleType, plan: Plan, needs: Callable[[str], str]
) -> None:
    with serving(twin, plan, bound()) as served:
        where = ["@127.0.0.1", "-p", str(served.port), "+tries=1", "+short"]
        said = subprocess.run(
            [needs("dig"), *where, "+nocookie", "+subnet=20.1.2.0/24", "www.example.", "A"],
            check=True,
            capture_output=True,
            text=True,
        )
    assert SITE_VIPS[EAST] == set(said.stdout.split())
    assert {"queries": 1, "answered": 1, "ecs": 1, "rcode 0": 1} == served.moved()
    assert [0, 1, 0, 0, 1, 0] == list(served.tallies[7])


def test_scraps_and_responses_are_met_with_silence(twin: ModuleType, plan: Plan) -> None:
    with serving(twin, plan, bound()) as served, client(served.port) as sock:
        sock.send(b"")
        sock.send(bytes(11))
        sock.send(b"\0\0\x80\0" + bytes(8))
        assert query()[:2] == asked(sock, query())[:2]
    assert {"queries": 4, "answered": 1, "silent": 3, "rcode 0": 1} == served.moved()


def test_what_is_longer_than_is_read_is_answered_by_its_first_octets(
    twin: ModuleType, plan: Plan
) -> None:
    with serving(twin, plan, bound()) as served, client(served.port) as sock:
        assert SITE_VIPS[EAST] == vips_of(asked(sock, query() + bytes(20_000)))


def test_a_miss_is_handed_over_and_its_answer_sent(twin: ModuleType, plan: Plan) -> None:
    packet = query("other.example.")
    with serving(twin, plan, bound()) as served, client(served.port) as sock:
        sock.send(packet)
        missed = served.loop.take_miss(PATIENCE_S)
        assert (packet, bytes((127, 0, 0, 1))) == (missed.packet, missed.source)
        assert served.loop.send_miss(missed, b"answer")
        assert b"answer" == sock.recv(100)
        assert served.loop.take_miss(0.01) is None
    assert {"queries": 1, "misses": 1} == served.moved()


def test_misses_that_find_the_ring_full_are_dropped_and_hits_are_not(
    twin: ModuleType, plan: Plan
) -> None:
    with serving(twin, plan, bound()) as served, client(served.port) as sock:
        for number in range(10):
            sock.send(query("other.example.", query_id=number))
        assert SITE_VIPS[EAST] == vips_of(asked(sock, query()))
        kept = [served.loop.take_miss(PATIENCE_S) for _ in range(4)]
        assert [0, 1, 2, 3] == [int.from_bytes(missed.packet[:2], "big") for missed in kept]
        assert served.loop.take_miss(0.0) is None
        sock.send(query("other.example.", query_id=99))
        assert 99 == served.loop.take_miss(PATIENCE_S).packet[1]
    expected = {"queries": 12, "answered": 1, "misses": 11, "ring_drops": 6, "rcode 0": 1}
    assert expected == served.moved()


@pytest.mark.parametrize(("host", "asked_at"), [("0.0.0.0", "127.0.0.5"), ("::", "::1")])
def test_on_a_wildcard_socket_replies_come_from_the_address_asked(
    twin: ModuleType, plan: Plan, host: str, asked_at: str
) -> None:
    with serving(twin, plan, bound(host)) as served, client(served.port, asked_at) as sock:
        assert SITE_VIPS[EAST] == vips_of(asked(sock, query()))
        sock.send(query("other.example."))
        missed = served.loop.take_miss(PATIENCE_S)
        assert served.loop.send_miss(missed, b"answer")
        assert b"answer" == sock.recv(100)


def link_local_addresses() -> list[str]:
    """Those that this machine has, with their interface; some machines have none."""
    lines = (line.split() for line in Path("/proc/net/if_inet6").read_text().splitlines())
    return [
        f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(octets))}%{name}"
        for octets, *_, name in lines
        if octets.startswith("fe80")
    ]


def test_a_link_local_address_that_was_asked_answers(twin: ModuleType, plan: Plan) -> None:
    with serving(twin, plan, bound("::")) as served:
        for address in ("::1", *link_local_addresses()):
            where = socket.getaddrinfo(address, served.port, socket.AF_INET6)[0][4]
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                sock.settimeout(PATIENCE_S)
                sock.connect(where)
                assert SITE_VIPS[EAST] == vips_of(asked(sock, query()))


@pytest.mark.parametrize(
    ("level", "kind", "received", "sent"),
    [
        # in_pktinfo: interface, local address, destination
        (socket.IPPROTO_IP, 8, "03000000 c0000235 e0000001", "00000000 c0000235 00000000"),
        # in6_pktinfo: address, interface
        (
            socket.IPPROTO_IPV6,
            socket.IPV6_PKTINFO,
            "20010db8000000000000000000000053 03000000",
            "20010db8000000000000000000000053 00000000",
        ),
        (
            socket.IPPROTO_IPV6,
            socket.IPV6_PKTINFO,
            "fe800000000000000000000000000053 03000000",
            "fe800000000000000000000000000053 03000000",
        ),
    ],
    ids=["IPv4", "IPv6", "link-local"],
)
def test_only_a_link_local_reply_is_tied_to_the_interface(
    level: int, kind: int, received: str, sent: str
) -> None:
    timestamp = (socket.SOL_SOCKET, 29, bytes(16))
    replied = pureloop.reply_source([timestamp, (level, kind, bytes.fromhex(received))])
    assert [(level, kind, bytes.fromhex(sent))] == replied


def test_what_comes_from_port_0_is_met_with_silence(twin: ModuleType, plan: Plan) -> None:
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        pytest.skip("only root may send from port 0")
    packet = query()
    with serving(twin, plan, bound()) as served, raw, client(served.port) as sock:
        head = struct.pack("!HHHH", 0, served.port, 8 + len(packet), 0)
        raw.sendto(head + packet, ("127.0.0.1", 0))
        asked(sock, packet)
    assert {"queries": 2, "answered": 1, "silent": 1, "rcode 0": 1} == served.moved()


def test_clients_that_have_gone_stop_nothing(twin: ModuleType, plan: Plan) -> None:
    with serving(twin, plan, bound()) as served:
        for _ in range(50):
            with client(served.port) as sock:
                sock.send(query())
        with client(served.port) as sock:
            assert SITE_VIPS[EAST] == vips_of(asked(sock, query()))
    assert {"queries": 51, "answered": 51, "rcode 0": 51} == served.moved()


def test_replies_that_the_system_does_not_take_are_counted_and_forgotten(
    twin: ModuleType, plan: Plan
) -> None:
    with serving(twin, plan, bound()) as served, client(served.port) as sock:
        asked(sock, query())
        with suppress(OSError):  # ENOTCONN is raised, but no packet leaves any more
            served.sock.shutdown(socket.SHUT_WR)
        for _ in range(20):
            sock.send(query())
        sock.send(query("other.example."))
        assert not served.loop.send_miss(served.loop.take_miss(PATIENCE_S), b"answer")
    expected = {"queries": 22, "answered": 21, "misses": 1, "send_errors": 20, "rcode 0": 21}
    assert expected == served.moved()


def test_what_waits_when_the_loop_is_stopped_is_answered(twin: ModuleType, plan: Plan) -> None:
    with bound() as server, client(server.getsockname()[1]) as sock:
        made = make_loop(twin, server)
        made.publish(plan)
        made.loop.stop()
        for number in range(100):
            sock.send(query(query_id=number))
        made.loop.serve()
        received = [int.from_bytes(sock.recv(1500)[:2], "big") for _ in range(100)]
    assert list(range(100)) == received
    assert {"queries": 100, "answered": 100, "rcode 0": 100} == made.moved()
    assert 2 == made.count(Word.BATCHES)


def test_what_another_process_made_of_the_socket_does_not_make_the_loop_busy(
    twin: ModuleType, plan: Plan
) -> None:
    with serving(twin, plan, bound()) as served, client(served.port) as sock:
        asked(sock, query())
        served.sock.setblocking(False)
        before = os.times()
        threading.Event().wait(0.5)
        after = os.times()
        worked = after.user - before.user + after.system - before.system
        assert worked < (after.elapsed - before.elapsed) / 2
        assert SITE_VIPS[EAST] == vips_of(asked(sock, query()))


@pytest.fixture
def notice() -> Iterator[int]:
    """Give an eventfd."""
    fd = os.eventfd(0)
    yield fd
    os.close(fd)


def test_another_generation_is_told_once(
    twin: ModuleType, plan: Plan, notice: int, tmp_path: Path
) -> None:
    number = words(1)
    number[0] = 7
    generations = Generations(number, notice)
    with serving(twin, plan, bound(), generations) as served, client(served.port) as sock:
        asked(sock, query())
        number[0] = 8
        asked(sock, query())
        asked(sock, query())
        assert 1 == os.eventfd_read(notice)
        served.publish(plan_of(tmp_path / "next", 8, WEST))
        assert SITE_VIPS[WEST] == vips_of(asked(sock, query()))
        assert 8 == served.loop.generation
        number[0] = 9
        assert 1 == os.eventfd_read(notice)  # an idle loop looks as well


def test_plans_are_swapped_under_load_and_no_answer_mixes_them(
    twin: ModuleType, tmp_path: Path
) -> None:
    plans = [plan_of(tmp_path / str(site), site + 1, site) for site in (EAST, WEST)]
    references = [sys.getrefcount(each) for each in plans]
    stop = threading.Event()
    with serving(twin, plans[EAST], bound()) as served:
        seen: list[set[str]] = []
        load = threading.Thread(target=_keep_asking, args=(served.port, stop, seen))
        load.start()
        with client(served.port) as sock:
            for number in range(300):
                site = number % 2
                served.publish(plans[site])
                assert SITE_VIPS[site] == vips_of(asked(sock, query()))
                assert site + 1 == served.loop.generation
        stop.set()
        load.join(PATIENCE_S)
    assert len(seen) > 100
    assert [] == [vips for vips in seen if vips not in SITE_VIPS.values()]
    assert {"queries", "answered", "rcode 0"} == served.moved().keys()
    assert len(seen) + 300 == served.count(Word.ANSWERED)
    del served
    assert references == [sys.getrefcount(each) for each in plans]


def _keep_asking(port: int, stop: threading.Event, seen: list[set[str]]) -> None:
    with client(port) as sock:
        while not stop.is_set():
            seen.append(vips_of(asked(sock, query())))


def test_without_a_plan_or_with_a_block_outside_there_is_no_loop(twin: ModuleType) -> None:
    with bound() as sock:
        with pytest.raises(ValueError, match="no plan to serve"):
            make_loop(twin, sock).loop.serve()
        with pytest.raises(ValueError, match="outside its memory"):
            twin.UdpLoop(Endpoint(sock.fileno(), words(BASE), BASE))


def test_tallies_that_are_too_short_are_refused(twin: ModuleType, plan: Plan) -> None:
    with bound() as sock:
        loop = make_loop(twin, sock).loop
        with pytest.raises(ValueError, match="outside their memory"):
            loop.publish(twin.Responder(plan), words(5), 1)


def test_what_is_no_socket_is_told(twin: ModuleType, plan: Plan) -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(OSError, match="socket"):
            _serve_descriptor(twin, plan, reader)
    finally:
        os.close(reader)
        os.close(writer)


def _serve_descriptor(twin: ModuleType, plan: Plan, fd: int) -> None:
    loop = twin.UdpLoop(Endpoint(fd, words(64), 0))
    loop.publish(twin.Responder(plan))
    loop.serve()
