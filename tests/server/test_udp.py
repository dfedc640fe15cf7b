from __future__ import annotations

import logging
import re
import socket
import struct
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import dns.message
import pytest
from dnspeer import PATIENCE_S, VIPS, Server, answer, endpoint, id_of, query, serving

from sparrow.server.udp import reply_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sparrow.dns.respond import Reply, Sender


@pytest.fixture
def server(free_port: Callable[[], int]) -> Iterator[Server]:
    with serving(endpoint("127.0.0.1", free_port())) as server:
        yield server


@contextmanager
def udp_client(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that takes packets from `host` and `port` alone."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(socket.getaddrinfo(host, port, family)[0][4])
        yield sock


def ask(host: str, port: int, packet: bytes) -> bytes:
    with udp_client(host, port) as sock:
        sock.send(packet)
        return sock.recv(65535)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return done.stdout


# --- dig, kdig and drill ---


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("static.example.org", "A"), r"static\.example\.org\.\s+300\s+IN\s+A\s+192\.0\.2\.1"),
        (("StAtIc.example.ORG", "A"), r"StAtIc\.example\.ORG\.\s+300\s+IN\s+A\s+192\.0\.2\.1"),
        (("alias.example.org", "A"), r"alias.*CNAME\s+static.*\n.*A\s+192\.0\.2\.1"),
        (("a.b.wild.example.org", "MX"), r"a\.b\.wild.*MX\s+10 static"),
        (("www.example.org", "A"), r"www\.example\.org\.\s+7\s+IN\s+A\s+210\.18\.215\.100"),
        (("www.example.org", "A", "+subnet=193.173.27.0/24"), r"CLIENT-SUBNET: 193.173.27.0/24/16"),
        (("www.example.org", "A", "+subnet=193.173.27.0/24"), r"A\s+193\.173\.27\.8"),
        (("www.example.org", "AAAA"), r"AAAA\s+2001:db8:a::1"),
        (("nothing.example.org", "A"), r"status: NXDOMAIN"),
        (("example.com", "A"), r"status: REFUSED"),
        (("static.example.org", "A", "+nsid"), r"NSID: .*ns1\.test"),
        (("static.example.org", "A", "+cookie"), r"COOKIE: \w{48} \(good\)"),
        (("static.example.org", "A", "+edns=1", "+noednsnegotiation"), r"status: BADVERS"),
        (("static.example.org", "A", "+ednsopt=65001:abcd"), r"status: NOERROR"),
        (("static.example.org", "A", "+ednsopt=8:0001ff00"), r"status: FORMERR"),
        (("static.example.org", "A", "+opcode=NOTIFY"), r"status: NOTIMP"),
        (("x.sub.example.org", "A"), r"sub\.example\.org\.\s+300\s+IN\s+NS.*\n(.*\n)*.*192.0.2.54"),
    ],
)
def test_dig_gets_the_answer(
    needs: Callable[[str], str], server: Server, options: tuple[str, ...], expected: str
) -> None:
    at = ("@127.0.0.1", "-p", str(server.port), "+tries=1", "+norecurse")
    output = run(needs("dig"), *at, *options)
    assert re.search(expected, output)
    assert {"udp": 1, "tcp": 0} == server.snapshot()["queries"]


@pytest.mark.parametrize("options", [("+noedns",), ("+bufsize=512",)])
def test_dig_sees_truncation_and_repeats_over_tcp(
    needs: Callable[[str], str], server: Server, options: tuple[str, ...]
) -> None:
    at = ("@127.0.0.1", "-p", str(server.port), "+tries=1")
    cut = run(needs("dig"), *at, "medium.example.org", "TXT", "+ignore", *options)
    assert re.search(r"flags: qr aa tc rd; QUERY: 1, ANSWER: 0", cut)
    whole = run(needs("dig"), *at, "medium.example.org", "TXT", *options)
    assert re.search(r"flags: qr aa rd; QUERY: 1, ANSWER: 1", whole)
    counts = server.snapshot()
    assert {"udp": 2, "tcp": 1} == counts["queries"]
    assert 2 == counts["truncated"]


