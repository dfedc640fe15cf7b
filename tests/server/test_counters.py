from __future__ import annotations

import json
from typing import Any

import dns.edns
import dns.message
import pytest
from dnspeer import answer, query

from sparrow.dns.respond import Sender
from sparrow.server.counters import Counters
from sparrow.server.exchange import Exchange, encode_failure

RESOLVER = Sender(bytes((192, 0, 2, 1)))
RESOLVER_TCP = Sender(bytes((192, 0, 2, 1)), is_tcp=True)


def count(*packets: bytes, sender: Sender = RESOLVER) -> dict[str, Any]:
    counters = Counters(("au", "nl"))
    for packet in packets:
        counters.record(answer(packet, sender), is_tcp=sender.is_tcp)
    return dict(counters.snapshot())


def test_nothing_is_counted_at_first_and_every_site_is_there() -> None:
    expected = {
        "queries": {"udp": 0, "tcp": 0},
        "silent": 0,
        "responses": {},
        "truncated": 0,
        "ecs": 0,
        "sites": {"au": 0, "nl": 0},
        "services": {},
        "exceptions": 0,
        "receive_errors": 0,
        "send_errors": 0,
        "connections": {
            "open": 0,
            "accepted": 0,
            "refused": 0,
            "displaced": 0,
            "timed_out": 0,
            "accept_errors": 0,
        },
    }
    assert expected == Counters(("au", "nl")).snapshot()


def test_the_snapshot_is_json_and_does_not_change() -> None:
    counters = Counters(("au", "nl"))
    before = counters.snapshot()
    written = json.dumps(before)
    counters.record(answer(query("www.example.org"), RESOLVER), is_tcp=False)
    assert written == json.dumps(before)
    assert before == json.loads(written)


def test_replies_are_counted_by_rcode() -> None:
    counts = count(query(), query("nothing.example.org"), query("example.com"), query()[:11])
    assert {"NOERROR": 1, "NXDOMAIN": 1, "REFUSED": 1} == counts["responses"]
    assert 1 == counts["silent"]
    assert {"udp": 4, "tcp": 0} == counts["queries"]


def test_steered_replies_are_counted_by_site_and_service() -> None:
    subnet = dns.edns.ECSOption("193.173.27.0", 24)
    with_subnet, without_site = (
        dns.message.make_query("www.example.org", rtype, options=[subnet]).to_wire()
        for rtype in ("A", "AAAA")
    )
    counts = count(query("www.example.org"), with_subnet, without_site)
    assert {"au": 1, "nl": 1} == counts["sites"]
    assert {"default": 3} == counts["services"]
    assert 2 == counts["ecs"]


def test_truncation_is_counted_and_tcp_has_none() -> None:
    packet = query("large.example.org", "TXT")
    assert 1 == count(packet)["truncated"]
    over_tcp = count(packet, sender=RESOLVER_TCP)
    assert 0 == over_tcp["truncated"]
    assert {"udp": 0, "tcp": 1} == over_tcp["queries"]


def test_the_names_of_a_new_view_count_beside_those_of_the_old() -> None:
    counters = Counters(("au", "nl"))
    counters.record(answer(query("www.example.org"), RESOLVER), is_tcp=False)
    counters.site_names = ("us", "au")
    counters.record(answer(query("www.example.org"), RESOLVER), is_tcp=False)
    assert {"us": 1, "au": 1} == counters.snapshot()["sites"]


def test_a_failure_is_answered_and_counted_once() -> None:
    counters = Counters(())  # the reply's site has no name, which must not count twice
    reply = Exchange(answer, counters).answer(query("www.example.org", query_id=7), RESOLVER)
    assert bytes.fromhex("0007 8102 0000 0000 0000 0000") == reply
    counts = counters.snapshot()
    assert {"udp": 1, "tcp": 0} == counts["queries"]
    assert {"SERVFAIL": 1} == counts["responses"]
    assert 1 == counts["exceptions"]


def test_a_failure_at_what_is_no_query_is_silent_and_counted() -> None:
    def fail(packet: bytes, sender: Sender) -> None:
        raise ValueError(packet, sender)

    counters = Counters(())
    assert Exchange(fail, counters).answer(b"\x00" * 11, RESOLVER_TCP) is None
    counts = counters.snapshot()
    assert (1, 1, {}) == (counts["exceptions"], counts["silent"], counts["responses"])


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        ("1234 0100 0001 0000 0000 0001 00", "1234 8102 0000 0000 0000 0000"),
        ("1234 2aff 0001 0000 0000 0000", "1234 a802 0000 0000 0000 0000"),
        ("1234 8100 0001 0000 0000 0000", None),
        ("1234 0100 0001 0000 0000 00", None),
        ("", None),
    ],
    ids=["query", "opcode 5 without RD", "response", "cut header", "empty"],
)
def test_servfail_repeats_id_opcode_and_rd(packet: str, expected: str | None) -> None:
    wanted = None if expected is None else bytes.fromhex(expected)
    assert wanted == encode_failure(bytes.fromhex(packet))
