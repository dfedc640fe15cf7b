"""Whether it accepts a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sparrow.health.probes.attempt import in_time
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from sparrow.config.health import TcpCheck
    from sparrow.health.probes.attempt import Attempt


async def probe(check: TcpCheck, attempt: Attempt) -> Finding:
    """Connect, and hang up."""
    return await in_time(_connect(attempt.host, check.port), attempt.timeout_s)


async def _connect(host: str, port: int) -> Finding:
    _, writer = await asyncio.open_connection(host, port)
    writer.transport.abort()
    return Finding(Result.OK, "connected")
