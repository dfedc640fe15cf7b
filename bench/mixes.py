"""The mixes of queries, as files for `dnsperf -B`, and what is right to answer.

A file holds queries one behind the other, each with its length in two octets before
it, as DNS over TCP has them (RFC 1035 section 4.2.2). Start from `build_mixes`.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ground import FALLBACK, VIPS, ZONE, Ground, sample_anywhere
from wire import CHAOS, NOERROR, NXDOMAIN, TXT, encode_query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ECS_QUERIES = 200_000
"""More than a slice of one second asks, so that few subnets come twice in it."""
_NAMES = 50_000
_SEED = 7871

Outcome = tuple[int, tuple[str, ...]]
"""An rcode, and addresses."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Queries of one kind."""

    name: str
    """For the tables."""
    queries: tuple[bytes, ...]
    """In the order in which they are asked, again and again."""
    expected: tuple[Outcome, ...]
    """What is right to answer, query by query; empty where that is not checked."""
    file: Path
    """The same queries for `dnsperf -B`."""


def build_mixes(ground: Ground, folder: Path) -> tuple[Mix, ...]:
    """Write the three mixes: plain, a random client subnet, half of the names not there."""
    # The queries come from 127.0.0.1, which no table has.
    here = (NOERROR, (VIPS[FALLBACK][4],))
    clients = sample_anywhere(_ECS_QUERIES, random.Random(_SEED))
    sites = map(ground.site_of, clients)
    chance = random.Random(_SEED)
    names = [f"{chance.getrandbits(40):010x}.{ZONE}" for _ in range(_NAMES)]
    halves = [query for name in names for query in (encode_query(), encode_query(name))]
    return (
        _write("plain", folder, [encode_query()], [here]),
        _write(
            "ECS /24",
            folder,
            [encode_query(client=client) for client in clients],
            [(NOERROR, (VIPS[site][4],)) for site in sites],
        ),
        _write("half NXDOMAIN", folder, halves, [here, (NXDOMAIN, ())] * _NAMES),
    )


def build_miss_mix(folder: Path) -> Mix:
    """Write queries that no plan has an answer to: class CHAOS is for the full algorithm."""
    return _write("CHAOS", folder, [encode_query("version.bind", TXT, rclass=CHAOS)], [])


def _write(name: str, folder: Path, queries: Sequence[bytes], expected: Sequence[Outcome]) -> Mix:
    file = folder / f"{name.replace(' ', '-').replace('/', '')}.queries"
    file.write_bytes(b"".join(struct.pack("!H", len(query)) + query for query in queries))
    return Mix(name, tuple(queries), tuple(expected), file)
