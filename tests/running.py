"""A folder with a configuration, tables and zones, and the real daemon that runs on it.

Start from `Home`. Two routing tables and two zones are written down here, and who
is answered with what by them: `NEAREST`.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import dns.edns
import dns.message
import dns.query
import pytest

from sparrow.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PATIENCE_S = 60.0
"""Seconds after which a test gives up; nothing is measured with it."""
LOOPBACK = "127.0.0.1"

TABLE = """\
# prefix, then the path
20.0.0.0/8 64600
20.1.0.0/16 64601
20.1.2.0/24 64602 64600
30.0.0.0/8 7
40.0.0.0/8 1_64600
2600::/16 64600
2a00::/16 64601
"""
SITES = """\
self: nl
sites:
  au: {asn: [64600, "131072-132095"], vips: [210.18.215.100, "2001:db8:a::1"], fallback: [nl]}
  nl: {asn: [64601], vips: [193.173.27.8]}
  us: {asn: [64602], vips: [198.51.100.1, 198.51.100.2, "2001:db8:c::1"]}
services:
  api: {sites: [nl], vips: {nl: [193.173.27.9]}, ttl: 30}
"""
ZONES = """\
zones:
  www.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org., ns.au.example.org.]
    ttl: 7
    file: www.zone
    steer: ["@", "*.cdn"]
  api.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org.]
    steer: {"@": api}
