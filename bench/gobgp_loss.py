"""How soon the clients of a site whose live source is lost are the other site's.

    python bench/gobgp_loss.py [ROUTES | full]

Each of two sites has a view with all routes, live from a gobgpd of its own: 100,000, or as
many as SPARROW_BENCH_ROUTES says; a full table takes some 8 GB and half an hour. One gobgpd
hears its routes from the other by BGP, and gives half of them one hop more, so that each site
is the nearer one for half of the clients. That source has `withdraw_on_loss`, and is lost
again and again, in three ways, while the daemon is asked for clients of both sites 20 times
a second. No answer may be lost, or be of a site that it should not be.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from ground import Client
from live import PATIENCE_S, Daemon, Speaker, announcer, free_port, load_wanted_routes
from relay import Relay
from tabular import print_table
from watching import Watch, read_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from watching import Turn

BARS_S = {100_000: 3.0, None: 5.0}
"""Seconds from the loss until all clients are the other site's: with so many routes, with more."""
ROUNDS = 3
LONGEST_S = 1500.0
"""After so many seconds of losing it no further round begins, but for the first one."""
CLIENTS = 20
"""Clients of each site, IPv4 and IPv6, that are asked for."""
STEADY_S = 3.0
"""Seconds for which answers are looked at when they are what they should be."""
LOST, OTHER = "192.0.2.1", "192.0.2.2"
"""Addresses of the site whose source is lost, and of the other one."""
_LOOK_S = 0.05
_BIAS = 2
"""Hops that the site whose routes come by way of the other's gobgpd is favoured by: one more
than that takes. With an odd origin both are equal, and the site that is configured first has it."""
_POLICY = """\
[[defined-sets.bgp-defined-sets.as-path-sets]]
as-path-set-name = "odd"
as-path-list = ["[13579]$"]
[[policy-definitions]]
name = "farther"
[[policy-definitions.statements]]
name = "odd"
[policy-definitions.statements.conditions.bgp-conditions.match-as-path-set]
as-path-set = "odd"
[policy-definitions.statements.actions]
route-disposition = "accept-route"
[policy-definitions.statements.actions.bgp-actions.set-as-path-prepend]
as = "64540"
repeat-n = 1
[global.apply-policy.config]
import-policy-list = ["farther"]
default-import-policy = "accept-route"
"""
"""Of GoBGP: gives routes with an odd origin one hop more."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way in which a source can be lost."""

    name: str
    """For the table."""
    lose: Callable[[], object]
    """Does it."""
    restore: Callable[[], object]
    """Undoes it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What runs while sources are lost."""

    near: Speaker
    """The gobgpd that is lost; its routes come from `far`."""
    far: Speaker
    """The gobgpd of the other site."""
    relay: Relay
    """Between the daemon and `near`."""
    daemon: Daemon
    """Follows both."""
    size: int
    """Routes of each."""

    def ways(self) -> tuple[Way, ...]:
        """Give the ways, in an order in which each connection lasts for a while.

        One that was short makes the daemon wait longer before the next.
        """
        neighbor = ("neighbor", self.far.address)
        return (
            Way("gobgpd is killed", self.near.kill, self.near.start),
            Way(
                "its BGP session ends",
                lambda: self.near.ask(*neighbor, "disable"),
                lambda: self.near.ask(*neighbor, "enable"),
            ),
            Way("the connection is cut", self.relay.cut, self.relay.mend),
        )

    def await_whole(self) -> None:
        """Wait until the source has all its routes again, and the daemon as well."""
        end_s = time.monotonic() + PATIENCE_S
        while not self._is_whole():
            if time.monotonic() > end_s:
                sys.exit(f"the source never came back whole: {self.daemon.status()['feeds']}")
            time.sleep(1)

    def _is_whole(self) -> bool:
        feeds = self.daemon.status()["feeds"]
        return all(
            feed["phase"] == "live"
            and not feed["withheld"]
            and feed["v4"] + feed["v6"] == self.size
            for feed in feeds
        )


@dataclass(frozen=True, slots=True)
class Round:
    """What came of losing a source once, and of its return."""

    way: Way
    """How it was lost."""
    loss: Turn
    """From the loss until its clients were the other site's."""
    back: Turn
    """From where the source was there again until they were its own again."""


