"""The feed against a server that does what no real one at hand does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from certificates import Authority
from speakers import wait_until
from standin import SERVICES, StandIn

from sparrow.feeds.gobgp import GobgpFeed
from sparrow.feeds.gobgpsource import GobgpSource, Tls
from sparrow.values.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TABLE = {"20.0.1.0/24": (64600, 7), "20.0.2.0/24": (64601,), "2001:db8::/32": (1, 2)}
TEXT = {"20.0.1.0/24": "64600 7", "20.0.2.0/24": "64601", "2001:db8::/32": "1 2"}


@pytest.fixture(params=SERVICES)
def server(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """A server of each release, with three routes."""
    found = StandIn(request.param)
    found.table = dict(TABLE)
    yield found
    found.stop()


def test_both_releases_are_listed_and_followed(server: StandIn, follow: Any) -> None:
    following = follow(server, freeze=None)
    assert TEXT == following.table()
    server.say({"20.0.1.0/24": None, "20.0.3.0/24": (5, 6), "2001:db8::/32": (3,)})
    following.wait_for({"20.0.2.0/24": "64601", "20.0.3.0/24": "5 6", "2001:db8::/32": "3"})
    standing = following.feed.standing()
    assert (3, 0, 0, 0) == (
        standing.updates,
        standing.repaired,
        standing.skipped,
        standing.reconnects,
    )


def test_a_comparison_mends_what_was_never_told_and_counts_it(server: StandIn, follow: Any) -> None:
    following = follow(server, freeze=None, relist_s=0.1)
    wait_until(lambda: server.lists >= 2)
    assert 0 == following.feed.standing().repaired
    server.table = {"20.0.1.0/24": (9,), "20.0.2.0/24": (64601,), "20.0.4.0/24": (8,)}
    following.wait_for({"20.0.1.0/24": "9", "20.0.2.0/24": "64601", "20.0.4.0/24": "8"})
    assert 3 == following.feed.standing().repaired, "one changed, one came and one went"
    before = server.lists
    wait_until(lambda: server.lists >= before + 2)
    assert 3 == following.feed.standing().repaired


def test_a_stream_that_ends_is_begun_anew_and_moves_only_what_differs(
    server: StandIn, follow: Any
) -> None:
    following = follow(server, freeze=None, quiet_s=0.1)
    routes = dict(following.feed.snapshot().entries())
    server.table["20.0.2.0/24"] = (64602,)
    server.end_streams()
    following.wait_for({**TEXT, "20.0.2.0/24": "64602"})
    wait_until(lambda: following.feed.standing().phase == "live")
    standing = following.feed.standing()
    assert (1, 0, None) == (standing.reconnects, standing.repaired, standing.stale_since_s)
    after = dict(following.feed.snapshot().entries())
    changed = [str(prefix) for prefix in routes if routes[prefix] is not after[prefix]]
    assert ["20.0.2.0/24"] == changed


def test_a_session_that_falls_is_down_and_its_routes_stay(server: StandIn, follow: Any) -> None:
    following = follow(server)
    server.say_session(is_up=False)
    following.wait_for_phase("down")
    server.say(dict.fromkeys(TABLE))
    wait_until(lambda: following.feed.standing().withheld == len(TABLE))
    assert TEXT == following.table()
    server.say_session(is_up=True)
    following.wait_for_phase("live")
    server.say(TABLE)
    wait_until(lambda: following.feed.standing().withheld == 0)
    assert TEXT == following.table()


def test_old_words_about_a_session_behind_those_about_prefixes_count_for_nothing(
    server: StandIn, follow: Any
) -> None:
    following = follow(server)
    server.say_session_late(is_up=False)
    server.say({"20.0.3.0/24": (5,)})
    following.wait_for({**TEXT, "20.0.3.0/24": "5"})
    assert "live" == following.feed.standing().phase


def test_a_site_is_gone_where_its_server_withdraws_much_and_answers_nothing(
    server: StandIn, follow: Any
) -> None:
    server.table = {f"20.{n >> 8}.{n & 255}.0/24": (64600, 7) for n in range(1200)}
    following = follow(server, freeze=None, ends_with_session=True)
    server.is_answering.clear()
    server.say(dict.fromkeys([*server.table][:1100]))
    following.wait_for_phase("down")
    standing = following.feed.standing()
    assert ("it answers no question", True) == (
        standing.problem,
        standing.stale_since_s is not None,
    )
    server.is_answering.set()
    following.wait_for_phase("live")
    assert 100 == len(following.feed.snapshot())


def test_a_server_that_withdraws_much_and_answers_has_its_site(
    server: StandIn, follow: Any
) -> None:
    server.table = {f"20.{n >> 8}.{n & 255}.0/24": (64600, 7) for n in range(1200)}
    following = follow(server, freeze=None, ends_with_session=True)
    server.say(dict.fromkeys([*server.table][:1100]))
    wait_until(lambda: len(following.feed.snapshot()) == 100)
    time.sleep(3)  # three times as long as a doubt takes
    assert ("live", 0) == (following.feed.standing().phase, following.feed.standing().reconnects)


def test_a_neighbour_is_asked_for_by_its_address(server: StandIn, follow: Any) -> None:
    following = follow(server, neighbor=parse_address("192.0.2.1"))
    assert TEXT == following.table()
    assert all(b"192.0.2.1" in each for each in server.requests["ListPath"])


def test_a_server_of_neither_release_is_told() -> None:
    server = StandIn("of another kind")
    feed = GobgpFeed(GobgpSource(server.target), lambda: None)
    feed.start()
    try:
        wait_until(lambda: bool(feed.standing().problem))
        assert "no interface of GoBGP 3 or 4 answers there" == feed.standing().problem
    finally:
        feed.stop()
        server.stop()


def test_a_server_may_ask_for_our_certificate(
    tmp_path: Path, needs: Callable[[str], str], follow: Any
) -> None:
    issuer = Authority(tmp_path, needs("openssl"), "issuer")
    chain, key = issuer.issue("server", "IP:127.0.0.1")
    pairs = [((tmp_path / key).read_bytes(), (tmp_path / chain).read_bytes())]
    credentials = grpc.ssl_server_credentials(pairs, issuer.ca.read_bytes(), True)
    server = StandIn("apipb", credentials)
    server.table = dict(TABLE)
    try:
        ours = issuer.issue("client", "DNS:client.example")
        assert TEXT == follow(server, tls=Tls(str(issuer.ca), *ours)).table()
        feed = GobgpFeed(GobgpSource(server.target, tls=Tls(str(issuer.ca))), lambda: None)
        feed.start()
        wait_until(lambda: bool(feed.standing().problem))
        problem = feed.standing().problem
        feed.stop()
        assert "tls.cert" in problem
    finally:
        server.stop()
