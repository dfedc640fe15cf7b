from __future__ import annotations

import logging
import re
import socket
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dns.message
import pytest
from dnspeer import PATIENCE_S, VIPS, Server, compile_broken, endpoint, id_of, query, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


def test_one_server_serves_several_endpoints(free_port: Callable[[], int]) -> None:
    ports = (free_port(), free_port())
    with serving(endpoint("127.0.0.1", ports[0]), endpoint("::1", ports[1])) as server:
        assert 1 == id_of(ask("127.0.0.1", ports[0], query(query_id=1)))
        assert 2 == id_of(ask("::1", ports[1], query(query_id=2)))
        assert {"udp": 2, "tcp": 0} == server.snapshot()["queries"]


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


def test_a_packet_that_the_answer_code_fails_at_is_answered_servfail(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    bad = query("www.example.org", "AXFR", query_id=666)
    with serving(endpoint("127.0.0.1", free_port()), files=compile_broken()) as server:
        for _ in range(3):
            failure = dns.message.from_wire(ask("127.0.0.1", server.port, bad))
            assert (666, "SERVFAIL") == (failure.id, dns.rcode.to_text(failure.rcode()))
        assert 1 == id_of(ask("127.0.0.1", server.port, query(query_id=1)))
        counts = server.snapshot()
    assert 3 == counts["exceptions"]
    assert {"NOERROR": 1, "SERVFAIL": 3} == counts["responses"]
    (error,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert bad.hex() in error.getMessage()


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


def test_the_site_follows_the_clients_address(server: Server) -> None:
    packet = dns.message.make_query("www.example.org", "A", use_edns=0).to_wire()
    answers = dns.message.from_wire(ask("127.0.0.1", server.port, packet)).answer
    assert [VIPS["au"][0]] == [record.address for record in answers[0]]
    counts = server.snapshot()
    assert {"au": 1, "nl": 0} == counts["sites"]
    assert {"default": 1} == counts["services"]
