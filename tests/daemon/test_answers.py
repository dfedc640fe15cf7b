"""Steered answers of the real daemon, to real clients, and the counters that they move."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

import dns.query
import dns.rcode
import pytest
from running import LOOPBACK, NAME, NEAREST, PATIENCE_S, Home, make_query, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Daemon]:
    """One daemon for all tests here: none changes it, and counters are read before and after."""
    home = Home(tmp_path_factory.mktemp("d"), free_port(), server=", nsid: ns1.test")
    yield home.serve()
    home.end()


def test_each_client_subnet_gets_its_nearest_site_and_is_counted_there(daemon: Daemon) -> None:
    with daemon.counting() as moved:
        assert NEAREST == daemon.nearest()
    assert {
        "queries.udp": 7,
        "responses.NOERROR": 7,
        "ecs": 7,
        "sites.au": 3,
        "sites.nl": 3,
        "sites.us": 1,
        "services.default": 7,
    } == moved


def test_dig_with_subnet_gets_the_nearest_site(daemon: Daemon, needs: Callable[[str], str]) -> None:
    dig = (needs("dig"), "+short", "+tries=1", "+norec", f"@{LOOPBACK}", "-p", str(daemon.port))
    answers = {}
    with daemon.counting() as moved:
        for subnet in NEAREST:
            run = subprocess.run(
                [*dig, f"+subnet={subnet}", NAME],
                capture_output=True, text=True, timeout=PATIENCE_S, check=True,
            )  # fmt: skip
            answers[subnet] = run.stdout.split()
    assert NEAREST == answers
    assert (7, 7) == (moved["ecs"], moved["services.default"])


def test_scope_and_ttl_come_with_the_answer(daemon: Daemon) -> None:
    response = daemon.ask(NAME, "A", "20.1.2.0/24")
    assert (24, 7) == (scope_of(response), response.answer[0].ttl)


def test_a_site_without_the_family_is_nodata_with_the_scope_and_counts_for_no_site(
    daemon: Daemon,
) -> None:
    with daemon.counting() as moved:
        response = daemon.ask(NAME, "AAAA", "2a00:1::/48")
    assert ([], 7) == (response.answer, response.authority[0].ttl)
    assert {"queries.udp": 1, "responses.NOERROR": 1, "ecs": 1, "services.default": 1} == moved


def test_services_have_their_own_addresses_and_ttl(daemon: Daemon) -> None:
    with daemon.counting() as moved:
        response = daemon.ask("api.example.org", "A", "20.5.0.0/24")
    assert (["193.173.27.9"], 30, 0) == (
        [rdata.to_text() for rdata in response.answer[0]],
        response.answer[0].ttl,
        scope_of(response),
    )
    assert (1, 1) == (moved["sites.nl"], moved["services.api"])


def test_an_alias_and_a_wildcard_lead_to_the_same_site(daemon: Daemon) -> None:
    names = ("alias.www.example.org", "x.cdn.www.example.org", NAME)
    expected = [["198.51.100.1", "198.51.100.2"]] * 3
    with daemon.counting() as moved:
        assert expected == [daemon.addresses(name, "20.1.2.0/24") for name in names]
    assert 3 == moved["sites.us"]


def test_static_negative_and_foreign_names_are_counted_by_rcode_and_for_no_site(
    daemon: Daemon,
) -> None:
    with daemon.counting() as moved:
        rcodes = [
            dns.rcode.to_text(daemon.ask(name).rcode())
            for name in ("static.www.example.org", "no.www.example.org", "example.net")
        ]
    assert ["NOERROR", "NXDOMAIN", "REFUSED"] == rcodes
    assert {
        "queries.udp": 3,
        "responses.NOERROR": 1,
        "responses.NXDOMAIN": 1,
        "responses.REFUSED": 1,
    } == moved


def test_tcp_answers_like_udp(daemon: Daemon) -> None:
    with daemon.counting() as moved:
        response = dns.query.tcp(
            make_query(NAME, "A", "20.1.2.0/24"), LOOPBACK, timeout=PATIENCE_S, port=daemon.port
        )
    assert ["198.51.100.1", "198.51.100.2"] == [rdata.to_text() for rdata in response.answer[0]]
    assert (1, 1, 1) == (moved["queries.tcp"], moved["connections.accepted"], moved["sites.us"])


def test_noise_is_silent_or_refused_and_the_next_query_is_served(daemon: Daemon) -> None:
    noise = [os.urandom(size) for size in (1, 11, 12, 40, 600)]
    with daemon.counting() as moved:
        for octets in noise:
            message = make_query(NAME)
            message.flags |= 0x8000
            wire = message.to_wire()
            with_noise = wire[:3] + octets
            send(daemon, wire)
            send(daemon, with_noise)
        assert ["210.18.215.100"] == daemon.addresses()
    assert (11, 10) == (moved["queries.udp"], moved["silent"])
    assert "exceptions" not in moved


def send(daemon: Daemon, packet: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(packet, (LOOPBACK, daemon.port))
