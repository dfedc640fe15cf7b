"""All kinds of dumps: which one a file is, and its entries.

Law: a file is known by what is in it, not by its name, and who knows better says so.
Start from `open_dump`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from sparrow.errors import InputError, Problem
from sparrow.sources.bgpdumptext import TABLE_KINDS, UPDATE_KINDS, read_bgpdump
from sparrow.sources.birdroutes import read_bird
from sparrow.sources.entry import Skipped
from sparrow.sources.frrjson import ROUTES, read_frr_json
from sparrow.sources.line import RouteFormat
from sparrow.sources.mrt import MrtReader, looks_like_mrt
from sparrow.sources.packed import unpack
from sparrow.sources.plainroutes import read_route_lines
from sparrow.sources.showbgp import HEAD, read_show_bgp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sparrow.sources.entry import Entry

    ReadDump: TypeAlias = Callable[[Iterable[bytes], Skipped], Iterator[Entry]]


class DumpFormat(StrEnum):
    """How a dump is written."""

    MRT = "mrt"
    """TABLE_DUMP or TABLE_DUMP_V2 (RFC 6396)."""
    BGPDUMP = "bgpdump"
    """What `bgpdump -m` makes of it."""
    SHOW_BGP = "show-bgp"
    """`show ip bgp` of Cisco, Zebra, Quagga or FRR."""
    FRR_JSON = "frr-json"
    """FRR's `show bgp json`."""
    BIRD = "bird"
    """BIRD's `show route all`."""
    PFX2AS = "pfx2as"
    """`address length origin`, as CAIDA publishes it."""
    SSRS = "ssrs"
    """A route file of sparrow's own."""


def _read_mrt(pieces: Iterable[bytes], skipped: Skipped) -> Iterator[Entry]:
    return MrtReader(skipped).read(pieces)


_READERS: dict[DumpFormat, ReadDump] = {
    DumpFormat.MRT: _read_mrt,
    DumpFormat.BGPDUMP: read_bgpdump,
    DumpFormat.SHOW_BGP: read_show_bgp,
    DumpFormat.FRR_JSON: read_frr_json,
    DumpFormat.BIRD: read_bird,
    DumpFormat.PFX2AS: partial(read_route_lines, route_format=RouteFormat.PFX2AS),
    DumpFormat.SSRS: partial(read_route_lines, route_format=RouteFormat.SSRS),
}
_PLACES_IN_OCTETS = frozenset({DumpFormat.MRT, DumpFormat.FRR_JSON})

_SAMPLE = 64 * 1024
"""Octets that are looked at to tell the format: MRT has it in 12, text in its first lines."""
_SAMPLE_LINES = 200
_BIRD = re.compile(
    r"^(\d{4}[- ])?(Table \S+:$|BIRD \S+ ready|[0-9A-Fa-f.:]+/\d+ +\S.*\[\S+ [^\]]*\])",
    re.MULTILINE,
)
_SHOW_BGP = re.compile(r"^BGP table version is ", re.MULTILINE)
_PFX2AS = re.compile(r"[0-9A-Fa-f.:]+[ \t]+\d{1,3}[ \t]+[\d_,]+\s*(#.*)?")
_SSRS = re.compile(r"[0-9A-Fa-f.:]+(/\d{1,3})?[ \t]+\S")


def detect_format(sample: bytes) -> DumpFormat | None:
    """Tell what the unpacked beginning of a file is; None where nothing fits."""
    if looks_like_mrt(sample):
        return DumpFormat.MRT
    text = sample.decode("latin-1").removeprefix("\xef\xbb\xbf")
    lines = [line.strip() for line in text.splitlines()[:_SAMPLE_LINES]]
    lines = [line for line in lines if line and not line.startswith("#")]
    if ROUTES.search(text) or text.lstrip().startswith("{"):
        return DumpFormat.FRR_JSON
    if any(line.partition("|")[0] in (*TABLE_KINDS, *UPDATE_KINDS) for line in lines[:5]):
        return DumpFormat.BGPDUMP
    if _SHOW_BGP.search(text) or any(HEAD.match(line) for line in lines):
        return DumpFormat.SHOW_BGP
    if _BIRD.search(text):
        return DumpFormat.BIRD
    return _detect_plain(lines[:-1] or lines)


def _detect_plain(lines: list[str]) -> DumpFormat | None:
    if lines and all(map(_PFX2AS.fullmatch, lines)):
        return DumpFormat.PFX2AS
    return DumpFormat.SSRS if any(map(_SSRS.match, lines)) else None


class OpenDump:
    """A dump whose format is known: iterate it once for its entries."""

    def __init__(self, dump_format: DumpFormat, entries: Iterator[Entry]) -> None:
        """Hold what `open_dump` found."""
        self.format = dump_format
        self._entries = entries

    def __iter__(self) -> Iterator[Entry]:
        return self._entries


def open_dump(
    file: str, pieces: Iterable[bytes], skipped: Skipped, dump_format: DumpFormat | None = None
) -> OpenDump:
    """Start to read what messages call `file`, packed or not.

    Without a format it is told by the content. Raises `InputError` where that cannot
    be done.
    """
    unpacked = unpack(pieces, skipped)
    sample = _take_sample(unpacked)
    found = dump_format or _tell(file, b"".join(sample))
    skipped.unit = "octet" if found in _PLACES_IN_OCTETS else "line"
    return OpenDump(found, _READERS[found](chain(sample, unpacked), skipped))


def find_dump_format(file: str, pieces: Iterable[bytes]) -> DumpFormat:
    """Tell how what messages call `file` is written, packed or not, by its first octets.

    Raises `InputError` where that cannot be done.
    """
    return _tell(file, b"".join(_take_sample(unpack(pieces, Skipped()))))


def _take_sample(unpacked: Iterator[bytes]) -> list[bytes]:
    sample: list[bytes] = []
    while sum(map(len, sample)) < _SAMPLE and (piece := next(unpacked, b"")):
        sample.append(piece)
    return sample


def _tell(file: str, sample: bytes) -> DumpFormat:
    found = detect_format(sample)
    if found is None:
        kinds = ", ".join(DumpFormat)
        what = f"this is no dump that is known: say which it is with a format ({kinds})"
        raise InputError([Problem(what, file)])
    return found
