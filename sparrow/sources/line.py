"""One line of a route file, and many regular lines at once.

Law: `split_columns` is `split_line` for whole blocks and gives the same fields or
None; what is odd in any way is left to `split_line`, which alone decides what an
error is. The formats are specified in `docs/route-files.md`. Start from `split_line`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.rib.route import Route
    from sparrow.values.address import Prefix

MAX_LINE = 8192
"""Octets of a line. The longest AS path seen in the wild needs some 2,000."""
MAX_ROUTE = MAX_LINE // 2
"""Characters of the route alone: so a block of regular lines has none over `MAX_LINE`."""

_MAX_PREFIX = 64
"""Characters of a prefix; the longest that means anything has 49."""
_WORD = bytes(octet for octet in range(0x21, 0x7F) if octet not in b"/#")
"""Octets that words are made of, except the slash of a prefix."""
_SHOWN = 80
"""Characters of a bad line that are shown, so that a message stays a line."""

Columns: TypeAlias = "tuple[Sequence[str], Sequence[str], Sequence[str]]"
"""Texts of addresses, of lengths and of routes, line by line."""


class RouteFormat(StrEnum):
    """How the lines of a route file are written."""

    SSRS = "ssrs"
    """`address/length AS...`, as Super Sparrow's route server has it."""
    PFX2AS = "pfx2as"
    """`address length origin`, as CAIDA publishes prefix-to-AS tables."""
    MRT = "mrt"
    """No lines: a table of a collector or a router in MRT format (RFC 6396)."""


LINE_FORMATS = (RouteFormat.SSRS, RouteFormat.PFX2AS)
"""Those that are read line by line."""


def render_route_line(prefix: Prefix, route: Route) -> str:
    """Give the line of an `ssrs` file: `212.124.87.0/24 1234`."""
    return f"{prefix} {route}"


def show_line(line: bytes) -> str:
    """Quote a line for a message: plain ASCII, capped, control octets escaped."""
    cut = ascii(line[: _SHOWN + 1].decode("utf-8", "backslashreplace"))
    return cut if len(line) <= _SHOWN else f"{cut[:_SHOWN]}...'"


def split_line(line: bytes, route_format: RouteFormat) -> tuple[str, str] | None:
    """Give prefix and route texts of a line without its newline, None if it has none.

    The prefix is `address/length` or a bare address; whether it and the route
    mean anything is for others to see. Raises `InputError` for what cannot be
    told apart at all.
    """
    content = _decode(line.removesuffix(b"\r")).partition("#")[0].strip(" \t")
    if not content:
        return None
    if not (content.isascii() and content.replace("\t", " ").isprintable()):
        raise InputError([Problem("there is a character that no address and no AS number has")])
    words = content.split()
    if route_format is RouteFormat.PFX2AS:
        if len(words) != 3 or "/" in words[0]:
            raise InputError([Problem("expected three words: address, length, origin AS")])
        prefix, route = f"{words[0]}/{words[1]}", words[2]
    else:
        prefix, route = words[0], " ".join(words[1:])
    if len(prefix) > _MAX_PREFIX:
        raise InputError([Problem("the first word is too long for a prefix")])
    return prefix, route


def _decode(line: bytes) -> str:
    if len(line) > MAX_LINE:
        raise InputError([Problem(f"the line is longer than {MAX_LINE} octets")])
    if b"\0" in line:
        raise InputError([Problem("there is a NUL octet: this is not a text file, or is damaged")])
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise InputError([Problem("this is not UTF-8 text")]) from None


def split_columns(block: bytes, route_format: RouteFormat) -> Columns | None:
    """Give the fields of whole lines as columns, or None if any line is not regular.

    A regular line is `address/length route` or `address length origin`, with
    nothing before or behind it. The fields are not checked, but no field is
    taken from another line.
    """
    block = block.replace(b"\r\n", b"\n")
    lines = block.count(b"\n")
    # What is left without the letters is the same few octets over and over.
    shape = block.translate(None, _WORD)
    joints = (b"/ \n", b"/\t\n") if route_format is RouteFormat.SSRS else (b"  \n", b"\t\t\n")
    if shape in (joint * lines for joint in joints):
        words = block.replace(b"/", b" ").decode("ascii").split()
        # Two gaps in a line make at most three words, so 3 n words are 3 in each.
        return (words[0::3], words[1::3], words[2::3]) if len(words) == 3 * lines else None
    if route_format is RouteFormat.SSRS and not shape.translate(None, b"/ \t\n"):
        return _split_paths(block.decode("ascii"))
    return None


def _split_paths(block: str) -> Columns | None:
    """Take lines with paths of several AS numbers, or with columns padded by blanks."""
    lines = block.split("\n")
    lines.pop()
    if max(map(len, lines)) > MAX_LINE:
        return None
    halves = [line.split(None, 1) for line in lines]
    if set(map(len, halves)) != {2}:
        return None
    prefixes, routes = zip(*halves, strict=True)
    parts = [prefix.split("/") for prefix in prefixes]
    if set(map(len, parts)) != {2}:
        return None
    addresses, lengths = zip(*parts, strict=True)
    return addresses, lengths, routes
