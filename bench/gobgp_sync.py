"""How long the first reading of a gobgpd takes, beside that of a bare reader of octets.

    python bench/gobgp_sync.py [ROUTES | full]

Starts a gobgpd on loopback, gives it routes of the real tables, and reads them in turns: a
bare loop over the messages of ListPath that decodes nothing, and the feed as the daemon runs
it, from the start of its threads to a table that can be compiled. Without an argument
SPARROW_BENCH_ROUTES says how many, or 100,000; a full table takes some 6 GB and minutes.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc.experimental import ChannelOptions
from live import Speaker, announcer, free_port, load_wanted_routes
from tabular import print_table

from sparrow.feeds.gobgp import GobgpFeed
from sparrow.feeds.gobgpsource import GobgpSource
from sparrow.feeds.gobgpwire import GENERATIONS, encode_list

BAR = 1.6
"""Times the bare reader's time that the feed may take."""
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """One way through the table."""

    rows: int
    """Prefixes read."""
    wall_s: float
    """Seconds by the clock."""
    cpu_s: float
    """Seconds of a processor that this process took."""


def read_bare(target: str) -> Reading:
    """Read by a loop without a decoder."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    options = [
        ("grpc.max_receive_message_length", -1),
        (ChannelOptions.SingleThreadedUnaryStream, 1),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.insecure_channel(target, options) as channel:
        call = channel.unary_stream("/apipb.GobgpApi/ListPath")
        count = sum(1 for family in (4, 6) for _ in call(encode_list(GENERATIONS[0], family, None)))
    return Reading(count, time.perf_counter() - began_s, time.process_time() - began_cpu_s)


def read_feed(target: str) -> Reading:
    """Read by the feed."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    feed = GobgpFeed(GobgpSource(target), lambda: None)
    feed.start()
    if not feed.wait(600):
        raise SystemExit(f"the feed did not come to its end: {feed.standing()}")
    count = len(feed.snapshot())
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    feed.stop()
    return Reading(count, wall_s, cpu_s)


def measure(routes: dict[str, tuple[int, ...]]) -> list[tuple[Reading, Reading]]:
    """Read as often as it takes to trust the median, in turns, as the machine has moods."""
    rounds = ROUNDS if len(routes) < 500_000 else 3
    with tempfile.TemporaryDirectory() as folder:
        speaker = Speaker(Path(folder), 64500, "127.0.0.3", free_port(), free_port()).start()
        try:
            with announcer(speaker) as client:
                client.send(routes)
            read_bare(speaker.target)
            return [(read_bare(speaker.target), read_feed(speaker.target)) for _ in range(rounds)]
        finally:
            speaker.kill()


def main() -> int:
    """Measure, and give 1 where the feed takes longer than the bar allows."""
    routes = load_wanted_routes()
    rounds = measure(routes)
    if any(reading.rows != len(routes) for pair in rounds for reading in pair):
        print(f"not every reader read all {len(routes)} routes: {rounds}")
        return 1
    print_table(
        f"First reading of {len(routes)} routes of a gobgpd",
        ["reader", "seconds", "CPU seconds", "routes/s"],
        [
            [name, f"{each.wall_s:.2f}", f"{each.cpu_s:.2f}", int(each.rows / each.wall_s)]
            for pair in rounds
            for name, each in zip(("bare", "feed"), pair, strict=True)
        ],
    )
    wall = statistics.median(feed.wall_s / bare.wall_s for bare, feed in rounds)
    cpu = statistics.median(feed.cpu_s / bare.cpu_s for bare, feed in rounds)
    print(
        f"the feed takes {wall:.2f} times the bare reader's time, and {cpu:.2f} times its CPU",
        end="",
    )
    print(f" time; {BAR} of time are allowed")
    return int(wall > BAR)


if __name__ == "__main__":
    sys.exit(main())
