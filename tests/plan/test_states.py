"""Every state of six sites through the twins: no down site while another may serve."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import TYPE_CHECKING

import dns.message
import pytest
from statesites import (
    CLIENTS,
    NAMES,
    OLD,
    TTL,
    TTL_MIN,
    build_state_authority,
    encode_query,
)

from sparrow.plan import native, pureloop
from sparrow.plan.board import OutcomeBoard
from sparrow.plan.compile import compile_plan
from sparrow.plan.fallback import build_authority
from sparrow.plan.publish import publish_plan
from sparrow.plan.pure import Answered
from sparrow.plan.reader import open_plan
from sparrow.policy.outcome import Condition, LastResort, Standing, choose_outcome
from sparrow.policy.steering import Client
from sparrow.values.address import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sparrow.policy.outcome import Conditions
    from sparrow.policy.steering import Steering

UDP, NOW_S = 1232, 1_800_000_000
CONDITIONS = {standing: Condition(standing) for standing in Standing}
SAMPLE = 25
"""Of so many states one goes through the slow twins as well."""


class Bench:
    """A plan whose words are changed, and the twins that answer from it."""

    def __init__(self, directory: Path) -> None:
        authority = build_state_authority()
        assert authority.steering is not None
        self.steering: Steering = authority.steering
        publish_plan(directory, compile_plan(authority, 1, 1), 1)
        self.board = OutcomeBoard(directory)
        self.board.open()
        plan = open_plan(directory)
        self.native, self.pure = native.Responder(plan), pureloop.Responder(plan)
        self.ground = build_authority(plan)
        self.queries = {
            (service, family): encode_query(service, family)
            for service in self.steering.services
            for family in FAMILIES
        }
        self.chained: dict[tuple[object, object], bytes] = {
            (service, family): encode_query(service, family, OLD)
            for service, family in self.queries
        }
        self.wires: dict[tuple[object, ...], bytes] = {}

    def check(self, conditions: Conditions, *, is_sampled: bool) -> None:
        """Ask for each service, family and class, and compare with the pure function."""
        self.board.write(conditions)
        for (service, family), packet in self.queries.items():
            for home, client in enumerate(CLIENTS):
                found = self.native.answer(packet, client, UDP, NOW_S)
                assert isinstance(found, Answered)
                expected = self.expect(conditions, service, family, home)
                assert expected == (found.rcode, found.site), (conditions, service, family, home)
                # An answer is the same octets in all states that give the same.
                key = (service, family, home, *expected)
                assert self.wires.setdefault(key, found.wire) == found.wire
                if is_sampled:
                    assert found == self.pure.answer(packet, client, UDP, NOW_S)
                    self.check_chained(key, client)

    def check_chained(self, key: tuple[object, ...], client: bytes) -> None:
        """Ask below a DNAME that leads to the service: its clients get what others get."""
        service, family, _, rcode, site = key
        packet = self.chained[service, family]
        found = self.native.answer(packet, client, UDP, NOW_S)
        assert isinstance(found, Answered)
        assert (rcode, site) == (found.rcode, found.site)
        records = int.from_bytes(found.wire[6:8], "big")
        assert (0 if rcode else 2 + (site is not None)) <= records
        assert self.wires.setdefault(("chained", *key), found.wire) == found.wire
        assert found == self.pure.answer(packet, client, UDP, NOW_S)

    def expect(
        self, conditions: Conditions, service: str, family: int, home: int
    ) -> tuple[int, int | None]:
        """Give response code and site by the pure function."""
        policy = self.steering.policies[service, family]
        standing = [conditions[name][0 if family == 4 else 1] for name in NAMES]
        last_resort = self.steering.services[service].last_resort
        order = policy.classes[policy.class_by_order[home]]
        outcome = choose_outcome(order, standing, last_resort)
        if outcome.reason.name == "SERVFAIL":
            return 2, None
        return 0, len(NAMES) if outcome.reason.name == "STATIC" else outcome.site


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "plan")


def list_states(first: Standing) -> Iterator[Conditions]:
    """Give every state of six sites in which the first stands so; IPv6 in another order."""
    for others in product(Standing, repeat=len(NAMES) - 1):
        v4 = [CONDITIONS[each] for each in (first, *others)]
        yield dict(zip(NAMES, zip(v4, v4[::-1], strict=True), strict=True))


@pytest.mark.parametrize("first", Standing)
def test_the_twins_give_in_every_state_what_the_pure_function_gives(
    bench: Bench, first: Standing
) -> None:
    for number, conditions in enumerate(list_states(first)):
        bench.check(conditions, is_sampled=number % SAMPLE == 0)


def test_each_last_resort_answers_in_its_own_way_when_all_have_failed(bench: Bench) -> None:
    failed = CONDITIONS[Standing.FAILED]
    bench.board.write(dict.fromkeys(NAMES, (failed, failed)))
    found = {}
    for last_resort in LastResort:
        packet = bench.queries[last_resort.value, 4]
        answered = bench.native.answer(packet, CLIENTS[0], UDP, NOW_S)
        assert isinstance(answered, Answered)
        message = dns.message.from_wire(answered.wire)
        found[last_resort] = (
            message.rcode(),
            [str(rdata) for rrset in message.answer for rdata in rrset],
            len(message.authority),
        )
    assert {
        LastResort.ALL_UP: (0, ["203.0.113.1"], 0),
        LastResort.STATIC: (0, ["192.0.2.99"], 0),
        LastResort.EMPTY: (0, [], 1),
        LastResort.SERVFAIL: (2, [], 0),
    } == found


def ttl_of(wire: bytes) -> int:
    return dns.message.from_wire(wire).answer[0].ttl


@pytest.mark.parametrize(
    ("change", "planned", "ttl"),
    [
        (None, None, TTL),
        (45.5, None, 46),
        (9, None, TTL_MIN),
        (None, 9.5, 9),
        (9, 20, 20),
        (None, 0.1, 1),
    ],
)
def test_the_ttl_follows_the_soonest_change(
    bench: Bench, change: float | None, planned: float | None, ttl: int
) -> None:
    stands = Condition(Standing.SERVING, change, planned)
    bench.board.write({"au": (stands, stands)})
    for twin in (bench.native, bench.pure):
        answered = [
            twin.answer(bench.queries["all-up", family], client, UDP, NOW_S)
            for family in FAMILIES
            for client in CLIENTS[:2]
        ]
        ttls = [ttl_of(each.wire) for each in answered if isinstance(each, Answered)]
        assert [ttl, TTL, ttl, TTL] == ttls


def test_a_state_with_changes_in_sight_differs_in_nothing_but_ttls(bench: Bench) -> None:
    rng = Random(1)
    for _ in range(200):
        conditions = {
            name: tuple(Condition(rng.choice(list(Standing)), *random_times(rng)) for _ in "46")
            for name in NAMES
        }
        steering = bench.ground.steering
        assert steering is not None
        bench.board.write(conditions)  # type: ignore[arg-type]
        for service, family in bench.queries:
            for home, client in enumerate(CLIENTS):
                choice = steering.choose(service, family, Client(client))
                expected = bench.expect(conditions, service, family, home)  # type: ignore[arg-type]
                assert expected == (2 if choice.is_failed else 0, choice.site)


def random_times(rng: Random) -> tuple[float | None, float | None]:
    return rng.choice((None, 0, 7, 44.2, 1e9)), rng.choice((None, 0, 7, 44.2, 1e10))
