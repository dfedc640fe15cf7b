"""Real gobgpd processes on loopback, and a client that gives them routes.

The client writes GoBGP's messages by hand, so that it shares nothing with what is tested.
Start from `Speaker` and `Announcer`.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import shutil
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
import pytest

from sparrow.values.address import parse_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

PATIENCE_S = 60.0
DUMP_S = 600.0
"""Seconds for `gobgp` to print 100,000 routes on a machine that is busy."""


def need_gobgpd() -> None:
    for name in ("gobgpd", "gobgp"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")


def wait_until(
    is_so: Callable[[], bool], what: str = "it did not come to be", patience_s: float = PATIENCE_S
) -> None:
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@dataclass
class Speaker:
    """A gobgpd, its API and its BGP on loopback, or behind `prefix` and its API at a path.

    `more` stands behind the rest of its configuration, in GoBGP's words.
    """

    folder: Path
    asn: int
    address: str
    api_port: int
    bgp_port: int
    peers: list[Speaker] = field(default_factory=list)
    is_passive: bool = False
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    api_path: Path | None = None
    more: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def target(self) -> str:
        return f"unix:{self.api_path}" if self.api_path else f"127.0.0.1:{self.api_port}"

    def render(self) -> str:
        text = (
            f'[global.config]\nas = {self.asn}\nrouter-id = "{self.address}"\n'
            f'port = {self.bgp_port}\nlocal-address-list = ["{self.address}"]\n'
        )
        for peer in self.peers:
            text += (
                f'[[neighbors]]\n[neighbors.config]\nneighbor-address = "{peer.address}"\n'
                f"peer-as = {peer.asn}\n[neighbors.timers.config]\nconnect-retry = 1\n"
                # One that has a full table to send is silent for minutes where it is busy.
                "idle-hold-time-after-reset = 1\nhold-time = 3600\nkeepalive-interval = 30\n"
                f'[neighbors.transport.config]\nlocal-address = "{self.address}"\n'
                f"remote-port = {peer.bgp_port}\npassive-mode = {str(self.is_passive).lower()}\n"
                "[[neighbors.afi-safis]]\n"
                '[neighbors.afi-safis.config]\nafi-safi-name = "ipv4-unicast"\n'
                "[[neighbors.afi-safis]]\n"
                '[neighbors.afi-safis.config]\nafi-safi-name = "ipv6-unicast"\n'
            )
        return text + self.more

    def start(self) -> Speaker:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "gobgpd.conf"
        config.write_text(self.render())
        hosts = f"unix://{self.api_path}" if self.api_path else self.target
        command = ("gobgpd", "-f", str(config), "--api-hosts", hosts, "--pprof-disable")
        command = (*self.prefix, *command, *self.options)
        deadline = time.monotonic() + PATIENCE_S
        while True:  # the port of one that was killed may be taken for a moment
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            while self.process.poll() is None:
                with contextlib.suppress(OSError):
                    self._connect()
                    return self
                time.sleep(0.05)
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.2)

    def _connect(self) -> None:
        if self.api_path is None:
            socket.create_connection(("127.0.0.1", self.api_port), 1).close()
            return
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(1)
            sock.connect(str(self.api_path))

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(PATIENCE_S)
            self.process = None
            if self.api_path:
                self.api_path.unlink(missing_ok=True)

    def ask(self, *arguments: str) -> str:
        at = f"--target=unix://{self.api_path}" if self.api_path else f"--port={self.api_port}"
        command = ("gobgp", at, *arguments)
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=DUMP_S
        ).stdout

    def table(self) -> dict[str, str]:
        """Give the best paths by `gobgp global rib`: prefix -> AS path."""
        found = {}
        for family in ("ipv4", "ipv6"):
            text = self.ask("global", "rib", "-a", family, "-j")
            for prefix, paths in json.loads(text or "{}").items():
                attrs = next(each["attrs"] for each in paths if each.get("best", len(paths) == 1))
                path = next(each for each in attrs if each["type"] == 2)
                segments = path["as_paths"]
                asns = [asn for segment in segments for asn in segment["asns"]]
                found[prefix] = " ".join(map(str, asns))
        return found

    def is_up(self) -> bool:
        return all(
            row["state"].get("session_state") == 6 for row in json.loads(self.ask("neighbor", "-j"))
        )


@contextlib.contextmanager
def two_speakers(folder: Path, free_port: Callable[[], int]) -> Iterator[list[Speaker]]:
    """Start a server for each of two sites, au and nl; skip the test where there is none."""
    need_gobgpd()
    started = [
        Speaker(folder / name, 64500, f"127.0.0.{number}", free_port(), free_port())
        for number, name in ((3, "au"), (4, "nl"))
    ]
    for each in started:
        each.start()
    yield started
    for each in started:
        each.kill()


def pack(number: int, content: bytes | str | int) -> bytes:
    """Write a field of protobuf."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    octets = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(octets)) + octets


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def pack_any(name: str, value: bytes) -> bytes:
    return pack(1, f"type.googleapis.com/apipb.{name}") + pack(2, value)


