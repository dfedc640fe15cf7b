"""The program itself: its words, its file, its lines, its exit codes."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from listed_routes import ListedRoutes
from running import run
from served_routes import serving
from sparrowprogram import PATIENCE_S, SCRIPT

import sparrow
from sparrow.routeserver.client import RouteServerClient
from sparrow.server.ssrs import RoutePortSettings
from sparrow.supersparrow.decision import decide
from sparrow.supersparrow.vocabulary import VOCABULARY, parse_peers
from sparrow.values.address import render_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from served_routes import Running
    from sparrowprogram import Program

PEERS = "64600=www.x.example,64601=www.y.example,1=www.z.example,2=www.z2.example"
OWN = "www.self.example"
SITES = (f"--peer={PEERS}", f"--self={OWN}")


@pytest.fixture(scope="module")
def port() -> Iterator[Running]:
    """A route port with the routes of `listed_routes`."""
    settings = RoutePortSettings("sparrow", max_per_address=64)
    with serving(ListedRoutes(), settings) as running:
        yield running


def server(port: Running, kind: str = "ssrs") -> tuple[str, ...]:
    place = ("--host=127.0.0.1", f"--port={port.address[1]}")
    return (f"--route_server={kind}", *place, "--password=any")


def expect(address: bytes, count: int = 1) -> str:
    """Give the answer by the rule, for a packed address of the written routes."""
    found = ListedRoutes().find(address)
    results = decide(found[1].path if found else (), parse_peers(PEERS), count).results
    return " ".join(results) or OWN


def draw(chance: random.Random) -> bytes:
    """Give an address in or near one of the written prefixes."""
    prefix = chance.choice(list(ListedRoutes().routes))
    bits = len(prefix.network) * 8 - prefix.length + chance.choice((0, 1, 3))
    mask = (1 << min(bits, len(prefix.network) * 8)) - 1
    value = int.from_bytes(prefix.network, "big") ^ chance.getrandbits(128) & mask
    return value.to_bytes(len(prefix.network), "big")


def test_an_address_gives_a_line(port: Running, program: Program) -> None:
    assert (0, "www.x.example\n", "") == program.run(*server(port), *SITES, "10.1.3.1")


def test_several_addresses_give_a_line_each_in_order(port: Running, program: Program) -> None:
    addresses = ("10.0.0.1", "11.0.0.1", "10.1.2.200", "2001:db8:1::1")
    code, out, _ = program.run(*server(port), *SITES, "--result_count=3", *addresses)
    assert 0 == code
    assert [
        "www.x.example",
        "www.y.example",
        OWN,
        "www.x.example www.z.example www.z2.example",
    ] == out.splitlines()


@pytest.mark.parametrize("kind", ["ssrs", "zebra"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_thousand_addresses_are_answered_by_the_rule_over_one_connection(
    port: Running, program: Program, kind: str, count: int
) -> None:
    chance = random.Random(count)
    addresses = [draw(chance) for _ in range(1000)]
    before = port.port.counters.accepted
    text = "".join(f"{render_address(address)}\n" for address in addresses)
    words = (*server(port, kind), *SITES, f"--result_count={count}", "--batch")
    code, out, err = program.run(*words, stdin=text.encode())
    assert (0, "") == (code, err)
    assert [expect(address, count) for address in addresses] == out.splitlines()
    assert 1 == port.port.counters.accepted - before
    assert 2 < len(set(out.splitlines()))


def test_a_batch_answers_each_line_before_the_next_is_written(
    port: Running, program: Program
) -> None:
    with program.batch(*server(port), *SITES) as batch:
        assert "www.x.example" == batch.ask("10.1.3.1")
        assert OWN == batch.ask("10.1.2.200")
        assert "www.y.example" == batch.ask("11.0.0.1")
    assert [] == batch.notes()


def test_every_line_has_an_answer_whatever_stands_in_it(port: Running, program: Program) -> None:
    lines = (
        b"10.1.3.1\r\n",
        b"\n",
        b"\xff\xfe\n",
        b"nonsense \x1b[31m\n",
        b"1" * 100_000 + b"\n",
        b"10.1.3.1/8\n",
        b"::ffff:10.1.3.1\n",
        b"10.1.3.1",
    )
    code, out, err = program.run(*server(port), *SITES, "--batch", stdin=b"".join(lines))
    assert 0 == code
    x = "www.x.example"
    assert [x, OWN, OWN, OWN, OWN, OWN, x, x] == out.splitlines()
    notes = err.splitlines()
    assert 5 == len(notes)
    assert f"supersparrow: 'nonsense \\x1b[31m' is no address; the answer is {OWN}" in notes


def test_no_note_repeats_more_of_a_line_than_is_needed_to_find_it(program: Program) -> None:
    line = b"x" * 5000 + b"\n"
    _, out, err = program.run("--batch", *SITES, stdin=line)
    assert f"{OWN}\n" == out
    assert len(err) < 300


def test_the_file_has_the_options_and_the_command_line_wins(
    port: Running, program: Program
) -> None:
    program.configure(
        "# those of this site",
        f"peer {PEERS}",
        f"self {OWN}  # the first",
        "batch",
        "password 'any will do'",
        "route_server zebra",
        "host 127.0.0.1",
        f"port {port.address[1]}",
    )
    assert (0, f"www.x.example\n{OWN}\n", "") == program.run(stdin=b"10.1.3.1\n10.1.2.200\n")
    assert (0, "www.x.example\n", "") == program.run("10.1.3.1", stdin=b"11.0.0.1\n")
    assert (0, "else\n", "") == program.run("--self", "else", "10.1.2.200")
    assert (0, "mine\n", "") == program.run("--peer=64601=mine", "11.0.0.1")


def test_a_mistake_in_the_file_has_its_line_and_nothing_is_answered(program: Program) -> None:
    program.configure("self a", "selff 1", "port 0")
    code, out, err = program.run("10.0.0.1")
    assert (2, "") == (code, out)
    note = f"supersparrow: {program.conf}:2: there is no option 'selff': did you mean 'self'? "
    assert f"{note}see --help\n" == err


def test_a_file_that_is_named_must_be_there(program: Program) -> None:
    path = program.folder / "none"
    _, out, err = program.run(f"--config_file={path}", "--self=a", "10.0.0.1")
    assert ("", f"supersparrow: {path}: cannot be read: No such file or directory\n") == (out, err)


def test_a_reader_of_the_answers_that_has_gone_ends_the_batch_without_a_word(
    program: Program,
) -> None:
    command = ["sh", "-c", '"$@" | head -n 1', "sh", *program.command(*SITES, "--batch")]
    ended = subprocess.run(
        command, input=b"\n" * 10_000, capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert f"{OWN}\n".encode() == ended.stdout
    notes = set(ended.stderr.decode().splitlines())
    assert {f"supersparrow: '' is no address; the answer is {OWN}"} == notes


@pytest.mark.parametrize("typed", [b"", b"10.1.3.1\n"])
def test_an_interrupt_ends_it_whatever_it_waits_for(program: Program, typed: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        words = (*SITES, "--host=127.0.0.1", f"--port={silent.getsockname()[1]}", "--batch")
        with subprocess.Popen(
            program.command(*words, "--debug"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            assert b"supersparrow: route_server zebra" in process.stderr.readline()
            process.stdin.write(typed)
            process.stdin.flush()
            with silent.accept()[0] if typed else nullcontext():
                process.send_signal(signal.SIGINT)
                notes = process.stderr.read()
            assert 1 == process.wait(PATIENCE_S)
    assert b"Traceback" not in notes


def test_a_name_that_is_looked_up_for_too_long_gives_self_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_over = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        is_over.wait(PATIENCE_S)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    before = set(threading.enumerate())
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    words = (*SITES, "--host=router.example", "--timeout=0.1")
    outcome = run("supersparrow", *words, "10.1.3.1")
    left = set(threading.enumerate()) - before
    assert (0, f"{OWN}\n") == (outcome.code, outcome.out)
    assert "router.example port 2605 does not answer within 0.1 s" in outcome.err
    assert [True] == [thread.daemon for thread in left]
    is_over.set()
    for thread in left:
        thread.join(PATIENCE_S)


def test_a_name_that_nobody_has_gives_self(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    outcome = run("supersparrow", *SITES, "--host=router.example", "10.1.3.1")
    assert (0, f"{OWN}\n") == (outcome.code, outcome.out)
    assert "cannot be reached: Name or service not known" in outcome.err


def test_localhost_is_found_by_its_name(port: Running, program: Program) -> None:
    words = (*server(port), "--host=localhost", *SITES)
    assert (0, "www.x.example\n", "") == program.run(*words, "10.1.3.1")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"self \xff\n", "'utf-8' codec can't decode"), (b"\n" * (2**20 + 1), "it is over 1048576")],
)
def test_a_file_that_is_no_text_of_reasonable_size_is_refused(
    program: Program, content: bytes, why: str
) -> None:
    program.conf.write_bytes(content)
    code, _, err = program.run("10.0.0.1")
    assert 2 == code
    assert err.startswith(f"supersparrow: {program.conf}: cannot be read: {why}")


def test_a_folder_is_no_file_of_options(program: Program) -> None:
    program.conf.unlink()
    program.conf.mkdir()
    why = f"supersparrow: {program.conf}: cannot be read: Is a directory\n"
    assert (2, "", why) == program.run("10.0.0.1")


def test_without_an_address_and_without_batch_there_is_nothing_to_do(program: Program) -> None:
    why = "supersparrow: there is no address: give one, or batch to read them from stdin\n"
    assert (2, "", why) == program.run("--self=a")


def test_options_of_the_name_server_are_taken_and_said_to_have_no_effect(
    port: Running, program: Program
) -> None:
    words = ("--soa_host=ns.example.org.", "--ns", "a.", "--ns", "b.", "--ttl", "7")
    code, out, err = program.run(*server(port), *SITES, *words, "10.1.3.1")
    assert (0, "www.x.example\n") == (code, out)
    assert [
        f"supersparrow: command line: {name} has no effect here, only in a DNS server"
        for name in ("soa_host", "ns", "ttl")
    ] == err.splitlines()


def test_verbose_tells_how_and_debug_the_options_too(port: Running, program: Program) -> None:
    words = (*server(port), "--peer=64600=x", "--self=s")
    _, out, err = program.run(*words, "--verbose", "10.1.3.1")
    note = "supersparrow: '10.1.3.1': x: peer 64600: path 64600 64601 to 10.1.0.0/16"
    assert ("x\n", f"{note}\n") == (out, err)
    _, out, err = program.run(*words, "--debug", "10.1.3.1", "10.1.3.1")
    options, asked, held = err.splitlines()
    assert "password (not shown); peer 64600=x; self s; result_count 1" in options
    assert "any" not in err
    assert asked.startswith(f"{note} (the rule, for a route that was asked for, ")
    assert held.startswith(f"{note} (the cache, ")


def test_without_a_peer_it_says_that_all_is_self(program: Program) -> None:
    note = "supersparrow: there is no peer, so every answer is self\n"
    assert (0, "a\n", note) == program.run("--self=a", "10.0.0.1")


def test_the_help_has_every_option(program: Program) -> None:
    for word in ("--help", "-h"):
        code, out, err = program.run(word)
        assert (0, "") == (code, err)
        assert [] == [name for name in VOCABULARY if f"  --{name} " not in out]


@pytest.mark.parametrize(("words", "own"), [(("--help",), 0), ((*SITES, "x"), 1)])
def test_it_starts_without_libraries_that_it_has_no_use_for(
    words: tuple[str, ...], own: int
) -> None:
    script = f"import atexit, sys\natexit.register(lambda: print(*sys.modules))\n{SCRIPT}"
    command = [sys.executable, "-c", script, *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    loaded = {name.partition(".")[0] for name in ended.stdout.splitlines()[-1].split()}
    assert own == len({"asyncio"} & loaded)
    heavy = {"aiohttp", "dns", "dnslib", "grpc", "pydantic", "pytricia", "rich", "yaml"}
    assert set() == heavy & loaded


def test_the_version_is_that_of_sparrow(program: Program) -> None:
    version = f"supersparrow, version {sparrow.__version__}\n"
    assert (0, version, "") == program.run("--version")


def test_sparrow_has_the_same_program_as_a_command(port: Running) -> None:
    words = (*server(port), *SITES, "--config_file=/dev/null/none")
    refused = run("supersparrow", *words, "--batch")
    assert 2 == refused.code
    outcome = run("supersparrow", *server(port), *SITES, "--batch", stdin=b"10.1.3.1\nx\n")
    assert (0, f"www.x.example\n{OWN}\n") == (outcome.code, outcome.out)


def test_a_closed_stdin_is_the_end_and_a_closed_stdout_is_said(program: Program) -> None:
    command = program.command(*SITES, "--batch")
    closed = ["sh", "-c", '"$@" <&-', "sh", *command]
    ended = subprocess.run(closed, capture_output=True, timeout=PATIENCE_S, check=False)
    assert (0, b"") == (ended.returncode, ended.stdout)
    closed = ["sh", "-c", '"$@" >&-', "sh", *command]
    ended = subprocess.run(
        closed, input=b"x\n", stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False
    )
    assert 1 == ended.returncode
    assert b"the result cannot be written: stdout is closed" in ended.stderr


def test_a_fault_of_ours_gives_self_and_does_not_end_the_batch(
    port: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RouteServerClient, "ask", fail)
    outcome = run("supersparrow", *server(port), *SITES, "--batch", stdin=b"10.1.3.1\n10.1.3.2\n")
    assert (0, f"{OWN}\n{OWN}\n") == (outcome.code, outcome.out)
    assert 2 == outcome.err.count("supersparrow: Traceback")
