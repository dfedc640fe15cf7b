"""The control socket: lines in, lines out, on a Unix socket.

Law: it knows lines and who may connect, and no command; a client that
misbehaves ends its own connection. Start from `ControlSocket`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from sparrow.control.protocol import (
    MAX_LINE,
    Request,
    decode_request,
    encode_problems,
    encode_result,
)
from sparrow.errors import FatalError, InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path
    from typing import Any

_log = logging.getLogger(__name__)

_IDLE_S = 60.0
_SOCKET_MODE = 0o660
_BACKLOG = 1024
"""Clients that may wait to be accepted; beyond it Linux turns them away at once."""


class ControlSocket:
    """Serves requests with one function, which raises `InputError` to refuse."""

    def __init__(
        self, path: Path, execute: Callable[[Request], Awaitable[Mapping[str, Any]]]
    ) -> None:
        """Serve at `path`, in a folder that is ours alone; nothing starts before `start`."""
        self._path = path
        self._execute = execute
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._clients: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, in the place of any other daemon there is or was. Raises `FatalError`."""
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            aside.unlink(missing_ok=True)
            sock.bind(str(aside))
            aside.chmod(_SOCKET_MODE)
            self._inode = aside.stat().st_ino
            self._server = await asyncio.start_unix_server(
                self._admit, sock=sock, limit=MAX_LINE, backlog=_BACKLOG
            )
            aside.rename(self._path)
        except OSError as error:
            sock.close()
            why = error.strerror or error
            raise FatalError(f"control socket {self._path}: {why}; see server.run_dir") from None

    async def stop(self) -> None:
        """Stop listening, end every connection, remove the socket if it is still ours."""
        if self._server is None:
            return
        self._server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    async def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._clients.add(task)
        try:
            await self._attend(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            # The client went away, fell silent, or we stop. What it has not taken
            # by now is dropped: to close in order would wait for it to read.
            writer.transport.abort()
        finally:
            self._clients.discard(task)
            writer.close()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(_IDLE_S):
                    line = await reader.readline()
            except ValueError:
                writer.write(encode_problems([Problem(f"a line is at most {MAX_LINE} octets")]))
                return
            if not line.endswith(b"\n"):
                return
            writer.write(await self._answer(line))
            async with asyncio.timeout(_IDLE_S):
                await writer.drain()

    async def _answer(self, line: bytes) -> bytes:
        try:
            return encode_result(await self._execute(decode_request(line)))
        except InputError as error:
            return encode_problems(error.problems)
        except Exception:  # noqa: BLE001 (the outermost loop of a shell; logged, and it goes on)
            _log.exception("control socket: a request failed inside")
            return encode_problems([Problem("the request failed inside; see the daemon's log")])