def pack_path(prefix: str, path: Iterable[int] | None) -> bytes:
    """Write a path as release 3 has it; None to withdraw it."""
    parsed = parse_prefix(prefix)
    afi = 1 if parsed.family == 4 else 2
    network, length = prefix.split("/")
    nlri = pack_any("IPAddressPrefix", pack(1, int(length)) + pack(2, network))
    family = pack(1, afi) + pack(2, 1)
    numbers = b"".join(map(varint, path or ()))
    segment = pack(1, pack(1, 2) + pack(2, numbers))
    if afi == 1:
        hop = pack_any("NextHopAttribute", pack(1, "192.0.2.9"))
    else:
        reach = pack(1, family) + pack(2, "2001:db8::9") + pack(3, nlri)
        hop = pack_any("MpReachNLRIAttribute", reach)
    attributes = (pack_any("OriginAttribute", b""), hop, pack_any("AsPathAttribute", segment))
    return (
        pack(1, nlri)
        + b"".join(pack(2, each) for each in attributes)
        + pack(5, int(path is None))
        + pack(9, family)
    )


class Announcer:
    """Gives routes to a speaker."""

    def __init__(self, speaker: Speaker, ca: Path | None = None) -> None:
        if ca is None:
            self._channel = grpc.insecure_channel(speaker.target)
        else:
            credentials = grpc.ssl_channel_credentials(ca.read_bytes())
            self._channel = grpc.secure_channel(speaker.target, credentials)

    def send(self, paths: Mapping[str, Iterable[int] | None]) -> None:
        """Announce, or withdraw, in the order of the mapping; returns when all is taken."""
        call = self._channel.stream_unary("/apipb.GobgpApi/AddPathStream")
        waiting = iter(paths.items())
        while some := list(itertools.islice(waiting, 20_000)):  # a full table takes minutes
            packed = [pack(3, pack_path(prefix, path)) for prefix, path in some]
            requests = (b"".join(packed[at : at + 200]) for at in range(0, len(packed), 200))
            call(requests, timeout=PATIENCE_S)

    def close(self) -> None:
        self._channel.close()


@contextlib.contextmanager
def announcer(speaker: Speaker, ca: Path | None = None) -> Iterator[Announcer]:
    found = Announcer(speaker, ca)
    try:
        yield found
    finally:
        found.close()


def make_routes(count: int, start: int = 0) -> dict[str, tuple[int, ...]]:
    """Give /24 of 20.0.0.0/8 and above, and /48, with paths of some hops."""
    found: dict[str, tuple[int, ...]] = {}
    for number in range(start, start + count):
        path = (64600 + number % 3, 100 + number % 70, 1000 + number // 6)
        if number % 5:
            octets = struct.pack("!I", (20 << 24) + (number << 8))
            found[f"{socket.inet_ntoa(octets)}/24"] = path
        else:
            found[f"2600:{number >> 16:x}:{number & 0xFFFF:x}::/48"] = path
    return found


MIDDLE = (3356, 1299, 174, 6939, 2914, 3257, 6453)


def load_real_routes(folder: Path, count: int | None = None) -> dict[str, tuple[int, ...]]:
    """Give real prefixes with their real origins, `count` of them spread evenly or all.

    The hops between are made up; some 160,000 paths of four hops are distinct at a full
    table, as many as one neighbour has.
    """
    rows = [
        line.split()
        for path in sorted(folder.glob("internet-*.pfx2as.gz"))
        for line in gzip.decompress(path.read_bytes()).decode().splitlines()
    ]
    wanted = min(count or len(rows), len(rows))
    found: dict[str, tuple[int, ...]] = {}
    for number in range(wanted):
        network, length, origins = rows[number * len(rows) // wanted]
        origin = int(origins.replace("_", ",").split(",")[0])
        way = MIDDLE[origin % 7], MIDDLE[(origin // 7 + (number % 3 == 0)) % 7]
        found[f"{network}/{length}"] = (64600 + origin % 3, *way, origin)
    return found
