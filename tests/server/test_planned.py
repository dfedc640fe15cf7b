"""What a worker answers and counts beside its loop: TCP, and what the loop missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import dns.edns
import dns.message
import pytest
from dnspeer import (
    NL_CLIENTS,
    SITE_NAMES,
    compile_authority,
    compile_broken,
    make_plan,
    query,
)

from sparrow.dns.respond import Sender
from sparrow.keeping.tally import Tally, render_counters
from sparrow.plan.counters import PlanCounters, WorkerCounters
from sparrow.server.planned import PlanExchange
from sparrow.server.served import ServedPlan
from sparrow.values.address import parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sparrow.plan.compile import PlanFiles

RESOLVER = Sender(bytes((192, 0, 2, 1)))
RESOLVER_TCP = Sender(bytes((192, 0, 2, 1)), is_tcp=True)
NL_RESOLVER_TCP = Sender(parse_prefix(NL_CLIENTS).network, is_tcp=True)
MISS = query("www.example.org", "AXFR", query_id=7)
"""A question that the plan leaves to the full algorithm."""


class Desk:
    """An exchange, its counters in a folder, and how to publish to it."""

    def __init__(self, folder: Path, files: PlanFiles) -> None:
        self._folder = folder
        self._counters = WorkerCounters(folder / "counters", "tcp", 1, is_pure=False)
        self._plans: list[ServedPlan] = []
        self.exchange = PlanExchange(self._counters.block(0), 0, self._open(files, 1))

    def publish(self, files: PlanFiles, generation: int) -> None:
        self.exchange.publish(self._open(files, generation))

    def _open(self, files: PlanFiles, generation: int) -> ServedPlan:
        plan = make_plan(self._folder / "plan", files, generation)
        counters = PlanCounters(self._folder / "counters", "tcp", 1, plan)
        self._plans.append(ServedPlan(plan, counters))
        return self._plans[-1]

    def counts(self) -> dict[str, Any]:
        """Give what the status would show."""
        sums, _ = Tally(self._folder / "counters").read()
        return render_counters(sums, SITE_NAMES)

    def release(self) -> None:
        self._counters.release()
        for served in self._plans:
            served.counters.release()


class Case(NamedTuple):
    """A query over TCP and the counters that it moves, `queries` aside."""

    packet: bytes
    moved: dict[str, Any]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, compile_authority())
    yield made
    made.release()


@pytest.fixture
def broken_desk(tmp_path: Path) -> Iterator[Desk]:
    """One that fails at every miss."""
    made = Desk(tmp_path, compile_broken())
    yield made
    made.release()


def with_subnet(name: str, rtype: str) -> bytes:
    subnet = dns.edns.ECSOption("193.173.27.0", 24)
    return dns.message.make_query(name, rtype, options=[subnet]).to_wire()


def numbers(counts: dict[str, Any]) -> dict[str, Any]:
    """Give the counters that are not 0, in their groups."""
    groups = {
        key: {name: number for name, number in value.items() if number}
        if isinstance(value, dict)
        else value
        for key, value in counts.items()
    }
    return {key: value for key, value in groups.items() if value}


def test_nothing_is_counted_at_first_and_every_site_is_there(desk: Desk) -> None:
    counts = desk.counts()
    assert {} == numbers(counts)
    assert dict.fromkeys(SITE_NAMES, 0) == counts["sites"]


CASES = {
    "static": Case(query(), {"responses": {"NOERROR": 1}}),
    "no such name": Case(query("nothing.example.org"), {"responses": {"NXDOMAIN": 1}}),
    "no zone of ours": Case(query("example.com"), {"responses": {"REFUSED": 1}}),
    "a cut header": Case(query()[:11], {"silent": 1}),
    "steered": Case(
        query("www.example.org"),
        {"responses": {"NOERROR": 1}, "sites": {"au": 1}, "services": {"default": 1}},
    ),
    "steered by a subnet": Case(
        with_subnet("www.example.org", "A"),
        {"responses": {"NOERROR": 1}, "ecs": 1, "sites": {"nl": 1}, "services": {"default": 1}},
    ),
    "a miss": Case(MISS, {"responses": {"REFUSED": 1}, "misses": 1}),
    "a large answer": Case(query("large.example.org", "TXT"), {"responses": {"NOERROR": 1}}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_answered_is_counted_once(desk: Desk, case: Case) -> None:
    wire = desk.exchange.answer(case.packet, RESOLVER_TCP)
    assert ("responses" in case.moved) == (wire is not None)
    assert {"queries": {"tcp": 1}, **case.moved} == numbers(desk.counts())


def test_the_site_is_that_of_the_sender(desk: Desk) -> None:
    desk.exchange.answer(query("www.example.org"), NL_RESOLVER_TCP)
    assert {"au": 0, "nl": 1} == desk.counts()["sites"]


@pytest.mark.parametrize("name", ["large.example.org", "www.example.org"])
def test_what_the_loop_missed_is_counted_by_its_response_alone(desk: Desk, name: str) -> None:
    wire = desk.exchange.answer_miss(query(name, "TXT"), RESOLVER)
    assert wire is not None
    is_cut = bool(wire[2] & 0x02)
    assert is_cut == (name == "large.example.org")
    expected = {"responses": {"NOERROR": 1}} | ({"truncated": 1} if is_cut else {})
    assert expected == numbers(desk.counts())


def test_a_steered_miss_is_counted_by_site_and_service(desk: Desk) -> None:
    assert desk.exchange.answer_miss(with_subnet("www.example.org", "A"), RESOLVER)
    counts = desk.counts()
    assert ({"au": 0, "nl": 1}, {"default": 1}, 1) == (
        counts["sites"],
        counts["services"],
        counts["ecs"],
    )


def test_the_names_of_a_later_plan_count_beside_those_of_the_earlier(desk: Desk) -> None:
    desk.exchange.answer(query("www.example.org"), RESOLVER_TCP)
    desk.publish(compile_authority(("us", "au"), 2), 2)
    desk.exchange.answer(query("www.example.org"), RESOLVER_TCP)
    desk.exchange.answer(query("www.example.org"), NL_RESOLVER_TCP)
    assert {"au": 2, "nl": 0, "us": 1} == desk.counts()["sites"]


def test_a_failure_is_answered_and_counted_once(
    broken_desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    expected = bytes.fromhex("0007 8102 0000 0000 0000 0000")
    assert expected == broken_desk.exchange.answer(MISS, RESOLVER_TCP)
    counts = broken_desk.counts()
    assert ({"udp": 0, "tcp": 1}, {"SERVFAIL": 1}, 1) == (
        counts["queries"],
        counts["responses"],
        counts["exceptions"],
    )
    assert expected == broken_desk.exchange.answer_miss(MISS, RESOLVER)
    assert 2 == broken_desk.counts()["exceptions"]
    assert ["ERROR"] == [record.levelname for record in caplog.records]


def test_a_failure_at_what_is_no_query_is_silent_and_counted(broken_desk: Desk) -> None:
    response = query()[:2] + b"\x80" + query()[3:]
    assert broken_desk.exchange.answer_miss(response, RESOLVER) is None
    assert {"exceptions": 1, "silent": 1} == numbers(broken_desk.counts())


def test_after_a_failure_the_next_plan_answers(broken_desk: Desk) -> None:
    broken_desk.exchange.answer(MISS, RESOLVER_TCP)
    broken_desk.publish(compile_authority(generation=2), 2)
    broken_desk.exchange.answer(MISS, RESOLVER_TCP)
    assert {"SERVFAIL": 1, "REFUSED": 1} == broken_desk.counts()["responses"]
