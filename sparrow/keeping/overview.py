"""Who serves, as `sparrow status` shows it: keeper, workers and what they count.

Law: everything is read from the run directory, so a daemon that has just started
tells the same as one that has run for long. Start from `Overview`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sparrow.keeping.charge import COUNTERS
from sparrow.keeping.children import STATE
from sparrow.keeping.supervision import Kind, plan_posts
from sparrow.keeping.tally import Tally, WorkerState, render_counters

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sparrow.keeping.layout import Layout
    from sparrow.policy.shift import ClassKey


class Overview:
    """The processes of a run directory."""

    def __init__(self, layout: Layout, run_dir: Path) -> None:
        self._layout = layout
        self._run_dir = run_dir
        self._tally = Tally(run_dir / COUNTERS)

    def load_keeper(self) -> dict[str, Any]:
        """Give what the keeper wrote last: `pid`, `started_at`, `posts`; empty for nothing."""
        try:
            return dict(json.loads((self._run_dir / STATE).read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def fold(self) -> None:
        """Add the counters of those who are gone to the sums."""
        self._tally.fold()

    def serves(self, generation: int) -> bool:
        """Tell whether every worker that there should be answers from a generation, or a later."""
        found = self._tally.generations()
        names = {name.partition(".")[0] for name in found}
        posts = plan_posts(self._layout.workers, has_dns=bool(self._layout.dns))
        wanted = {post.name for post in posts if post.kind is not Kind.DAEMON}
        return wanted <= names and min(found.values(), default=generation) >= generation

    def read_classes(self) -> Counter[ClassKey]:
        """Give the steered responses so far by class, for `sparrow.policy.shift`."""
        return self._tally.read()[0].classes

    def read(self, sites: Sequence[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Give the objects `counters` and `workers` of the status."""
        sums, states = self._tally.read()
        by_pid = {state.pid: state for state in states}
        posts = [post for post in self.load_keeper().get("posts", ()) if _is_worker(post)]
        rows = [self._row(post, by_pid.pop(post["pid"], None)) for post in posts]
        # Those of a predecessor that are about to leave, or of a keeper that is dead.
        rows += [self._row(_post_of(state), state) for state in by_pid.values()]
        return render_counters(sums, sites), rows

    def _row(self, post: Mapping[str, Any], state: WorkerState | None) -> dict[str, Any]:
        words = state.sums.udp + state.sums.tcp if state else {}
        return {
            "name": post["name"],
            "pid": post["pid"],
            "ready": post["ready"],
            "restarts": post["restarts"],
            "twin": post["twin"],
            "generation": state.generation if state else 0,
            "refused_plans": state.refused if state else 0,
            **{name: words.get(name, 0) for name in ("queries", "misses", "ring_drops")},
            "sockets": [
                {
                    "endpoint": self._endpoint(seat.endpoint),
                    "receive_buffer": seat.receive_buffer,
                    "drops": seat.socket_drops,
                }
                for seat in (state.seats if state else ())
            ],
        }

    def _endpoint(self, number: int) -> str:
        dns = self._layout.dns
        return str(dns[number]) if number < len(dns) else "?"


def _is_worker(post: Mapping[str, Any]) -> bool:
    return bool(post["kind"] != Kind.DAEMON.value)


def _post_of(state: WorkerState) -> dict[str, Any]:
    twin = "pure" if state.is_pure else "native"
    return {"name": state.post, "pid": state.pid, "ready": True, "restarts": None, "twin": twin}