def test_a_medium_answer_fits_the_usual_buffer(needs: Callable[[str], str], server: Server) -> None:
    at = ("@127.0.0.1", "-p", str(server.port), "+tries=1", "+ignore")
    output = run(needs("dig"), *at, "medium.example.org", "TXT", "+bufsize=4096")
    assert re.search(r"flags: qr aa rd; QUERY: 1, ANSWER: 1", output)
    assert 0 == server.snapshot()["truncated"]


def test_kdig_gets_the_answer_with_all_its_options(
    needs: Callable[[str], str], server: Server
) -> None:
    at = ("@127.0.0.1", "-p", str(server.port), "+retry=0")
    output = run(
        needs("kdig"), *at, "www.example.org", "A", "+nsid", "+cookie", "+subnet=193.173.27.0/24"
    )
    assert re.search(r"EDNS-CLIENT-SUBNET: 193\.173\.27\.0/24/16|193\.173\.27\.0/24/16", output)
    assert re.search(r"www\.example\.org\.\s+7\s+IN\s+A\s+193\.173\.27\.8", output)
    assert "ns1.test" in output
    counts = server.snapshot()
    assert {"au": 0, "nl": 1} == counts["sites"]
    assert 1 == counts["ecs"]


def test_drill_gets_the_answer(needs: Callable[[str], str], server: Server) -> None:
    output = run(needs("drill"), "-p", str(server.port), "@127.0.0.1", "static.example.org", "A")
    assert re.search(r"static\.example\.org\.\s+300\s+IN\s+A\s+192\.0\.2\.1", output)
    assert {"NOERROR": 1} == server.snapshot()["responses"]


# --- addresses ---


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "127.9.8.7"])
def test_a_wildcard_listener_answers_from_the_address_asked(
    free_port: Callable[[], int], address: str
) -> None:
    port = free_port()
    with serving(endpoint("0.0.0.0", port)):
        assert 77 == id_of(ask(address, port, query(query_id=77)))


def test_the_ipv6_wildcard_answers_from_the_address_asked(free_port: Callable[[], int]) -> None:
    port = free_port()
    with serving(endpoint("::", port)):
        for address in ("::1", *link_local_addresses()):
            assert 77 == id_of(ask(address, port, query(query_id=77)))


def link_local_addresses() -> list[str]:
    """Those that this machine has, with their interface; some machines have none."""
    lines = (line.split() for line in Path("/proc/net/if_inet6").read_text().splitlines())
    return [
        f"{socket.inet_ntop(socket.AF_INET6, bytes.fromhex(octets))}%{name}"
        for octets, *_, name in lines
        if octets.startswith("fe80")
    ]


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
    replied = reply_source([timestamp, (level, kind, bytes.fromhex(received))])
    assert [(level, kind, bytes.fromhex(sent))] == replied


def test_one_server_serves_several_endpoints(free_port: Callable[[], int]) -> None:
    ports = (free_port(), free_port())
    with serving(endpoint("127.0.0.1", ports[0]), endpoint("::1", ports[1])) as server:
        assert 1 == id_of(ask("127.0.0.1", ports[0], query(query_id=1)))
        assert 2 == id_of(ask("::1", ports[1], query(query_id=2)))
        assert {"udp": 2, "tcp": 0} == server.snapshot()["queries"]


def test_source_port_0_is_dropped(server: Server) -> None:
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        pytest.skip("only root may send from port 0")
    packet = query()
    with raw:
        head = struct.pack("!HHHH", 0, server.port, 8 + len(packet), 0)
        raw.sendto(head + packet, ("127.0.0.1", 0))
    counts = server.wait_until(lambda counts: bool(counts["queries"]["udp"]))
    assert 1 == counts["silent"]
    assert {} == counts["responses"]


# --- what must get no answer, and what must not stop the server ---


@pytest.mark.parametrize(
    "packet",
    [b"", b"\x12", query()[:11], query()[:2] + b"\x80" + query()[3:]],
    ids=["empty", "one octet", "cut header", "a response"],
)
def test_what_is_no_query_gets_no_answer(server: Server, packet: bytes) -> None:
    with udp_client("127.0.0.1", server.port) as sock:
        sock.send(packet)
        sock.send(query(query_id=99))
        assert 99 == id_of(sock.recv(65535))
    counts = server.snapshot()
    assert {"udp": 2, "tcp": 0} == counts["queries"]
    assert 1 == counts["silent"]


