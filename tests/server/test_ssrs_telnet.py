"""The route port with a real telnet, on a terminal of its own (Debian: telnet)."""

from __future__ import annotations

import os
import select
import subprocess
import termios
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes
from served_routes import WAIT_S, serving

from sparrow.server.ssrs import RoutePortSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SETTINGS = RoutePortSettings(hostname="sparrow")
NO_SIZE = (0, 0)


@dataclass
class Terminal:
    """A program on a terminal: what is typed and what is seen."""

    master: int
    program: subprocess.Popen[bytes]
    seen: bytes = b""

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def read_until(self, ending: bytes) -> str:
        """Give what is seen up to `ending`, with plain line ends."""
        end = time.monotonic() + WAIT_S
        while ending not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(end - time.monotonic(), 0))
            assert ready, f"no {ending!r} in {self.seen!r}"
            self.seen += os.read(self.master, 65536)
        output, _, self.seen = self.seen.partition(ending)
        return (output + ending).decode().replace("\r", "")


@contextmanager
def telnet(program: str, address: tuple[str, int], size: tuple[int, int]) -> Iterator[Terminal]:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, size)
    command = [program, address[0], str(address[1])]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave) as process:
        try:
            yield Terminal(master, process)
        finally:
            process.kill()
            os.close(slave)
            os.close(master)


def log_in(terminal: Terminal, password: bytes) -> None:
    terminal.read_until(b"Password: ")
    terminal.type(password + b"\r")
    terminal.read_until(b"sparrow> ")


def test_a_person_with_telnet_logs_in_asks_and_leaves(needs: Callable[[str], str]) -> None:
    program = needs("telnet")
    settings = replace(SETTINGS, password="secret")  # noqa: S106
    with (
        serving(ListedRoutes(), settings) as running,
        telnet(program, running.address, NO_SIZE) as terminal,
    ):
        greeting = terminal.read_until(b"Password: ")
        assert "\nHello, this is sparrow (version 1.2.3).\n\n\nUser Access Ver" in greeting
        terminal.type(b"wrong\r")
        assert "\nPassword: " == terminal.read_until(b"Password: ")
        terminal.type(b"secret\r")
        assert "\nsparrow> " == terminal.read_until(b"sparrow> ")
        terminal.type(b"sho ip bgp 10.1.3.1\r")
        answer = terminal.read_until(b"sparrow> ").splitlines()
        assert "sho ip bgp 10.1.3.1" == answer[0]
        assert "BGP routing table entry for 10.1.0.0/16" == answer[1]
        assert "  64600 64601" == answer[4]
        terminal.type(b"exit\r")
        terminal.read_until(b"exit\r\nConnection closed by foreign host.")
    counters = running.port.counters
    assert (1, 2, 0) == (counters.logins, counters.commands, counters.failures)


def test_telnets_enter_runs_a_line_once(needs: Callable[[str], str]) -> None:
    program = needs("telnet")
    with (
        serving(ListedRoutes(), SETTINGS) as running,
        telnet(program, running.address, NO_SIZE) as terminal,
    ):
        log_in(terminal, b"x")
        terminal.type(b"10.9.0.1\r")
        assert "10.9.0.1\n10.0.0.0/8 64600\nsparrow> " == terminal.read_until(b"sparrow> ")
        terminal.type(b"!end\r")
        assert "!end\nsparrow> " == terminal.read_until(b"sparrow> ")


def test_keys_of_a_terminal_edit_the_line(needs: Callable[[str], str]) -> None:
    program = needs("telnet")
    with (
        serving(ListedRoutes(), SETTINGS) as running,
        telnet(program, running.address, NO_SIZE) as terminal,
    ):
        log_in(terminal, b"x")
        terminal.type(b"10.9.0.2\x7f1\r")
        assert terminal.read_until(b"sparrow> ").endswith("\n10.0.0.0/8 64600\nsparrow> ")
        terminal.type(b"\x1b[A\r")
        assert terminal.read_until(b"sparrow> ").endswith("\n10.0.0.0/8 64600\nsparrow> ")


@pytest.mark.parametrize(("size", "pages"), [((10, 80), 2), (NO_SIZE, 1)])
def test_output_is_paged_to_the_window_of_telnet(
    needs: Callable[[str], str], size: tuple[int, int], pages: int
) -> None:
    program = needs("telnet")
    with (
        serving(ListedRoutes(), SETTINGS) as running,
        telnet(program, running.address, size) as terminal,
    ):
        log_in(terminal, b"x")
        terminal.type(b"show ip bgp\r")
        for _ in range(pages - 1):
            terminal.read_until(b" --More-- ")
            terminal.type(b" ")
        terminal.read_until(b"Total number of prefixes 7\r\nsparrow> ")
