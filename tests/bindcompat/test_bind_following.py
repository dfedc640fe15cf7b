"""BIND with the driver follows the plan: what is published, and how the sites stand."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

import dns.message
import dns.rcode
from bindground import (
    ADDRESSES,
    HALVES,
    LOWER,
    NAME,
    SELF,
    UPPER,
    WORDS,
    compile_plan,
    send_from,
)
from running import LOOPBACK, PATIENCE_S, addresses_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bindground import Bind
    from running import Home

    Serving = Callable[[str], AbstractContextManager[Bind]]

OF_LOWER = (ADDRESSES[64600], ADDRESSES[64602])
"""What a client of the lower half is given by each of the two tables."""


class Clients(threading.Thread):
    """Clients of both halves that ask again and again; a query that is lost ends them."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.answers: dict[str, set[str]] = {LOWER: set(), UPPER: set()}
        self.count = 0
        self._port = port
        self._is_over = False
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self.join(PATIENCE_S)
        if self._failure:
            raise self._failure

    def run(self) -> None:
        try:
            while not self._is_over:
                for client, found in self.answers.items():
                    found.add(self._ask(client))
                    self.count += 1
        except Exception as error:  # noqa: BLE001 (raised again in the test's thread)
            self._failure = error

    def _ask(self, client: str) -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            send_from(sock, client, self._port, dns.message.make_query(NAME, "A").to_wire())
            response = dns.message.from_wire(sock.recv(65535))
        return " ".join(addresses_of(response)) or dns.rcode.to_text(response.rcode())


@contextmanager
def load_of_dnsperf(
    program: str, port: int, folder: Path
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Ask from 127.0.0.1 for a while without a pause; what it says of it is there at the end."""
    questions = folder / "questions"
    questions.write_text(f"{NAME} A\n{NAME} NS\n{NAME} AAAA\n")
    place = ("-s", LOOPBACK, "-p", str(port), "-a", LOOPBACK, "-d", str(questions))
    said: list[str] = []
    process = subprocess.Popen(
        (program, *place, "-c", "8", "-q", "40", "-t", "60", "-l", "8"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process, said
        said += process.communicate(timeout=PATIENCE_S * 2)[0].splitlines()
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def number_in(said: list[str], name: str) -> int:
    return next(int(each[1]) for line in said if (each := re.match(rf"\s*{name}:\s+(\d+)", line)))


def test_plans_change_under_load_without_a_wrong_answer_or_a_lost_one(
    home: Home, plan: Path, serving: Serving, needs: Callable[[str], str], tmp_path: Path
) -> None:
    program, turn = needs("dnsperf"), 0
    with ExitStack() as stack:
        bind = stack.enter_context(serving(f"{WORDS} --plan {plan}"))
        process, said = stack.enter_context(load_of_dnsperf(program, bind.port, tmp_path))
        clients = stack.enter_context(Clients(bind.port))
        while process.poll() is None or turn < 2:
            turn += 1
            compile_plan(home, HALVES[turn % 2])
            bind.wait_for_answer([OF_LOWER[turn % 2]])
            asked = clients.count
            wait_until(lambda: clients.count > asked + 20, bind.log)  # noqa: B023
    assert {LOWER: set(OF_LOWER), UPPER: {SELF}} == clients.answers
    sent = number_in(said, "Queries sent")
    assert sent > 100, said
    assert 0 == number_in(said, "Queries lost"), said
    assert sent == number_in(said, "Queries completed"), said
    assert any(f"NOERROR {sent} (100.00%)" in line for line in said), said


def test_a_site_that_goes_down_and_comes_back_is_followed_without_a_new_generation(
    home: Home, serving: Serving
) -> None:
    daemon = home.serve()
    with serving(f"{WORDS} --plan {home.run_dir / 'plan'}") as bind:
        generation = daemon.status()["serial"]
        assert [ADDRESSES[64600]] == bind.addresses(LOWER)
        for order, expected in (("down --yes", ADDRESSES[64602]), ("auto", ADDRESSES[64600])):
            done = home.sparrow("site", *order.split(), "au", "--reason", "test")
            assert 0 == done.returncode, done.stderr
            bind.wait_for_answer([expected])
            assert [SELF] == bind.addresses(UPPER)
        assert generation == daemon.status()["serial"]


def test_a_reload_of_the_daemon_is_followed(home: Home, serving: Serving) -> None:
    daemon = home.serve()
    with serving(f"{WORDS} --plan {home.run_dir / 'plan'}") as bind:
        assert [OF_LOWER[0]] == bind.addresses(LOWER)
        home.write("table.routes", HALVES[1])
        daemon.command("reload")
        bind.wait_for_answer([OF_LOWER[1]])


def test_answers_go_on_while_the_server_is_dead_and_follow_the_next_one(
    home: Home, serving: Serving
) -> None:
    daemon = home.serve()
    with serving(f"{WORDS} --plan {home.run_dir / 'plan'}") as bind:
        assert 0 == daemon.stop()
        assert [OF_LOWER[0]] == bind.addresses(LOWER)
        home.write("table.routes", HALVES[1])
        home.serve()
        bind.wait_for_answer([OF_LOWER[1]])


def test_bind_that_reloads_its_configuration_takes_a_new_driver(
    plan: Path, serving: Serving
) -> None:
    with serving(f"{WORDS} --plan {plan}") as bind:
        text = (bind.log_path.parent / "named.conf").read_text()
        (bind.log_path.parent / "named.conf").write_text(text.replace("--ttl 7", "--ttl 9"))
        bind.process.send_signal(signal.SIGHUP)
        wait_until(lambda: [9] == [rrset.ttl for rrset in bind.ask(LOWER).answer], bind.log)
        assert [OF_LOWER[0]] == bind.addresses(LOWER)
