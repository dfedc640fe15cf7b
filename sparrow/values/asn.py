"""AS numbers and their text forms (RFC 6793, RFC 5396).

Law: inside the program an AS number is an int from 0 to 4294967295; text exists
at the edges only. Start from `parse_asn`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sparrow.errors import InputError, Problem

MAX_ASN = 2**32 - 1
"""Four octets (RFC 6793 section 3)."""

_HALF = 2**16 - 1


def parse_asn(text: str) -> int:
    """Read asplain `64600`, asdot `1.10` (RFC 5396) or either behind `AS`.

    Raises `InputError` for anything else.
    """
    digits = text[2:] if text[:2].upper() == "AS" else text
    high, dot, low = digits.partition(".")
    if _is_number(high) and not dot and int(high) <= MAX_ASN:
        return int(high)
    if dot and _is_number(high) and _is_number(low) and int(high) <= _HALF >= int(low):
        return int(high) << 16 | int(low)
    what = f"{text!r} is not an AS number: write 64600, 1.10 or AS64600, at most {MAX_ASN}"
    raise InputError([Problem(what)])


def _is_number(text: str) -> bool:
    # Ten digits hold MAX_ASN; more would only make int() work hard on garbage.
    return text.isascii() and text.isdigit() and len(text) <= 10


@dataclass(frozen=True, slots=True, order=True)
class AsnRange:
    """AS numbers from `first` to `last`, both included."""

    first: int
    """Lowest AS number of the range."""
    last: int
    """Highest AS number of the range; equal to `first` for a single one."""

    def __str__(self) -> str:
        """Render as `64600` or `64600-64700`."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def __contains__(self, asn: int) -> bool:
        """Tell whether `asn` is in the range."""
        return self.first <= asn <= self.last


def parse_asn_range(text: str) -> AsnRange:
    """Read one AS number, or two joined by `-`, low one first.

    Raises `InputError` for anything else.
    """
    first_text, dash, last_text = text.partition("-")
    first = parse_asn(first_text.strip())
    last = parse_asn(last_text.strip()) if dash else first
    if last < first:
        raise InputError([Problem(f"the AS range {text!r} runs backwards: write {last}-{first}")])
    return AsnRange(first, last)
