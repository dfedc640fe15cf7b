"""Three sites with web servers that may fail, and clients that see what becomes of it.

Start from `Ground`: a `Home` of the real server, and the web servers of its sites.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.message
from running import LOOPBACK, NAME, PATIENCE_S, Home, addresses_of, make_query, wait_until

from sparrow.keeping.journal import JOURNAL, read_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from running import Daemon

WEB_SERVER = Path(__file__).with_name("webserver.py")

INTERVAL_S, TIMEOUT_S = 0.4, 0.2
UP, OK, DOWN = 3, 2, 3
"""Thresholds."""
CHECKS = (
    f"checks: {{interval: {INTERVAL_S}, timeout: {TIMEOUT_S}, up_thresh: {UP}, ok_thresh: {OK}, "
    f"down_thresh: {DOWN}}}\n"
)
VIPS = {"au": "127.1.0.1", "nl": "127.2.0.1", "us": "127.3.0.1"}
"""Where each site is, and has its web server."""
AU, NL, US = ((VIPS[name],) for name in ("au", "nl", "us"))
"""Answers that give a site."""
SITES = """\
self: nl
{checks}sites:
  au: {{asn: [64600], vips: [127.1.0.1, "2001:db8:a::1"], fallback: [us]{au}}}
  nl: {{asn: [64601], vips: [127.2.0.1]{nl}}}
  us: {{asn: [64602], vips: [127.3.0.1, "2001:db8:c::1"]{us}}}
{more}"""
CLIENTS = {"au": "20.5.0.0/24", "nl": "20.1.9.0/24", "us": "20.1.2.0/24"}
"""A client of each site, by the tables of `running`."""
ZONES = """\
zones:
  www.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org.]
    ttl: 60
    steer: ["@"]
"""


class WebServer:
    """The web server of a site. `kill`, `stop` and `fill` end its service, `revive` begins it."""

    def __init__(self, host: str, port: int, prefix: Sequence[str] = ()) -> None:
        """Serve; `prefix` are words before the command, such as those that enter a namespace."""
        self.host, self.port = host, port
        self._prefix = tuple(prefix)
        self._fillers: list[socket.socket] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.revive()

    def revive(self) -> None:
        """Serve again, whatever happened before; return when it does."""
        self.end()
        command = (*self._prefix, sys.executable, "-S", "-E", str(WEB_SERVER), self.host)
        self._process = subprocess.Popen((*command, str(self.port)), stdout=subprocess.PIPE)
        self._await_octet()

    def await_request(self) -> None:
        """Wait until one more request was answered; those before do not count."""
        assert self._process
        assert self._process.stdout
        fileno = self._process.stdout.fileno()
        os.set_blocking(fileno, False)
        with suppress(BlockingIOError):
            os.read(fileno, 65536)
        self._await_octet()

    def _await_octet(self) -> None:
        assert self._process
        assert self._process.stdout
        fileno = self._process.stdout.fileno()
        os.set_blocking(fileno, True)
        assert select.select([fileno], [], [], PATIENCE_S)[0], "the web server is not asked"
        assert os.read(fileno, 1), "the web server ended"

    def kill(self) -> None:
        """Connections are refused from now on."""
        assert self._process
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def stop(self) -> None:
        """Connections are taken by the kernel, and nobody answers."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """What was stopped goes on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def fill(self) -> None:
        """Connections are not even taken: the queue is full."""
        self.stop()
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))
            self._fillers.append(filler)

    def end(self) -> None:
        """Leave nothing behind."""
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        if self._process and self._process.stdout:
            self.kill()
            self._process.stdout.close()


@dataclass(slots=True)
class Run:
    """Equal answers in a row."""

    addresses: tuple[str, ...] | None
    """What they said; None for queries without an answer."""
    first_s: float
    """When the first of them arrived, on the monotonic clock."""
    last_s: float
    """When the last one did."""
    count: int = 1
    """How many they are."""


