"""The HTTP listener: its pages, and that no client keeps it from others."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sparrow.config.fields import Endpoint
from sparrow.control.status import Process, build_status
from sparrow.server.http import MAX_CONNECTIONS, HttpPort, HttpSources

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOOPBACK = b"\x7f\0\0\x01"
STATUS = build_status(
    Process("1.2", 1, 2, 1, 3.0, "/c.yaml", (), None, {}, None, None, ()), None, {}
)


def serve(
    port: int, visit: Callable[[], Awaitable[Any]], sources: HttpSources | None = None
) -> Any:
    """Run a listener while a client visits it; give what it gives."""
    found = sources or HttpSources(status=lambda: STATUS, target=lambda: None)

    async def run() -> Any:
        http = HttpPort(Endpoint(LOOPBACK, port), found)
        task = asyncio.create_task(http.serve())
        await asyncio.sleep(0.05)
        try:
            return await asyncio.wait_for(visit(), 60)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return asyncio.run(run())


async def fetch(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send a request; give status, headers and body of all that comes until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    octets = await reader.read()
    writer.close()
    head, _, body = octets.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split(" ")[1]), headers, body


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def ask(port: int, request: bytes, sources: HttpSources | None = None) -> Any:
    return serve(port, lambda: fetch(port, request), sources)


@pytest.fixture
def port(free_port: Callable[[], int]) -> int:
    return free_port()


def test_status_is_what_the_command_gives(port: int) -> None:
    code, headers, body = ask(port, get("/status"))
    assert (200, STATUS) == (code, json.loads(body))
    assert headers["Content-Type"].startswith("application/json")


def test_metrics_are_read_by_prometheus(port: int) -> None:
    code, headers, body = ask(port, get("/metrics"))
    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (code, headers["Content-Type"])
    families = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"sparrow_info", "sparrow_queries", "sparrow_site_up"} <= families


def test_without_a_zone_it_is_not_healthy(port: int) -> None:
    code, headers, body = ask(port, get("/healthz"))
    assert (503, b"no zone is served\n") == (code, body)
    assert "no-store" == headers["Cache-Control"]


def test_health_is_that_of_the_query_path(port: int, free_port: Callable[[], int]) -> None:
    nobody = Endpoint(LOOPBACK, free_port())
    sources = HttpSources(status=lambda: STATUS, target=lambda: (nobody, (b"org",)))
    code, _, body = ask(port, get("/healthz"), sources)
    assert (503, f"org. SOA at {nobody} over UDP: Connection refused\n") == (code, body.decode())


@pytest.mark.parametrize(
    ("request_line", "code", "words"),
    [
        (get("/"), 404, b"the pages are /metrics, /healthz, /status\n"),
        (get("/metrics/x"), 404, b"the pages are /metrics, /healthz, /status\n"),
        (get("/status", "POST"), 405, b"use GET or HEAD\n"),
        (get("/status", "HEAD"), 200, b""),
    ],
)
def test_other_requests_are_told_what_there_is(
    port: int, request_line: bytes, code: int, words: bytes
) -> None:
    found, _, body = ask(port, request_line)
    assert (code, words) == (found, body)


@pytest.mark.parametrize(
    "request_octets",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /status HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /status HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_a_bad_request_is_refused_and_ends_the_connection(port: int, request_octets: bytes) -> None:
    code, _, _ = ask(port, request_octets)
    assert 400 == code


def test_a_page_that_fails_is_said_and_logged(port: int, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> dict[str, Any]:
        raise RuntimeError("of a test")

    code, _, body = ask(port, get("/status"), HttpSources(status=fail, target=lambda: None))
    assert (500, b"the request failed inside; see the daemon's log\n") == (code, body)
    assert "/status failed inside" in caplog.text


def test_one_request_is_answered_on_a_connection(port: int) -> None:
    code, headers, _ = ask(port, get("/status") + get("/status"))
    assert (200, "close") == (code, headers["Connection"])


def test_clients_that_say_nothing_are_bounded_and_leave_room_for_nobody_only_so_long(
    port: int,
) -> None:
    async def visit() -> tuple[int, int]:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/status"))
        try:
            refused = len(await reader.read())
        except ConnectionResetError:
            refused = 0
        writer.close()
        for quiet, _ in idle:
            try:
                await quiet.read()  # until it is ended from the other side
            except ConnectionResetError:
                continue
        code, _, _ = await fetch(port, get("/status"))
        for _, quiet_writer in idle:
            quiet_writer.close()
        return refused, code

    assert (0, 200) == serve(port, visit)


def test_an_address_that_cannot_be_had_is_told_once_and_tried_until_it_can(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    sources = HttpSources(status=lambda: STATUS, target=lambda: None)

    async def run() -> int:
        with socket.create_server(("127.0.0.1", port)):
            task = asyncio.create_task(HttpPort(Endpoint(LOOPBACK, port), sources).serve())
            await asyncio.sleep(0.7)  # for some more tries
        code = await fetch_code(port)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return code

    async def fetch_code(port: int) -> int:
        for _ in range(600):
            try:
                code, _, _ = await fetch(port, get("/status"))
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
            else:
                return code
        return 0

    caplog.set_level("INFO")
    assert 200 == asyncio.run(run())
    told = f"no HTTP listener yet, trying again: http.listen: cannot listen on 127.0.0.1:{port}"
    assert [True, False] == [message.startswith(told) for message in caplog.messages]


def test_a_successor_waits_for_the_address(port: int) -> None:
    sources = HttpSources(status=lambda: STATUS, target=lambda: None)

    async def run() -> int:
        first = asyncio.create_task(HttpPort(Endpoint(LOOPBACK, port), sources).serve())
        await asyncio.sleep(0.05)
        second = asyncio.create_task(HttpPort(Endpoint(LOOPBACK, port), sources).serve(30))
        await asyncio.sleep(0.3)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await asyncio.sleep(0.5)
        code, _, _ = await fetch(port, get("/status"))
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        return code

    assert 200 == asyncio.run(run())
