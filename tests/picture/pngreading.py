"""PNG files with a palette, read back as the standard says."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass


@dataclass
class Seen:
    """A picture as a viewer shows it."""

    width: int
    height: int
    rows: list[list[tuple[int, ...]]]
    """Red, green and blue of each pixel."""


def read_png(octets: bytes) -> Seen:
    assert octets.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place < len(octets):
        (length,) = struct.unpack_from("!I", octets, place)
        kind, content = octets[place + 4 : place + 8], octets[place + 8 : place + 8 + length]
        (crc,) = struct.unpack_from("!I", octets, place + 8 + length)
        assert zlib.crc32(kind + content) == crc
        chunks[kind] = chunks.get(kind, b"") + content
        place += 12 + length
    assert [b"IHDR", b"PLTE", b"IDAT", b"IEND"] == [*chunks]
    width, height, *rest = struct.unpack("!II5B", chunks[b"IHDR"])
    assert [8, 3, 0, 0, 0] == rest
    colours = [tuple(chunks[b"PLTE"][at : at + 3]) for at in range(0, len(chunks[b"PLTE"]), 3)]
    raw = zlib.decompress(chunks[b"IDAT"])
    assert (width + 1) * height == len(raw)
    rows = [raw[at : at + width + 1] for at in range(0, len(raw), width + 1)]
    assert {0} == {row[0] for row in rows}
    return Seen(width, height, [[colours[pixel] for pixel in row[1:]] for row in rows])
