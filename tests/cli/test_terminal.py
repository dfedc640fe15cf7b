"""What becomes of a command whose result nobody takes: a full disk, a closed stdout, a `head`."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from running import LOOPBACK, NAME, PATIENCE_S, START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Home

FULL = "error: the result cannot be written to stdout: No space left on device\n"
CLOSED = "error: the result cannot be written: stdout is closed\n"

COMMANDS = {
    "help": ("--help",),
    "version": ("--version",),
    "help of a command": ("lookup", "--help"),
    "lookup": ("lookup", "-c", "CONFIG", "20.1.2.3"),
    "lookup, JSON": ("lookup", "-c", "CONFIG", "--json", "20.1.2.3"),
    "explain": ("explain", "-c", "CONFIG", "--from", LOOPBACK, NAME),
    "config print": ("config", "print", "-c", "CONFIG"),
    "status": ("status", "-c", "CONFIG"),
    "status, JSON": ("status", "-c", "CONFIG", "--json"),
    "status, check": ("status", "-c", "CONFIG", "--check"),
}


@pytest.fixture(params=COMMANDS.values(), ids=COMMANDS)
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    words: tuple[str, ...] = request.param
    if words[0] in {"--help", "--version"} or words[-1] == "--help":
        return words
    asked: Home = (
        request.getfixturevalue("daemon").home
        if words[0] == "status"
        else request.getfixturevalue("home")
    )
    return tuple(str(asked.config) if word == "CONFIG" else word for word in words)


@pytest.fixture
def broken_pipe() -> Iterator[int]:
    """Give the writing end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def end_of(command: tuple[str, ...], stdout: int | None) -> tuple[int, str]:
    """Run a command with a stdout, None for a closed one; give its exit code and its last line."""
    shell = ("sh", "-c", 'exec "$@" >&-', "sh") if stdout is None else ()
    done = subprocess.run(
        [*shell, *START, *command], stdout=stdout, stderr=subprocess.PIPE, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    told = [
        line
        for line in done.stderr.splitlines(keepends=True)
        if not line.startswith(("asking", "no daemon"))
    ]
    return done.returncode, "".join(told)


def test_on_a_full_disk_one_line_says_so(command: tuple[str, ...]) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        assert (1, FULL) == end_of(command, full)
    finally:
        os.close(full)


def test_a_closed_stdout_is_said_in_one_line(command: tuple[str, ...]) -> None:
    assert (1, CLOSED) == end_of(command, None)


def test_a_reader_that_has_gone_is_no_news(command: tuple[str, ...], broken_pipe: int) -> None:
    assert (1, "") == end_of(command, broken_pipe)


def test_a_reader_that_goes_in_the_middle_is_no_news(home: Home) -> None:
    addresses = "20.1.2.3\n" * 20_000
    lookup = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", *START, "lookup", "-c", home.config, "-"],
        input=addresses, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert 1 == len(lookup.stdout.splitlines())
    assert 1 == len(lookup.stderr.splitlines())


@pytest.mark.parametrize("words", [("check",), ("compile", "-o", "plan")])
def test_who_prints_nothing_needs_no_stdout(home: Home, words: tuple[str, ...]) -> None:
    command = (*words[:-1], str(home.path / words[-1])) if "-o" in words else words
    code, told = end_of((*command, "-c", str(home.config)), None)
    assert (0, False) == (code, "error" in told)


def test_a_server_needs_no_stdout(home: Home) -> None:
    try:
        server = home.begin(prefix=("sh", "-c", 'exec "$@" >&-', "sh", *START))
        assert ["210.18.215.100"] == server.wait_for("ready, serial").addresses()
    finally:
        home.end()


def test_without_a_stdin_there_are_no_addresses_to_read(home: Home) -> None:
    shell = ("sh", "-c", 'exec "$@" <&-', "sh", *START)
    done = subprocess.run(
        [*shell, "lookup", "--routes", home.path / "table.routes", "-"],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (2, "error: stdin is closed: `-` reads addresses from it") == (
        done.returncode,
        done.stderr.splitlines()[-1],
    )
