"""When a certificate expires, read from its octets (RFC 5280 section 4.1).

Law: pure. Python's `ssl` tells the dates of a certificate only where it was verified;
here they are read whether it was or not. Start from `expires_at`.
"""

from __future__ import annotations

from datetime import UTC, datetime

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


def expires_at(der: bytes) -> float:
    """Give the end of a certificate's validity, in seconds of Unix time.

    Raises `ValueError` where `der` is not a certificate.
    """
    # Certificate { tbsCertificate { [0] version, serial, signature, issuer, validity ...
    fields = _split(_inside(_inside(der)))
    if fields[0][0] == _VERSION:
        fields = fields[1:]
    if len(fields) < 4:
        raise ValueError("a certificate without a validity")
    tag, text = _split(fields[3][1])[-1]
    return _parse_time(tag, text.decode("ascii"))


def _inside(octets: bytes) -> bytes:
    """Give the contents of the SEQUENCE that `octets` begin with."""
    tag, contents, _ = _take(octets)
    if tag != _SEQUENCE:
        raise ValueError("not a SEQUENCE")
    return contents


def _split(octets: bytes) -> list[tuple[int, bytes]]:
    """Give the tags and contents of what follows each other in `octets`; at least one."""
    fields = []
    while octets:
        tag, contents, octets = _take(octets)
        fields.append((tag, contents))
    if not fields:
        raise ValueError("an empty SEQUENCE")
    return fields


def _take(octets: bytes) -> tuple[int, bytes, bytes]:
    """Give tag and contents of the first value (X.690 section 8.1), and what follows it."""
    if len(octets) < 2:
        raise ValueError("ends too early")
    size, start = octets[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(octets[2:start], "big")
    if len(octets) < start + size:
        raise ValueError("ends too early")
    return octets[0], octets[start : start + size], octets[start + size :]


def _parse_time(tag: int, text: str) -> float:
    """Read `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280 section 4.1.2.5)."""
    if tag == _UTC_TIME:
        # Python's own %y turns at 69, the standard at 50.
        text = ("19" if text >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("not a time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
