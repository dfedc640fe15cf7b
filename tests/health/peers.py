"""Real servers on loopback for probes to meet, and checks to aim at them."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from sparrow.config.health import CheckDefaults, CheckItem

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime

    from sparrow.config.health import Check

LOOPBACK = "127.0.0.1"


def check_of(kind: str, **settings: Any) -> Check:
    """Give a check as a configuration would hold it, with `settings` as YAML gives them."""
    defaults = CheckDefaults.model_validate({"interval": 1, "timeout": "500ms"})
    check: Check = TypeAdapter(CheckItem).validate_python({kind: settings})
    return check.with_defaults(defaults)


Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def greet_nobody(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Serve a connection by ending it."""


class Server:
    """A TCP server that can stop to accept, and begin again at the same port."""

    def __init__(
        self, converse: Converse, tls: ssl.SSLContext | None = None, host: str = LOOPBACK
    ) -> None:
        """Serve each connection with `converse` once it is opened."""
        self.port = 0
        self.accepted = 0
        self._converse, self._tls, self._host = converse, tls, host
        self._server: asyncio.Server | None = None
        self._open_now: set[asyncio.Task[None]] = set()
        self._fillers: list[socket.socket] = []

    async def open(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(
            self._serve, self._host, self.port, ssl=self._tls, backlog=1
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task
        self._open_now.add(task)
        try:
            await self._converse(reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open_now.discard(task)
            writer.transport.abort() if self._tls else writer.close()

    def refuse(self) -> None:
        """Refuse connections from now on."""
        if self._server:
            self._server.close()

    def swallow(self) -> None:
        """Let connections wait without a sign from now on: the queue is full, nobody accepts."""
        assert self._server
        asyncio.get_running_loop().remove_reader(self._server.sockets[0].fileno())
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((self._host, self.port))
            self._fillers.append(filler)

    async def close(self) -> None:
        """End everything."""
        self.refuse()
        for task in self._open_now:
            task.cancel()
        for filler in self._fillers:
            filler.close()
        await eventually(lambda: not self._open_now)
        await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(
    converse: Converse = greet_nobody, tls: ssl.SSLContext | None = None, host: str = LOOPBACK
) -> AsyncIterator[Server]:
    """Serve TCP with a function for each connection."""
    server = Server(converse, tls, host)
    await server.open()
    try:
        yield server
    finally:
        await server.close()


def answer_http(response: bytes, heard: list[bytes] | None = None) -> Converse:
    """Serve HTTP with one response to everything; requests are added to `heard`."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(request)
        writer.write(response)
        await writer.drain()
        # The peer may hang up first; what it does not read would else be lost to a reset.
        if writer.get_extra_info("ssl_object"):
            await reader.read(1)

    return converse


def http(status: str = "200 OK", body: bytes = b"hello", headers: str = "") -> bytes:
    """Give a response."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@contextmanager
def black_hole() -> Iterator[int]:
    """Give a port whose connections nobody accepts and the system no longer answers."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def refusing_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


_AUTHORITY = """
[ca]
default_ca = authority
[authority]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = policy
x509_extensions = names
unique_subject = no
[policy]
commonName = supplied
[names]
basicConstraints = CA:TRUE
subjectAltName = DNS:www.example, IP:127.0.0.1
"""


def make_certificate(folder: Path, openssl: str, end: datetime) -> Path:
    """Make a certificate of www.example and 127.0.0.1 that signs itself; give key and it.

    The `ca` of OpenSSL is the command that makes one whose time is over.
    """
    (folder / "authority").write_text(_AUTHORITY)
    (folder / "index").write_text("")
    (folder / "serial").write_text("01")

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run("req", "-new", *curve, "-keyout", "key", "-out", "request", "-subj", "/CN=www.example")
    dates = ("-startdate", "20200101000000Z", "-enddate", end.strftime("%Y%m%d%H%M%SZ"))
    signing = ("-config", "authority", "-selfsign", "-keyfile", "key", "-batch", "-notext")
    run("ca", *signing, "-in", "request", "-out", "certificate", *dates)
    made = folder / "both.pem"
    made.write_text((folder / "key").read_text() + (folder / "certificate").read_text())
    return made


def plugin(folder: Path, source: str) -> str:
    """Give the command that runs Python source as a monitoring plugin."""
    path = folder / "plugin.py"
    path.write_text(source)
    return f"{sys.executable} -S -E {path}"


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; the time limit of the test is the only one."""
    while not is_so():  # noqa: ASYNC110  (what is waited for happens in other processes)
        await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; one that waits for its parent to be told has."""
    try:
        return process_stat(pid)[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def process_stat(pid: int) -> list[str]:
    """Give the fields of proc(5) from the state on: state, parent, and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
