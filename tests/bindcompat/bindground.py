"""BIND and the driver that it loads, over a table of loopback addresses.

A client may have any address of 127.0.0.0/8, so a table that covers this block makes
clients of all sites of one machine. Start from `build_home` and `serving_bind`.
"""

from __future__ import annotations

import random
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import dns.exception
import dns.message
import dns.query
import dns.rcode
from running import LOOPBACK, PATIENCE_S, Home, addresses_of, run, wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
NAME = "www.example.org"
SELF = "192.0.2.1"
ADDRESSES = {64600: "192.0.2.10", 64601: SELF, 64602: "192.0.2.30"}
"""By AS number: what its site answers."""
SITES = """\
self: nl
sites:
  au: {asn: [64600], vips: [192.0.2.10], fallback: [us]}
  nl: {asn: [64601], vips: [192.0.2.1]}
  us: {asn: ["64602-64609"], vips: [192.0.2.30], fallback: [nl]}
"""
ZONES = """\
zones:
  www.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org., ns2.example.org.]
    ttl: 7
    ns_ttl: 60
"""
HALVES = ("127.0.0.0/9 64600\n127.128.0.0/9 64601\n", "127.0.0.0/9 64602\n127.128.0.0/9 64601\n")
"""Two tables: clients of the lower half have another site by each, those of the upper one not."""
LOWER, UPPER = "127.1.2.3", "127.200.0.1"
"""A client of each half."""
PEERS = ",".join(f"{asn}={address}" for asn, address in ADDRESSES.items())
ZONE_WORDS = (
    "--soa_host ns.example.org. --soa_email hostmaster@example.org --ns ns.example.org. "
    "--ns ns2.example.org. --ttl 7 --ns_ttl 60"
)
WORDS = f"ss --peer {PEERS} --self {SELF} {ZONE_WORDS}"
"""What stands behind the driver's path, but for where answers come from."""

CONF = """
options {{
    directory "{folder}";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    lock-file none;
    recursion no;
    dnssec-validation no;
    minimal-responses yes;
    empty-zones-enable no;
}};
controls {{ }};
dlz "www" {{
    database "dlopen {driver} {words}";
    search no;
}};
zone "www.example.org" {{ type primary; dlz "www"; }};
"""


def build_home(folder: Path, port: int, table: str) -> Home:
    """Write a configuration over a table."""
    folder.mkdir(exist_ok=True)
    home = Home(folder, port, sites=SITES, zones=ZONES)
    home.write("table.routes", table)
    return home


def random_table(seed: int) -> str:
    """Give a table of some hundred prefixes within 127.0.0.0/8, with paths of all kinds."""
    chance = random.Random(seed)
    paths = ["64600", "64601", "64602", "7 64600", "7 9", "64602 64600", "64603 8", "5_64601"]
    lines = {}
    for _ in range(800):
        length = chance.randint(9, 30)
        address = 127 << 24 | chance.getrandbits(24)
        network = address >> 32 - length << 32 - length
        octets = ".".join(map(str, network.to_bytes(4, "big")))
        lines[f"{octets}/{length}"] = chance.choice(paths)
    return "".join(f"{prefix} {path}\n" for prefix, path in lines.items())


