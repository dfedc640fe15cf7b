"""The driver asks a route port: what it understands, and what it does without an answer."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from bindground import (
    ADDRESSES,
    LOWER,
    SELF,
    WORDS,
    Harness,
    build_home,
    random_clients,
    random_table,
)
from running import LOOPBACK, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bindground import Bind
    from running import Home

    Serving = Callable[[str], AbstractContextManager[Bind]]

GREETING = b"\r\nHello, this is zebra (version 0.93).\r\n\r\nUser Access Verification\r\n\r\n"
OFFER = b"\xff\xfb\x01\xff\xfb\x03\xff\xfe\x22\xff\xfd\x1f"
HEAD = "BGP routing table entry for 127.0.0.0/9\n"
PASSWORD = "frub"  # noqa: S105 (of a stand-in)
AU, US = [ADDRESSES[64600]], [ADDRESSES[64602]]


class Script:
    """A route server that says what a test wants; it counts what it was asked."""

    def __init__(self, listener: socket.socket, answer: bytes | None) -> None:
        self.port = listener.getsockname()[1]
        self.answer = answer
        """What follows the echo of a question; None for nothing, ever."""
        self.questions: list[str] = []
        self.connections = 0
        self.closes_after_answer = False
        self.password = PASSWORD
        self._listener = listener

    def serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with suppress(OSError), peer, peer.makefile("rb") as lines:
                self._talk(peer, lines)  # until the driver has had enough

    def _talk(self, peer: socket.socket, lines: Iterator[bytes]) -> None:
        peer.sendall(GREETING + OFFER + b"Password: ")
        for line in lines:
            if line.decode().strip() == self.password:
                break
            peer.sendall(b"\r\nPassword: ")
        peer.sendall(b"\r\nbgp1> ")
        for line in lines:
            self.questions.append(line.decode().strip())
            if self.answer is None:
                continue
            peer.sendall(line.rstrip() + b"\r\n" + self.answer)
            if self.closes_after_answer:
                return


@contextmanager
def scripted(answer: bytes | None) -> Iterator[Script]:
    with socket.create_server((LOOPBACK, 0)) as listener:
        script = Script(listener, answer)
        thread = threading.Thread(target=script.serve, daemon=True)
        thread.start()
        yield script
        listener.shutdown(socket.SHUT_RDWR)


def output(text: str) -> bytes:
    """Give the output of a command as it stands on the wire, the prompt behind it."""
    return text.replace("\n", "\r\n").encode() + b"bgp1> "


def words_for(port: int, more: str = "") -> str:
    return f"{WORDS} --host {LOOPBACK} --port {port} --password {PASSWORD} --timeout 5 {more}"


def entry(*paths: str, best: int = 1) -> str:
    """Give the output of Zebra 0.93 for some paths."""
    said = f"{HEAD}Paths: ({len(paths)} available, best #{best}, table Default-IP-Routing-Table)\n"
    said += "  Advertised to non peer-group peers:\n  64602 10.0.0.1 from-nobody\n"
    for number, path in enumerate(paths, 1):
        mark = ", best" if number == best else ""
        said += (
            f"  {path}\n    192.0.2.7 from 192.0.2.7 (192.0.2.7)\n"
            f"      Origin IGP, localpref 100, valid, external{mark}\n"
            "      Last update: Fri Oct  6 15:47:28 2000\n\n\n"
        )
    return said


FRR = f"""\
{HEAD[:-1]}, version 9
Paths: (2 available, best #1, table default)
  Advertised to peers:
  bgp2(192.0.2.7)
  64602 8, (stale)
    192.0.2.7 from bgp2(192.0.2.7) (192.0.2.7)
      Origin IGP, valid, external, bestpath-from-AS 64602, best (First path received)
      Last update: Fri Oct  6 15:47:28 2023
  64600
    192.0.2.8 from 192.0.2.8 (192.0.2.8)
      Origin IGP, valid, external
"""
OUTPUTS = {
    "the nearest of ours wins": (entry("7 64602 64600 9"), US),
    "the best path counts": (entry("64600 5", "64602 5", best=2), US),
    "no path is best": (entry("64600 5", best=0).replace("best #0", "no best path"), [SELF]),
    "none of ours is on the path": (entry("7 8 9"), [SELF]),
    "our own network": (entry("Local"), [SELF]),
    "a set": (entry("7 {5,64600}"), AU),
    "a confederation": (entry("(65001 64602) 7"), US),
    "asdot": (entry("7 0.64600"), AU),
    "behind a comma is no path": (entry("7 8, (aggregated by 64600 192.0.2.9)"), [SELF]),
    "a number that ours is only a part of": (entry("646001 164600"), [SELF]),
    "no route": ("% Network not in table\n", [SELF]),
    "an error": ("% Unknown command.\n", [SELF]),
    "nothing": ("", [SELF]),
    "as FRR says it": (FRR, US),
    "garbage": ("from from \x01\x02 best #99999999999999999999 {{{{ 64600\n    from\n", [SELF]),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_what_a_route_server_says_is_understood(harness: tuple[Path, Path], case: str) -> None:
    said, expected = OUTPUTS[case]
    with scripted(output(said)) as script, Harness(harness, words_for(script.port)) as driver:
        assert expected == driver.addresses(LOWER)
        assert ([], [f"show ip bgp {LOWER}"]) == (driver.logged, script.questions)


def test_ipv6_clients_are_asked_for_as_such(harness: tuple[Path, Path]) -> None:
    with scripted(output(entry("64600"))) as script:  # noqa: SIM117 (two lines read better)
        with Harness(harness, words_for(script.port)) as driver:
            assert AU == driver.addresses("2001:db8::1")
            assert ["show bgp ipv6 2001:db8::1"] == script.questions


def test_answers_are_kept_by_address_the_ones_used_last_longest(
    harness: tuple[Path, Path],
) -> None:
    words = "--cache_size 2 --cache_timeout 3600"
    with (
        scripted(output(entry("64600"))) as script,
        Harness(harness, words_for(script.port, words)) as driver,
    ):
        for client in ("127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.3", "127.0.0.1"):
            assert AU == driver.addresses(client)
        assert 3 == len(script.questions)
        driver.addresses("127.0.0.2")  # it had to make room for 127.0.0.3
        assert 4 == len(script.questions)
        assert 1 == script.connections


def test_without_room_for_answers_each_question_is_asked(harness: tuple[Path, Path]) -> None:
    words = words_for
    with (
        scripted(output(entry("64600"))) as script,
        Harness(harness, words(script.port, "--cache_size 0")) as driver,
    ):
        assert [AU] * 5 == [driver.addresses(LOWER) for _ in range(5)]
        assert 5 == len(script.questions)


def test_a_connection_that_was_closed_meanwhile_is_opened_again(
    harness: tuple[Path, Path],
) -> None:
    with scripted(output(entry("64600"))) as script:
        script.closes_after_answer = True
        with Harness(harness, words_for(script.port, "--cache_size 0")) as driver:
            assert [AU] * 3 == [driver.addresses(LOWER) for _ in range(3)]
            assert (3, []) == (script.connections, driver.logged)


FAULTS = {
    "silence": (None, PASSWORD, "no answer within 1 s"),
    "too much": (b"64600 " * 20_000, PASSWORD, "it says more than 65536 octets"),
    "a wrong password": (output(""), "other", "it refuses the password"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_without_an_answer_self_is_given_and_one_line_says_why(
    harness: tuple[Path, Path], fault: str
) -> None:
    answer, password, expected = FAULTS[fault]
    with scripted(answer) as script:
        script.password = password
        words = words_for(script.port, "--cache_size 0").replace("--timeout 5", "--timeout 1")
        with Harness(harness, words) as driver:
            assert [[SELF]] * 20 == [driver.addresses(LOWER) for _ in range(20)]
            assert 1 == len(driver.logged)
            assert driver.logged[0].startswith(f"-3 sparrow: dlz 'www': the route port {LOOPBACK}")
            assert f"{expected}; --self is answered" in driver.logged[0]


def test_an_answer_that_is_cut_off_is_none(harness: tuple[Path, Path]) -> None:
    with scripted(output(entry("64600"))[:-40]) as script:
        script.closes_after_answer = True
        with Harness(harness, words_for(script.port)) as driver:
            assert [SELF] == driver.addresses(LOWER)
            assert "it closed the connection" in driver.logged[0]


@pytest.fixture
def routed(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Home]:
    """A sparrow with a route port."""
    home = build_home(tmp_path / "home", free_port(), random_table(seed=3))
    home.configure(ssrs=f'ssrs: {{listen: "{LOOPBACK}:{free_port()}", password: {PASSWORD}}}\n')
    yield home
    home.end()


def port_of(home: Home) -> int:
    return int(home.ssrs.split(":")[3].split('"')[0])


def test_bind_answers_by_the_route_port_what_lookup_says_and_self_while_it_is_dead(
    routed: Home, serving: Serving
) -> None:
    clients = random_clients(seed=5, count=300)
    looked_up = run("lookup", "-c", routed.config, "--json", "-", stdin="\n".join(clients).encode())
    expected = [json.loads(line)["vips"] for line in looked_up.out.splitlines()]
    daemon = routed.serve()
    words = words_for(port_of(routed), f"--peer 64603={ADDRESSES[64602]}")
    with serving(words) as bind:
        assert expected == [bind.addresses(client) for client in clients]
        client = next(each for each, vips in zip(clients, expected, strict=True) if vips == US)
        assert 0 == daemon.stop()
        bind.wait_for_answer([SELF], client)
        bind.wait_for_log("the route port")
        assert 1 == bind.log().count("--self is answered")
        routed.serve()
        bind.wait_for_answer(US, client)
