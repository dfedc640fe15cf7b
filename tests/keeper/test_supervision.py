from __future__ import annotations

from sparrow.keeping.supervision import (
    FIRST_PAUSE_S,
    HEAD_START_S,
    LONGEST_PAUSE_S,
    MEMORY_S,
    Kind,
    Post,
    confirm,
    due_posts,
    end_head_start,
    fill,
    give_head_start,
    next_due_s,
    plan_posts,
    vacate,
)


def die(post: Post, *times_s: float) -> Post:
    for now_s in times_s:
        post = vacate(fill(post, 1), now_s)
    return post


def test_a_server_has_its_workers_one_for_tcp_and_the_daemon() -> None:
    names = [post.name for post in plan_posts(3, has_dns=True)]
    assert ["udp-0", "udp-1", "udp-2", "tcp", "daemon"] == names
    assert ["daemon"] == [post.name for post in plan_posts(3, has_dns=False)]


def test_an_empty_post_is_due_at_once_and_a_filled_one_never() -> None:
    posts = plan_posts(1, has_dns=True)
    assert sorted(posts, key=str) == sorted(due_posts(posts, 0.0), key=str)
    filled = [fill(post, 7) for post in posts]
    assert [] == due_posts(filled, 1e9)
    assert next_due_s(filled) is None


def test_all_that_is_due_starts_behind_the_daemon() -> None:
    posts = plan_posts(2, has_dns=True)
    assert ["daemon", "udp-0", "udp-1", "tcp"] == [post.name for post in due_posts(posts, 0.0)]


def test_without_a_last_plan_tcp_follows_when_all_of_udp_is_ready() -> None:
    posts = give_head_start(plan_posts(1, has_dns=True), 100.0, has_plan=False)
    assert ["daemon", "udp-0"] == [post.name for post in due_posts(posts, 100.0)]
    started = [post if post.kind is Kind.TCP else confirm(fill(post, 7)) for post in posts]
    assert ["tcp"] == [post.name for post in due_posts(end_head_start(started), 100.0)]


def test_with_a_last_plan_udp_starts_first_and_others_follow_when_all_of_it_is_ready() -> None:
    posts = give_head_start(plan_posts(2, has_dns=True), 100.0, has_plan=True)
    assert ["udp-0", "udp-1"] == [post.name for post in due_posts(posts, 100.0)]
    started = {post.name: fill(post, 7) if post.kind is Kind.UDP else post for post in posts}
    started["udp-0"] = confirm(started["udp-0"])
    assert () == end_head_start(started.values())
    started["udp-1"] = confirm(started["udp-1"])
    assert ["daemon", "tcp"] == [
        post.name for post in due_posts(end_head_start(started.values()), 100.0)
    ]


def test_udp_that_never_gets_ready_delays_nobody_for_long() -> None:
    posts = give_head_start(plan_posts(1, has_dns=True), 100.0, has_plan=True)
    assert 3 == len(due_posts(posts, 100.0 + HEAD_START_S))


def test_a_head_start_changes_no_pause_after_a_death() -> None:
    udp, tcp, daemon = plan_posts(1, has_dns=True)
    posts = [confirm(fill(udp, 1)), vacate(fill(tcp, 2), 5.0), fill(daemon, 3)]
    assert () == end_head_start(posts)


def test_a_post_is_ready_only_while_its_process_lives() -> None:
    post = confirm(fill(Post("udp-0", Kind.UDP), 7))
    assert post.is_ready
    assert not vacate(post, 1.0).is_ready


def test_pauses_double_up_to_a_bound() -> None:
    post, pauses = Post("daemon", Kind.DAEMON), []
    for _ in range(12):
        post = die(post, 100.0)
        assert post.due_s is not None
        pauses.append(post.due_s - 100.0)
    assert [FIRST_PAUSE_S, FIRST_PAUSE_S * 2, FIRST_PAUSE_S * 4] == [
        round(p, 9) for p in pauses[:3]
    ]
    assert LONGEST_PAUSE_S == pauses[-1]
    assert sorted(pauses) == pauses


def test_the_first_three_replacements_come_within_a_second() -> None:
    post = die(Post("udp-0", Kind.UDP), 10.0, 10.0, 10.0)
    assert post.due_s is not None
    assert post.due_s < 11.0


def test_a_death_of_long_ago_does_not_count() -> None:
    post = die(Post("udp-0", Kind.UDP), 10.0, 10.0, 10.0, 11.0 + MEMORY_S)
    assert 11.0 + MEMORY_S + FIRST_PAUSE_S == post.due_s
    assert 4 == post.restarts


def test_three_deaths_in_ten_seconds_give_the_pure_twin_for_good() -> None:
    for kind in (Kind.UDP, Kind.TCP):
        assert not die(Post("x", kind), 10.0, 19.0).is_pure
        assert not die(Post("x", kind), 10.0, 15.0, 20.5).is_pure
        assert die(Post("x", kind), 10.0, 15.0, 19.5).is_pure
        assert die(Post("x", kind), 10.0, 15.0, 19.5, 1000.0).is_pure


def test_the_daemon_has_no_twin() -> None:
    assert not die(Post("daemon", Kind.DAEMON), 10.0, 10.0, 10.0, 10.0).is_pure


def test_the_next_to_start_is_the_earliest() -> None:
    posts = [die(Post("a", Kind.UDP), 10.0, 10.0), die(Post("b", Kind.UDP), 10.0)]
    assert 10.0 + FIRST_PAUSE_S == next_due_s(posts)
    assert ["b"] == [post.name for post in due_posts(posts, 10.0 + FIRST_PAUSE_S)]