def test_the_largest_packet_is_read_whole(server: Server) -> None:
    packet = query(query_id=5)
    assert 5 == id_of(ask("127.0.0.1", server.port, packet + bytes(65507 - len(packet))))


def test_a_client_that_has_gone_stops_nothing(server: Server) -> None:
    for _ in range(50):
        with udp_client("127.0.0.1", server.port) as sock:
            sock.send(query())
    assert 9 == id_of(ask("127.0.0.1", server.port, query(query_id=9)))


def test_an_answer_that_cannot_be_sent_is_counted_and_forgotten(
    free_port: Callable[[], int],
) -> None:
    port = free_port()
    with serving(endpoint("0.0.0.0", port)) as server:
        try:
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        except PermissionError:
            pytest.skip("only root may forge a source address")
        packet = query()
        udp = struct.pack("!HHHH", 5353, port, 8 + len(packet), 0) + packet
        # The system refuses to send to a broadcast address unless a socket asks for it.
        source, target = bytes((127, 255, 255, 255)), bytes((127, 0, 0, 1))
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0, source, target)
        with raw:
            raw.sendto(head + udp, ("127.0.0.1", 0))
        counts = server.wait_until(lambda counts: bool(counts["send_errors"]))
        assert {"NOERROR": 1} == counts["responses"]
        assert 9 == id_of(ask("127.0.0.1", port, query(query_id=9)))
        assert 1 == server.snapshot()["send_errors"]


def test_a_packet_that_the_answer_code_fails_at_is_answered_servfail(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(packet: bytes, sender: Sender) -> Reply | None:
        if id_of(packet) == 666:
            raise KeyError("evil\n\x1b[31m")
        return answer(packet, sender)

    with serving(endpoint("127.0.0.1", free_port()), responder=fail) as server:
        for _ in range(3):
            failure = dns.message.from_wire(ask("127.0.0.1", server.port, query(query_id=666)))
            assert (666, "SERVFAIL") == (failure.id, dns.rcode.to_text(failure.rcode()))
        assert 1 == id_of(ask("127.0.0.1", server.port, query(query_id=1)))
        counts = server.snapshot()
    assert 3 == counts["exceptions"]
    assert {"NOERROR": 1, "SERVFAIL": 3} == counts["responses"]
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert 1 == len(errors)
    assert "\x1b" not in errors[0].getMessage()
    assert query(query_id=666).hex() in errors[0].getMessage()


# --- load ---


def test_many_clients_at_once_all_get_their_own_answers(server: Server) -> None:
    per_client, wrong = 100, []

    def client(number: int) -> None:
        with udp_client("127.0.0.1", server.port) as sock:
            for count in range(per_client):
                query_id = number * per_client + count
                sock.send(query(query_id=query_id))
                if id_of(sock.recv(65535)) != query_id:
                    wrong.append(query_id)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [] == wrong
    counts = server.snapshot()
    assert {"NOERROR": 1000} == counts["responses"]
    assert 0 == counts["send_errors"]


def test_closing_answers_what_waits_in_the_socket(free_port: Callable[[], int]) -> None:
    with (
        serving(endpoint("127.0.0.1", free_port())) as server,
        udp_client("127.0.0.1", server.port) as sock,
    ):
        held, released = threading.Event(), threading.Event()

        def hold() -> None:
            held.set()
            released.wait(PATIENCE_S)

        server.loop.call_soon_threadsafe(hold)
        assert held.wait(PATIENCE_S)
        for query_id in range(150):
            sock.send(query(query_id=query_id))
        stopped = server.stop()
        released.set()
        stopped.result(PATIENCE_S)
        assert set(range(150)) == {id_of(sock.recv(65535)) for _ in range(150)}


def test_the_site_follows_the_clients_address(server: Server) -> None:
    packet = dns.message.make_query("www.example.org", "A", use_edns=0).to_wire()
    answers = dns.message.from_wire(ask("127.0.0.1", server.port, packet)).answer
    assert [VIPS["au"][0]] == [record.address for record in answers[0]]
    counts = server.snapshot()
    assert {"au": 1, "nl": 0} == counts["sites"]
    assert {"default": 1} == counts["services"]