"""
ZONE_FILE = """\
$TTL 600
@      TXT   "hello"
alias  CNAME www.example.org.
static A     192.0.2.77
"""
NAME = "www.example.org"
NEAREST = {
    "20.5.0.0/24": ["210.18.215.100"],
    "20.1.9.0/24": ["193.173.27.8"],
    "20.1.2.0/24": ["198.51.100.1", "198.51.100.2"],
    "30.0.0.0/24": ["193.173.27.8"],
    "40.0.0.0/24": ["210.18.215.100"],
    "50.0.0.0/24": ["193.173.27.8"],
    "2600:1::/48": ["210.18.215.100"],
}
"""By client subnet: the A records of `NAME`."""

START = (sys.executable, "-m", "sparrow")


@dataclass
class Home:
    """A folder that holds all that a daemon needs; its tests may rewrite any of it."""

    path: Path
    port: int
    server: str = ""
    """More keys of `server`, each led by a comma."""
    sites: str = SITES
    zones: str = ZONES
    ssrs: str = ""
    """The whole of `ssrs`, key included."""
    files: Sequence[str] = ("table.routes",)
    """Route files, in order."""
    daemons: list[Daemon] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write("table.routes", TABLE)
        self.write("www.zone", ZONE_FILE)
        self.configure()

    @property
    def config(self) -> Path:
        return self.path / "sparrow.yaml"

    @property
    def run_dir(self) -> Path:
        return self.path / "run"

    @property
    def secret(self) -> Path:
        return self.path / "state" / "cookie.secret"

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file aside and rename it, as one should under a daemon that reads it."""
        octets = text.encode() if isinstance(text, str) else text
        aside = self.path / f".{name}"
        aside.write_bytes(octets)
        return aside.rename(self.path / name)

    def configure(self, **parts: Any) -> Path:
        """Write the configuration, with some of its parts changed from now on."""
        for part, value in parts.items():
            assert hasattr(self, part)
            setattr(self, part, value)
        return self.write("sparrow.yaml", self.render())

    def render(self) -> str:
        routes = "".join(f"  - {{file: {file}}}\n" for file in self.files)
        return (
            f'server: {{listen: ["{LOOPBACK}:{self.port}"], run_dir: run, state_dir: state'
            f"{self.server}}}\n{self.sites}{'routes:' if routes else ''}\n{routes}"
            f"{self.zones}{self.ssrs}"
        )

    def sparrow(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in a process of its own to its end."""
        command = (*START, *arguments, "-c", str(self.config))
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, **options
        )

    def begin(self, *arguments: str, prefix: Sequence[str] = START, **options: Any) -> Daemon:
        """Start `sparrow serve`, and do not wait until it is ready."""
        log = self.path / f"log{len(self.daemons)}"
        command = (*prefix, "serve", "-c", str(self.config), *arguments)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
            )
        self.daemons.append(Daemon(self, process, log))
        return self.daemons[-1]

    def serve(self, *arguments: str, **options: Any) -> Daemon:
        """Start `sparrow serve` and wait until it is ready."""
        return self.begin(*arguments, **options).wait_for("ready, serial")

    def end(self) -> None:
        """Stop what still runs, and hold every daemon to a log without a traceback."""
        try:
            for daemon in self.daemons:
                if daemon.process.poll() is None:
                    assert 0 == daemon.stop(), daemon.log()
                assert "Traceback" not in daemon.log(), daemon.log()
        finally:
            for daemon in self.daemons:
                daemon.kill()
            for pid in self.pids():  # those whose keeper was killed go on
                os.kill(pid, signal.SIGKILL)

    def pids(self) -> list[int]:
        """Give the living processes that serve from the run directory."""
        path, config = (re.escape(str(each).encode()) for each in (self.run_dir, self.config))
        charge = rb'run_dir[\\"]+: [\\"]+' + path + rb'[\\"]'
        reserve = rb"\0(worker|firstdaemon)\0[0-9]+\0" + config + rb"\0"
        ours = re.compile(charge + rb"|" + reserve + rb"|\0serve\0(.*\0)?" + config + rb"\0")
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if ours.search((folder / "cmdline").read_bytes()):  # empty for one that has ended
                    found.append(int(folder.name))
        return found


@dataclass
class Daemon:
    """A `sparrow serve` in a process of its own."""

    home: Home
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return self.home.port

    def log(self) -> str:
        return self.log_path.read_text()

    def wait_for(self, text: str, times: int = 1) -> Daemon:
        """Wait until the log holds a text, so many times."""

        def is_there() -> bool:
            is_dead = self.process.poll() is not None  # looked at before the log is
            found = self.log().count(text) >= times
            assert found or not is_dead, f"it ended without {text!r}:\n{self.log()}"
            return found

        wait_until(is_there, lambda: f"no {text!r} in:\n{self.log()}")
        return self

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal; give its exit code."""
        self.send(number)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def query(self, message: dns.message.Message) -> dns.message.Message:
        return dns.query.udp(message, LOOPBACK, timeout=PATIENCE_S, port=self.port)

    def ask(self, name: str, rtype: str = "A", subnet: str | None = None) -> dns.message.Message:
        return self.query(make_query(name, rtype, subnet))

    def addresses(self, name: str = NAME, subnet: str = "20.5.0.0/24") -> list[str]:
        return addresses_of(self.ask(name, "A", subnet))

    def nearest(self) -> dict[str, list[str]]:
        """Ask for every client of `NEAREST`."""
        return {subnet: self.addresses(subnet=subnet) for subnet in NEAREST}

    def talk(self) -> Talk:
        return Talk(self.home.run_dir / "control.sock")

    def command(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Give the response of the control socket to one command."""
        with self.talk() as talk:
            return talk.ask({"version": 1, "command": command, **arguments})

    def status(self) -> dict[str, Any]:
        response = self.command("status")
        assert response["ok"]
        return dict(response["result"])

    @contextlib.contextmanager
    def counting(self) -> Iterator[dict[str, Any]]:
        """Give what will hold, after the block, the counters that moved and by how much."""
        moved: dict[str, Any] = {}
        before = flatten(self.status()["counters"])
        yield moved
        after = flatten(self.status()["counters"])
        moved |= {key: after[key] - before.get(key, 0) for key in after}
        for key in [key for key, count in moved.items() if not count]:
            del moved[key]


class Talk:
    """A connection to a control socket, with nothing hidden."""

    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(str(path))
        self.stream = self.sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.sock.close()

    def send(self, octets: bytes) -> None:
        self.sock.sendall(octets)

    def take(self) -> dict[str, Any]:
        """Give the next response."""
        line = self.stream.readline()
        assert line.endswith(b"\n"), f"closed after {line[-100:]!r}"
        return dict(json.loads(line))

    def ask(self, request: object) -> dict[str, Any]:
        self.send(json.dumps(request).encode() + b"\n")
        return self.take()

    def is_closed(self) -> bool:
        """Wait for the server's end, and tell whether it came without another octet."""
        try:
            return self.stream.read(1) == b""
        except ConnectionResetError:
            return True


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
    """Run a command within this process, which takes no half a second to start."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)], prog_name="sparrow")
    return Outcome(int(ended.value.code or 0), out.getvalue(), err.getvalue())


class Load(threading.Thread):
    """A client that asks for all of `NEAREST` again and again, some queries at a time.

    It sends nothing twice: a query that is lost ends it with an error.
    """

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.answers: dict[str, set[tuple[str, ...]]] = {subnet: set() for subnet in NEAREST}
        self.count = 0
        self.failure: Exception | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self.join(PATIENCE_S)
        if self.failure:
            raise self.failure

    def wait_for(self, count: int) -> None:
        """Wait until so many more queries were answered."""
        goal = self.count + count
        wait_until(lambda: self.count >= goal or not self.is_alive(), lambda: f"{self.count}")

    def run(self) -> None:
        wires = {
            number: (subnet, make_query(NAME, "A", subnet, number).to_wire())
            for number, subnet in enumerate(NEAREST)
        }
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect((LOOPBACK, self.port))
            try:
                while not self._is_over:
                    self._ask_all(sock, wires)
            except Exception as error:  # noqa: BLE001 (raised again in the test's thread)
                self.failure = error

    def _ask_all(self, sock: socket.socket, wires: dict[int, tuple[str, bytes]]) -> None:
        for _, wire in wires.values():
            sock.send(wire)
        waiting = dict(wires)
        while waiting:
            response = dns.message.from_wire(sock.recv(65535))
            subnet, _ = waiting.pop(response.id)
            self.answers[subnet].add(tuple(addresses_of(response)))
            self.count += 1


def make_query(
    name: str, rtype: str = "A", subnet: str | None = None, query_id: int | None = None
) -> dns.message.Message:
    options = []
    if subnet:
        address, _, length = subnet.partition("/")
        options.append(dns.edns.ECSOption(address, int(length)))
    return dns.message.make_query(name, rtype, use_edns=0, options=options, id=query_id)


def addresses_of(response: dns.message.Message) -> list[str]:
    """Give the addresses of the last RRset of the answer section, in order."""
    return [rdata.to_text() for rdata in response.answer[-1]] if response.answer else []


def scope_of(response: dns.message.Message) -> int | None:
    """Give the scope of the client subnet; None where the response has none."""
    found = [option for option in response.options if isinstance(option, dns.edns.ECSOption)]
    return found[0].scopelen if found else None


def flatten(counters: Mapping[str, Any], above: str = "") -> dict[str, int]:
    """Give nested counters by keys such as `responses.NOERROR`."""
    rows = (
        flatten(value, f"{above}{key}.").items()
        if isinstance(value, dict)
        else [(f"{above}{key}", value)]
        for key, value in counters.items()
    )
    return dict(itertools.chain.from_iterable(rows))


def wait_until(condition: Callable[[], bool], failure: Callable[[], str] = str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, failure()
        time.sleep(0.01)


def is_root() -> bool:
    return os.getuid() == 0
