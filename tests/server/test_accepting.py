"""Accepting connections while accept() fails, which must end nothing and fill no log."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from typing import TYPE_CHECKING

from sparrow.server.accepting import accept_all

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ERRORS = 4
"""Errors to wait for before there are descriptors again."""


async def accept_one(listener: socket.socket) -> int:
    """Accept once; gives the errors before. Descriptors come back after `ERRORS` of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    errors = 0

    def count() -> None:
        nonlocal errors
        errors += 1
        if errors == ERRORS:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        async with asyncio.timeout(30):
            async for connection, _ in accept_all(listener, "a socket", count):
                connection.close()
                break
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return errors


def test_without_descriptors_it_says_so_once_tries_again_and_accepts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as client,
    ):
        listener.bind("s")
        listener.listen()
        listener.setblocking(False)
        client.connect("s")
        assert asyncio.run(accept_one(listener)) == ERRORS
    told = [(record.levelname, record.exc_info) for record in caplog.records]
    assert [("WARNING", None)] == told
    assert "a socket: cannot accept a connection, going on" in caplog.text
