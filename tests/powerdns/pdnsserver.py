"""PowerDNS as a process that asks sparrow."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.exception
import dns.message
import dns.query
from running import LOOPBACK, NAME, PATIENCE_S, make_query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONF = """\
launch=remote
remote-connection-string=unix:path={socket},timeout=20000
local-address=127.0.0.1
local-port={port}
socket-dir={folder}
edns-subnet-processing=yes
consistent-backends=no
dname-processing=yes
security-poll-suffix=
receiver-threads=1
distributor-threads=2
max-tcp-connections=5
disable-syslog=yes
guardian=no
daemon=no
{more}
"""


@dataclass(frozen=True)
class PowerDns:
    """A PowerDNS that answers on a port."""

    port: int
    log: Path

    def query(self, message: dns.message.Message, source: str | None = None) -> dns.message.Message:
        """Ask over UDP, and over TCP where the answer is cut."""
        response, _ = dns.query.udp_with_fallback(
            message, LOOPBACK, timeout=PATIENCE_S, port=self.port, source=source
        )
        return response

    def ask(
        self, name: str, rtype: str, subnet: str | None = None, source: str | None = None
    ) -> dns.message.Message:
        return self.query(make_query(name, rtype, subnet), source)

    def addresses(self, subnet: str, rtype: str = "A") -> set[str]:
        return records(self.ask(NAME, rtype, subnet))

    def is_answering(self) -> bool:
        try:
            response = dns.query.udp(make_query(NAME, "SOA"), LOOPBACK, timeout=0.5, port=self.port)
        except (OSError, dns.exception.DNSException):
            return False
        return bool(response.answer)


def records(response: dns.message.Message) -> set[str]:
    """Give the rdata of the answer section."""
    return {rdata.to_text() for rrset in response.answer for rdata in rrset}


@contextmanager
def serving(program: str, folder: Path, socket: Path, port: int, more: str) -> Iterator[PowerDns]:
    """Run PowerDNS in a folder of its own until the block ends."""
    folder.mkdir()
    text = CONF.format(socket=socket, port=port, folder=folder, more=more)
    (folder / "pdns.conf").write_text(text)
    server = PowerDns(port, folder / "log")
    with server.log.open("wb") as output:
        process = subprocess.Popen(
            [program, f"--config-dir={folder}"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        end = time.monotonic() + PATIENCE_S
        while not server.is_answering():
            assert process.poll() is None, server.log.read_text()
            assert time.monotonic() < end, server.log.read_text()
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()