def choose_clients(routes: Mapping[str, tuple[int, ...]], parity: int) -> list[Client]:
    """Give clients with an origin that is odd, or even, and no more specific route."""
    found: dict[int, list[Client]] = {4: [], 6: []}
    for prefix, path in random.Random(5).sample(sorted(routes.items()), min(len(routes), 20_000)):
        network = ip_network(prefix)
        is_finest = network.prefixlen == (24 if network.version == 4 else 48)
        # Those that are reserved or for documentation are refused (`sanity`).
        if is_finest and path[-1] % 2 == parity and path[-1] < 64496 and path[-1] != 23456:
            client = Client(network.version, int(network.network_address), network.prefixlen)
            found[network.version].append(client)
    return found[4][: CLIENTS // 2] + found[6][: CLIENTS // 2]


def lose_once(scene: Scene, way: Way, watch: Watch) -> Round:
    """Lose the source and have it back, with the answers looked at all the time."""
    own = (LOST,) * CLIENTS + (OTHER,) * CLIENTS
    gone = (OTHER,) * (2 * CLIENTS)
    watch.await_answers(own, PATIENCE_S)
    lost_at_s = time.monotonic()
    way.lose()
    watch.await_answers(gone, PATIENCE_S)
    time.sleep(STEADY_S)
    looks = watch.looks_since(lost_at_s)
    loss = read_turn(looks, lost_at_s, own, gone)
    restored_at_s = looks[-1].at_s
    way.restore()
    await_session(scene.near)
    there_at_s = time.monotonic()
    watch.await_answers(own, PATIENCE_S)
    scene.await_whole()
    time.sleep(STEADY_S)
    back = read_turn(watch.looks_since(restored_at_s), there_at_s, gone, own)
    return Round(way, loss, back)


def open_daemon(folder: Path, near: Relay, far: Speaker) -> Daemon:
    """Configure a daemon that follows both."""
    keys = {
        "self": "other",
        "ranking": {"rank_by": ["path"]},
        "sites": {"other": {"vips": [OTHER]}, "lost": {"vips": [LOST], "bias": _BIAS}},
        "routes": [
            {"gobgp": near.target, "view": "lost", "withdraw_on_loss": True},
            # Its only session is that with the other one, so that it may well have none.
            {"gobgp": far.target, "view": "other"},
        ],
    }
    return Daemon(folder, keys)


def await_session(speaker: Speaker) -> None:
    """Wait until its BGP session is up; one that is busy may not answer in time."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        with suppress(subprocess.CalledProcessError):
            if speaker.is_up():
                return
        time.sleep(_LOOK_S)
    sys.exit("the BGP session never came up")


def start_speakers(folder: Path, stack: ExitStack) -> tuple[Speaker, Speaker]:
    """Start both gobgpd with a session between them, and end them with the stack."""
    far = Speaker(folder / "far", 64520, "127.0.0.2", free_port(), free_port())
    near = Speaker(
        *(folder / "near", 64530, "127.0.0.3", free_port(), free_port()),
        peers=[far],
        is_passive=True,
        more=_POLICY,
    )
    far.peers.append(near)
    for each in (near, far):
        stack.callback(each.kill)
        each.start()
    await_session(near)
    return near, far


def lose_in_turns(scene: Scene, watch: Watch) -> Iterator[Round]:
    """Lose the source in all ways, a few times over, and tell of each as it goes."""
    scene.await_whole()
    end_s = time.monotonic() + LONGEST_S
    for number in range(ROUNDS):
        if number and time.monotonic() > end_s:
            return
        for way in scene.ways():
            found = lose_once(scene, way, watch)
            print(
                f"{way.name}: {found.loss.all_s:.2f} s, back {found.back.all_s:.2f} s", flush=True
            )
            yield found


def measure(routes: dict[str, tuple[int, ...]]) -> list[Round]:
    """Have two gobgpd with these routes, and a daemon that follows both; give what came of it."""
    clients = [client for parity in (0, 1) for client in choose_clients(routes, parity)]
    size = len(routes)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        near, far = start_speakers(folder, stack)
        stack.enter_context(announcer(far)).send(routes)
        routes.clear()  # at a full table half a gigabyte
        relay = Relay(free_port(), near.api_port)
        stack.callback(relay.cut)
        daemon = open_daemon(folder, relay, far)
        stack.enter_context(daemon.running())
        scene = Scene(near, far, relay, daemon, size)
        watch = stack.enter_context(Watch(daemon.port, clients))
        return list(lose_in_turns(scene, watch))


def report(size: int, rounds: Sequence[Round]) -> int:
    """Print what was measured; give 1 where a bar is missed."""
    bar_s = next(bar_s for most, bar_s in BARS_S.items() if most is None or size <= most)
    names = dict.fromkeys(each.way.name for each in rounds)
    rows = [_row([each for each in rounds if each.way.name == name], bar_s) for name in names]
    heads = ("", "times", "first", "all", "longest", "allowed", "back", "longest", "wrong", "lost")
    title = f"Seconds to the other site, and back, with {size} routes in each view"
    print_table(title, heads, rows)
    print(f"    load of the machine in the last minutes: {os.getloadavg()[1]:.1f}")
    is_late = any(each.loss.all_s > bar_s for each in rounds)
    turns = [turn for each in rounds for turn in (each.loss, each.back)]
    return int(is_late or any(turn.wrong or turn.lost for turn in turns))


def _row(rounds: Sequence[Round], bar_s: float) -> tuple[object, ...]:
    """Give the row of one way, with medians but where it says otherwise."""
    first = [each.loss.first_s for each in rounds]
    gone = [each.loss.all_s for each in rounds]
    back = [each.back.all_s for each in rounds]
    return (
        rounds[0].way.name,
        len(rounds),
        f"{statistics.median(first):.2f}",
        f"{statistics.median(gone):.2f}",
        f"{max(gone):.2f}",
        f"{bar_s:.0f}",
        f"{statistics.median(back):.2f}",
        f"{max(back):.2f}",
        sum(each.loss.wrong + each.back.wrong for each in rounds),
        sum(each.loss.lost + each.back.lost for each in rounds),
    )


def main() -> int:
    """Measure, and give 1 where a bar is missed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all that was started ends
    routes = load_wanted_routes()
    size = len(routes)
    return report(size, measure(routes))


if __name__ == "__main__":
    sys.exit(main())
