"""Octets of a file that may be packed with gzip or bzip2.

Law: what could be unpacked is given; where the packed file was cut or is damaged, that is
noted with the place, and nothing behind it is given. Start from `unpack`.
"""

from __future__ import annotations

import bz2
import zlib
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparrow.sources.entry import Skipped

GZIP_MAGIC = b"\x1f\x8b"
"""First octets of a gzip member (RFC 1952 section 2.3.1)."""
BZIP2_MAGIC = b"BZh"
"""First octets of a bzip2 stream."""

_MOST = 2**20
"""Octets given at once: packed ones may stand for a thousand times as many."""
_GZIP = 31
"""What zlib takes for "gzip alone, and any window"."""


def unpack(pieces: Iterable[bytes], skipped: Skipped) -> Iterator[bytes]:
    """Give the unpacked octets in pieces; as they are where they are not packed.

    Several packed streams behind each other are one file.
    """
    rest = iter(pieces)
    first = b""
    while len(first) < len(BZIP2_MAGIC) and (piece := next(rest, b"")):
        first += piece
    joined = chain((first,), rest)
    if first.startswith(GZIP_MAGIC):
        return _until_damage(_unpack_gzip(joined), skipped)
    if first.startswith(BZIP2_MAGIC):
        return _until_damage(_unpack_bzip2(joined), skipped)
    return joined


def _until_damage(unpacked: Iterator[bytes], skipped: Skipped) -> Iterator[bytes]:
    """Give octets until they end or are damaged, and note in `skipped` where that was."""
    place = 0
    try:
        for piece in unpacked:
            place += len(piece)
            yield piece
    except _PackedError:
        skipped.cut_at = place


class _PackedError(Exception):
    """The packed stream is cut or damaged."""


def _unpack_gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj(_GZIP)
    is_begun = False
    for piece in pieces:
        octets = piece
        while octets:
            try:
                unpacked = stream.decompress(octets, _MOST)
            except zlib.error:
                raise _PackedError from None
            if unpacked:
                yield unpacked
            is_begun = not stream.eof
            octets = stream.unconsumed_tail
            if stream.eof:
                octets = stream.unused_data
                stream = zlib.decompressobj(_GZIP)
    if is_begun:
        raise _PackedError


def _unpack_bzip2(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream = bz2.BZ2Decompressor()
    is_begun = False
    for piece in pieces:
        octets = piece
        while octets or not stream.needs_input:
            try:
                unpacked = stream.decompress(octets, _MOST)
            except (OSError, ValueError):
                raise _PackedError from None
            if unpacked:
                yield unpacked
            is_begun, octets = not stream.eof, b""
            if stream.eof:
                octets = stream.unused_data
                stream = bz2.BZ2Decompressor()
    if is_begun:
        raise _PackedError
