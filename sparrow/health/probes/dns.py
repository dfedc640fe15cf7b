"""Whether it answers a query of DNS as wanted."""

from __future__ import annotations

import asyncio
import re
import secrets
import struct
from typing import TYPE_CHECKING

from dnslib import QTYPE, RCODE, DNSHeader, DNSQuestion, DNSRecord
from dnslib.dns import DNSError
from dnslib.label import DNSLabel

from sparrow.health.probes.attempt import in_time
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from sparrow.config.health import DnsCheck
    from sparrow.health.probes.attempt import Attempt

_SHOWN = 100


async def probe(check: DnsCheck, attempt: Attempt) -> Finding:
    """Send the query, and look at the first response to it."""
    return await in_time(_ask(check, attempt.host), attempt.timeout_s)


async def _ask(check: DnsCheck, host: str) -> Finding:
    question = DNSQuestion(DNSLabel(list(check.qname)), QTYPE.reverse[check.type])
    # Recursion is desired, so that a resolver can be checked as well.
    header = DNSHeader(id=secrets.randbelow(65536), rd=1, q=1)
    query = DNSRecord(header, questions=[question])
    exchange = _exchange_tcp if check.tcp else _exchange_udp
    octets = await exchange(host, check.port, query)
    if octets is None:
        return Finding(Result.FAILED, "the response is to another query")
    return _judge(check, octets)


def _judge(check: DnsCheck, octets: bytes) -> Finding:
    try:
        response = DNSRecord.parse(octets)
        records = [str(record.rdata) for record in response.rr]
    except (DNSError, ValueError, LookupError, TypeError, struct.error):
        return Finding(Result.FAILED, "the response is malformed")
    rcode = RCODE.get(response.header.rcode)
    if rcode != check.rcode:
        return Finding(Result.FAILED, f"the response is {rcode}, not {check.rcode}")
    found = f"{rcode} {', '.join(records)}".strip()[:_SHOWN]
    if check.match is not None and not any(re.search(check.match, text) for text in records):
        return Finding(Result.FAILED, f"no record matches: {found}")
    return Finding(Result.OK, found)


def _answers(query: DNSRecord, octets: bytes) -> bool:
    """Tell whether a packet is a response to the query: id, QR and opcode."""
    if len(octets) < 12:
        return False
    number, bits = struct.unpack_from("!HH", octets)
    return bool(number == query.header.id and bits & 0xF800 == 0x8000)


async def _exchange_tcp(host: str, port: int, query: DNSRecord) -> bytes | None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        octets = query.pack()
        writer.write(struct.pack("!H", len(octets)) + octets)
        size = struct.unpack("!H", await reader.readexactly(2))[0]
        response = await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        raise ConnectionError("hung up before its response") from None
    finally:
        writer.transport.abort()
    return response if _answers(query, response) else None


async def _exchange_udp(host: str, port: int, query: DNSRecord) -> bytes:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _Response(query), remote_addr=(host, port)
    )
    try:
        transport.sendto(query.pack())
        return await protocol.response
    finally:
        transport.abort()


class _Response(asyncio.DatagramProtocol):
    """Waits for the response to a query; packets that are none are passed over."""

    def __init__(self, query: DNSRecord) -> None:
        self.response: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._query = query

    def datagram_received(self, data: bytes, _: object) -> None:
        if not self.response.done() and _answers(self._query, data):
            self.response.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.response.done():
            self.response.set_exception(exc)
