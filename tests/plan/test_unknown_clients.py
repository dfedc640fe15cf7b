"""Plans in which clients without a route are asked about: the twins and what answers behind."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

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

from sparrow.dns.respond import Sender, respond
from sparrow.plan import native, pureloop
from sparrow.plan.board import OutcomeBoard
from sparrow.plan.compile import compile_plan, have_equal_answers
from sparrow.plan.fallback import build_authority
from sparrow.plan.format import OutcomeFlag, PlanError
from sparrow.plan.meta import decode_meta
from sparrow.plan.outcomes import WHAT, Column, merge_classes
from sparrow.plan.publish import publish_plan
from sparrow.plan.pure import MISS, Answered
from sparrow.plan.reader import open_plan
from sparrow.policy.outcome import Condition, Standing
from sparrow.policy.special import unwrap
from sparrow.values.address import FAMILIES, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sparrow.plan.plan import Plan

UDP, NOW_S = 1232, 1_800_000_000
UNKNOWN = tuple(map(parse_address, ("99.1.2.3", "2a00:1::1", "::ffff:99.1.2.3", "127.0.0.1")))
AUTHORITY = build_state_authority(is_asked_for=True)
SERVICES = tuple(AUTHORITY.steering.services if AUTHORITY.steering else ())
QUERIES = tuple(product(SERVICES, FAMILIES))


def publish(directory: Path) -> Plan:
    publish_plan(directory, compile_plan(AUTHORITY, 1, 1), 1)
    return open_plan(directory)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return publish(tmp_path_factory.mktemp("unknown") / "plan")


TWINS: tuple[Callable[[Plan], object], ...] = (native.Responder, pureloop.Responder)


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("client", UNKNOWN)
def test_the_twins_leave_the_unknown_to_others(
    plan: Plan, twin: Callable[[Plan], object], client: bytes
) -> None:
    responder = twin(plan)
    for (service, family), parent in product(QUERIES, (None, OLD)):
        packet = encode_query(service, family, *([parent] if parent else ()))
        assert MISS is responder.answer(packet, client, UDP, NOW_S)  # type: ignore[attr-defined]


def test_the_known_get_what_they_get_where_nobody_is_asked(plan: Plan, tmp_path: Path) -> None:
    publish_plan(tmp_path / "plan", compile_plan(build_state_authority(), 1, 1), 1)
    silent = native.Responder(open_plan(tmp_path / "plan"))
    twins = native.Responder(plan), pureloop.Responder(plan)
    for (service, family), client in product(QUERIES, CLIENTS):
        packet = encode_query(service, family)
        expected = silent.answer(packet, client, UDP, NOW_S)
        assert isinstance(expected, Answered)
        for twin in twins:
            found = twin.answer(packet, client, UDP, NOW_S)
            assert isinstance(found, Answered)
            assert expected.wire == found.wire


@pytest.mark.parametrize("client", UNKNOWN)
def test_the_full_algorithm_answers_them_from_the_plan_as_from_the_view(
    plan: Plan, client: bytes
) -> None:
    told: list[bytes] = []
    ground = build_authority(plan, on_unknown=told.append)
    for service, family in QUERIES:
        packet = encode_query(service, family)
        found = respond(ground, packet, Sender(client), NOW_S)
        expected = respond(AUTHORITY, packet, Sender(client), NOW_S)
        assert found is not None
        assert expected is not None
        assert expected.wire == found.wire
        assert expected.choice == found.choice
        assert found.choice is not None
        assert found.choice.is_unknown
        (rrset,) = found.answer.answer
        assert TTL_MIN == rrset.ttl
    assert [unwrap(client)[0]] * len(QUERIES) == told


def test_who_wraps_ipv4_is_told_of_as_that(plan: Plan) -> None:
    told: list[bytes] = []
    ground = build_authority(plan, on_unknown=told.append)
    wrapped = ("::ffff:99.1.2.3", "64:ff9b::99.1.2.3", "2002:6301:203::1", "99.1.2.3")
    for client in map(parse_address, wrapped):
        respond(ground, encode_query("empty", 4), Sender(client), NOW_S)
    assert [parse_address("99.1.2.3")] * len(wrapped) == told


def test_nobody_is_told_of_the_known(plan: Plan) -> None:
    told: list[bytes] = []
    ground = build_authority(plan, on_unknown=told.append)
    for (service, family), client in product(QUERIES, CLIENTS):
        found = respond(ground, encode_query(service, family), Sender(client), NOW_S)
        assert found is not None
        assert {TTL} >= {rrset.ttl for rrset in found.answer.answer}
    assert [] == told


@pytest.mark.parametrize("standing", list(Standing))
def test_the_unknown_stay_so_however_sites_stand(tmp_path: Path, standing: Standing) -> None:
    plan = publish(tmp_path / "plan")
    board = OutcomeBoard(tmp_path / "plan")
    board.open()
    state = (Condition(standing, change_in_s=5), Condition(standing, planned_in_s=2))
    board.write(dict.fromkeys(NAMES, state))
    responder = native.Responder(plan), pureloop.Responder(plan)
    for twin, (service, family), client in product(responder, QUERIES, UNKNOWN):
        assert MISS is twin.answer(encode_query(service, family), client, UDP, NOW_S)


def test_what_is_planned_sooner_than_the_shortest_time_still_counts(tmp_path: Path) -> None:
    plan = publish(tmp_path / "plan")
    board = OutcomeBoard(tmp_path / "plan")
    board.open()
    soon = Condition(planned_in_s=2)
    board.write(dict.fromkeys(NAMES, (soon, soon)))
    found = respond(build_authority(plan), encode_query("empty", 4), Sender(UNKNOWN[0]), NOW_S)
    assert found is not None
    assert 2 == found.answer.answer[0].ttl


def test_a_class_of_unknown_clients_is_merged_with_no_other(plan: Plan) -> None:
    meta = plan.answers.meta
    for number, policy in enumerate(meta.policies):
        first = plan.answers.policy(number).first_outcome
        words = plan.words[first : first + len(policy.classes)]
        merged = merge_classes([Column(policy.classes, words)])
        unknown = policy.unknown_class
        assert unknown is not None
        assert [unknown] == [at for at, other in enumerate(merged) if other == unknown]
        alike = words[0] & WHAT
        assert alike & 0xFFFF0000 == 0


def test_whether_somebody_is_asked_makes_other_answers() -> None:
    assert have_equal_answers(AUTHORITY, build_state_authority(is_asked_for=True))
    assert not have_equal_answers(AUTHORITY, build_state_authority())


def test_a_plan_names_the_class_of_the_unknown(plan: Plan) -> None:
    for number, policy in enumerate(plan.answers.meta.policies):
        steering = AUTHORITY.steering
        assert steering is not None
        expected = steering.policies[policy.service, policy.family].unknown_class
        assert expected == policy.unknown_class, number


def test_a_class_that_is_not_there_is_refused() -> None:
    text = (
        '{"version": null, "sites": [], "services": [{"name": "a", "last_resort": "empty", '
        '"static_site": null, "ttl_min": 1}], "policies": [{"service": "a", "family": 4, '
        '"first_part": 0, "classes": [[]], "unknown": 1}]}'
    )
    with pytest.raises(PlanError, match="no class for the unknown"):
        decode_meta(text.encode())


def test_the_word_of_the_unknown_is_that_of_self_with_a_flag(plan: Plan) -> None:
    for number, policy in enumerate(plan.answers.meta.policies):
        unknown = policy.unknown_class
        assert unknown is not None
        word = plan.words[plan.answers.policy(number).first_outcome + unknown]
        first = policy.classes[unknown][0]
        assert (first, OutcomeFlag.ASK, 0) == (word & 0xFFFF, word >> 16 & 0xFFFF, word >> 32)
