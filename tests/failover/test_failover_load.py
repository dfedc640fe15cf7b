"""A site that fails and returns under 20,000 queries a second: none is lost or malformed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import dns.message
import dns.rcode
import pytest
from failsites import AU, NL, US
from running import NAME, PATIENCE_S, addresses_of, make_query, scope_of

if TYPE_CHECKING:
    from failsites import Ground

FLOOD = Path(__file__).with_name("flood.py")
RATE, SECONDS = 20_000, 10
LEAST_SENT = 0.9 * RATE * SECONDS
"""Queries that the sender comes to on a machine that others use as well."""
RIGHT = {
    "20.5.0.0/24": {AU, US},
    "40.0.0.0/24": {AU, US},
    "20.1.9.0/24": {NL},
    "50.0.0.0/24": {NL},
    "20.1.2.0/24": {US},
    "2600:1::/48": {AU, US},
}
"""What each client may be answered, whatever happens to au."""


class Flood:
    """The sender in a process of its own, as long as the block lasts."""

    def __init__(self, port: int) -> None:
        self._command = [sys.executable, "-S", "-E", str(FLOOD), str(port), str(RATE)]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [*self._command, str(SECONDS)], stdin=pipe, stdout=pipe, text=True
        )
        assert self._process.stdin
        assert self._process.stdout
        json.dump(
            [make_query(NAME, "A", each, 0).to_wire().hex() for each in RIGHT], self._process.stdin
        )
        self._process.stdin.close()
        assert self._process.stdout.readline()
        return self

    def finish(self) -> dict[str, Any]:
        """Give what the sender found."""
        assert self._process.stdout
        return dict(json.loads(self._process.stdout.read()))

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(PATIENCE_S)
        assert self._process.stdout
        self._process.stdout.close()


def read(number: int, octets: str) -> tuple[str, dns.message.Message]:
    """Give the client that asked, and what it heard."""
    return list(RIGHT)[number], dns.message.from_wire(b"\0\0" + bytes.fromhex(octets))


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_a_failure_under_load_loses_nothing_and_answers_nothing_wrong(
    ground: Ground, how: str
) -> None:
    daemon = ground.watch_web("au").home.serve()
    web = ground.webs["au"]
    with daemon.counting() as counted, Flood(daemon.port) as flood:
        time.sleep(SECONDS / 5)
        web.kill() if how == "refused" else web.stop()
        ground.await_move("au", "serving", "failed")
        time.sleep(SECONDS / 10)
        web.revive()
        ground.await_move("au", "failed", "serving")
        found = flood.finish()
    assert (found["sent"], 0) == (found["received"], found["strange"])
    assert found["sent"] >= LEAST_SENT
    seen: dict[str, set[tuple[str, ...]]] = {subnet: set() for subnet in RIGHT}
    for number, octets, _ in found["answers"]:
        subnet, message = read(number, octets)
        assert dns.rcode.NOERROR == message.rcode()
        assert make_query(NAME, "A", subnet).question == message.question
        assert scope_of(message) is not None
        assert 1 == len(message.answer)
        assert 0 < message.answer[0].ttl <= 60
        seen[subnet].add(tuple(addresses_of(message)))
    assert seen == RIGHT
    assert found["sent"] == counted["queries.udp"] == counted["responses.NOERROR"]
    assert [("au", "serving", "failed"), ("au", "failed", "serving")] == ground.moves()
