"""The query path asked from outside: one DNS query to our own address, as a client sends it.

Law: only an answer of the workers is an answer; what the daemon believes is not asked.
Start from `ask_path`.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from typing import TYPE_CHECKING

from sparrow.config.fields import Endpoint
from sparrow.dns.rrset import CLASS_IN, Rcode
from sparrow.dns.wire import Message, encode_message
from sparrow.values.name import render_name

if TYPE_CHECKING:
    from sparrow.values.name import Name

PATIENCE_S = 1.0
"""Seconds for an answer: a client would have asked another server by then."""
_SOA = 6
_HEADER = struct.Struct("!6H")
_QR, _AA, _RCODE = 0x8000, 0x0400, 0x000F
"""Bits of the second word of the header (RFC 1035 section 4.1.1)."""
_MAX_OCTETS = 512


async def ask_path(endpoint: Endpoint, zone: Name) -> str | None:
    """Ask for the SOA of a zone; None where it is answered as it should be, else why not.

    `endpoint` is where DNS is served over UDP; a wildcard is asked at loopback.
    """
    reachable = _reachable(endpoint)
    asked = f"{render_name(zone)} SOA at {reachable} over UDP"
    family = socket.AF_INET if len(reachable.host) == 4 else socket.AF_INET6
    query_id = secrets.randbelow(1 << 16)
    query = encode_message(Message(query_id, 0, (zone, _SOA, CLASS_IN)), _MAX_OCTETS)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect((socket.inet_ntop(family, reachable.host), reachable.port))
            async with asyncio.timeout(PATIENCE_S):
                header = await _exchange(sock, query)
    except TimeoutError:
        return f"{asked}: no answer within {PATIENCE_S:g} s"
    except OSError as error:
        return f"{asked}: {error.strerror}"
    fault = _find_fault(header)
    return f"{asked}: {fault}" if fault else None


def _reachable(endpoint: Endpoint) -> Endpoint:
    if any(endpoint.host):
        return endpoint
    loopback = b"\x7f\0\0\x01" if len(endpoint.host) == 4 else bytes(15) + b"\x01"
    return Endpoint(loopback, endpoint.port)


async def _exchange(sock: socket.socket, query: bytes) -> tuple[int, ...]:
    """Send a query; give the header of the response with its id and its question."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, query)
    while True:
        response = await loop.sock_recv(sock, _MAX_OCTETS)
        is_ours = response[:2] == query[:2] and response[12 : len(query)] == query[12:]
        if is_ours and len(response) >= len(query):
            header = _HEADER.unpack_from(response)
            if header[1] & _QR:
                return header


def _find_fault(header: tuple[int, ...]) -> str | None:
    _, bitmap, _, answers, _, _ = header
    code = bitmap & _RCODE
    if code != Rcode.NOERROR:
        known = {each.value: each.name for each in Rcode}
        return f"answered {known.get(code, f'RCODE{code}')}"
    if not bitmap & _AA:
        return "the answer is not authoritative"
    return None if answers else "the answer is empty"
