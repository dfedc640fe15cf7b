"""Every reader of dumps, given real octets that were tampered with.

A case is a cut-out of 4 KiB at most with some octets changed, dropped, doubled or put in.
Whatever comes of it is `InputError`, or entries that are right in themselves; and what
stands well before the first change is read as before.
"""

from __future__ import annotations

import bz2
import gzip
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

import pytest
from dumptexts import render
from mrtmaking import peer_table, rib, rib_entry, sequence

from sparrow.errors import InputError
from sparrow.sources.dumps import DumpFormat, open_dump
from sparrow.sources.entry import Entry, Skipped
from sparrow.values.address import BITS, truncate

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [each for each in DumpFormat if each is not DumpFormat.MRT]
KINDS = [*map(str, DumpFormat), "table-dump", "gzip", "bzip2"]
SEEDS = 5
CASES = 2_000
"""Of each kind and seed: 100,000 in all."""
LARGEST = 4096
SAMPLES = {
    "v4": "rib.2014-05-23.35peers.v4.mrt.bz2",
    "v6": "rib.2015-11-01.27peers.v6.mrt.bz2",
    "v1": "rib.2002-07-22.table-dump-v1.mrt.gz",
}
INTERESTING = b'\x00\x01\x02\x0d\x10\x20\x21\x40\x7f\x80\xfe\xff0129 \n\r\t|{}[]()"\\:,./*>ie?#'
MARGIN = 3
"""Entries before a change that it may still reach: those whose ends it moves."""


def read_first(path: Path, octets: int) -> bytes:
    opened = bz2.open if path.suffix == ".bz2" else gzip.open
    with opened(path) as file:
        return bytes(file.read(octets))


def split_records(octets: bytes) -> list[bytes]:
    records, at = [], 0
    while at + 12 <= len(octets):
        stop = at + 12 + int.from_bytes(octets[at + 8 : at + 12], "big")
        records.append(octets[at:stop])
        at = stop
    return records[:-1]


@pytest.fixture(scope="module")
def real(tables: Path) -> dict[str, list[bytes]]:
    """The first records of each real dump."""
    return {name: split_records(read_first(tables / file, 2**18)) for name, file in SAMPLES.items()}


@pytest.fixture(scope="module")
def entries(real: dict[str, list[bytes]]) -> list[Entry]:
    octets = [b"".join(real[name]) for name in ("v4", "v6")]
    return [entry for each in octets for entry in islice(open_dump("real", [each], Skipped()), 60)]


def test_real_entries_are_the_same_in_every_format(entries: list[Entry]) -> None:
    for dump_format in TEXTS:
        skipped = Skipped()
        found = list(open_dump("text", [render(dump_format, entries)], skipped))
        assert ({}, None) == (skipped.counts, skipped.cut_at)
        assert [entry.prefix for entry in entries] == [entry.prefix for entry in found]
        for ours, theirs in zip(entries, found, strict=True):
            routes = [path.route for path in ours.paths]
            if dump_format is DumpFormat.PFX2AS:
                assert routes[0].origins == theirs.paths[0].route.origins
            else:
                count = 1 if dump_format is DumpFormat.SSRS else len(routes)
                assert routes[:count] == [path.route for path in theirs.paths]


class Cutter:
    """Makes cut-outs of one kind."""

    def __init__(self, kind: str, real: dict[str, list[bytes]], entries: list[Entry]) -> None:
        self.kind = kind
        self._real = real
        self._entries = entries
        is_text = kind in set(DumpFormat) - {DumpFormat.MRT}
        self.format = DumpFormat(kind) if is_text else DumpFormat.MRT

    def cut(self, random: Random) -> bytes:
        if self.kind in TEXTS:
            start = random.randrange(len(self._entries) - 1)
            chosen = self._entries[start : start + random.randint(1, 4)]
            text = render(self.format, chosen)
            start = random.randrange(len(text)) if random.random() < 0.2 else 0
            return text[start : start + LARGEST]
        if self.kind == "table-dump":
            records = self._real["v1"]
            start = random.randrange(len(records))
            return b"".join(records[start : start + random.randint(1, 20)])[:LARGEST]
        records = self._real[random.choice(("v4", "v6"))]
        start = random.randrange(1, len(records))
        octets = (records[0] + b"".join(records[start : start + random.randint(1, 3)]))[:LARGEST]
        packers = {"gzip": gzip.compress, "bzip2": bz2.compress}
        return packers[self.kind](octets) if self.kind in packers else octets


