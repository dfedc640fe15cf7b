"""The feed against real gobgpd processes."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from speakers import Speaker, announcer, make_routes, wait_until

from sparrow.values.address import parse_address, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def as_text(routes: Mapping[str, Sequence[int]], *before: int) -> dict[str, str]:
    return {
        str(parse_prefix(prefix)): " ".join(map(str, (*before, *path)))
        for prefix, path in routes.items()
    }


def test_the_first_table_is_what_gobgp_shows(speaker: Speaker, follow: Any) -> None:
    routes = make_routes(20_000)
    with announcer(speaker) as client:
        client.send(routes)
    following = follow(speaker)
    expected = as_text(routes)
    assert 20_000 == len(expected)
    assert expected == following.table()
    assert speaker.table() == following.table()
    standing = following.feed.standing()
    assert ("live", None, 0, 0) == (
        standing.phase,
        standing.stale_since_s,
        standing.repaired,
        standing.skipped,
    )


def test_updates_are_heard_in_order(speaker: Speaker, follow: Any) -> None:
    routes = make_routes(50)
    with announcer(speaker) as client:
        client.send(routes)
        following = follow(speaker, freeze=None)
        first, second, *rest = routes
        client.send({first: (1, 2), second: None})
        client.send({first: (3, 4)})
        client.send({"198.51.100.0/24": (5,), "2001:db8:5::/48": (6, 7)})
        expected = {
            **as_text({prefix: routes[prefix] for prefix in rest}),
            **as_text({first: (3, 4), "198.51.100.0/24": (5,), "2001:db8:5::/48": (6, 7)}),
        }
        following.wait_for(expected)
        assert following.changed.wait(60)
        assert 5 == following.feed.standing().updates


def test_nothing_is_lost_or_misordered_while_the_table_is_listed_under_churn(
    speaker: Speaker, follow: Any
) -> None:
    routes: dict[str, tuple[int, ...] | None] = dict(make_routes(20_000))
    prefixes = list(routes)
    with announcer(speaker) as client:
        client.send(routes)
        has_begun, is_over = threading.Event(), threading.Event()
        rounds = 0

        def churn() -> None:
            nonlocal rounds
            while not is_over.is_set():
                rounds += 1
                changes: dict[str, tuple[int, ...] | None] = {}
                for number in range(100):
                    prefix = prefixes[(rounds * 977 + number * 61) % len(prefixes)]
                    gone = (rounds + number) % 3 == 0
                    changes[prefix] = None if gone else (rounds, number + 1)
                client.send(changes)
                routes.update(changes)
                has_begun.set()

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            assert has_begun.wait(60)
            before = rounds
            following = follow(speaker, freeze=None, relist_s=1.0)
            during = rounds - before
            wait_until(lambda: rounds > before + during + 5)
        finally:
            is_over.set()
            thread.join()
    assert during >= 1, "nothing changed while the table was listed, so nothing was tested"
    following.wait_for(as_text({p: path for p, path in routes.items() if path is not None}))
    assert speaker.table() == following.table()
    time.sleep(4)  # so that a whole list is compared with a table at rest
    assert 0 == following.feed.standing().repaired


def test_a_storm_of_withdrawals_freezes_the_table(speaker: Speaker, follow: Any) -> None:
    routes = make_routes(1000)
    with announcer(speaker) as client:
        client.send(routes)
        following = follow(speaker)
        client.send(dict.fromkeys(list(routes)[:900]))
        wait_until(lambda: following.feed.standing().withheld == 900)
        assert as_text(routes) == following.table()
        assert following.feed.standing().is_frozen

        client.send(dict(list(routes.items())[:850]))
        gone = set(list(routes)[850:900])
        following.wait_for(as_text({p: path for p, path in routes.items() if p not in gone}))
        assert not following.feed.standing().is_frozen
        assert 0 == following.feed.standing().withheld


def test_a_few_withdrawals_are_carried_out(speaker: Speaker, follow: Any) -> None:
    routes = make_routes(1000)
    with announcer(speaker) as client:
        client.send(routes)
        following = follow(speaker, quiet_s=0.0)
        wait_until(lambda: following.feed.standing().phase == "live")
        gone = list(routes)[:90]
        client.send(dict.fromkeys(gone))
        following.wait_for(as_text({p: path for p, path in routes.items() if p not in gone}))


def test_a_server_that_is_killed_and_started_again_changes_only_what_changed(
    speaker: Speaker, follow: Any
) -> None:
    routes = make_routes(1000)
    with announcer(speaker) as client:
        client.send(routes)
    following = follow(speaker)
    speaker.kill()
    following.wait_for_phase("connecting")
    assert as_text(routes) == following.table()
    assert following.feed.standing().stale_since_s is not None

    speaker.start()
    following.wait_for_phase("live")
    assert as_text(routes) == following.table()  # it has none of them yet
    assert following.feed.standing().is_frozen
    changed = {**routes, next(iter(routes)): (1, 2, 3)}
    with announcer(speaker) as client:
        client.send(changed)
        following.wait_for(as_text(changed))
    wait_until(lambda: following.feed.standing().withheld == 0)
    assert following.feed.standing().stale_since_s is None


def test_a_session_that_falls_leaves_its_routes(pair: tuple[Speaker, Speaker], follow: Any) -> None:
    far, near = pair
    routes = make_routes(2000)
    with announcer(far) as client:
        client.send(routes)
    wait_until(lambda: len(near.table()) == 2000)
    following = follow(near)
    expected = as_text(routes, far.asn)
    assert expected == following.table()
    far.kill()
    following.wait_for_phase("down")
    wait_until(lambda: following.feed.standing().withheld == 2000)
    assert expected == following.table()
    assert following.feed.standing().stale_since_s is not None

    far.start()
    with announcer(far) as client:
        client.send(routes)
    following.wait_for_phase("live")
    wait_until(lambda: following.feed.standing().withheld == 0)
    assert expected == following.table()


def test_one_neighbour_can_be_chosen(pair: tuple[Speaker, Speaker], follow: Any) -> None:
    far, near = pair
    with announcer(far) as client:
        client.send({"20.0.1.0/24": (1, 2)})
    with announcer(near) as client:
        client.send({"20.0.1.0/24": (9,), "20.0.2.0/24": (9,)})
    wait_until(lambda: len(near.table()) == 2)
    following = follow(near, neighbor=parse_address(far.address), freeze=None)
    assert {"20.0.1.0/24": f"{far.asn} 1 2"} == following.table()
    with announcer(near) as client:
        client.send({"20.0.3.0/24": (9,)})
    with announcer(far) as client:
        client.send({"20.0.4.0/24": (3,)})
        following.wait_for({"20.0.1.0/24": f"{far.asn} 1 2", "20.0.4.0/24": f"{far.asn} 3"})
        client.send({"20.0.1.0/24": None})
        following.wait_for({"20.0.4.0/24": f"{far.asn} 3"})


def test_a_server_that_stands_still_is_a_site_that_is_gone(speaker: Speaker, follow: Any) -> None:
    with announcer(speaker) as client:
        client.send(make_routes(50))
    following = follow(speaker, freeze=None, ends_with_session=True)
    assert speaker.process is not None
    speaker.process.send_signal(signal.SIGSTOP)
    following.wait_for_phase("down")
    assert 50 == len(following.feed.snapshot())
    speaker.process.send_signal(signal.SIGCONT)
    following.wait_for_phase("live")
    assert 0 == following.feed.standing().reconnects
