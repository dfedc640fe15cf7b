"""Durations and shares: what is accepted, and how they are written again.

Law: as in `sparrow.config.fields`; a duration is in seconds and a share a
fraction of 1, both as the nearest float, and what is rendered is read back
equal. Start from `duration`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from sparrow.config.fields import refusal, shown

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
"""Seconds in each unit that a duration may be written in."""

_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,12})?) ?([A-Za-z]+)\Z", re.ASCII)
_SHARE = re.compile(r"(\d{1,12}(?:\.\d{1,12})?) ?%\Z", re.ASCII)

_MEANT = {"m": "min", "mins": "min", "minutes": "min", "sec": "s", "hours": "h", "days": "d"}
"""Units that are written elsewhere, and ours for them."""


def duration(low_s: float, high_s: float) -> Callable[[object], float]:
    """Accept a number of seconds or text such as `90s`, from `low_s` to `high_s`; give seconds."""

    def parse(value: object) -> float:
        seconds = _parse_number(value) if not isinstance(value, str) else _parse_units(value)
        if seconds is not None and low_s <= float(seconds) <= high_s:
            return float(seconds)
        span = f"from {_render_wide(low_s)} to {_render_wide(high_s)}"
        raise refusal(
            "must be seconds, or text such as 500ms, 90s, 5min, 2h or 1d, "
            f"{span}, not {shown(value)}"
        )

    return parse


def _parse_number(value: object) -> Decimal | None:
    """Give a number as YAML wrote it; None for anything else, and for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def _parse_units(text: str) -> Decimal | None:
    match = _DURATION.match(text)
    if match is None:
        return None
    amount, unit = match.groups()
    if unit in UNITS:
        return Decimal(amount) * UNITS[unit]
    meant = _MEANT.get(unit.lower())
    right = f"write {amount}{meant}" if meant else "the units are " + ", ".join(UNITS)
    raise refusal(f"{shown(text)} has a unit that is not known here: {right}")


def parse_share(value: object) -> float:
    """Accept a part of a whole, as `10%` or 0.1; give it as a fraction from 0 to 1."""
    match = _SHARE.match(value) if isinstance(value, str) else None
    share = Decimal(match[1]) / 100 if match else _parse_number(value)
    if share is not None and 0 <= share <= 1:
        return float(share)
    meant = f": write {value}%" if share is not None and not match and 1 < share <= 100 else ""
    raise refusal(f"must be a share such as 10% or 0.1, from 0% to 100%, not {shown(value)}{meant}")


def render_duration(seconds: float) -> str:
    """Write a duration in seconds, so that it reads back equal."""
    return f"{seconds:.0f}s" if seconds.is_integer() else f"{seconds!r}s"


def _render_wide(seconds: float) -> str:
    """Write a bound in the largest unit of which it is a whole number."""
    exact = Decimal(str(seconds))
    unit = max((u for u in UNITS if exact % UNITS[u] == 0), key=lambda u: UNITS[u])
    return f"{exact / UNITS[unit]:f}{unit}" if exact else "0s"
