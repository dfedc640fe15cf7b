"""A route server as a source of routes, told of clients by datagrams."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from bgpdaemons import wait_until
from scriptedservers import PROMPT, Scripted, Visit, scripted
from transcripts import WORD

from sparrow.control.enquiry import encode_enquiry
from sparrow.routeserver.asked import MAX_WAITING, Asked, AskedRoutes
from sparrow.routeserver.server import Kind, RouteServer
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Peer:
    """A scripted route server in a thread of its own."""

    def __init__(self, behave: Callable[[Scripted, Visit], object]) -> None:
        self._behave = behave
        self._is_there = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self.served = Scripted(0)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with scripted(self._behave) as self.served:
            self._is_there.set()
            await self._end.wait()

    def __enter__(self) -> Scripted:
        self._thread.start()
        self._is_there.wait()
        return self.served

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._end is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


class Told:
    """Counts how often it is told of another table."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


USUAL = Asked(
    RouteServer(Kind.ZEBRA, "127.0.0.1", 1, WORD),
    timeout_s=20.0,
    keep_s=3600.0,
    settle_s=0.05,
    max_delay_s=0.5,
)


@contextmanager
def following(
    path: Path, port: int, told: Told | None = None, **settings: float
) -> Iterator[AskedRoutes]:
    server = replace(USUAL.server, port=port)
    asked = replace(USUAL, server=server, **settings)
    source = AskedRoutes(asked, path, told or Told())
    source.start()
    try:
        wait_until(path.exists)
        yield source
    finally:
        source.stop()


def enquire(path: Path, *addresses: str, dropped: int = 0) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for address in addresses:
            sender.sendto(encode_enquiry(parse_address(address), dropped), str(path))


