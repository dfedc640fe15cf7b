"""Times for loading a large zone, and what stays in memory.

    python bench/load_zone.py [RECORDS]

Without a number it makes 100,000 records of mixed types. It reads them as
`sparrow check` does, step by step.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

from sparrow.dns.zonecheck import ZoneSource, build_zone
from sparrow.dns.zonefile import parse_zone
from sparrow.sources.zonetext import load_text
from sparrow.values.name import parse_name

ORIGIN = "large.example."
HEAD = f"""\
$TTL 300
$ORIGIN {ORIGIN}
@ SOA ns hostmaster 1 7200 3600 1209600 300
@ NS ns
ns A 192.0.2.1
"""
SHAPES = (
    "h{0} A 192.0.2.{1}",
    "h{0} AAAA 2001:db8::{1:x}",
    "h{0} MX 10 h0",
    'h{0} TXT "text {0}" "and more"',
    "h{0}.deep.tree CNAME h0",
    "d{0} NS ns",
    "*.w{0} SRV 1 2 {1} h0",
    'c{0} CAA 0 issue "ca{0}.example.net"',
    "s{0} HTTPS 1 . alpn=h2",
    "p{0} PTR h0",
)
"""Lines, by turns; {0} is the record's number, {1} its last octet."""


def make_text(count: int) -> str:
    """Give a master file of `count` records."""
    numbers = range(count - 3)
    lines = (SHAPES[n % len(SHAPES)].format(n, n & 255) for n in numbers)
    return HEAD + "\n".join(lines) + "\n"


def rss_mib() -> float:
    """Resident memory of this process."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Read, check and build the zone."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    origin = parse_name(ORIGIN)
    text = make_text(count)
    before = rss_mib()
    start = perf_counter()
    records = parse_zone(text, origin, "large.zone", load_text).records
    parsed = perf_counter()
    built = build_zone(ZoneSource(origin, records, ("sparrow.yaml", 1)))
    done = perf_counter()
    print(
        f"{len(records):,} records: parse {parsed - start:.2f} s   check and build "
        f"{done - parsed:.2f} s   all {done - start:.2f} s   {len(built.zone.nodes):,} names   "
        f"RSS {before:.0f} MiB before, {rss_mib():.0f} MiB after"
    )


if __name__ == "__main__":
    main()
