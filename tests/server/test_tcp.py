from __future__ import annotations

import os
import re
import resource
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import dns.message
import pytest
from dnspeer import (
    PATIENCE_S,
    Server,
    TcpClient,
    compile_broken,
    endpoint,
    framed,
    id_of,
    query,
    serving,
)

from sparrow.config.model import TcpConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

LARGE = ("large.example.org", "TXT")
"""An answer of some 20,000 octets."""
MISS = ("www.example.org", "AXFR")
"""A question that the plan leaves to the full algorithm."""
ENDLESS = framed(query(*LARGE)) * 400_000
"""20 MB, more than the kernel holds on both sides of a connection."""


@pytest.fixture
def server(free_port: Callable[[], int]) -> Iterator[Server]:
    with serving(endpoint("127.0.0.1", free_port())) as server:
        yield server


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return done.stdout


# --- dig, kdig and drill ---


def test_dig_asks_several_questions_on_one_connection(
    needs: Callable[[str], str], server: Server
) -> None:
    at = ("@127.0.0.1", "-p", str(server.port), "+tcp", "+keepopen", "+tries=1")
    output = run(needs("dig"), *at, "static.example.org", "A", "static.example.org", "TXT")
    assert re.search(r"static\.example\.org\.\s+300\s+IN\s+A\s+192\.0\.2\.1", output)
    assert re.search(r'static\.example\.org\.\s+300\s+IN\s+TXT\s+"hello"', output)
    counts = server.snapshot()
    assert {"udp": 0, "tcp": 2} == counts["queries"]
    assert 1 == counts["connections"]["accepted"]


def test_dig_gets_a_large_answer_whole(needs: Callable[[str], str], server: Server) -> None:
    at = ("@127.0.0.1", "-p", str(server.port), "+tcp", "+tries=1")
    output = run(needs("dig"), *at, *LARGE)
    assert re.search(r"flags: qr aa rd; QUERY: 1, ANSWER: 1", output)
    assert re.search(r"MSG SIZE  rcvd: 20\d\d\d", output)
    assert 0 == server.snapshot()["truncated"]


def test_dig_is_told_the_idle_timeout(needs: Callable[[str], str], server: Server) -> None:
    at = ("@127.0.0.1", "-p", str(server.port), "+tcp", "+keepalive", "+tries=1")
    output = run(needs("dig"), *at, "static.example.org", "A")
    assert re.search(r"TCP[- ]KEEPALIVE: 10\.0 secs", output, re.IGNORECASE)


def test_kdig_asks_several_questions_on_one_connection(
    needs: Callable[[str], str], server: Server
) -> None:
    at = ("@127.0.0.1", "-p", str(server.port), "+tcp", "+keepopen", "+retry=0")
    output = run(needs("kdig"), *at, "static.example.org", "A", "www.example.org", "AAAA")
    assert re.search(r"static\.example\.org\.\s+300\s+IN\s+A\s+192\.0\.2\.1", output)
    assert re.search(r"www\.example\.org\.\s+7\s+IN\s+AAAA\s+2001:db8:a::1", output)
    assert {"NOERROR": 2} == server.snapshot()["responses"]


def test_drill_gets_the_answer(needs: Callable[[str], str], server: Server) -> None:
    at = ("-t", "-p", str(server.port), "@127.0.0.1")
    output = run(needs("drill"), *at, "static.example.org", "A")
    assert re.search(r"static\.example\.org\.\s+300\s+IN\s+A\s+192\.0\.2\.1", output)
    assert {"udp": 0, "tcp": 1} == server.snapshot()["queries"]


def test_the_ipv6_wildcard_is_served(free_port: Callable[[], int]) -> None:
    port = free_port()
    with serving(endpoint("::", port)), TcpClient(port, "::1") as client:
        assert 7 == id_of(client.ask(query(query_id=7)) or b"")


# --- framing ---


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_a_query_may_come_in_pieces_of_any_size(server: Server, step: int) -> None:
    octets = framed(query(query_id=1), query(query_id=2))
    with TcpClient(server.port) as client:
        for start in range(0, len(octets), step):
            client.send(octets[start : start + step])
        assert [1, 2] == [id_of(client.read() or b"") for _ in range(2)]
    assert {"udp": 0, "tcp": 2} == server.snapshot()["queries"]


def test_a_thousand_pipelined_queries_are_answered_in_order(server: Server) -> None:
    names = ("static.example.org", "www.example.org", "nothing.example.org")
    packets = [query(names[number % 3], query_id=number) for number in range(1000)]
    with TcpClient(server.port) as client:
        client.send(framed(*packets))
        assert list(range(1000)) == [id_of(client.read() or b"") for _ in packets]
    counts = server.snapshot()
    assert {"udp": 0, "tcp": 1000} == counts["queries"]
    assert {"NOERROR": 667, "NXDOMAIN": 333} == counts["responses"]


