"""A site that fails: its clients are elsewhere within the stated time, and back as configured."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from failsites import (
    AU,
    CLIENTS,
    DOWN,
    INTERVAL_S,
    NL,
    TIMEOUT_S,
    UP,
    US,
    Sampler,
    WebServer,
    order,
    standings,
    transitions,
)

if TYPE_CHECKING:
    from failsites import Ground

ATTEMPTS = 3
"""Tries at a stated time, as others may have taken the processor."""
MOVED_S = DOWN * INTERVAL_S + 2 * TIMEOUT_S + 0.2
"""The stated time from a site's end to the first answer that leaves it out."""
BACK_S = UP * INTERVAL_S + 2 * TIMEOUT_S + 0.2
"""The same from its return, without a hold-down."""
WORDS_S = 0.1
"""The stated time from a verdict or an order to the first answer that follows it."""
HOLD_DOWN_S = 1.5


def fail(web: WebServer, how: str) -> float:
    """End a web server right after a check of it, the worst moment; give when."""
    web.await_request()
    failed_s = time.monotonic()
    {"refused": web.kill, "silent": web.stop, "dropped": web.fill}[how]()
    return failed_s


@pytest.mark.parametrize("how", ["refused", "silent", "dropped"])
def test_clients_of_a_site_that_ends_are_elsewhere_within_the_stated_time(
    ground: Ground, how: str
) -> None:
    daemon = ground.watch_web("au", "us").home.serve()
    took_s, back_s, words_s = [], [], []
    with daemon.counting() as counted, Sampler(daemon.port) as client:
        for attempt in range(1, ATTEMPTS + 1):
            assert AU == client.last.addresses
            failed_s = fail(ground.webs["au"], how)
            took_s.append(client.await_answer(US, since_s=failed_s) - failed_s)
            told_s = ground.await_move("au", "serving", "failed", times=attempt)
            words_s.append(failed_s + took_s[-1] - told_s)
            ground.webs["au"].revive()
            returned_s = time.monotonic()
            back_s.append(client.await_answer(AU, since_s=returned_s) - returned_s)
            ground.await_move("au", "failed", "serving", times=attempt)
            if took_s[-1] <= MOVED_S and back_s[-1] <= BACK_S and words_s[-1] <= WORDS_S:
                break
    assert (min(took_s) <= MOVED_S, took_s) == (True, took_s)
    assert (min(words_s) <= WORDS_S, words_s) == (True, words_s)
    assert (min(back_s) <= BACK_S, back_s) == (True, back_s)
    assert min(back_s) >= (UP - 1.5) * INTERVAL_S  # no sooner than after so many successes
    assert min(took_s) >= (DOWN - 1.5) * INTERVAL_S
    assert [AU, *[US, AU] * attempt] == client.addresses()
    assert [("au", "serving", "failed"), ("au", "failed", "serving")] * attempt == ground.moves()
    assert {"au": 2 * attempt, "nl": 0, "us": 0} == transitions(daemon)
    assert client.count == counted["sites.au"] + counted["sites.us"]
    assert (0, 0) == (counted.get("sites.nl", 0), counted.get("responses.SERVFAIL", 0))


def test_a_site_with_a_hold_down_returns_when_its_checks_have_passed_so_long(
    ground: Ground,
) -> None:
    daemon = ground.watch_web("au", of_site=f", hold_down: {HOLD_DOWN_S}").home.serve()
    with Sampler(daemon.port) as client:
        failed_s = fail(ground.webs["au"], "refused")
        client.await_answer(US, since_s=failed_s)
        ground.webs["au"].revive()
        returned_s = time.monotonic()
        back_s = client.await_answer(AU, since_s=returned_s) - returned_s
    assert back_s >= HOLD_DOWN_S + (UP - 1.5) * INTERVAL_S
    assert [AU, US, AU] == client.addresses()
    ground.await_move("au", "failed", "serving")


def test_a_site_that_waits_for_an_operator_returns_at_their_word(ground: Ground) -> None:
    daemon = ground.watch_web("au", of_site=", manual_resume: true").home.serve()
    with Sampler(daemon.port) as client:
        failed_s = fail(ground.webs["au"], "refused")
        client.await_answer(US, since_s=failed_s)
        ground.webs["au"].revive()
        for _ in range(2 * UP):
            ground.webs["au"].await_request()
        assert US == client.last.addresses
        assert {"au": "failed", "nl": "serving", "us": "serving"} == standings(daemon)
        told_s = time.monotonic()
        order(daemon, "auto", "au")
        client.await_answer(AU, since_s=told_s)
    assert [AU, US, AU] == client.addresses()
    assert [("au", "serving", "failed"), ("au", "failed", "serving")] == ground.moves()
    assert ["auto"] == [row["to"] for row in ground.journal("order")]


def test_who_is_next_in_line_takes_over_when_the_first_fallback_fails_too(ground: Ground) -> None:
    daemon = ground.watch_web("au", "nl", "us").home.serve()
    with Sampler(daemon.port) as client, Sampler(daemon.port, CLIENTS["nl"]) as other:
        for name, then in (("au", US), ("us", NL), ("nl", AU)):  # the last: as if all were up
            failed_s = fail(ground.webs[name], "refused")
            client.await_answer(then, since_s=failed_s)
        wait = ("nl", "serving", "failed")
        ground.await_move(*wait)
        assert {"au": "failed", "nl": "failed", "us": "failed"} == standings(daemon)
    assert [AU, US, NL, AU] == client.addresses()
    assert [NL] == other.addresses()  # its site was the last that was up, and all are so again
    assert (0, 0) == (client.lost, other.lost)


def test_an_order_is_in_the_answers_when_it_returns(ground: Ground) -> None:
    daemon = ground.watch_web("au").home.serve()
    took_s = []
    with Sampler(daemon.port) as client:
        for _ in range(ATTEMPTS):
            for action, then in (("down", US), ("auto", AU)):
                began_s = time.monotonic()
                order(daemon, action, "au")
                returned_s = time.monotonic()
                took_s.append(client.await_answer(then, since_s=began_s) - returned_s)
    assert (min(took_s) <= WORDS_S, took_s) == (True, took_s)
    assert [AU, *[US, AU] * ATTEMPTS] == client.addresses()
    assert [("au", "serving", "down by order"), ("au", "down by order", "serving")] * ATTEMPTS == (
        ground.moves()
    )
