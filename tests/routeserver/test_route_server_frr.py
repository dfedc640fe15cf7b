"""A real bgpd asked for routes (Debian: frr)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from bgpdaemons import PATIENCE_S, Bgpd, converse, wait_until
from bgpneighbours import (
    CONFED_SEQUENCE,
    CONFED_SET,
    SEQUENCE,
    SET,
    Announcement,
    Neighbour,
    serving,
)
from transcripts import WORD

from sparrow.rib.route import parse_route
from sparrow.routeserver.client import (
    Kind,
    Learnt,
    RouteServer,
    RouteServerClient,
    RouteServerError,
)
from sparrow.routeserver.dialogue import Dialogue, Ready
from sparrow.routeserver.zebra import ZEBRA
from sparrow.values.address import parse_address, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sparrow.routeserver.dialogue import Event

EXPECTED = {
    "10.1.2.3": ("10.1.2.0/24", "64600 64600 4200000001"),
    "10.1.3.3": ("10.1.0.0/16", "64600 64601"),
    "10.2.3.4": ("10.2.0.0/16", None),
    "10.3.0.1": ("10.0.0.0/8", "7"),
    "192.168.100.129": ("192.168.100.128/25", "131072"),
    "192.168.100.1": ("0.0.0.0/0", "64500"),
    "2001:db8::1": ("2001:db8::/32", "7"),
    "2001:db8:1::1": ("2001:db8:1::/48", "64600 64601"),
    "2002::1": (None, None),
}


def learnt(prefix: str | None, path: str | None) -> Learnt:
    return Learnt(parse_prefix(prefix) if prefix else None, parse_route(path) if path else None)


def client_of(bgpd: Bgpd, timeout_s: float = PATIENCE_S) -> RouteServerClient:
    server = RouteServer(Kind.ZEBRA, "127.0.0.1", bgpd.port, bgpd.password)
    return RouteServerClient(server, timeout_s=timeout_s)


async def ask_all(client: RouteServerClient, *addresses: str) -> list[Learnt]:
    try:
        return [await client.ask(parse_address(each)) for each in addresses]
    finally:
        await client.close()


@pytest.fixture
def make_bgpd(
    needs: Callable[[str], str], free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Callable[..., Bgpd]]:
    """Start a bgpd; it is stopped with the test."""
    program = needs("bgpd")
    started: list[Bgpd] = []

    def start(**settings: object) -> Bgpd:
        bgpd = Bgpd(program, tmp_path / "bgpd", free_port(), **settings)  # type: ignore[arg-type]
        started.append(bgpd)
        bgpd.start()
        return bgpd

    yield start
    for bgpd in started:
        bgpd.stop()


def test_its_routes_are_learnt(make_bgpd: Callable[..., Bgpd]) -> None:
    client = client_of(make_bgpd())
    found = asyncio.run(ask_all(client, *EXPECTED))
    assert [learnt(*each) for each in EXPECTED.values()] == found


def test_a_miss_is_learnt(make_bgpd: Callable[..., Bgpd]) -> None:
    client = client_of(make_bgpd(routes={"10.1.0.0/16": "64600"}))
    found = asyncio.run(ask_all(client, "10.1.2.3", "10.2.0.1", "10.1.0.1"))
    here = learnt("10.1.0.0/16", "64600")
    assert [here, learnt(None, None), here] == found


def test_one_without_a_login_is_asked_at_once(make_bgpd: Callable[..., Bgpd]) -> None:
    client = client_of(make_bgpd(password=None))
    assert [learnt("10.0.0.0/8", "7")] == asyncio.run(ask_all(client, "10.3.0.1"))


def test_a_wrong_password_is_said(make_bgpd: Callable[..., Bgpd]) -> None:
    bgpd = make_bgpd()
    server = RouteServer(Kind.ZEBRA, "127.0.0.1", bgpd.port, WORD[::-1])
    client = RouteServerClient(server, timeout_s=PATIENCE_S)
    with pytest.raises(RouteServerError, match=r"refuses the password$"):
        asyncio.run(ask_all(client, "10.1.2.3"))


@pytest.mark.parametrize("rows", [2, 5, 24])
def test_pages_are_turned(make_bgpd: Callable[..., Bgpd], rows: int) -> None:
    """Paging is on where a client has told the height of its window (RFC 1073)."""
    bgpd = make_bgpd()
    dialogue = Dialogue(replace(ZEBRA, preparation=()), password=WORD)
    window = bytes((255, 250, 31, 0, 80, 0, rows, 255, 240))
    with socket.create_connection(("127.0.0.1", bgpd.port), timeout=PATIENCE_S) as peer:
        peer.sendall(window)
        assert isinstance(go_on(dialogue, peer)[0], Ready)
        dialogue.ask(parse_address("10.1.2.3"))
        event, said = go_on(dialogue, peer)
    assert learnt(*EXPECTED["10.1.2.3"]) == event
    assert (rows < 9) == (b" --More-- " in said)


def go_on(dialogue: Dialogue, peer: socket.socket) -> tuple[Event, bytes]:
    """Let a dialogue go on to the next event; give it with all that the server said."""
    said = b""
    while True:
        peer.sendall(dialogue.send())
        octets = peer.recv(4096)
        said += octets
        event = dialogue.receive(octets)
        if event is not None:
            return event, said


def test_one_that_is_restarted_is_asked_again_by_itself(make_bgpd: Callable[..., Bgpd]) -> None:
    bgpd = make_bgpd()

    async def run() -> None:
        client = client_of(bgpd)
        here = learnt(*EXPECTED["10.1.2.3"])
        assert here == await client.ask(parse_address("10.1.2.3"))
        bgpd.stop()
        with pytest.raises(RouteServerError, match="cannot be reached: Connection refused"):
            await client.ask(parse_address("10.1.2.3"))
        await asyncio.to_thread(bgpd.start)
        assert here == await ask_until_it_answers(client)
        bgpd.stop()
        await asyncio.to_thread(bgpd.start)
        # The connection was seen to go: nobody need notice.
        assert here == await client.ask(parse_address("10.1.2.3"))
        await client.close()

    asyncio.run(run())


async def ask_until_it_answers(client: RouteServerClient) -> Learnt:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(RouteServerError):
                return await client.ask(parse_address("10.1.2.3"))
            await asyncio.sleep(0.1)


def test_a_connection_that_idles_out_is_opened_anew(make_bgpd: Callable[..., Bgpd]) -> None:
    bgpd = make_bgpd(vty=(" exec-timeout 0 1",))

    async def run() -> None:
        client = client_of(bgpd)
        here = learnt(*EXPECTED["10.1.2.3"])
        for _ in range(3):
            assert here == await client.ask(parse_address("10.1.2.3"))
            await asyncio.sleep(2.5)
        await client.close()

    asyncio.run(run())


PATHS = (
    Neighbour(
        2,
        64600,
        (
            Announcement("10.5.0.0/16", ((SEQUENCE, (64600, 64601, 64602)),)),
            Announcement("10.6.0.0/16", ((SEQUENCE, (64600, 7)), (SET, (8, 9)))),
        ),
    ),
    Neighbour(
        3,
        64702,
        (
            Announcement("10.5.0.0/16", ((SEQUENCE, (64702,)),)),
            Announcement("10.6.0.0/16", ((SEQUENCE, (64702, 7, 7, 7, 7)),)),
        ),
    ),
    Neighbour(
        4,
        65001,
        (
            Announcement("10.7.0.0/16", ((CONFED_SEQUENCE, (65001, 65002)), (SEQUENCE, (7,)))),
            Announcement(
                "10.8.0.0/16",
                ((CONFED_SEQUENCE, (65001,)), (CONFED_SET, (65003, 65004)), (SEQUENCE, (7,))),
            ),
        ),
    ),
)
CONFEDERATION = (
    " no bgp ebgp-requires-policy",
    " bgp confederation identifier 64999",
    " bgp confederation peers 65001",
)


def test_the_best_of_several_paths_is_learnt(make_bgpd: Callable[..., Bgpd]) -> None:
    with serving(*PATHS) as lines:
        bgpd = make_bgpd(extra=(*CONFEDERATION, *lines))
        wait_until(lambda: says(bgpd, "10.5.0.0/16", b"2 available, best #", b"Advertised to"))
        wait_until(lambda: says(bgpd, "10.6.0.0/16", b"2 available, best #", b"Advertised to"))
        wait_until(lambda: says(bgpd, "10.7.0.0/16", b"best #"))
        wait_until(lambda: says(bgpd, "10.8.0.0/16", b"best #"))
        client = client_of(bgpd)
        addresses = ("10.5.1.1", "10.6.1.1", "10.7.1.1", "10.8.1.1")
        found = asyncio.run(ask_all(client, *addresses))
    assert [
        learnt("10.5.0.0/16", "64702"),
        learnt("10.6.0.0/16", "64600 7 8,9"),
        learnt("10.7.0.0/16", "65001 65002 7"),
        learnt("10.8.0.0/16", "65001 65003,65004 7"),
    ] == found


def says(bgpd: Bgpd, prefix: str, *words: bytes) -> bool:
    text = converse(bgpd.port, f"{WORD}\nterminal length 0\nshow ip bgp {prefix}\nexit\n".encode())
    return all(word in text for word in words)