def random_clients(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    numbers = (127 << 24 | chance.randint(1, 2**24 - 2) for _ in range(count))
    return [".".join(map(str, number.to_bytes(4, "big"))) for number in numbers]


def compile_plan(home: Home, table: str | None = None, folder: str = "plan") -> Path:
    """Write the plan of a home, with another table if one is given; give its directory."""
    if table is not None:
        home.write("table.routes", table)
    outcome = run("compile", "-c", home.config, "-o", home.path / folder)
    assert 0 == outcome.code, outcome.err
    return home.path / folder


def build_driver(folder: Path, flags: str = "-O2 -Werror") -> tuple[Path, Path]:
    """Build the driver and the harness with the same flags; give their paths."""
    driver, harness = folder / "dlz_sparrow.so", folder / "harness"
    settings = (f"BIND_DRIVER={driver}", f"BIND_CFLAGS={flags}")
    subprocess.run(("make", "-s", "-C", CHECKOUT, "bind-driver", *settings), check=True)
    include = f"-I{CHECKOUT / 'bind-compat' / 'driver'}"
    command = ("cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", *flags.split(), include, "-pthread")
    subprocess.run((*command, "-o", harness, HERE / "harness.c"), check=True)
    return driver, harness


@dataclass(frozen=True)
class Bind:
    """A `named` with the driver."""

    port: int
    process: subprocess.Popen[bytes]
    log_path: Path

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def ask(
        self, source: str = LOOPBACK, rtype: str = "A", name: str = NAME
    ) -> dns.message.Message:
        query = dns.message.make_query(name, rtype)
        return dns.query.udp(query, LOOPBACK, PATIENCE_S, self.port, source=source)

    def addresses(self, source: str) -> list[str]:
        return addresses_of(self.ask(source))

    def is_answering(self) -> bool:
        """Tell whether it answers for the name: SERVFAIL until its zones are loaded."""
        assert self.process.poll() is None, self.log()[-4000:]
        try:
            query = dns.message.make_query(NAME, "SOA")
            response = dns.query.udp(query, LOOPBACK, timeout=0.5, port=self.port)
        except (OSError, dns.exception.DNSException):
            return False
        return response.rcode() != dns.rcode.SERVFAIL

    def wait_for_log(self, text: str) -> None:
        def is_there() -> bool:
            self.ask()  # BIND's threads write what the driver has to tell
            return text in self.log()

        wait_until(is_there, self.log)

    def wait_for_answer(self, expected: Sequence[str], source: str = LOWER) -> None:
        wait_until(lambda: list(expected) == self.addresses(source), self.log)


@contextmanager
def serving_bind(
    program: str, folder: Path, port: int, conf: str, under: Sequence[str] = ()
) -> Iterator[Bind]:
    """Run `named` with four threads over a configuration, and use it when it answers."""
    folder.mkdir(exist_ok=True)
    (folder / "named.conf").write_text(conf)
    log = folder / "named.log"
    command = [*under, program, "-4", "-g", "-n", "4", "-c", str(folder / "named.conf")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder
        )
    bind = Bind(port, process, log)
    try:
        while not bind.is_answering():  # until the test's own time is over
            time.sleep(0.05)
        yield bind
        assert process.poll() is None, bind.log()
        process.terminate()
        assert 0 == process.wait(PATIENCE_S), bind.log()
    finally:
        process.kill()
        process.wait(PATIENCE_S)


class Harness:
    """The driver, loaded by a small program instead of BIND; see harness.c."""

    def __init__(self, command: Sequence[str | Path], words: str) -> None:
        self.process = subprocess.Popen(
            [*map(str, command), *words.split()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.logged: list[str] = []
        """What the driver said, with its level."""
        self.is_created = self._take() == ["CREATED"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def order(self, text: str) -> list[str]:
        """Give the lines that answer an order."""
        assert self.process.stdin
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()
        return self._take()

    def _take(self) -> list[str]:
        assert self.process.stdout
        lines: list[str] = []
        for line in iter(self.process.stdout.readline, ".\n"):
            assert line, f"it ended: {self.process.communicate()[1]}"
            if line.startswith("LOG "):
                self.logged.append(line[4:].rstrip())
            else:
                lines.append(line.rstrip())
        return lines

    def addresses(self, client: str) -> list[str]:
        """Give the A records that a client is given."""
        lines = self.order(f"ask {client}")
        return [line.split()[2] for line in lines if line.startswith("A ")]

    def wait_for_answer(self, expected: list[str], client: str = LOWER) -> None:
        wait_until(lambda: expected == self.addresses(client), lambda: "\n".join(self.logged))

    def end(self) -> tuple[int, str]:
        """Have it end by itself; give its exit code and what stands on stderr."""
        _, errors = self.process.communicate(timeout=PATIENCE_S * 5)
        return self.process.returncode, errors


def send_from(sock: socket.socket, source: str, port: int, wire: bytes) -> None:
    """Bind a socket to a client's address and send a query."""
    sock.settimeout(PATIENCE_S)
    sock.bind((source, 0))
    sock.sendto(wire, (LOOPBACK, port))
