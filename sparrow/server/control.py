"""The control socket: lines in, lines out, on a Unix socket.

Law: it knows lines and who may connect, and no command; a client that
misbehaves ends its own connection. Start from `ControlSocket`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sparrow.control.protocol import (
    MAX_LINE,
    Request,
    decode_request,
    encode_problems,
    encode_result,
)
from sparrow.errors import FatalError, InputError, Problem
from sparrow.server.accepting import accept_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path
    from typing import Any

_log = logging.getLogger(__name__)

_IDLE_S = 60.0
_SOCKET_MODE = 0o660
_UCRED = struct.Struct("iII")
"""Process, user and group of a peer (unix(7), SO_PEERCRED)."""
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
        self._accepting: asyncio.Task[None] | None = None
        self._inode = 0
        self._clients: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen, in the place of any other daemon there is or was. Raises `FatalError`."""
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        try:
            aside.unlink(missing_ok=True)
            listener.bind(os.fspath(aside))
            aside.chmod(_SOCKET_MODE)
            self._inode = aside.stat().st_ino
            listener.listen(_BACKLOG)
            aside.rename(self._path)
        except OSError as error:
            listener.close()
            why = error.strerror or error
            raise FatalError(f"control socket {self._path}: {why}; see server.run_dir") from None
        self._accepting = asyncio.create_task(self._accept(listener))

    async def stop(self) -> None:
        """Stop listening, end every connection, remove the socket if it is still ours."""
        if self._accepting is None:
            return
        tasks = (self._accepting, *self._clients)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    async def _accept(self, listener: socket.socket) -> None:
        with listener:
            async for client, _ in accept_all(listener, "control socket", lambda: None):
                task = asyncio.create_task(self._admit(client))
                self._clients.add(task)
                task.add_done_callback(self._clients.discard)

    async def _admit(self, client: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=client, limit=MAX_LINE)
        try:
            await self._attend(reader, writer, _peer_uid(client))
        except (OSError, TimeoutError, asyncio.CancelledError):
            # The client went away, fell silent, or we stop. What it has not taken
            # by now is dropped: to close in order would wait for it to read.
            writer.transport.abort()
        finally:
            writer.close()

    async def _attend(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, uid: int
    ) -> None:
        while True:
            try:
                async with asyncio.timeout(_IDLE_S):
                    line = await reader.readline()
            except ValueError:
                writer.write(encode_problems([Problem(f"a line is at most {MAX_LINE} octets")]))
                return
            if not line.endswith(b"\n"):
                return
            writer.write(await self._answer(line, uid))
            async with asyncio.timeout(_IDLE_S):
                await writer.drain()

    async def _answer(self, line: bytes, uid: int) -> bytes:
        try:
            request = replace(decode_request(line), uid=uid)
            return encode_result(await self._execute(request))
        except InputError as error:
            return encode_problems(error.problems)
        except Exception:  # noqa: BLE001 (the outermost loop of a shell; logged, and it goes on)
            _log.exception("control socket: a request failed inside")
            return encode_problems([Problem("the request failed inside; see the daemon's log")])


def _peer_uid(client: socket.socket) -> int:
    """Give the user who connected, as the kernel knows it."""
    size = _UCRED.size
    _, uid, _ = _UCRED.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)
