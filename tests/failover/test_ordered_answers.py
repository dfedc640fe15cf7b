"""What operators order, by the command, is what clients are answered."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dns.rcode
import dns.rdatatype
import pytest
from failsites import AU, CLIENTS, NL, US, VIPS, Sampler, standings
from running import NAME, addresses_of, wait_until

if TYPE_CHECKING:
    from failsites import Ground
    from running import Daemon

AHEAD_S = 7
"""Seconds from an order to the time that it is planned for."""
LEAST_TTL_S = 1
"""No answer says less, whatever is planned."""


@pytest.fixture
def daemon(ground: Ground) -> Daemon:
    return ground.watch_files("au", "nl", "us").home.serve()


def order(ground: Ground, action: str, *sites: str, options: tuple[str, ...] = ()) -> None:
    """Order by the command; it must be taken."""
    sure = ("--yes",) if action in ("drain", "down") else ()
    for site in sites:
        words = ("site", action, site, "--reason", "a test", *sure, *options)
        done = ground.home.sparrow(*words)
        assert 0 == done.returncode, done.stderr
        assert site in done.stdout


def answers(daemon: Daemon) -> dict[str, tuple[str, ...]]:
    """Give what a client of each site is answered."""
    return {name: tuple(daemon.addresses(subnet=subnet)) for name, subnet in CLIENTS.items()}


def say(ground: Ground, daemon: Daemon, **words: str) -> None:
    """Have checks say up or down of sites."""
    for name, word in words.items():
        ground.say(name, word)

    def is_heard() -> bool:
        rows = {row["name"]: row["v4"]["health"] for row in daemon.status()["sites"]}
        return all(rows[name] == word for name, word in words.items())

    wait_until(is_heard)


ORDINARY = {"au": AU, "nl": NL, "us": US}


def test_a_drained_site_is_given_to_nobody_while_others_serve(
    ground: Ground, daemon: Daemon
) -> None:
    assert ORDINARY == answers(daemon)
    order(ground, "drain", "au")
    with daemon.counting() as counted:
        assert ORDINARY | {"au": US} == answers(daemon)
    assert {"sites.us": 2, "sites.nl": 1} == {
        key: count for key, count in counted.items() if key.startswith("sites.")
    }
    order(ground, "auto", "au")
    assert ORDINARY == answers(daemon)
    assert [("au", "serving", "drained"), ("au", "drained", "serving")] == ground.moves()
    assert ["drain", "auto"] == [row["to"] for row in ground.journal("order")]
    assert all(row["by"] for row in ground.journal("order"))


def test_a_drained_site_is_the_last_resort_and_a_downed_one_is_not(
    ground: Ground, daemon: Daemon
) -> None:
    say(ground, daemon, nl="down", us="down")
    order(ground, "drain", "au")
    assert dict.fromkeys(VIPS, AU) == answers(daemon)
    order(ground, "down", "au")
    assert {"au": US, "nl": NL, "us": US} == answers(daemon)  # as if these two were up
    say(ground, daemon, nl="up")
    assert dict.fromkeys(VIPS, NL) == answers(daemon)


def test_of_sites_that_are_all_drained_each_has_its_own_clients(
    ground: Ground, daemon: Daemon
) -> None:
    order(ground, "drain", "au", "nl", "us")
    assert ORDINARY == answers(daemon)
    assert set(standings(daemon).values()) == {"drained"}


def test_sites_that_are_all_down_by_order_are_an_empty_answer(
    ground: Ground, daemon: Daemon
) -> None:
    order(ground, "down", "au", "nl", "us")
    with daemon.counting() as counted:
        for subnet in CLIENTS.values():
            response = daemon.ask(NAME, "A", subnet)
            assert (dns.rcode.NOERROR, []) == (response.rcode(), response.answer)
            assert ["SOA"] == [dns.rdatatype.to_text(each.rdtype) for each in response.authority]
    assert 3 == counted["responses.NOERROR"]
    assert not [key for key in counted if key.startswith("sites.")]
    order(ground, "auto", "nl")
    assert dict.fromkeys(VIPS, NL) == answers(daemon)


def test_a_site_that_is_up_by_order_is_given_whatever_its_checks_say(
    ground: Ground, daemon: Daemon
) -> None:
    order(ground, "up", "au")
    say(ground, daemon, au="down")
    assert ORDINARY == answers(daemon)
    order(ground, "auto", "au")
    assert ORDINARY | {"au": US} == answers(daemon)
    assert [("au", "serving", "failed")] == ground.moves()


def test_an_order_that_has_a_span_ends_by_itself(ground: Ground, daemon: Daemon) -> None:
    with Sampler(daemon.port) as client:
        order(ground, "down", "au", options=("--for", "2s"))
        client.await_answer(US)
        client.await_answer(AU, since_s=client.last.first_s)
    assert [AU, US, AU] == client.addresses()
    ground.await_move("au", "down by order", "serving")
    assert ["down"] == [row["to"] for row in ground.journal("order_ended")]
    assert [("au", "serving", "down by order"), ("au", "down by order", "serving")] == (
        ground.moves()
    )


def test_no_answer_outlives_the_start_of_a_drain_that_was_planned(
    ground: Ground, daemon: Daemon
) -> None:
    start_s = int(time.time()) + AHEAD_S
    at = datetime.fromtimestamp(start_s, UTC).isoformat()
    order(ground, "drain", "au", options=("--at", at))
    kept: list[tuple[float, int]] = []
    others = set()
    while time.time() < start_s - 0.05:
        asked_s = time.time()
        response = daemon.ask(NAME, "A", CLIENTS["au"])
        assert AU == tuple(addresses_of(response))
        kept.append((asked_s, response.answer[-1].ttl))
        others.add(daemon.ask(NAME, "A", CLIENTS["nl"]).answer[-1].ttl)
        time.sleep(0.01)
    late = [(start_s - asked_s, ttl) for asked_s, ttl in kept if ttl > LEAST_TTL_S]
    assert [] == [(left_s, ttl) for left_s, ttl in late if ttl > left_s]
    assert sorted((ttl for _, ttl in kept), reverse=True) == [ttl for _, ttl in kept]
    assert len({ttl for _, ttl in kept}) > 2
    assert {60} == others  # it is nothing to them
    wait_until(lambda: tuple(daemon.addresses(subnet=CLIENTS["au"])) == US)
    assert time.time() >= start_s
    assert 60 == daemon.ask(NAME, "A", CLIENTS["au"]).answer[-1].ttl
    assert ["drain"] == [row["to"] for row in ground.journal("order_began")]


def test_what_cannot_be_ordered_changes_nothing(ground: Ground, daemon: Daemon) -> None:
    refused = {
        "near": ("site", "drain", "ua", "--reason", "x", "--yes"),
        "unasked": ("site", "drain", "au", "--reason", "x"),
        "zoneless": ("site", "drain", "au", "--reason", "x", "--yes", "--at", "2030-01-01T00:00"),
    }
    for words in refused.values():
        done = ground.home.sparrow(*words)
        assert (2, "") == (done.returncode, done.stdout), done
    assert ORDINARY == answers(daemon)
    assert [] == ground.journal("order")
