"""A real bgpd (Debian: frr) with routes written down in a test, to be asked."""

from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from transcripts import WORD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PATIENCE_S = 60.0
"""How long a bgpd may take for anything; the machine may be busy."""

ROUTES = {
    "0.0.0.0/0": "64500",
    "10.0.0.0/8": "7",
    "10.1.0.0/16": "64600 64601",
    "10.1.2.0/24": "64600 64600 4200000001",
    "10.2.0.0/16": "",
    "192.168.100.128/25": "131072",
    "2001:db8::/32": "7",
    "2001:db8:1::/48": "64600 64601",
}
"""AS paths by prefix; an empty one is that of a network of the router's own."""


@dataclass
class Bgpd:
    """A bgpd that listens on 127.0.0.1 while `start` was called last, and not `stop`."""

    program: str
    folder: Path
    port: int
    password: str | None = WORD
    """None: no login."""
    extra: tuple[str, ...] = ()
    """Lines of the configuration of `router bgp`."""
    vty: tuple[str, ...] = ()
    """Lines of the configuration of `line vty`."""
    head: tuple[str, ...] = ()
    """Lines before all others."""
    routes: dict[str, str] = field(default_factory=lambda: dict(ROUTES))
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until the routes are there."""
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "bgpd.conf"
        config.write_text("\n".join((*self._lines(), "")))
        config.chmod(0o644)
        command = [self.program, "-n", "-Z", "-S", "-p", "0", "-N", f"sparrow{self.port}"]
        command += ["-f", str(config), "-i", str(self.folder / "pid")]
        command += ["--vty_socket", str(self.folder), "-A", "127.0.0.1", "-P", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._has_routes)

    def stop(self) -> None:
        """Stop, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _lines(self) -> Iterable[str]:
        yield from ("hostname jasmine", *self.head)
        if self.password is not None:
            yield f"password {self.password}"
        for number, path in enumerate(self.routes.values()):
            if path:
                yield from (f"route-map R{number} permit 10", f" set as-path prepend {path}", "!")
        yield from ("router bgp 65000", " bgp router-id 192.0.2.1", " no bgp network import-check")
        yield from self.extra
        for family in ("ipv4", "ipv6"):
            yield f" address-family {family} unicast"
            for number, (prefix, path) in enumerate(self.routes.items()):
                if (":" in prefix) == (family == "ipv6"):
                    yield f"  network {prefix}" + (f" route-map R{number}" if path else "")
            yield " exit-address-family"
        yield "line vty"
        yield from self.vty if self.password is not None else (" no login", *self.vty)

    def _has_routes(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        last = list(self.routes)[-1]
        family = "ipv6" if ":" in last else "ipv4"
        asked = f"{self.password}\n" if self.password is not None else ""
        asked += f"terminal length 0\nshow bgp {family} unicast {last}\nexit\n"
        return b"best #1" in converse(self.port, asked.encode())


def converse(port: int, text: bytes) -> bytes:
    """Say all at once, and give all that was answered; nothing where nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as peer:
            peer.sendall(text)
            return b"".join(iter(lambda: peer.recv(65536), b""))
    except OSError:
        return b""


def wait_until(condition: object) -> None:
    """Wait for what comes true by itself."""
    assert callable(condition)
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.1)
