"""The query path, asked as a client asks it: what counts as well, and what is said otherwise."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from running import Home

from sparrow.config.fields import Endpoint
from sparrow.server.querypath import ask_path
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon

LOOPBACK = b"\x7f\0\0\x01"
ZONE = parse_name("example.org.")
SOA = "ns.example.org. hostmaster.example.org. 1 2 3 4 5"


def answer(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    response.answer = [dns.rrset.from_text(query.question[0].name, 60, "IN", "SOA", SOA)]
    return response


def refuse(query: dns.message.Message) -> dns.message.Message:
    response = answer(query)
    response.set_rcode(dns.rcode.REFUSED)
    return response


def leave_out_aa(query: dns.message.Message) -> dns.message.Message:
    response = answer(query)
    response.flags &= ~dns.flags.AA
    return response


def leave_out_answer(query: dns.message.Message) -> dns.message.Message:
    response = answer(query)
    response.answer = []
    return response


def answer_another(query: dns.message.Message) -> dns.message.Message:
    response = answer(query)
    response.id ^= 1
    return response


def echo(query: dns.message.Message) -> dns.message.Message:
    return query


def ask_peer(make: Callable[[dns.message.Message], dns.message.Message]) -> tuple[str | None, int]:
    """Ask a peer that makes one response out of the query; give what is found, and its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(30)
        port = peer.getsockname()[1]

        def serve() -> None:
            wire, client = peer.recvfrom(512)
            peer.sendto(make(dns.message.from_wire(wire)).to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        found = asyncio.run(ask_path(Endpoint(LOOPBACK, port), ZONE))
        thread.join()
    return found, port


FAULTS = {
    "refused": (refuse, "answered REFUSED"),
    "not authoritative": (leave_out_aa, "the answer is not authoritative"),
    "empty": (leave_out_answer, "the answer is empty"),
    "somebody else's": (answer_another, "no answer within 1 s"),
    "an echo": (echo, "no answer within 1 s"),
}


def test_an_authoritative_answer_is_well() -> None:
    assert None is ask_peer(answer)[0]


@pytest.mark.parametrize("case", FAULTS)
def test_any_other_answer_is_a_fault_with_a_reason(case: str) -> None:
    make, words = FAULTS[case]
    found, port = ask_peer(make)
    assert f"example.org. SOA at 127.0.0.1:{port} over UDP: {words}" == found


def test_nobody_there_is_a_fault(free_port: Callable[[], int]) -> None:
    found = asyncio.run(ask_path(Endpoint(LOOPBACK, free_port()), ZONE))
    assert (found or "").endswith("Connection refused")


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Daemon]:
    home = Home(tmp_path_factory.mktemp("q"), free_port())
    yield home.serve()
    home.end()


@pytest.mark.parametrize("host", [LOOPBACK, bytes(4)])
def test_the_workers_are_asked_and_count_it(daemon: Daemon, host: bytes) -> None:
    with daemon.counting() as moved:
        found = asyncio.run(ask_path(Endpoint(host, daemon.port), parse_name("www.example.org.")))
    assert (None, 1) == (found, moved["responses.NOERROR"])


def test_a_zone_that_is_not_served_is_a_fault(daemon: Daemon) -> None:
    found = asyncio.run(ask_path(Endpoint(LOOPBACK, daemon.port), parse_name("example.net.")))
    assert (found or "").endswith("answered REFUSED")