def test_a_half_closed_client_gets_all_answers_and_then_the_end(server: Server) -> None:
    packets = [query(*LARGE, query_id=number) for number in range(200)]
    with TcpClient(server.port, receive_buffer=4096) as client:
        client.send(framed(*packets))
        client.shut()
        assert list(range(200)) == [id_of(client.read() or b"") for _ in packets]
        assert client.is_closed()
    counts = server.wait_until(lambda counts: not counts["connections"]["open"])
    assert 0 == counts["send_errors"]


def test_a_client_that_closes_within_a_query_gets_the_end(server: Server) -> None:
    with TcpClient(server.port) as client:
        client.send(framed(query())[:-1])
        client.shut()
        assert client.is_closed()
    assert {"udp": 0, "tcp": 0} == server.snapshot()["queries"]


def test_a_length_of_zero_ends_the_connection_after_the_answers_before_it(server: Server) -> None:
    with TcpClient(server.port) as client:
        client.send(framed(query(query_id=1), b"", query(query_id=2)))
        assert 1 == id_of(client.read() or b"")
        assert client.is_closed()
    assert {"udp": 0, "tcp": 1} == server.snapshot()["queries"]


def test_what_is_no_query_gets_no_answer_but_keeps_the_connection(server: Server) -> None:
    response = query()[:2] + b"\x80" + query()[3:]
    with TcpClient(server.port) as client:
        client.send(framed(response, b"\x00", query()[:11]))
        assert 3 == id_of(client.ask(query(query_id=3)) or b"")
    assert 3 == server.snapshot()["silent"]


def test_the_longest_query_is_read(server: Server) -> None:
    packet = query(query_id=4)
    with TcpClient(server.port) as client:
        assert 4 == id_of(client.ask(packet + bytes(65535 - len(packet))) or b"")


def test_a_query_that_the_answer_code_fails_at_is_answered_servfail(
    free_port: Callable[[], int],
) -> None:
    with (
        serving(endpoint("127.0.0.1", free_port()), files=compile_broken()) as server,
        TcpClient(server.port) as client,
    ):
        failure = dns.message.from_wire(client.ask(query(*MISS, query_id=666)) or b"")
        assert (666, "SERVFAIL") == (failure.id, dns.rcode.to_text(failure.rcode()))
        assert 1 == id_of(client.ask(query(query_id=1)) or b"")
        assert 1 == server.snapshot()["exceptions"]


# --- caps ---


def test_over_the_cap_of_an_address_the_new_connection_is_closed(
    free_port: Callable[[], int],
) -> None:
    limits = TcpConfig(connections=10, per_address=2)
    with serving(endpoint("127.0.0.1", free_port()), limits=limits) as server, ExitStack() as stack:
        kept = [stack.enter_context(TcpClient(server.port)) for _ in range(2)]
        for client in kept:
            assert client.ask(query()) is not None
        assert stack.enter_context(TcpClient(server.port)).is_closed()
        for client in kept:
            assert client.ask(query()) is not None
        counts = server.snapshot()["connections"]
        assert (2, 2, 1) == (counts["open"], counts["accepted"], counts["refused"])
        kept[0].sock.close()
        server.wait_until(lambda counts: counts["connections"]["open"] == 1)
        assert stack.enter_context(TcpClient(server.port)).ask(query()) is not None


def test_over_the_cap_of_all_the_longest_idle_makes_room(free_port: Callable[[], int]) -> None:
    limits = TcpConfig(connections=3, per_address=3)
    endpoints = (endpoint("127.0.0.1", free_port()), endpoint("::1", free_port()))
    with serving(*endpoints, limits=limits) as server, ExitStack() as stack:
        first, second, third = (stack.enter_context(TcpClient(server.port)) for _ in range(3))
        for client in (first, second, third, first):
            assert client.ask(query()) is not None
        other = stack.enter_context(TcpClient(endpoints[1].port, "::1"))
        assert other.ask(query()) is not None
        assert second.is_closed()
        for client in (first, third, other):
            assert client.ask(query()) is not None
        counts = server.snapshot()["connections"]
        assert (3, 4, 1) == (counts["open"], counts["accepted"], counts["displaced"])


def test_new_limits_hold_from_then_on(free_port: Callable[[], int]) -> None:
    with serving(endpoint("127.0.0.1", free_port())) as server, ExitStack() as stack:
        client = stack.enter_context(TcpClient(server.port))
        assert client.ask(query()) is not None
        server.tcp.limits = TcpConfig(per_address=1)
        assert stack.enter_context(TcpClient(server.port)).is_closed()
        assert client.ask(query()) is not None