class Sampler(threading.Thread):
    """A client that asks a thousand times a second, and remembers what the answers were."""

    def __init__(self, port: int, subnet: str = CLIENTS["au"], **options: Any) -> None:
        """Ask for a client subnet.

        Options: `host`; `rate`, queries a second; `connect`, which gives the socket.
        """
        super().__init__(daemon=True)
        self._wire = make_query(NAME, "A", subnet, 0).to_wire()[2:]
        self._where = (options.get("host", LOOPBACK), port)
        self._pause_s = 1 / options.get("rate", 1000)
        self._connect: Callable[[], socket.socket] = options.get("connect", _open_udp)
        self._is_over = False
        self._known: dict[bytes, tuple[str, ...]] = {}
        self.runs: list[Run] = []
        """Written by the thread alone, the last of them while it lasts."""
        self.failure: Exception | None = None

    @property
    def count(self) -> int:
        """How many queries are over."""
        return sum(run.count for run in self.runs)

    @property
    def lost(self) -> int:
        """How many of them had no answer."""
        return sum(run.count for run in self.runs if run.addresses is None)

    @property
    def last(self) -> Run:
        return self.runs[-1]

    def addresses(self, since_s: float = 0.0) -> list[tuple[str, ...] | None]:
        """Give what the answers said since a moment, each row of equal ones once."""
        return [run.addresses for run in self.runs if run.last_s >= since_s]

    @property
    def answers(self) -> list[tuple[str, ...]]:
        """Give what the answers said, each row of equal ones once, gaps between them or not."""
        found = [run.addresses for run in self.runs if run.addresses is not None]
        return [key for key, _ in itertools.groupby(found)]

    def await_answer(self, *wanted: tuple[str, ...], since_s: float = 0.0) -> float:
        """Wait for one of these answers, arrived since a moment; give when the first did."""

        def find() -> list[Run]:
            assert not self.failure, self.failure
            runs = list(self.runs)
            return [run for run in runs if run.addresses in wanted and run.last_s >= since_s]

        wait_until(lambda: bool(find()), lambda: f"no {wanted}, but {self.runs}")
        return max(find()[0].first_s, since_s)

    def await_more(self, count: int) -> None:
        """Wait until so many more queries are over."""
        goal = self.count + count
        wait_until(lambda: self.count >= goal, lambda: f"{self.count} of {goal}")

    def __enter__(self) -> Self:
        self.start()
        wait_until(lambda: self.count > 0 or not self.is_alive())
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self.join(PATIENCE_S)
        if self.failure:
            raise self.failure

    def run(self) -> None:
        try:
            with self._connect() as sock:
                sock.settimeout(2)
                sock.connect(self._where)
                due_s = time.monotonic()
                while not self._is_over:
                    self._ask(sock)
                    due_s = max(due_s + self._pause_s, time.monotonic())
                    time.sleep(max(due_s - time.monotonic(), 0))
        except Exception as error:  # noqa: BLE001 (raised again in the test's thread)
            self.failure = error

    def _ask(self, sock: socket.socket) -> None:
        query_id = os.urandom(2)
        sock.send(query_id + self._wire)
        addresses = None
        with suppress(TimeoutError, ConnectionRefusedError):
            while (response := sock.recv(4096))[:2] != query_id:
                continue  # of a query that was given up
            addresses = self._read(response)
        now_s = time.monotonic()
        if self.runs and self.runs[-1].addresses == addresses:
            self.runs[-1].last_s = now_s
            self.runs[-1].count += 1
        else:
            self.runs.append(Run(addresses, now_s, now_s))

    def _read(self, response: bytes) -> tuple[str, ...]:
        """Give the addresses of a response; each distinct one is decoded once."""
        key = response[2:]
        if key not in self._known:
            message = dns.message.from_wire(response)
            assert message.rcode() == dns.rcode.NOERROR, message
            self._known[key] = tuple(addresses_of(message))
        return self._known[key]


def _open_udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


@dataclass
class Ground:
    """A home of the real server, whose sites have web servers or state files."""

    home: Home
    web_port: int
    webs: dict[str, WebServer] = field(default_factory=dict)
    checks: str = CHECKS

    def watch_web(self, *names: str, more: str = "", of_site: str = "") -> Ground:
        """Give sites web servers and checks of them; `of_site` are more keys of each."""
        for name in names:
            self.webs[name] = WebServer(VIPS[name], self.web_port)
        check = "checks: [{{http: {{port: {}, address: {}}}}}]"
        keys = {name: check.format(self.web_port, VIPS[name]) + of_site for name in names}
        return self._configure(keys, more)

    def watch_files(self, *names: str, more: str = "") -> Ground:
        """Give sites state files and checks of them."""
        check = "checks: [{{file: {{path: {}.state, max_age: 1h, down_thresh: 1, up_thresh: 1}}}}]"
        for name in names:
            self.say(name, "up")
        return self._configure({name: check.format(name) for name in names}, more)

    def _configure(self, checks: dict[str, str], more: str) -> Ground:
        keys = {name: f", {checks[name]}" if name in checks else "" for name in VIPS}
        sites = SITES.format(checks=self.checks, more=more, **keys)
        self.home.configure(sites=sites, zones=ZONES)
        return self

    def say(self, name: str, word: str) -> None:
        """Write the state file of a site: up, degraded or down."""
        self.home.write(f"{name}.state", f"{word}\n")

    @property
    def state_dir(self) -> Path:
        return self.home.path / "state"

    def daemon_post(self) -> dict[str, Any]:
        """Give what the keeper says of the process that knows."""
        posts = json.loads((self.home.run_dir / "keeper.json").read_text())["posts"]
        return next(row for row in posts if row["name"] == "daemon")

    def find_daemon(self) -> int | None:
        """Give the process that knows, once it is ready: once it has published everything."""
        post = self.daemon_post()
        return post["pid"] if post["ready"] else None

    def journal(self, event: str | None = None) -> list[dict[str, Any]]:
        """Give the entries of the journal, of one event if given."""
        rows = read_journal(self.state_dir / JOURNAL)
        return [row for row in rows if event in (None, row["event"])]

    def moves(self) -> list[tuple[Any, ...]]:
        """Give what the journal tells of standings, but for families without a say here."""
        rows = self.journal("site")
        return [(row["site"], row["from"], row["to"]) for row in rows if row["family"] == 4]

    def await_move(self, *move: str, times: int = 1) -> float:
        """Wait until the journal tells of a standing's change; give its time, monotonic."""
        wait_until(lambda: self.moves().count(move) >= times, lambda: f"no {move}: {self.moves()}")
        rows = [row for row in self.journal("site") if row["family"] == 4]
        found = [row["at"] for row in rows if (row["site"], row["from"], row["to"]) == move]
        return float(found[times - 1]) - time.time() + time.monotonic()

    def end(self) -> None:
        for web in self.webs.values():
            web.end()


def standings(daemon: Daemon) -> dict[str, str]:
    """Give how each site stands for IPv4, by the status."""
    return {row["name"]: row["v4"]["standing"] for row in daemon.status()["sites"]}


def transitions(daemon: Daemon) -> dict[str, int]:
    """Give how often each site came to stand otherwise, for IPv4, since the daemon started."""
    return {row["name"]: row["v4"]["transitions"] for row in daemon.status()["sites"]}


def order(daemon: Daemon, action: str, site: str, **more: Any) -> dict[str, Any]:
    """Give an order over the control socket."""
    response = daemon.command("site", action=action, site=site, reason="test", by="eve", **more)
    assert response["ok"], response
    return dict(response["result"])
