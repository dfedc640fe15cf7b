"""Two speakers, and a feed that follows one of them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from speakers import PATIENCE_S, Speaker, need_gobgpd, wait_until

from sparrow.feeds.gobgp import GobgpFeed
from sparrow.feeds.gobgpsource import GobgpSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Following:
    """A feed, and what it said."""

    feed: GobgpFeed
    changed: threading.Event = field(default_factory=threading.Event)

    def table(self) -> dict[str, str]:
        return {str(prefix): str(route) for prefix, route in self.feed.snapshot().entries()}

    def wait_for(self, expected: dict[str, str]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.table() != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert expected == self.table()

    def wait_for_phase(self, phase: str) -> None:
        wait_until(
            lambda: self.feed.standing().phase == phase, f"never {phase}: {self.feed.standing()}"
        )


@pytest.fixture
def speaker(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Speaker]:
    """A gobgpd without neighbours."""
    need_gobgpd()
    found = Speaker(tmp_path / "speaker", 64500, "127.0.0.3", free_port(), free_port()).start()
    yield found
    found.kill()


@pytest.fixture
def pair(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[tuple[Speaker, Speaker]]:
    """Two gobgpd with a session: the second hears from the first."""
    need_gobgpd()
    far = Speaker(tmp_path / "far", 64510, "127.0.0.2", free_port(), free_port())
    near = Speaker(tmp_path / "near", 64500, "127.0.0.3", free_port(), free_port())
    far.peers, near.peers, near.is_passive = [near], [far], True
    near.start()
    far.start()
    wait_until(near.is_up, "the speakers have no session")
    yield far, near
    far.kill()
    near.kill()


@pytest.fixture
def follow() -> Iterator[Callable[..., Following]]:
    """Start to follow a speaker, by default with little patience, and wait for its table."""
    started: list[GobgpFeed] = []

    def begin(speaker: Speaker, **settings: object) -> Following:
        usual: dict[str, object] = {"settle_s": 0.05, "max_delay_s": 1.0, "quiet_s": 1.0}
        source = GobgpSource(speaker.target, **{**usual, **settings})  # type: ignore[arg-type]
        event = threading.Event()
        following = Following(GobgpFeed(source, event.set), event)
        started.append(following.feed)
        following.feed.start()
        assert following.feed.wait(PATIENCE_S), following.feed.standing()
        return following

    yield begin
    for feed in started:
        feed.stop()
