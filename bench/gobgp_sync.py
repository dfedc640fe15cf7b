"""How long the first reading of a gobgpd takes, beside that of a bare reader of octets.

    python bench/gobgp_sync.py [ROUTES]

Starts a gobgpd on loopback, gives it routes, and reads them in turns: a bare loop over the
messages of ListPath that decodes nothing, and the feed as the daemon runs it, from the start
of its threads to a table that can be compiled.
"""

from __future__ import annotations

import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import grpc
from grpc.experimental import ChannelOptions

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "feeds"))

from speakers import Speaker, announcer, make_routes  # noqa: E402

from sparrow.feeds.gobgp import GobgpFeed, GobgpSource  # noqa: E402
from sparrow.feeds.gobgpwire import GENERATIONS, encode_list  # noqa: E402

BAR = 1.6
"""Times the bare reader's time that the feed may take."""
ROUNDS = 5


def free_port() -> int:
    """Give a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def read_bare(target: str) -> tuple[int, float]:
    """Give the number of rows and the seconds that a loop without a decoder takes."""
    began_s = time.perf_counter()
    options = [
        ("grpc.max_receive_message_length", -1),
        (ChannelOptions.SingleThreadedUnaryStream, 1),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.insecure_channel(target, options) as channel:
        call = channel.unary_stream("/apipb.GobgpApi/ListPath")
        count = sum(1 for family in (4, 6) for _ in call(encode_list(GENERATIONS[0], family, None)))
    return count, time.perf_counter() - began_s


def read_feed(target: str) -> tuple[int, float]:
    """Give the number of prefixes and the seconds that the feed takes."""
    began_s = time.perf_counter()
    feed = GobgpFeed(GobgpSource(target), lambda: None)
    feed.start()
    if not feed.wait(600):
        raise SystemExit(f"the feed did not come to its end: {feed.standing()}")
    count = len(feed.snapshot())
    took_s = time.perf_counter() - began_s
    feed.stop()
    return count, took_s


def main() -> int:
    """Measure, and give 1 where the feed takes longer than the bar allows."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        speaker = Speaker(Path(folder), 64500, "127.0.0.3", free_port(), free_port()).start()
        try:
            with announcer(speaker) as client:
                client.send(make_routes(wanted))
            read_bare(speaker.target)
            rounds = [(read_bare(speaker.target), read_feed(speaker.target)) for _ in range(ROUNDS)]
        finally:
            speaker.kill()
    for (bare, bare_s), (fed, feed_s) in rounds:
        print(f"bare {bare} rows in {bare_s:.2f} s, feed {fed} in {feed_s:.2f} s")
    bare_s = statistics.median(took_s for (_, took_s), _ in rounds)
    feed_s = statistics.median(took_s for _, (_, took_s) in rounds)
    ratio = feed_s / bare_s
    print(f"the feed takes {ratio:.2f} times the bare reader's time; {BAR} are allowed")
    return int(ratio > BAR)


if __name__ == "__main__":
    sys.exit(main())