def tamper(random: Random, octets: bytes) -> tuple[bytes, int]:
    """Give changed octets, and the place of the first change."""
    changed, first = bytearray(octets), len(octets)
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        if not changed:
            break
        at = random.randrange(len(changed))
        first = min(first, at)
        span = random.choice((1, 1, 2, 4, 16, 200))
        match random.randrange(6):
            case 0:
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                changed[at] = random.choice(INTERESTING)
            case 2:
                del changed[at : at + span]
            case 3:
                changed[at:at] = changed[at : at + span]
            case 4:
                changed[at:at] = bytes(random.choice(INTERESTING) for _ in range(span))
            case _:
                del changed[at:]
    return bytes(changed[:LARGEST]), first


def read(octets: bytes, cutter: Cutter, size: int) -> tuple[list[Entry], Skipped]:
    skipped = Skipped()
    pieces = (octets[at : at + size] for at in range(0, len(octets), size))
    return list(open_dump("case", pieces, skipped, cutter.format)), skipped


def check(found: list[Entry], skipped: Skipped, octets: bytes) -> None:
    """See that what a reader gave is right in itself."""
    for entry in found:
        prefix = entry.prefix
        assert 0 <= prefix.length <= BITS[prefix.family]
        assert prefix.network == truncate(prefix.network, prefix.length)
        for path in entry.paths:
            assert all(0 <= asn < 2**32 for asn in path.route.path)
            assert path.route.path
    assert all(entry.paths for entry in found)
    # Packed octets may stand for more; nothing makes more paths than octets otherwise.
    assert sum(len(entry.paths) for entry in found) <= 2**10 * len(octets) + 1
    assert all(each.count >= len(each.places) > 0 for each in skipped.counts.values())
    assert all(skipped.lines())


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", KINDS)
def test_tampered_dumps_are_refused_or_read_as_far_as_they_are_good(
    real: dict[str, list[bytes]], entries: list[Entry], kind: str, seed: int
) -> None:
    random = Random(f"{kind} {seed}")
    cutter = Cutter(kind, real, entries)
    for _ in range(CASES):
        octets = cutter.cut(random)
        changed, first = tamper(random, octets)
        size = random.choice((7, 100, LARGEST))
        try:
            found, skipped = read(changed, cutter, size)
        except InputError:
            continue
        check(found, skipped, changed)
        if kind not in ("gzip", "bzip2"):
            before = read(octets[:first], cutter, LARGEST)[0][:-MARGIN]
            assert before == found[: len(before)]


@pytest.mark.parametrize("kind", KINDS[:-2])
def test_the_beginning_of_a_dump_is_the_beginning_of_its_entries(
    real: dict[str, list[bytes]], entries: list[Entry], kind: str
) -> None:
    random = Random(kind)
    cutter = Cutter(kind, real, entries)
    for _ in range(50):
        octets = cutter.cut(random)
        whole = read(octets, cutter, LARGEST)[0]
        for _ in range(10):
            part = read(octets[: random.randrange(len(octets))], cutter, LARGEST)[0][:-MARGIN]
            assert part == whole[: len(part)]


def test_a_length_of_every_size_is_met() -> None:
    good = peer_table() + rib(2, "1.0.0.0/8", rib_entry(0, sequence(7, 8)))
    for at in range(len(good)):
        for octet in (0, 1, 0x7F, 0x80, 0xFF):
            skipped = Skipped()
            changed = good[:at] + bytes([octet]) + good[at + 1 :]
            found = list(open_dump("case", [changed], skipped, DumpFormat.MRT))
            check(found, skipped, changed)
