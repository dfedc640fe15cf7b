"""Which neighbour of a collector or a router is meant: by its address, or by its AS number.

Law: an address names one neighbour, an AS number all that have it. Start from `parse_peer`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sparrow.errors import InputError, Problem
from sparrow.values.address import parse_address, render_address
from sparrow.values.asn import parse_asn


@dataclass(frozen=True, slots=True)
class PeerChoice:
    """Which neighbour is meant; one of the two is there."""

    address: bytes | None
    """Packed address; None to go by the AS number."""
    asn: int | None = None
    """AS number; None to go by the address."""

    def __str__(self) -> str:
        """Render as `parse_peer` reads it."""
        return f"AS{self.asn}" if self.address is None else render_address(self.address)

    def matches(self, address: bytes | None, asn: int | None) -> bool:
        """Tell whether the neighbour with these is meant; None for what is not known of it."""
        return asn == self.asn if self.address is None else address == self.address


def parse_peer(text: str) -> PeerChoice:
    """Read an address, or an AS number in any form: `64600`, `AS64600`, `1.10`.

    Raises `InputError` for anything else.
    """
    try:
        if ":" in text or text.count(".") == 3:
            return PeerChoice(parse_address(text))
        return PeerChoice(None, parse_asn(text))
    except InputError:
        what = f"{text!r} is no neighbour: write its address, or its AS number as AS64600"
        raise InputError([Problem(what)]) from None
