from __future__ import annotations

import asyncio
import os
import ssl
import struct
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from dnslib import RR, DNSRecord
from hypothesis import given
from hypothesis import strategies as st
from peers import (
    LOOPBACK,
    answer_http,
    black_hole,
    check_of,
    http,
    make_certificate,
    refusing_port,
    serving,
)

from sparrow.config.health import KINDS
from sparrow.health.kinds import find_probe
from sparrow.health.probes.attempt import Attempt
from sparrow.health.probes.certificate import expires_at
from sparrow.health.spawning import Programs
from sparrow.health.verdict import Finding, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIMEOUT_S = 0.5


async def probe(kind: str, address: str = LOOPBACK, /, **settings: Any) -> Finding:
    check = check_of(kind, **settings)
    return await find_probe(check)(check, Attempt(address, TIMEOUT_S, Programs()))


def meet(
    converse: Any, kind: str, context: ssl.SSLContext | None = None, /, **settings: Any
) -> Finding:
    """Probe a server that serves every connection with `converse`, over TLS with a context."""

    async def run() -> Finding:
        async with serving(converse, context) as server:
            return await probe(kind, port=server.port, **settings)

    return asyncio.run(run())


SETTINGS = {
    "http": {},
    "https": {},
    "tcp": {"port": 1},
    "negotiate": {"port": 1, "expect": "x"},
    "dns": {"qname": "example.org"},
    "external": {"command": "true"},
    "file": {"path": "/state", "max_age": 60},
    "off": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_can_be_configured_has_its_probe(kind: str) -> None:
    assert callable(find_probe(check_of(kind, **SETTINGS[kind])))


# Connections


async def stay(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(10)


NETWORK_KINDS = [
    ("tcp", {}),
    ("http", {}),
    ("https", {}),
    ("negotiate", {"expect": "x"}),
    ("dns", {"qname": "example.org", "tcp": True}),
]


@pytest.mark.parametrize(("kind", "settings"), NETWORK_KINDS)
def test_a_refused_connection_is_a_failure(kind: str, settings: dict[str, Any]) -> None:
    found = asyncio.run(probe(kind, port=refusing_port(), **settings))
    assert Finding(Result.FAILED, "connection refused") == found


@pytest.mark.parametrize(("kind", "settings"), NETWORK_KINDS)
def test_a_target_that_swallows_packets_is_a_failure(kind: str, settings: dict[str, Any]) -> None:
    with black_hole() as port:
        found = asyncio.run(probe(kind, port=port, **settings))
    assert Finding(Result.FAILED, "no answer within 0.5 s") == found


@pytest.mark.parametrize(("kind", "settings"), NETWORK_KINDS[1:])
def test_a_server_that_accepts_and_says_nothing_is_a_failure(
    kind: str, settings: dict[str, Any]
) -> None:
    assert Finding(Result.FAILED, "no answer within 0.5 s") == meet(stay, kind, **settings)


@pytest.mark.parametrize(("kind", "settings"), NETWORK_KINDS)
def test_a_target_of_a_family_that_leads_nowhere_is_a_failure(
    kind: str, settings: dict[str, Any]
) -> None:
    # The discard prefix (RFC 6666): unreachable at once, or never answered.
    found = asyncio.run(probe(kind, "100::1", port=9, **settings))
    assert Result.FAILED is found.result


def test_a_port_that_accepts_is_up() -> None:
    assert Finding(Result.OK, "connected") == meet(stay, "tcp")


def test_our_own_want_of_files_is_no_evidence() -> None:
    async def run() -> Finding:
        async with serving(stay) as server:
            await probe("tcp", port=server.port)  # imports what it needs
            taken = []
            try:
                while True:
                    taken.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                return await probe("tcp", port=server.port)
            finally:
                for descriptor in taken:
                    os.close(descriptor)

    import resource  # noqa: PLC0415

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        found = asyncio.run(run())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert Finding(Result.UNKNOWN, "too many open files") == found


# HTTP

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("response", "settings", "expected"),
    [
        (http(), {}, Finding(Result.OK, "status 200 OK")),
        (http("204 No Content", b""), {}, Finding(Result.OK, "status 204 No Content")),
        (http("503 Sorry"), {}, Finding(Result.FAILED, "status 503 Sorry")),
        (http("503 Sorry"), {"status": 503}, Finding(Result.OK, "status 503 Sorry")),
        (http("404 No"), {"status": ("200-299", 404)}, Finding(Result.OK, "status 404 No")),
        (http("301 Away"), {"status": 200}, Finding(Result.FAILED, "status 301 Away")),
        (http(), {"match": "^hel+o$"}, Finding(Result.OK, "status 200 OK")),
        (
            http(),
            {"match": "goodbye"},
            Finding(Result.FAILED, "status 200 OK, but nothing in 5 octets of the body matches"),
        ),
        (
            CHUNKED,
            {"match": "hello"},
            Finding(Result.OK, "status 200 OK"),
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", {"match": "hello"}, Finding(Result.OK, "status 200 OK")),
        (http(body=b"x" * 65_535 + b"yz"), {"match": "xy"}, Finding(Result.OK, "status 200 OK")),
        (
            http(body=b"x" * 65_535 + b"yz"),
            {"match": "yz"},
            Finding(
                Result.FAILED, "status 200 OK, but nothing in 65536 octets of the body matches"
            ),
        ),
        (http(headers=f"Cookie: {'x' * 30_000}\r\n"), {}, Finding(Result.OK, "status 200 OK")),
        (http(body="grün".encode()), {"match": "grün"}, Finding(Result.OK, "status 200 OK")),
    ],
)
def test_a_response_is_judged_by_status_and_body(
    response: bytes, settings: dict[str, Any], expected: Finding
) -> None:
    assert expected == meet(answer_http(response), "http", **settings)


@pytest.mark.parametrize(
    "response", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 20", b"\0\xff\r\n\r\n"]
)
def test_what_is_no_response_is_a_failure(response: bytes) -> None:
    assert Result.FAILED is meet(answer_http(response), "http").result


def test_the_request_is_the_one_that_is_configured() -> None:
    heard: list[bytes] = []
    settings = {"path": "/a?b=%2F c".replace(" ", "+"), "host": "www.example:81"}
    meet(answer_http(http("200 OK", b""), heard), "http", method="HEAD", **settings)
    lines = heard[0].decode().split("\r\n")
    assert "HEAD /a?b=%2F+c HTTP/1.1" == lines[0]
    assert {"Host: www.example:81", "Connection: close"} <= set(lines)
    assert 1 == sum(line.lower().startswith("host:") for line in lines)


def test_without_a_host_the_address_is_named() -> None:
    heard: list[bytes] = []
    meet(answer_http(http(), heard), "http")
    assert b"\r\nHost: 127.0.0.1:" in heard[0]


def test_a_redirection_is_not_followed() -> None:
    heard: list[bytes] = []
    response = http("302 Found", headers="Location: /elsewhere\r\n")
    assert Result.OK is meet(answer_http(response, heard), "http").result
    assert 1 == len(heard)


def test_a_server_that_dribbles_has_no_more_time_than_others() -> None:
    async def dribble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for octet in http(body=b"x" * 1000):
            writer.write(bytes([octet]))
            await asyncio.sleep(0.02)

    found = meet(dribble, "http", match="y")
    assert Finding(Result.FAILED, "no answer within 0.5 s") == found


def test_ipv6_is_asked_as_well() -> None:
    async def run() -> Finding:
        heard: list[bytes] = []
        async with serving(answer_http(http(), heard), host="::1") as server:
            found = await probe("http", "::1", port=server.port)
        assert f"Host: [::1]:{server.port}".encode() in heard[0]
        return found

    assert Finding(Result.OK, "status 200 OK") == asyncio.run(run())


# HTTPS


@pytest.fixture
def authority(
    tmp_path: Path, needs: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], ssl.SSLContext]:
    """Make a server's context with a certificate of some days, which this machine trusts."""

    def make(days: float) -> ssl.SSLContext:
        end = datetime.now(UTC) + timedelta(days=days)
        certificate = make_certificate(tmp_path, needs("openssl"), end)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context

    return make


@pytest.mark.parametrize(
    ("days", "settings", "expected"),
    [
        (30, {"host": "www.example"}, Finding(Result.OK, "status 200 OK")),
        (30, {"sni": "www.example"}, Finding(Result.OK, "status 200 OK")),
        (30, {}, Finding(Result.OK, "status 200 OK")),  # the certificate names the address
        (
            30,
            {"host": "www.example", "cert_days": 60},
            Finding(Result.DEGRADED, "status 200 OK; the certificate expires in 30.0 days"),
        ),
        (
            3,
            {"host": "www.example"},
            Finding(Result.DEGRADED, "status 200 OK; the certificate expires in 3.0 days"),
        ),
        (3, {"host": "www.example", "cert_days": 0}, Finding(Result.OK, "status 200 OK")),
        (
            -5,
            {"host": "www.example"},
            Finding(Result.FAILED, "the certificate is not valid: certificate has expired"),
        ),
        (
            -5,
            {"verify": False},
            Finding(Result.DEGRADED, "status 200 OK; the certificate expired 5.0 days ago"),
        ),
        (30, {"verify": False, "host": "other.example"}, Finding(Result.OK, "status 200 OK")),
        (
            30,
            {"host": "other.example"},
            Finding(
                Result.FAILED,
                "the certificate is not valid: Hostname mismatch, certificate is not valid for "
                "'other.example'.",
            ),
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_certificate_is_looked_at(
    authority: Callable[[float], ssl.SSLContext],
    days: float,
    settings: dict[str, Any],
    expected: Finding,
    method: str,
) -> None:
    tls = authority(days + 0.02 if days > 0 else days)
    response = http(body=b"hello" if method == "GET" else b"")
    assert expected == meet(answer_http(response), "https", tls, method=method, **settings)


def test_a_certificate_that_nobody_trusts_is_a_failure_unless_that_is_wanted(
    authority: Callable[[float], ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = authority(30)
    monkeypatch.delenv("SSL_CERT_FILE")
    found = meet(answer_http(http()), "https", tls, host="www.example")
    assert Result.FAILED is found.result
    assert "the certificate is not valid: self-signed certificate" == found.words
    assert Result.OK is meet(answer_http(http()), "https", tls, verify=False).result


def test_the_server_is_told_the_name_that_is_wanted(
    authority: Callable[[float], ssl.SSLContext],
) -> None:
    names: list[str | None] = []
    tls = authority(30)
    tls.sni_callback = lambda _, name, __: names.append(name)
    meet(answer_http(http()), "https", tls, host="www.example:444")
    meet(answer_http(http()), "https", tls, host="a.example", sni="b.example", verify=False)
    meet(answer_http(http()), "https", tls)
    assert ["www.example", "b.example", None] == names


def test_a_server_without_tls_is_a_failure_in_words() -> None:
    async def blurt(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http("400 Bad Request"))
        await asyncio.sleep(10)

    found = meet(blurt, "https")
    assert (Result.FAILED, "TLS: ") == (found.result, found.words[:5])


@pytest.mark.parametrize(
    "end", ["2049-12-31T23:59:59", "2050-01-01T00:00:00", "2021-02-03T04:05:06"]
)
def test_the_end_of_a_certificate_is_read_from_its_octets(
    tmp_path: Path, needs: Callable[[str], str], end: str
) -> None:
    moment = datetime.fromisoformat(end).replace(tzinfo=UTC)
    text = make_certificate(tmp_path, needs("openssl"), moment).read_text()
    der = ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERT") :])
    assert moment.timestamp() == expires_at(der)


@given(st.binary(max_size=60))
def test_octets_that_are_no_certificate_are_refused(octets: bytes) -> None:
    with pytest.raises(ValueError):
        expires_at(octets)


# Negotiation


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve mail, somewhat."""
    writer.write(b"220 mail.example")
    await asyncio.sleep(0.01)
    writer.write(b" ESMTP\r\n")
    while line := await reader.readline():
        writer.write(b"250 pleased to meet you\r\n" if line == b"EHLO x\r\n" else b"500 what?\r\n")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"expect": "^220 .*ESMTP"}, Finding(Result.OK, "said '220 mail.example ESMTP'")),
        (
            {"send": "EHLO x\r\n", "expect": "(?m)^250 "},
            Finding(Result.OK, "said '220 mail.example ESMTP'"),
        ),
        (
            {"send": "HELO y\r\n", "expect": "(?m)^250 "},
            Finding(Result.FAILED, "no answer within 0.5 s"),
        ),
    ],
)
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_what_comes_back_is_searched(
    settings: dict[str, str],
    expected: Finding,
    authority: Callable[[float], ssl.SSLContext],
    *,
    is_encrypted: bool,
) -> None:
    context = authority(30) if is_encrypted else None
    assert expected == meet(greet, "negotiate", context, tls=is_encrypted, **settings)


def test_a_server_that_hangs_up_is_a_failure_with_its_last_words() -> None:
    async def busy(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"421 busy\r\n")

    async def mute(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        pass

    assert [
        Finding(Result.FAILED, "hung up after '421 busy'"),
        Finding(Result.FAILED, "hung up after nothing"),
    ] == [meet(each, "negotiate", expect="^220") for each in (busy, mute)]


def test_a_server_that_never_stops_talking_is_a_failure() -> None:
    async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 200_000)
        await asyncio.sleep(10)

    found = meet(chatter, "negotiate", expect="y")
    assert (Result.FAILED, "said much") == (found.result, found.words[:9])


# DNS


class NameServer(asyncio.DatagramProtocol):
    """Answers queries with what a function makes of them."""

    def __init__(self, respond: Callable[[DNSRecord], list[bytes]]) -> None:
        self.respond = respond

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        for response in self.respond(DNSRecord.parse(data)):
            self.transport.sendto(response, address)


def ask(respond: Callable[[DNSRecord], list[bytes]], **settings: Any) -> Finding:
    """Probe a name server, over TCP where `settings` say so."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = struct.unpack("!H", await reader.readexactly(2))[0]
        for response in respond(DNSRecord.parse(await reader.readexactly(size))):
            writer.write(struct.pack("!H", len(response)) + response)

    async def run() -> Finding:
        async with AsyncExitStack() as stack:
            if settings.get("tcp"):
                port = (await stack.enter_async_context(serving(converse))).port
            else:
                loop = asyncio.get_running_loop()
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: NameServer(respond), local_addr=(LOOPBACK, 0)
                )
                stack.callback(transport.close)
                port = transport.get_extra_info("sockname")[1]
            return await probe("dns", port=port, **settings)

    return asyncio.run(run())


def reply(query: DNSRecord, *lines: str, rcode: int = 0) -> bytes:
    response = query.reply()
    response.header.rcode = rcode
    for line in lines:
        response.add_answer(*RR.fromZone(line))
    return response.pack()  # type: ignore[no-any-return]


WWW = "www.example.org 30 IN A 192.0.2.1"


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    ("lines", "rcode", "settings", "expected"),
    [
        ([WWW], 0, {}, Finding(Result.OK, "NOERROR 192.0.2.1")),
        ([], 0, {}, Finding(Result.OK, "NOERROR")),
        ([], 3, {}, Finding(Result.FAILED, "the response is NXDOMAIN, not NOERROR")),
        ([], 5, {"rcode": "REFUSED"}, Finding(Result.OK, "REFUSED")),
        ([WWW], 0, {"match": r"^192\.0\.2\.\d+$"}, Finding(Result.OK, "NOERROR 192.0.2.1")),
        (
            [WWW],
            0,
            {"match": r"^198\."},
            Finding(Result.FAILED, "no record matches: NOERROR 192.0.2.1"),
        ),
    ],
)
def test_a_response_is_judged_by_rcode_and_records(
    lines: list[str],
    rcode: int,
    settings: dict[str, Any],
    expected: Finding,
    *,
    tcp: bool,
) -> None:
    asked: list[tuple[str, int]] = []

    def respond(query: DNSRecord) -> list[bytes]:
        asked.append((str(query.q.qname), query.q.qtype))
        return [reply(query, *lines, rcode=rcode)]

    assert expected == ask(respond, qname="www.example.org", tcp=tcp, **settings)
    assert [("www.example.org.", 1)] == asked


def test_the_type_that_is_configured_is_asked() -> None:
    asked: list[int] = []

    def respond(query: DNSRecord) -> list[bytes]:
        asked.append(query.q.qtype)
        return [reply(query, 'example.org 30 IN TXT "v=1"')]

    assert Result.OK is ask(respond, qname="example.org", type="TXT", match="v=1").result
    assert [16] == asked


def test_packets_with_another_id_and_queries_are_passed_over() -> None:
    def respond(query: DNSRecord) -> list[bytes]:
        right = reply(query, rcode=2)
        wrong = bytes([right[0] ^ 1]) + right[1:]
        return [wrong, query.pack(), b"", b"short", right]

    found = ask(respond, qname="example.org")
    assert Finding(Result.FAILED, "the response is SERVFAIL, not NOERROR") == found


def test_over_tcp_a_response_with_another_id_is_a_failure() -> None:
    def respond(query: DNSRecord) -> list[bytes]:
        right = reply(query)
        return [bytes([right[0] ^ 1]) + right[1:]]

    expected = Finding(Result.FAILED, "the response is to another query")
    assert expected == ask(respond, qname="example.org", tcp=True)
    expected = Finding(Result.FAILED, "hung up before its response")
    assert expected == ask(lambda _: [], qname="example.org", tcp=True)


@pytest.mark.parametrize(
    "tail", [b"", b"\0\1\0\1\0\0\0\0", b"\0\1\0\1\0\0\0\0\xc0\x0c\0\1\0\1", b"\xff" * 40]
)
def test_a_malformed_response_is_a_failure(tail: bytes) -> None:
    def respond(query: DNSRecord) -> list[bytes]:
        return [query.pack()[:2] + b"\x80\0" + (tail or b"\xff" * 8)]

    expected = Finding(Result.FAILED, "the response is malformed")
    assert expected == ask(respond, qname="example.org")


def test_no_name_server_is_a_failure_at_once() -> None:
    found = asyncio.run(probe("dns", port=refusing_port(), qname="example.org"))
    assert Finding(Result.FAILED, "connection refused") == found
