"""Whether it says what it should when it is spoken to."""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import cache
from typing import TYPE_CHECKING

from sparrow.health.probes.attempt import in_time
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from sparrow.config.health import NegotiateCheck
    from sparrow.health.probes.attempt import Attempt

_MAX_OCTETS = 65536
"""What is read before the pattern is given up: a greeting is far shorter."""
_SHOWN = 60


async def probe(check: NegotiateCheck, attempt: Attempt) -> Finding:
    """Connect, send what is to be sent, and wait for what is expected."""
    return await in_time(_converse(check, attempt.host), attempt.timeout_s)


async def _converse(check: NegotiateCheck, host: str) -> Finding:
    context = _trusting_context() if check.tls else None
    reader, writer = await asyncio.open_connection(host, check.port, ssl=context)
    try:
        writer.write(check.send.encode())
        return await _await_pattern(reader, re.compile(check.expect.encode()))
    finally:
        writer.transport.abort()


async def _await_pattern(reader: asyncio.StreamReader, pattern: re.Pattern[bytes]) -> Finding:
    heard = b""
    while len(heard) < _MAX_OCTETS:
        octets = await reader.read(4096)
        heard += octets
        if pattern.search(heard):
            return Finding(Result.OK, f"said {_show(heard)}")
        if not octets:
            return Finding(Result.FAILED, f"hung up after {_show(heard)}")
    return Finding(Result.FAILED, f"said much, but not what is expected: {_show(heard)}")


def _show(heard: bytes) -> str:
    line = heard.decode("utf-8", "replace").partition("\n")[0].rstrip()
    return repr(line[:_SHOWN]) if line else "nothing"


@cache
def _trusting_context() -> ssl.SSLContext:
    """Make what accepts any certificate: whose it is, is not asked here."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
