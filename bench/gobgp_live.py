"""What following a gobgpd costs the daemon, and how soon an update is in the answers.

    python bench/gobgp_live.py [ROUTES | full]

The daemon serves the real tables from their files, with routes that a gobgpd on loopback
gives laid over them: 100,000, or as many as SPARROW_BENCH_ROUTES says; a full table takes
some 6 GB and minutes. Measured are its memory, its CPU time while 200 prefixes a second
change, and then the time from one change to the answer over DNS.
"""

from __future__ import annotations

import contextlib
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import dns.edns
import dns.message
import dns.query
from costs import cpu_ns, spent_ns
from ground import TABLES, ZONE
from live import PATIENCE_S, Daemon, Speaker, announcer, free_port, load_wanted_routes
from tabular import print_table

if TYPE_CHECKING:
    from live import Announcer

RATE = 200
"""Prefixes that change a second."""
MEASURED_S = 60
CPU_BAR = 25.0
"""Percent of a core that the daemon may take at that rate."""
LATENCY_BAR_S = 2.0
"""Seconds from an update to the answer."""
UPDATES = 10
"""Updates whose way to the answer is timed."""
_VIPS = {64600: "192.0.2.1", 64601: "192.0.2.2", 64602: "192.0.2.3"}


def open_daemon(folder: Path, speaker: Speaker) -> Daemon:
    """Configure a daemon with the tables of files, and those of a speaker over them."""
    files = [
        {"file": str(path), "format": "pfx2as"}
        for path in sorted(TABLES.glob("internet-*.pfx2as.gz"))
    ]
    sites = {f"as{asn}": {"asn": [asn], "vips": [vip]} for asn, vip in _VIPS.items()}
    routes = [*files, {"gobgp": speaker.target}]
    return Daemon(folder, {"self": "as64600", "sites": sites, "routes": routes})


def ask(daemon: Daemon, prefix: str) -> str:
    """Give the address that users in a prefix get."""
    network, length = prefix.split("/")
    option = dns.edns.ECSOption(network, int(length))
    query = dns.message.make_query(ZONE, "A", use_edns=0, options=[option])
    response = dns.query.udp(query, "127.0.0.1", port=daemon.port, timeout=5)
    return str(response.answer[0][0])


def measure_load(client: Announcer, pid: int, prefixes: list[str]) -> float:
    """Give the percent of a core that a process takes while routes change steadily."""
    chance = random.Random(1)
    before = cpu_ns([pid])
    began_s = time.monotonic()
    for step in range(MEASURED_S * 10):
        changed = chance.sample(prefixes, RATE // 10)
        client.send({prefix: _random_path(chance) for prefix in changed})
        time.sleep(max(0.0, began_s + (step + 1) / 10 - time.monotonic()))
    took_s = time.monotonic() - began_s
    return spent_ns(before, cpu_ns([pid])) / took_s / 1e7


def _random_path(chance: random.Random) -> tuple[int, ...]:
    return (64600 + chance.randrange(3), 3356, chance.randrange(1000, 2000), 7018)


def measure_update(client: Announcer, daemon: Daemon, prefix: str) -> float:
    """Give the seconds from a change of one prefix to the answer."""
    present = ask(daemon, prefix)
    asn, wanted = next((asn, vip) for asn, vip in _VIPS.items() if vip != present)
    began_s = time.monotonic()
    client.send({prefix: (asn, 3356, 7018)})
    while ask(daemon, prefix) != wanted:
        if time.monotonic() > began_s + PATIENCE_S:
            sys.exit(f"the change of {prefix} never came to the answer")
        time.sleep(0.005)
    return time.monotonic() - began_s


def read_pss_mib(pid: int) -> int:
    """Give the memory of a process, its part of what is shared included."""
    found = re.search(
        r"^Pss: +([0-9]+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE
    )
    return int(found[1]) // 1024 if found else 0


def measure(routes: dict[str, tuple[int, ...]]) -> int:
    """Measure with these routes; give 1 where a bar is missed."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        speaker = Speaker(folder / "peer", 64500, "127.0.0.3", free_port(), free_port()).start()
        stack.callback(speaker.kill)
        client = stack.enter_context(announcer(speaker))
        client.send(routes)
        daemon = open_daemon(folder, speaker)
        stack.enter_context(daemon.running())
        pid = int(str(daemon.status()["daemon_pid"]))
        at_first_mib = read_pss_mib(pid)
        percent = measure_load(client, pid, list(routes))
        after_mib = read_pss_mib(pid)
        v4 = [prefix for prefix in routes if ":" not in prefix and int(prefix.split("/")[1]) == 24]
        time.sleep(10)  # until what was sent at last is taken up
        times = [measure_update(client, daemon, each) for each in random.sample(v4, UPDATES)]
    print_table(
        f"The daemon with the tables of files and {len(routes)} live routes",
        ["", ""],
        [
            ("memory at first (PSS)", f"{at_first_mib} MiB"),
            (f"memory after {RATE * MEASURED_S} updates", f"{after_mib} MiB"),
            (f"CPU at {RATE} updates/s", f"{percent:.1f} % of a core, {CPU_BAR:.0f} are allowed"),
            ("update to answer, median", f"{statistics.median(times):.2f} s"),
            ("update to answer, longest", f"{max(times):.2f} s, {LATENCY_BAR_S:.0f} are allowed"),
        ],
    )
    return int(percent > CPU_BAR or max(times) > LATENCY_BAR_S)


def main() -> int:
    """Measure, and give 1 where a bar is missed."""
    return measure(load_wanted_routes())


if __name__ == "__main__":
    sys.exit(main())
