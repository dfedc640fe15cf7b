"""The program while its route server is in trouble: `self`, within the timeout, and recovery."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes
from served_routes import serving
from sparrowprogram import PATIENCE_S, wait_until

from sparrow.server.ssrs import RoutePortSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from served_routes import Running
    from sparrowprogram import Program

OWN = "www.self.example"
SITES = ("--peer=64600=www.x.example", f"--self={OWN}", "--host=127.0.0.1", "--cache_size=0")
LOGIN = b"\r\nUser Access Verification\r\n\r\n\xff\xfb\x01\xff\xfb\x03Password: "


def drop_in_the_middle(peer: socket.socket) -> None:
    """Let anybody in, and break off in an answer."""
    peer.sendall(LOGIN)
    peer.recv(100)
    peer.sendall(b"\r\nrouter> ")
    peer.recv(100)
    peer.sendall(b"show ip bgp 10.1.3.1\r\nBGP routing table entry for 10.1.0.0/16\r\nPaths: (1 av")


def say_garbage(peer: socket.socket) -> None:
    """Say what no route server says, without an end."""
    while True:
        peer.sendall(bytes(range(256)) * 16)


def say_nothing(peer: socket.socket) -> None:
    """Keep the connection, and wait for its end."""
    while peer.recv(100):
        pass


def close_at_once(peer: socket.socket) -> None:
    """Say good-bye."""
    peer.sendall(b"Vty password is not set.\r\n")


def never_stop_answering(peer: socket.socket) -> None:
    """Answer with lines that never end in a prompt."""
    peer.sendall(LOGIN)
    peer.recv(100)
    peer.sendall(b"\r\nrouter> ")
    while True:
        peer.sendall(b"  64600 64601\r\n" * 100)


@contextmanager
def behaving(behaviour: Callable[[socket.socket], None]) -> Iterator[int]:
    """Give the port of a server that behaves so to everybody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.is_set():
                with suppress(OSError):
                    peer, _ = listener.accept()
                    with peer:
                        peer.settimeout(PATIENCE_S)
                        behaviour(peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            is_over.set()
            thread.join(PATIENCE_S)


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (drop_in_the_middle, "zebra"),
        (say_garbage, "zebra"),
        (say_garbage, "gated"),
        (say_garbage, "cisco"),
        (say_garbage, "ssrs"),
        (say_nothing, "zebra"),
        (close_at_once, "zebra"),
        (never_stop_answering, "zebra"),
        (never_stop_answering, "ssrs"),
    ],
)
def test_whatever_a_route_server_does_the_answer_is_self(
    program: Program, behaviour: Callable[[socket.socket], None], kind: str
) -> None:
    with behaving(behaviour) as port:
        words = (f"--port={port}", f"--route_server={kind}", "--password=x", "--timeout=1")
        code, out, err = program.run(*SITES, *words, "10.1.3.1")
    assert (0, f"{OWN}\n") == (code, out)
    assert err.startswith(f"supersparrow: the route server 127.0.0.1 port {port} ")
    assert err.endswith(f"; until it answers, answers are {OWN}\n")
    assert 1 == err.count("\n")


def test_trouble_is_told_once_and_its_end_too(
    program: Program, free_port: Callable[[], int]
) -> None:
    words = (f"--port={free_port()}", "--password=x")
    with program.batch(*SITES, *words) as batch:
        assert [OWN] * 5 == [batch.ask("10.1.3.1") for _ in range(5)]
        assert 1 == len(batch.notes())


def test_a_wrong_password_gives_self_and_is_told(program: Program) -> None:
    settings = RoutePortSettings("sparrow", password="right")  # noqa: S106  (no secret)
    with serving(ListedRoutes(), settings) as running:
        words = (*SITES, f"--port={running.address[1]}", "--route_server=zebra")
        code, out, err = program.run(*words, "--password=wrong", "10.1.3.1")
        assert (0, f"{OWN}\n") == (code, out)
        assert "password" in err
        assert (0, "www.x.example\n", "") == program.run(*words, "--password=right", "10.1.3.1")


def test_a_connection_that_idles_out_is_opened_again_without_a_word(program: Program) -> None:
    settings = RoutePortSettings("sparrow", idle_s=3.0)
    with serving(ListedRoutes(), settings) as running:
        words = (f"--port={running.address[1]}", "--route_server=zebra", "--password=x")
        with program.batch(*SITES, *words) as batch:
            for count in (1, 2):
                assert "www.x.example" == batch.ask("10.1.3.1")
                wait_until(partial(has_timed_out, running, count))
        assert [] == batch.notes()
        assert 2 == running.port.counters.accepted


def has_timed_out(running: Running, count: int) -> bool:
    return running.port.counters.timed_out == count
