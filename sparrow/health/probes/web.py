"""Whether it answers a request of HTTP as wanted, with a certificate that is good for long."""

from __future__ import annotations

import os
import re
import ssl
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from sparrow.health.probes.attempt import blame, in_time
from sparrow.health.probes.certificate import expires_at
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from aiohttp.connector import Connection

    from sparrow.config.health import HttpCheck, HttpsCheck
    from sparrow.health.probes.attempt import Attempt

_MAX_BODY = 65536
"""Octets of a body that are searched."""
_MAX_HEADER = 65536
"""Octets of a line of the header; aiohttp's own limit is below what cookies may take."""
_DAY_S = 86400

_HEADERS = {
    "User-Agent": "sparrow",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class _Response(aiohttp.ClientResponse):
    """A response that knows the certificate it came with.

    The connection itself is given back as soon as a response without a body is there.
    """

    certificate: bytes = b""
    """DER; empty without TLS."""

    async def start(self, connection: Connection) -> Self:
        transport = connection.transport
        encrypted = transport and transport.get_extra_info("ssl_object")
        if encrypted:
            self.certificate = encrypted.getpeercert(binary_form=True) or b""
        await super().start(connection)
        return self


async def probe(check: HttpCheck | HttpsCheck, attempt: Attempt) -> Finding:
    """Send the request to the address, and look at status, body and certificate."""
    return await in_time(_fetch(check, attempt.host), attempt.timeout_s)


async def _fetch(check: HttpCheck | HttpsCheck, host: str) -> Finding:
    at = f"[{host}]" if ":" in host else host
    url = URL(f"{check.kind}://{at}:{check.port}{check.path}", encoded=True)
    headers = {**_HEADERS, "Host": check.host} if check.host else _HEADERS
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                response_class=_Response,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                max_line_size=_MAX_HEADER,
                max_field_size=_MAX_HEADER,
            ) as session,
            session.request(
                check.method,
                url,
                headers=headers,
                allow_redirects=False,
                ssl=True if check.kind == "http" else _context(_authorities(), check.verify),
                server_hostname=None if check.kind == "http" else check.sni,
            ) as response,
        ):
            return await _judge(check, response)
    except aiohttp.ClientError as error:
        return _blame(error)


async def _judge(check: HttpCheck | HttpsCheck, response: aiohttp.ClientResponse) -> Finding:
    status = f"{response.status} {response.reason or ''}".strip()
    if not any(response.status in codes for codes in check.status):
        return Finding(Result.FAILED, f"status {status}")
    if check.match is not None:
        body = await _read_body(response)
        if not re.search(check.match.encode(), body):
            what = f"status {status}, but nothing in {len(body)} octets of the body matches"
            return Finding(Result.FAILED, what)
    certificate = getattr(response, "certificate", b"")
    if check.kind == "https" and check.cert_days and certificate:
        left_s = expires_at(certificate) - time.time()
        if left_s < check.cert_days * _DAY_S:
            return Finding(Result.DEGRADED, f"status {status}; {_describe_rest(left_s)}")
    return Finding(Result.OK, f"status {status}")


def _describe_rest(left_s: float) -> str:
    days = abs(left_s) / _DAY_S
    if left_s < 0:
        return f"the certificate expired {days:.1f} days ago"
    return f"the certificate expires in {days:.1f} days"


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) < _MAX_BODY:
        octets = await response.content.read(_MAX_BODY - len(body))
        if not octets:
            break
        body += octets
    return body


def _blame(error: aiohttp.ClientError) -> Finding:
    """Say what an error of aiohttp means, by the error of the system that it wraps."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(cause, OSError):
        return blame(cause)
    return Finding(Result.FAILED, " ".join(str(cause).split()) or type(cause).__name__)


def _authorities() -> tuple[str | None, float]:
    """Name the file of the authorities that are trusted here, and when it was changed."""
    path = ssl.get_default_verify_paths().cafile
    try:
        return path, os.stat(path).st_mtime if path else 0.0  # noqa: PTH116  (as OpenSSL names it)
    except OSError:
        return path, 0.0


@lru_cache(maxsize=4)
def _context(_: tuple[str | None, float], is_verified: bool) -> ssl.SSLContext:  # noqa: FBT001
    """Make what TLS needs; anew when the authorities change, as they take long to read."""
    context = ssl.create_default_context()
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
