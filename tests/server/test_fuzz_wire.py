from __future__ import annotations

import logging
import random
import socket
from typing import TYPE_CHECKING

import pytest
from dnspeer import PATIENCE_S, Server, TcpClient, endpoint, framed, id_of, query, serving
from wirefuzz import good_queries, is_query, mutate, numbered

from sparrow.config.model import TcpConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCHES, BATCH = 2000, 50
"""Together 100,000 packets; a batch fits into the receive buffers that systems give by default."""
LAST = 0xFFFF
"""Id of the good query behind each batch: its answer says that the batch was dealt with."""


@pytest.fixture
def server(free_port: Callable[[], int], caplog: pytest.LogCaptureFixture) -> Iterator[Server]:
    """A server of which nothing may be heard, and that must still answer afterwards."""
    with serving(endpoint("127.0.0.1", free_port())) as server:
        yield server
        with TcpClient(server.port) as client:
            assert LAST == id_of(client.ask(query(query_id=LAST)) or b"")
        assert 0 == server.snapshot()["exceptions"]
    assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]


def batch_of(rng: random.Random, good: list[bytes]) -> list[bytes]:
    return [numbered(mutate(rng, good), number) for number in range(BATCH)]


def expected_ids(packets: list[bytes]) -> list[int]:
    return [number for number, packet in enumerate(packets) if is_query(packet)] + [LAST]


def test_every_mutated_query_over_udp_is_answered_and_no_response_is(server: Server) -> None:
    """Misses are answered by a thread of their own, so that answers come in any order."""
    rng, good, silent = random.Random(2), good_queries(), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(("127.0.0.1", server.port))
        for _ in range(BATCHES):
            packets = batch_of(rng, good)
            for packet in (*packets, query(query_id=LAST)):
                sock.send(packet)
            expected = expected_ids(packets)
            answers = [sock.recv(65535) for _ in expected]
            assert {True} == {bool(answer[2] & 0x80) for answer in answers}
            assert expected == sorted(map(id_of, answers))
            silent += len(packets) + 1 - len(answers)
    counts = server.snapshot()
    assert {"udp": BATCHES * (BATCH + 1), "tcp": 0} == counts["queries"]
    assert silent == counts["silent"] > 0
    assert 0 == counts["send_errors"] == counts["ring_drops"]
    assert counts["misses"] > 0


def test_every_mutated_query_over_tcp_is_answered_and_no_response_is(server: Server) -> None:
    rng, good, silent = random.Random(3), good_queries(), 0
    with TcpClient(server.port) as client:
        for _ in range(BATCHES):
            packets = batch_of(rng, good)
            client.send(framed(*packets, query(query_id=LAST)))
            answered = []
            while LAST not in answered[-1:]:
                answer = client.read()
                assert answer is not None
                assert answer[2] & 0x80
                answered.append(id_of(answer))
            assert expected_ids(packets) == answered
            silent += len(packets) + 1 - len(answered)
    counts = server.snapshot()
    assert {"udp": 0, "tcp": BATCHES * (BATCH + 1)} == counts["queries"]
    assert silent == counts["silent"] > 0


def test_streams_of_anything_end_or_starve_but_never_stop_the_server(server: Server) -> None:
    """Lengths are mutated too, so framing goes wrong in every way."""
    rng, good = random.Random(4), good_queries()
    for _ in range(500):
        stream = bytearray(framed(*(mutate(rng, good) for _ in range(rng.randrange(1, 20)))))
        for _ in range(rng.randrange(1, 10)):
            stream[rng.randrange(len(stream))] = rng.choice((0, 0, 1, 0xFF, rng.randrange(256)))
        with TcpClient(server.port) as client:
            cut = rng.randrange(len(stream) + 1)
            client.send(stream[:cut])
            client.send(stream[cut:])
            if rng.random() < 0.3:
                client.vanish()
                continue
            client.shut()
            while (answer := client.read()) is not None:
                assert answer[2] & 0x80
    counts = server.wait_until(lambda counts: not counts["connections"]["open"])
    assert 500 == counts["connections"]["accepted"]


def test_a_crowd_of_hostile_streams_at_once_stops_nobody(
    free_port: Callable[[], int],
) -> None:
    rng, good = random.Random(5), good_queries()
    limits = TcpConfig(connections=20, per_address=30)
    with serving(endpoint("127.0.0.1", free_port()), limits=limits) as server:
        crowd = []
        for _ in range(200):
            client = TcpClient(server.port)
            crowd.append(client)
            try:
                client.send(framed(*(mutate(rng, good) for _ in range(5)))[: rng.randrange(1, 200)])
            except ConnectionError:
                continue
        for client in crowd:
            client.vanish()
        with TcpClient(server.port) as client:
            assert 1 == id_of(client.ask(query(query_id=1)) or b"")
        counts = server.wait_until(lambda counts: not counts["connections"]["open"])
        assert 0 == counts["exceptions"]
        assert 201 == counts["connections"]["accepted"] + counts["connections"]["refused"]