def test_without_file_descriptors_the_server_waits_and_goes_on(
    free_port: Callable[[], int],
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving(endpoint("127.0.0.1", free_port())) as server, ExitStack() as stack:
        clients = [stack.enter_context(TcpClient(server.port)) for _ in range(4)]
        server.wait_until(lambda counts: counts["connections"]["open"] == 4)
        late = stack.enter_context(TcpClient(server.port, is_late=True))
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            late.connect()
            server.wait_until(lambda _: server.block.accept_errors > 0)
            assert clients[0].ask(query()) is not None
            clients[1].sock.close()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert late.ask(query()) is not None


# --- time ---


IMPATIENT = TcpConfig(idle_s=1)


def test_an_idle_connection_is_closed(free_port: Callable[[], int]) -> None:
    with (
        serving(endpoint("127.0.0.1", free_port()), limits=IMPATIENT) as server,
        TcpClient(server.port) as silent,
        TcpClient(server.port) as asking,
    ):
        assert asking.ask(query()) is not None
        assert silent.is_closed()
        assert asking.is_closed()
        counts = server.wait_until(lambda counts: not counts["connections"]["open"])
        assert 2 == counts["connections"]["timed_out"]


def test_queries_keep_a_connection_and_single_octets_do_not(free_port: Callable[[], int]) -> None:
    with (
        serving(endpoint("127.0.0.1", free_port()), limits=IMPATIENT) as server,
        TcpClient(server.port) as slow,
        TcpClient(server.port) as busy,
    ):
        slow.sock.settimeout(0.1)
        octets = iter(framed(query()) * 10)
        while True:
            assert busy.ask(query()) is not None
            try:
                slow.send(bytes((next(octets),)))
                if slow.sock.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert busy.ask(query()) is not None
        assert 1 == server.snapshot()["connections"]["timed_out"]


def test_a_client_that_takes_no_answers_is_not_read_and_then_dropped(
    free_port: Callable[[], int],
) -> None:
    with (
        serving(endpoint("127.0.0.1", free_port()), limits=IMPATIENT) as server,
        TcpClient(server.port, receive_buffer=4096) as client,
        TcpClient(server.port) as other,
    ):
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.send(ENDLESS)
        assert other.ask(query()) is not None
        counts = server.wait_until(lambda counts: counts["connections"]["timed_out"] >= 1)
        assert counts["queries"]["tcp"] < 1000


def test_clients_that_vanish_stop_nothing(server: Server) -> None:
    for number in range(60):
        client = TcpClient(server.port)
        if number % 3:
            client.send(framed(*[query(*LARGE)] * 20) if number % 3 == 1 else b"\x00")
        client.vanish()
    with TcpClient(server.port) as client:
        assert 8 == id_of(client.ask(query(query_id=8)) or b"")
        counts = server.wait_until(lambda counts: counts["connections"]["open"] == 1)
        assert 61 == counts["connections"]["accepted"]
        assert 0 == counts["exceptions"]


# --- the end ---


def test_draining_answers_what_has_arrived_and_takes_nothing_new(server: Server) -> None:
    packets = [query(*LARGE, query_id=number) for number in range(300)]
    with TcpClient(server.port, receive_buffer=4096) as busy, TcpClient(server.port) as idle:
        assert idle.ask(query()) is not None
        busy.send(framed(*packets))
        busy.send(framed(query())[:5])
        server.wait_until(lambda counts: counts["queries"]["tcp"] > 1)
        stopped = server.stop()
        assert idle.is_closed()
        idle.sock.close()
        with pytest.raises(ConnectionRefusedError):
            TcpClient(server.port)
        assert list(range(300)) == [id_of(busy.read() or b"") for _ in packets]
        assert busy.is_closed()
        busy.sock.close()
        stopped.result(PATIENCE_S)
    assert 0 == server.block.tcp_open


def test_draining_answers_a_connection_that_nobody_has_accepted_yet(server: Server) -> None:
    async def stop_with_a_client_waiting() -> tuple[TcpClient, Future[None]]:
        # In the loop's own thread, so that it cannot accept in between.
        client = TcpClient(server.port)
        client.send(framed(query(query_id=5)))
        return client, server.stop()

    client, stopped = server.run(stop_with_a_client_waiting())
    with client:
        assert 5 == id_of(client.read() or b"")
        assert client.is_closed()
    stopped.result(PATIENCE_S)


def test_draining_does_not_wait_for_ever(server: Server) -> None:
    with TcpClient(server.port, receive_buffer=4096) as client:
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.send(ENDLESS)
        server.stop(0.1).result(PATIENCE_S)
    assert 0 == server.block.tcp_open
