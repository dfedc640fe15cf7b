"""When a dead process is replaced, and by which twin.

Law: pure; a post is a value, what happens to it gives the next value, and the time
is an argument (seconds of any clock that only grows). Start from `Post`.

    event                           the post's next state
    started (pid)                   running, not ready
    ready                           ready
    died, first time in a while     empty, due after `FIRST_PAUSE_S`
    died again within `MEMORY_S`    empty, due after twice the last pause, up to `LONGEST_PAUSE_S`
    the third death in `TWIN_S`     the same; from now on the pure twin, where there is one
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_PAUSE_S = 0.05
"""Seconds before a dead process is replaced: at once, for those who wait for answers."""
LONGEST_PAUSE_S = 5.0
"""Seconds; what dies at every start shall not take the processor from those who live."""
MEMORY_S = 60.0
"""Seconds after which a death no longer counts against the next start."""
TWIN_S = 10.0
"""Seconds in which `TWIN_DEATHS` deaths speak against the native twin and not against chance."""
TWIN_DEATHS = 3
HEAD_START_S = 0.5
"""Seconds that others wait at most for those on whom the first answer depends."""


class Kind(Enum):
    """What a post is for."""

    UDP = "udp"
    TCP = "tcp"
    DAEMON = "daemon"

    @property
    def has_twin(self) -> bool:
        """Tell whether the work can be done without native code."""
        return self is not Kind.DAEMON


@dataclass(frozen=True, slots=True)
class Post:
    """A place that a process is to fill."""

    name: str
    """Unique among the posts, as `udp-0`."""
    kind: Kind
    """What it is for."""
    number: int = 0
    """Place among the posts of its kind, counted from 0."""
    pid: int | None = None
    """The process that fills it; None while it is empty."""
    is_ready: bool = False
    """Whether that process has said so."""
    due_s: float | None = 0.0
    """When a process is to be started; None while it is filled."""
    deaths: tuple[float, ...] = ()
    """Times of the deaths of the last `MEMORY_S` seconds, oldest first."""
    restarts: int = 0
    """Processes that were started in the place of a dead one."""
    is_pure: bool = False
    """Whether the pure twin serves here."""


def fill(post: Post, pid: int) -> Post:
    """Give the post with a process that was started for it."""
    return replace(post, pid=pid, is_ready=False, due_s=None)


def confirm(post: Post) -> Post:
    """Give the post whose process has said that it is ready."""
    return replace(post, is_ready=True)


def vacate(post: Post, now_s: float) -> Post:
    """Give the post whose process has died at `now_s`: when to try again, and with which twin."""
    recent = (*(at_s for at_s in post.deaths if at_s > now_s - MEMORY_S), now_s)
    pause_s = min(FIRST_PAUSE_S * 2.0 ** min(len(recent) - 1, 30), LONGEST_PAUSE_S)
    in_a_row = sum(at_s > now_s - TWIN_S for at_s in recent)
    return replace(
        post,
        pid=None,
        is_ready=False,
        due_s=now_s + pause_s,
        deaths=recent,
        restarts=post.restarts + 1,
        is_pure=post.is_pure or (post.kind.has_twin and in_a_row >= TWIN_DEATHS),
    )


def due_posts(posts: Iterable[Post], now_s: float) -> list[Post]:
    """Give the posts for which a process is to be started now.

    The daemon comes first: where there is no last plan, all the others wait for its one.
    """
    due = (post for post in posts if post.due_s is not None and post.due_s <= now_s)
    return sorted(due, key=lambda post: post.kind is not Kind.DAEMON)


def next_due_s(posts: Iterable[Post]) -> float | None:
    """Tell when the next process is to be started; None where all posts are filled."""
    return min((post.due_s for post in posts if post.due_s is not None), default=None)


def give_head_start(posts: Iterable[Post], now_s: float, *, has_plan: bool) -> tuple[Post, ...]:
    """Give posts at a start: what the first answer does not depend on follows the rest.

    That answer comes from UDP workers, where there is no last plan by way of the daemon.
    Where there are few processors, each process that starts beside them delays it.
    """
    first = {Kind.UDP} if has_plan else {Kind.UDP, Kind.DAEMON}
    due_s = now_s + HEAD_START_S
    return tuple(each if each.kind in first else replace(each, due_s=due_s) for each in posts)


def end_head_start(posts: Iterable[Post]) -> tuple[Post, ...]:
    """Give the posts that are due as every UDP worker is ready; () as long as one is not."""
    known = tuple(posts)
    if not all(post.is_ready for post in known if post.kind is Kind.UDP):
        return ()
    waiting = (post for post in known if post.due_s is not None and not post.restarts)
    return tuple(replace(post, due_s=0.0) for post in waiting)


def plan_posts(workers: int, *, has_dns: bool) -> tuple[Post, ...]:
    """Give the posts of a server: its UDP workers, the TCP worker, the daemon."""
    daemon = Post("daemon", Kind.DAEMON)
    if not has_dns:
        return (daemon,)
    udp = (Post(f"udp-{number}", Kind.UDP, number) for number in range(workers))
    return (*udp, Post("tcp", Kind.TCP), daemon)
