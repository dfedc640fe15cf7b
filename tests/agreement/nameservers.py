"""Servers of several makes in a folder of their own, all with the same zones."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.exception
import dns.message
import dns.query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LOOPBACK = "127.0.0.1"
PATIENCE_S = 120
"""Seconds after which a test gives up; nothing is measured with it."""

NAMED_CONF = """
options {{
    directory "{folder}";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    lock-file none;
    recursion no;
    minimal-responses yes;
    // RFC 2308 section 3 has no exception for questions about the SOA.
    zero-no-soa-ttl no;
    dnssec-validation no;
    empty-zones-enable no;
    notify no;
    // Zones that want repair are what is compared, too.
    check-names primary ignore;
    check-integrity no;
}};
controls {{ }};
"""
NAMED_ZONE = """
zone "{name}" {{ type primary; file "{file}"; }};
"""

NSD_CONF = """
server:
    ip-address: 127.0.0.1@{port}
    server-count: 1
    minimal-responses: yes
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    database: ""
    pidfile: "{folder}/nsd.pid"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    zonelistfile: "{folder}/zone.list"
remote-control:
    control-enable: no
"""
NSD_ZONE = """
zone:
    name: "{name}"
    zonefile: "{file}"
"""


@dataclass(frozen=True)
class NameServer:
    """A server that answers on UDP and TCP of 127.0.0.1."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def rss_kib(self, field: str = "VmRSS") -> int:
        """Resident memory of the process, now (`VmRSS`) or at its peak (`VmHWM`)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith(field)).split()[1])

    def is_answering(self) -> bool:
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-4000:]
        query = dns.message.make_query("version.invalid.", "SOA")
        try:
            dns.query.udp(query, LOOPBACK, timeout=0.2, port=self.port)
        except (OSError, dns.exception.DNSException):
            return False
        return True


@contextmanager
def serving_named(
    program: str, zones: Mapping[str, Path], folder: Path, port: int
) -> Iterator[NameServer]:
    conf = folder / "named.conf"
    text = NAMED_CONF.format(folder=folder, port=port)
    conf.write_text(text + "".join(NAMED_ZONE.format(name=n, file=f) for n, f in zones.items()))
    with running([program, "-4", "-g", "-n", "1", "-c", str(conf)], folder, port) as server:
        yield server


@contextmanager
def serving_nsd(
    program: str, zones: Mapping[str, Path], folder: Path, port: int
) -> Iterator[NameServer]:
    conf = folder / "nsd.conf"
    text = NSD_CONF.format(folder=folder, port=port)
    conf.write_text(text + "".join(NSD_ZONE.format(name=n, file=f) for n, f in zones.items()))
    with running([program, "-4", "-d", "-c", str(conf)], folder, port) as server:
        yield server


@dataclass(frozen=True)
class Sparrow:
    """A `sparrow serve` of its own, and the commands that ask it."""

    server: NameServer
    config: Path

    def run(self, *arguments: str, stdin: str = "") -> str:
        return run_sparrow(self.config, *arguments, stdin=stdin).stdout

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("status", "--json"))


@contextmanager
def serving_sparrow(config: Mapping[str, Any], folder: Path, port: int) -> Iterator[Sparrow]:
    """Serve `config`, a mapping as in YAML, on `port`, and wait until it is ready."""
    path = write_config(config, folder, port)
    command = [*SPARROW, "serve", "--config", str(path)]
    with running(command, folder, port) as server:
        wait_until(lambda: " ready, serial " in server.log.read_text())
        yield Sparrow(server, path)
    assert 0 == server.process.returncode, server.log.read_text()


SPARROW = (sys.executable, "-m", "sparrow")


def write_config(config: Mapping[str, Any], folder: Path, port: int) -> Path:
    """Write a configuration that keeps all its files in `folder`; JSON is YAML."""
    server = {
        "listen": [f"{LOOPBACK}:{port}"],
        "run_dir": f"{folder}/run",
        "state_dir": f"{folder}/state",
    }
    path = folder / "sparrow.yaml"
    path.write_text(json.dumps({"server": server, **config}))
    return path


def static_zones(zones: Mapping[str, Path]) -> dict[str, Any]:
    """Give the configuration of zones that are served as their files have them."""
    return {
        "sites": {"here": {"vips": ["192.0.2.200"]}},
        "zones": {name: {"file": str(file), "steer": []} for name, file in zones.items()},
    }


def run_sparrow(config: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command, *rest = arguments
    return subprocess.run(
        [*SPARROW, command, "--config", str(config), *rest],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[NameServer]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder
        )
    server = NameServer(port, process, log)
    try:
        wait_until(server.is_answering)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def exchange(port: int, queries: list[bytes], window: int = 32) -> list[bytes]:
    """Send UDP queries, numbered by their ids, and give the responses in the same order."""
    responses: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(PATIENCE_S)
        peer.connect((LOOPBACK, port))
        for start in range(0, len(queries), window):
            batch = queries[start : start + window]
            for query in batch:
                peer.send(query)
            received = {wire[:2]: wire for wire in (peer.recv(65535) for _ in batch)}
            responses += [received[query[:2]] for query in batch]
    return responses