def routes_of(source: AskedRoutes) -> dict[str, str]:
    return {str(prefix): str(route) for prefix, route in source.snapshot().entries()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "asked"


def test_who_is_told_of_is_asked_about_and_known(path: Path) -> None:
    told = Told()
    with Peer(Scripted.answer_all) as peer, following(path, peer.port, told) as source:
        assert (0, "live") == (len(source.snapshot()), source.standing().phase)
        enquire(path, "10.1.2.3", "10.9.9.9")
        wait_until(lambda: routes_of(source) == {"10.1.2.0/24": "64600", "10.9.9.0/24": "64600"})
        wait_until(lambda: told.times > 0)
        standing = source.standing()
        assert (2, 2, 0, 0) == (
            standing.v4,
            standing.updates,
            standing.skipped,
            standing.reconnects,
        )
        assert f"zebra 127.0.0.1 port {peer.port}" == standing.name


def test_who_is_known_or_waits_is_not_asked_about_again(path: Path) -> None:
    with Peer(Scripted.answer_all) as peer, following(path, peer.port) as source:
        enquire(path, "10.1.2.3", "10.1.2.4", "10.1.2.3")
        wait_until(lambda: len(source.snapshot()) == 1)
        enquire(path, "10.1.2.5", "10.1.2.3", "10.7.7.7")
        wait_until(lambda: len(source.snapshot()) == 2)
        assert ["show ip bgp 10.1.2.3", "show ip bgp 10.7.7.7"] == peer.questions


def test_many_answers_are_told_of_at_once(path: Path) -> None:
    told = Told()
    with (
        Peer(Scripted.answer_all) as peer,
        following(path, peer.port, told, settle_s=0.4) as source,
    ):
        enquire(path, *(f"10.1.{number}.1" for number in range(20)))
        wait_until(lambda: len(source.snapshot()) == 20)
        wait_until(lambda: told.times > 0)
        assert told.times < 10


def test_too_many_at_once_are_dropped_and_counted(path: Path) -> None:
    async def never_answer(_server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        await visit.reader.read()

    with Peer(never_answer) as peer, following(path, peer.port) as source:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for number in range(MAX_WAITING + 100):
                octets = encode_enquiry(bytes((10, number >> 8, number & 255, 1)), 0)
                sender.sendto(octets, str(path))  # waits while the queue is full
        wait_until(lambda: source.standing().skipped == 100)
        enquire(path, "10.0.0.1", dropped=7)
        wait_until(lambda: source.standing().skipped == 107)


def test_a_route_counts_for_its_time_and_is_asked_for_again(path: Path) -> None:
    told = Told()
    with Peer(Scripted.answer_all) as peer, following(path, peer.port, told, keep_s=2.0) as source:
        enquire(path, "10.1.2.3")
        wait_until(lambda: len(source.snapshot()) == 1)
        wait_until(lambda: len(source.snapshot()) == 0)
        wait_until(lambda: told.times >= 2)
        enquire(path, "10.1.2.3")
        wait_until(lambda: len(source.snapshot()) == 1)
        assert 2 == len(peer.questions)


def test_a_server_that_fails_is_told_of_and_asked_again_by_itself(path: Path) -> None:
    async def fail_first(server: Scripted, visit: Visit) -> None:
        if visit.number > 1:
            await server.answer_all(visit)

    with Peer(fail_first) as peer, following(path, peer.port) as source:
        assert source.standing().stale_since_s is None
        enquire(path, "10.1.2.3", "10.1.3.3")
        wait_until(lambda: source.standing().reconnects > 0)
        wait_until(lambda: len(source.snapshot()) == 2)
        standing = source.standing()
        assert ("live", "", None) == (standing.phase, standing.problem, standing.stale_since_s)


def test_a_server_that_is_away_is_told_of(path: Path, free_port: Callable[[], int]) -> None:
    with following(path, free_port()) as source:
        enquire(path, "10.1.2.3")
        wait_until(lambda: source.standing().reconnects > 0)
        standing = source.standing()
        assert "connecting" == standing.phase
        assert standing.problem.endswith("cannot be reached: Connection refused")
        assert standing.stale_since_s is not None


def test_a_question_that_is_refused_holds_nobody_up(path: Path) -> None:
    async def refuse_ipv6(server: Scripted, visit: Visit) -> None:
        await visit.log_in()
        while question := await visit.hear():
            server.questions.append(question)
            if ":" in question:
                visit.say(question.encode() + b"\r\n% Unknown command.\r\n" + PROMPT)
            else:
                visit.answer(question)

    with Peer(refuse_ipv6) as peer, following(path, peer.port) as source:
        enquire(path, "2001:db8::1", "10.1.2.3")
        wait_until(lambda: len(source.snapshot()) == 1)
        standing = source.standing()
        assert ("live", None, 1) == (standing.phase, standing.stale_since_s, standing.reconnects)
        assert ["show bgp ipv6 2001:db8::1", "show ip bgp 10.1.2.3"] == peer.questions


def test_garbage_at_the_socket_is_passed_over(path: Path) -> None:
    with Peer(Scripted.answer_all) as peer, following(path, peer.port) as source:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for size in (0, 1, 7, 19, 21, 4000):
                sender.sendto(bytes(size), str(path))
        enquire(path, "10.1.2.3")
        wait_until(lambda: routes_of(source) == {"10.1.2.0/24": "64600"})


def test_what_was_learnt_before_counts_at_once(path: Path) -> None:
    with Peer(Scripted.answer_all) as peer, ExitStack() as stack:
        first = stack.enter_context(following(path, peer.port))
        enquire(path, "10.1.2.3")
        wait_until(lambda: len(first.snapshot()) == 1)
        second = AskedRoutes(USUAL, path, Told())
        second.restore(first.snapshot(), 4_000_000_000.0)
        assert {"10.1.2.0/24": "64600"} == routes_of(second)
        third = AskedRoutes(USUAL, path, Told())
        third.restore(first.snapshot(), 1_000_000_000.0)
        assert {} == routes_of(third)
        second.stop()


def test_a_successor_hears_in_the_place_of_who_was_there(path: Path) -> None:
    with Peer(Scripted.answer_all) as peer, following(path, peer.port) as first:
        inode = path.stat().st_ino
        source = AskedRoutes(replace(USUAL, server=peer.server), path, Told())
        source.start()
        try:
            wait_until(lambda: path.exists() and path.stat().st_ino != inode)

            def is_learnt() -> bool:
                with contextlib.suppress(OSError):
                    enquire(path, "10.1.2.3")
                return len(source.snapshot()) == 1

            wait_until(is_learnt)
            assert {} == routes_of(first)
        finally:
            source.stop()


def test_one_that_cannot_hear_says_so(tmp_path: Path) -> None:
    source = AskedRoutes(USUAL, tmp_path / "no-such-folder" / "asked", Told())
    source.start()
    wait_until(lambda: source.standing().problem.startswith("clients cannot be heard of"))
    source.stop()
    assert "connecting" == source.standing().phase


def test_one_that_was_never_started_stops(path: Path) -> None:
    source = AskedRoutes(USUAL, path, Told())
    source.stop()
    assert source.wait(0.0)
    assert 0 == source.let_go()
