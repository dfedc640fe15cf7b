"""Domain names as tuples of labels.

Law: a `Name` is always absolute, its labels are lower-case octets, leftmost
first, and the root is the empty tuple. So names compare and hash as RFC 1034
section 3.1 wants, and an ancestor is a slice. Start from `parse_name`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

Name: TypeAlias = tuple[bytes, ...]

MAX_LABEL = 63
"""Octets in a label (RFC 1035 section 2.3.4)."""
MAX_WIRE = 255
"""Octets of a name on the wire, length octets and root included (same place)."""

ROOT: Name = ()
WILDCARD = b"*"

_ESCAPED = frozenset(b'."();@$\\')


def parse_name(text: str, origin: Name = ROOT) -> Name:
    r"""Read a name in the text form of RFC 1035 section 5.1.

    `@` is `origin`; a name without a final dot is completed with `origin`;
    `\.` and `\046` stand for one octet. Raises `InputError` for an empty label,
    a label over 63 octets, a name over 255, or an escape that is cut.
    """
    if text == "@":
        return origin
    if text == ".":
        return ROOT
    try:
        labels, is_absolute = _split(text)
    except ValueError as error:
        raise InputError([Problem(f"{text!r} is not a domain name: {error}")]) from None
    name = labels if is_absolute else labels + origin
    if wire_length(name) > MAX_WIRE:
        raise InputError([Problem(f"{text!r} is not a domain name: it is over 255 octets long")])
    return name


def _split(text: str) -> tuple[Name, bool]:
    """Cut text into lower-case labels, and tell whether it ends with a dot."""
    labels: list[bytes] = []
    label = bytearray()
    octets = iter(text.encode())
    is_absolute = False
    for octet in octets:
        is_absolute = octet == 0x2E
        if is_absolute:
            labels.append(_finish_label(label))
            label = bytearray()
        else:
            label.append(_unescape(octets) if octet == 0x5C else octet)
    if not is_absolute:
        labels.append(_finish_label(label))
    return tuple(labels), is_absolute


def _finish_label(label: bytearray) -> bytes:
    if not label:
        raise ValueError("it has an empty label")
    if len(label) > MAX_LABEL:
        raise ValueError("a label is over 63 octets long")
    return bytes(label).lower()


def _unescape(octets: Iterator[int]) -> int:
    """Take what follows a backslash: three decimal digits, or one octet as it is."""
    first = next(octets, None)
    if first is None:
        raise ValueError("it ends with a backslash")
    if not 0x30 <= first <= 0x39:
        return first
    digits = bytes((first, next(octets, 0), next(octets, 0)))
    if not digits.isdigit() or int(digits) > 255:
        raise ValueError(r"a backslash before a digit needs three digits, \000 to \255")
    return int(digits)


def render_name(name: Name) -> str:
    """Give the absolute text form, with a final dot and every odd octet escaped."""
    return ".".join(render_label(label) for label in name) + "."


def render_label(label: bytes) -> str:
    r"""Give one label with every octet that text cannot show written as `\DDD`."""
    return "".join(
        f"\\{chr(octet)}"
        if octet in _ESCAPED
        else chr(octet)
        if 0x21 <= octet <= 0x7E
        else f"\\{octet:03d}"
        for octet in label
    )


def encode_name(name: Name) -> bytes:
    """Give the uncompressed wire form (RFC 1035 section 3.1)."""
    return b"".join(bytes((len(label),)) + label for label in name) + b"\0"


def decode_name(wire: bytes, offset: int = 0) -> tuple[Name, int]:
    """Read an uncompressed name at `offset`; give it with the offset behind it.

    Raises `ValueError` where `wire` holds none there.
    """
    labels: list[bytes] = []
    while offset < len(wire):
        length = wire[offset]
        offset += 1
        if length == 0:
            return tuple(labels), offset
        if length > MAX_LABEL or offset + length > len(wire):
            break
        labels.append(wire[offset : offset + length].lower())
        offset += length
    raise ValueError("no uncompressed domain name here")


def wire_length(name: Name) -> int:
    """Octets of the uncompressed wire form."""
    return sum(map(len, name)) + len(name) + 1


def is_below(name: Name, ancestor: Name) -> bool:
    """Tell whether `name` is `ancestor` or lies below it."""
    return len(name) >= len(ancestor) and name[len(name) - len(ancestor) :] == ancestor
