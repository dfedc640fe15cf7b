"""Real dumps of collectors, read as `bgpdump` reads them (Debian: bgpdump)."""

from __future__ import annotations

import subprocess
from itertools import zip_longest
from typing import TYPE_CHECKING

import pytest

from sparrow.sources.dumps import DumpFormat, open_dump
from sparrow.sources.entry import Skipped
from sparrow.values.address import parse_address, parse_prefix, render_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sparrow.rib.route import Route
    from sparrow.sources.entry import Entry, Peer
    from sparrow.values.address import Prefix

PIECE = 2**18

PATHS = {
    "rib.2002-07-22.table-dump-v1.mrt.gz": 115_521,
    "rib.2014-05-23.35peers.v4.mrt.bz2": 270_005,
    "rib.2015-11-01.27peers.v6.mrt.bz2": 149_578,
}
WHOLE = {"rib.2002-07-22.table-dump-v1.mrt.gz"}


def read_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def read_real(tables: Path, name: str, skipped: Skipped) -> Iterator[Entry]:
    return iter(open_dump(name, read_pieces(tables / name), skipped))


def words_of(route: Route) -> list[str]:
    """Give the hops as texts, the members of sets sorted: bgpdump sorts them in its own way."""
    return [",".join(sorted(str(hop).split(","))) for hop in route.hops]


def our_rows(tables: Path, name: str) -> Iterator[tuple[str, ...]]:
    for entry in read_real(tables, name, Skipped()):
        for path in entry.paths:
            assert path.peer is not None
            assert path.peer.address is not None
            yield (
                render_address(path.peer.address),
                str(path.peer.asn),
                str(entry.prefix),
                " ".join(words_of(path.route)),
                str(path.local_pref or 0),
            )


def their_rows(program: str, path: Path) -> Iterator[tuple[str, ...]]:
    command = [program, "-m", str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            fields = line.split("|")
            words = fields[6].replace("{", "").replace("}", "").split()
            hops = [",".join(sorted(word.split(","))) for word in words]
            # It writes IPv6 addresses in a way of its own.
            peer = render_address(parse_address(fields[3]))
            prefix = str(parse_prefix(fields[5]))
            yield peer, fields[4], prefix, " ".join(hops), fields[9]


@pytest.mark.parametrize("name", PATHS)
def test_every_route_of_a_real_dump_is_what_bgpdump_says(
    tables: Path, needs: Callable[[str], str], name: str
) -> None:
    program = needs("bgpdump")
    count = 0
    for ours, theirs in zip_longest(our_rows(tables, name), their_rows(program, tables / name)):
        assert theirs == ours
        count += 1
    assert PATHS[name] == count


@pytest.mark.parametrize("name", PATHS)
def test_a_cut_dump_is_read_to_its_last_whole_record_and_the_cut_is_told(
    tables: Path, name: str
) -> None:
    skipped = Skipped()
    dump = open_dump(name, read_pieces(tables / name), skipped)
    count = sum(len(entry.paths) for entry in dump)
    assert DumpFormat.MRT is dump.format
    assert (PATHS[name], {}) == (count, skipped.counts)
    assert (name not in WHOLE) == (skipped.cut_at is not None)


@pytest.mark.parametrize("name", PATHS)
def test_the_text_of_bgpdump_gives_the_entries_of_the_dump(
    tables: Path, needs: Callable[[str], str], name: str
) -> None:
    command = [needs("bgpdump"), "-m", str(tables / name)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    skipped = Skipped()
    text = open_dump("text", [ran.stdout], skipped)
    for theirs, ours in zip_longest(flat(text), flat(read_real(tables, name, Skipped()))):
        assert ours == theirs
    assert (DumpFormat.BGPDUMP, {}) == (text.format, skipped.counts)


def flat(entries: Iterable[Entry]) -> Iterator[tuple[Prefix, list[str], Peer | None]]:
    """Give path by path what `bgpdump` keeps of it."""
    for entry in entries:
        for path in entry.paths:
            yield entry.prefix, words_of(path.route), path.peer
