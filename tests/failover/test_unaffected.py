"""What becomes of one site changes nothing for the clients of others, octet for octet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from failsites import AU, NL, US, Sampler, order, standings, transitions
from running import wait_until
from wires import Questions, find_unsound, scatter_routes, scatter_subnets

if TYPE_CHECKING:
    from failsites import Ground
    from running import Daemon
    from wires import Answer

    Answers = dict[tuple[str, str], Answer]

AU_V6, US_V6 = ("2001:db8:a::1",), ("2001:db8:c::1",)
ATTEMPTS = 3
"""Tries at a stated time, as others may have taken the processor."""
WORDS_S = 0.1
"""The stated time from a verdict to the first answer that follows it."""
REMAP_AFTER_S = 3
"""Longer than it takes to ask everything."""
STATES = {
    "failed": ("down", "auto"),
    "drained": ("up", "drain"),
    "drained and failed": ("down", "drain"),
    "down by order": ("up", "down"),
    "serving": ("down", "up"),
}
"""How a site comes to stand: what its state file says, and what is ordered."""


@pytest.fixture
def daemon(ground: Ground) -> Daemon:
    ground.home.write("table.routes", scatter_routes(7, 400))
    more = f"failover: {{remap_after: {REMAP_AFTER_S}s}}\n"
    return ground.watch_files("au", "nl", "us", more=more).home.serve()


@pytest.fixture
def questions(daemon: Daemon) -> Questions:
    return Questions(daemon.port, scatter_subnets(11, 300))


def generation(daemon: Daemon) -> int:
    """Give the generation of the plan that all answer from, once they do."""
    found: set[int] = set()

    def is_one() -> bool:
        status = daemon.status()
        found.clear()
        found.update((status["plan"]["generation"], *_generations(status)))
        return len(found) == 1

    wait_until(is_one)
    return found.pop()


def _generations(status: dict[str, Any]) -> list[int]:
    return [row["generation"] for row in status["workers"]]


def stand(ground: Ground, daemon: Daemon, site: str, standing: str) -> None:
    """Have a site come to stand so."""
    word, action = STATES[standing]
    ground.say(site, word)
    order(daemon, action, site)

    def stands() -> bool:
        row = next(row for row in daemon.status()["sites"] if row["name"] == site)
        return (standing, word) == (row["v4"]["standing"], row["v4"]["health"])

    wait_until(stands, lambda: str(standings(daemon)))


def restore(ground: Ground, daemon: Daemon, site: str) -> None:
    ground.say(site, "up")
    order(daemon, "auto", site)
    wait_until(lambda: standings(daemon)[site] == "serving")


def client_of(addresses: tuple[str, ...], answers: Answers) -> str:
    """Give a client subnet that was answered so."""
    return next(each.subnet for each in answers.values() if each.addresses == addresses)


def find_moved(before: Answers, after: Answers) -> set[tuple[str, ...]]:
    """Hold those who were not answered with au to the same octets; give the answers of others."""
    moved = set()
    for key, answer in before.items():
        if answer.addresses in (AU, AU_V6):
            moved.add(after[key].addresses)
        else:
            assert answer.but_for_ttls_and_scope == after[key].but_for_ttls_and_scope, key
    return moved


def test_every_state_of_a_site_leaves_the_clients_of_others_as_they_were(
    ground: Ground, daemon: Daemon, questions: Questions
) -> None:
    ordinary = questions.ask()
    assert {AU, NL, US, AU_V6, US_V6, ()} == {each.addresses for each in ordinary.values()}
    assert [] == find_unsound(daemon.port, ordinary.values())
    for standing in STATES:
        with daemon.counting() as counted:
            stand(ground, daemon, "au", standing)
            began = generation(daemon)
            fine = questions.ask()
            assert generation(daemon) == began, "the machine is too slow for this test"
        gone = standing != "serving"
        wanted = {US, US_V6} if gone else {AU, AU_V6}
        assert wanted == find_moved(ordinary, fine)
        assert gone is ("sites.au" not in counted)
        scopes = {key: each.scope for key, each in ordinary.items()}
        assert scopes == {key: each.scope for key, each in fine.items()}
        if gone:
            wait_until(lambda began=began: generation(daemon) > began)
            hold_coarse(daemon, fine, questions.ask())
        restore(ground, daemon, "au")
    wait_until(lambda: {key: each.scope for key, each in questions.ask().items()} == scopes)
    assert [] == [
        key
        for key, each in questions.ask().items()
        if each.but_for_ttls != ordinary[key].but_for_ttls
    ]


def hold_coarse(daemon: Daemon, fine: Answers, coarse: Answers) -> None:
    """Hold answers from a map for a lasting state to those before: the same, for wider blocks."""
    for key, each in fine.items():
        assert each.but_for_ttls_and_scope == coarse[key].but_for_ttls_and_scope
        assert coarse[key].scope <= each.scope
    assert sum(each.scope for each in coarse.values()) < sum(each.scope for each in fine.values())
    assert [] == find_unsound(daemon.port, coarse.values())


def test_a_site_that_returns_after_a_long_time_has_its_clients_back_at_once(
    ground: Ground, daemon: Daemon, questions: Questions
) -> None:
    ordinary = questions.ask()
    took_s = []
    with Sampler(daemon.port, client_of(AU, ordinary)) as client:
        assert AU == client.last.addresses
        for attempt in range(1, ATTEMPTS + 1):
            began = generation(daemon)
            stand(ground, daemon, "au", "failed")
            wait_until(lambda began=began: generation(daemon) > began)
            asked_s = time.monotonic()
            ground.say("au", "up")
            told_s = ground.await_move("au", "failed", "serving", times=attempt)
            took_s.append(client.await_answer(AU, since_s=asked_s) - told_s)
            find_moved(ordinary, questions.ask())
            if took_s[-1] <= WORDS_S:
                break
        wait_until(lambda: find_moved(ordinary, questions.ask()) == {AU, AU_V6})
    assert (min(took_s) <= WORDS_S, took_s) == (True, took_s)
    assert [AU, *[US, AU] * attempt] == client.addresses()
    assert {"au": 2 * attempt, "nl": 0, "us": 0} == transitions(daemon)


def test_another_site_that_fails_after_a_long_time_is_given_to_nobody(
    ground: Ground, daemon: Daemon, questions: Questions
) -> None:
    ordinary, began = questions.ask(), generation(daemon)
    stand(ground, daemon, "au", "failed")
    wait_until(lambda: generation(daemon) > began)
    with Sampler(daemon.port, client_of(AU, ordinary)) as client:
        assert US == client.last.addresses
        began = generation(daemon)
        ground.say("us", "down")
        client.await_answer(NL)
        assert {NL} == {each.addresses for each in questions.ask().values() if each.rtype == "A"}
        wait_until(lambda: generation(daemon) > began)
        answers = questions.ask()
        assert {NL} == {each.addresses for each in answers.values() if each.rtype == "A"}
        # Of IPv6 nothing is left: all is as if it were up.
        for key, each in ordinary.items():
            if each.rtype == "AAAA":
                assert each.but_for_ttls == answers[key].but_for_ttls
        assert [] == find_unsound(daemon.port, answers.values())
        ground.say("us", "up")
        ground.say("au", "up")
        client.await_answer(AU)
    assert [US, NL] == client.addresses()[:2]
    assert AU == client.last.addresses
