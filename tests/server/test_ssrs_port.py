"""The route port over real sockets, and peers that mean no good."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes, converse
from served_routes import PROMPT, WAIT_S, read_all, read_until, say, serving, wait_for

from sparrow.server.ssrs import RoutePortSettings
from sparrow.ssrs.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix

SETTINGS = RoutePortSettings(hostname="sparrow")
SECRET = replace(SETTINGS, password="secret")  # noqa: S106


class Endless(ListedRoutes):
    """A table without end."""

    def rows(self, family: int) -> Iterator[tuple[Prefix, Route]]:
        while True:
            yield next(super().rows(family))


class Broken(ListedRoutes):
    """A source that fails where it is asked for its sites."""

    def sites(self) -> tuple[str, ...]:
        raise RuntimeError("no sites today")


def test_a_dialogue_over_a_socket_is_the_sessions_own() -> None:
    text = b"::1\nshow ip bgp 10.9.0.1\nsh ip bgp\nexit\n"
    session = Session(ListedRoutes(), "sparrow", "secret")
    expected = converse(session, b"secret\n" + text)
    with serving(ListedRoutes(), SECRET) as running, running.connect() as peer:
        read_until(peer, b"Password: ")
        peer.sendall(b"secret\n" + text)
        assert expected == read_all(peer)
    counters = running.port.counters
    assert (1, 1, 4) == (counters.accepted, counters.logins, counters.commands)


def test_a_client_that_sends_all_and_half_closes_is_answered() -> None:
    with serving(ListedRoutes(), SETTINGS) as running, running.connect() as peer:
        peer.sendall(b"x\n10.9.0.1\n")
        peer.shutdown(socket.SHUT_WR)
        assert read_all(peer).endswith(b"10.9.0.1\r\n10.0.0.0/8 64600\r\nsparrow> ")


def test_wrong_passwords_close_and_are_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(ListedRoutes(), SECRET) as running, running.connect() as peer:
        peer.sendall(b"a\nb\nc\nsecret\n")
        assert read_all(peer).endswith(b"\r\n% Bad passwords, too many failures!\r\n")
    assert (0, 1) == (running.port.counters.logins, running.port.counters.refused)
    assert ["route port: too many wrong passwords from 127.0.0.1"] == caplog.messages


def test_an_unchecked_login_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with serving(ListedRoutes(), SETTINGS) as running:
        for _ in range(3):
            with running.connect() as peer:
                say(peer, b"x\n")
    assert 3 == running.port.counters.logins
    messages = [message for message in caplog.messages if "route port" in message]
    assert ["route port: no password is set, so any is accepted (said once)"] == messages


def test_one_peer_too_many_is_told_so_and_closed() -> None:
    settings = replace(SETTINGS, max_connections=2)
    with serving(ListedRoutes(), settings) as running:
        with running.connect() as first, running.connect() as second:
            read_until(first, b"Password: ")
            read_until(second, b"Password: ")
            with running.connect() as third:
                expected = b"\r\n% Too many connections: 2 are open. Try later.\r\n"
                assert expected == read_all(third)
            say(first, b"x\n")
            say(first, b"::1\n")
        wait_for(lambda: running.port.open_connections == 0)
        with running.connect() as fourth:
            say(fourth, b"x\n")
    assert (3, 1) == (running.port.counters.accepted, running.port.counters.over_cap)


def test_one_address_cannot_take_every_place() -> None:
    settings = replace(SETTINGS, max_connections=3, max_per_address=2)
    with (
        serving(ListedRoutes(), settings) as running,
        running.connect() as first,
        running.connect() as second,
    ):
        read_until(first, b"Password: ")
        read_until(second, b"Password: ")
        with running.connect() as third:
            expected = b"\r\n% Too many connections: 2 of your address are open. Try later.\r\n"
            assert expected == read_all(third)
        with running.connect("127.0.0.2") as other:
            read_until(other, b"Password: ")
    assert (3, 1) == (running.port.counters.accepted, running.port.counters.over_cap)


def test_a_peer_that_sits_without_logging_in_is_closed() -> None:
    settings = replace(SECRET, login_s=0.3)
    with serving(ListedRoutes(), settings) as running, running.connect() as peer:
        assert read_all(peer).endswith(b"Password: \r\nVty connection is timed out.\r\n")
    assert 1 == running.port.counters.timed_out


def test_typing_now_and_then_does_not_put_the_login_off() -> None:
    settings = replace(SECRET, login_s=0.5)
    with serving(ListedRoutes(), settings) as running, running.connect() as peer:
        wait_for(lambda: type_on(peer) or running.port.counters.timed_out == 1)


def type_on(peer: socket.socket) -> None:
    with suppress(OSError):
        peer.sendall(b"x")


def test_an_idle_peer_is_closed_in_zebras_words() -> None:
    settings = replace(SETTINGS, idle_s=0.3)
    with serving(ListedRoutes(), settings) as running, running.connect() as peer:
        say(peer, b"x\n")
        assert b"\r\nVty connection is timed out.\r\n" == read_all(peer)
    assert 1 == running.port.counters.timed_out


def test_a_peer_that_does_not_read_is_dropped_and_costs_nobody() -> None:
    settings = replace(SETTINGS, write_s=0.5)
    with serving(Endless(), settings) as running, running.connect() as peer:
        say(peer, b"x\n")
        peer.sendall(b"show ip bgp\n")
        with running.connect() as other:
            say(other, b"x\n")
            assert b"::1\r\n% Network not in table\r\nsparrow> " == say(other, b"::1\n")
            wait_for(lambda: running.port.counters.stalled == 1)
            say(other, b"::1\n")
    assert 0 == running.port.counters.failures


def test_many_endless_readers_leave_time_for_another() -> None:
    with serving(Endless(), SETTINGS) as running:
        readers = [running.connect() for _ in range(8)]
        for reader in readers:
            reader.sendall(b"x\nshow ip bgp\n")
        drains = [threading.Thread(target=read_for_a_while, args=(reader,)) for reader in readers]
        for drain in drains:
            drain.start()
        with running.connect() as other:
            say(other, b"x\n")
            assert 20 == sum(say(other, b"::1\n").endswith(PROMPT) for _ in range(20))
        for reader, drain in zip(readers, drains, strict=True):
            reader.shutdown(socket.SHUT_RDWR)
            drain.join(WAIT_S)
            reader.close()


def read_for_a_while(peer: socket.socket) -> None:
    with suppress(OSError):
        while peer.recv(65536):
            pass


@pytest.mark.parametrize(
    "noise", [b"x", b"\xff", b"\xff\xfa" + b"x" * 60, b"\0", b"?" * 10, b"\xff\xfb\x01", b"\t\r\n"]
)
def test_megabytes_of_noise_cost_nobody_else(noise: bytes) -> None:
    with serving(ListedRoutes(), SETTINGS) as running, running.connect() as peer:
        peer.sendall(b"x\n")
        drain = threading.Thread(target=read_for_a_while, args=(peer,))
        flood = threading.Thread(target=flood_with, args=(peer, noise * (2**16 // len(noise))))
        drain.start()
        flood.start()
        with running.connect() as other:
            say(other, b"x\n")
            assert b"::1\r\n% Network not in table\r\nsparrow> " == say(other, b"::1\n")
        with suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)
        drain.join(WAIT_S)
        flood.join(WAIT_S)
    assert 0 == running.port.counters.failures


def flood_with(peer: socket.socket, noise: bytes) -> None:
    with suppress(OSError):
        for _ in range(32):
            peer.sendall(noise)


def test_an_error_of_ours_ends_one_session_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with serving(Broken(), SETTINGS) as running, running.connect() as peer:
        say(peer, b"x\n")
        with running.connect() as other:
            say(other, b"x\n")
            peer.sendall(b"show sites\n")
            read_for_a_while(peer)
            say(other, b"::1\n")
    assert 1 == running.port.counters.failures
    assert ["route port: the session of 127.0.0.1 failed and was closed"] == caplog.messages


FEW_DESCRIPTORS = """
import asyncio, resource, socket, sys
from listed_routes import ListedRoutes
from sparrow.server.ssrs import RoutePort, RoutePortSettings

async def serve():
    port = RoutePort(ListedRoutes(), RoutePortSettings("sparrow"))
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        task = asyncio.create_task(port.serve([listener]))
        asyncio.get_running_loop().add_reader(0, task.cancel)
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
        print(listener.getsockname()[1], flush=True)
        await asyncio.wait([task])
    print(port.counters.accept_errors > 0, port.counters.accepted)

asyncio.run(serve())
"""


def test_running_out_of_file_descriptors_does_not_end_the_port() -> None:
    command = [sys.executable, "-c", FEW_DESCRIPTORS]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as program:
        assert program.stdout
        address = ("127.0.0.1", int(program.stdout.readline()))
        peers = [socket.create_connection(address, timeout=WAIT_S) for _ in range(30)]
        read_until(peers[0], b"Password: ")
        for peer in peers[:-1]:
            peer.close()
        say(peers[-1], b"x\n")
        peers[-1].close()
        output, errors = program.communicate(timeout=WAIT_S)
    assert b"True 30" == output.strip()
    assert b"cannot accept a connection" in errors
    assert b"Traceback" not in errors
