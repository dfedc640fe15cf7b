"""The values of keys that tell where sites and clients are, and until when.

Law: as in `sparrow.config.fields`. Start from `parse_location`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from sparrow.config.fields import parse_asns, parse_text, refusal, shown
from sparrow.config.shape import NAME, refused
from sparrow.values.address import parse_prefix
from sparrow.values.moment import parse_moment

if TYPE_CHECKING:
    from sparrow.values.address import Prefix

_LATEST_S = 253_370_764_800.0
"""The start of the year 9999, behind which a time in another zone may have no year."""


def parse_location(value: object) -> tuple[float, float]:
    """Accept latitude and longitude in degrees, north and east positive."""
    example = "write latitude and longitude in degrees, such as [52.37, 4.9]"
    if not isinstance(value, tuple) or len(value) != 2:
        raise refusal(f"must be two numbers, not {_shown_list(value)}: {example}")
    latitude, longitude = (_degrees(each, example) for each in value)
    if abs(latitude) <= 90 and abs(longitude) <= 180:
        return latitude, longitude
    turned = abs(latitude) <= 180 and abs(longitude) <= 90
    hint = ", the other way round" if turned else ""
    raise refusal(
        f"the latitude must be from -90 to 90 and the longitude from -180 to 180, "
        f"not {_shown_list(value)}: {example}{hint}"
    )


def _shown_list(value: object) -> str:
    if not isinstance(value, tuple) or len(value) != 2:
        return shown(value)
    return f"[{', '.join(map(shown, value))}]"


def _degrees(value: object, example: str) -> float:
    number = Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(number, Decimal) and number.is_finite():
        return float(number)
    raise refusal(f"must be two numbers, and {shown(value)} is none: {example}")


def parse_block(value: object) -> Prefix:
    """Accept a prefix, or an address as its host route."""
    return parse_prefix(parse_text(value))


def parse_one_asn(value: object) -> int:
    """Accept one AS number, as a number or as text."""
    asns = parse_asns(value)
    if asns.first == asns.last:
        return asns.first
    raise refusal(f"must be one AS number, not the range {asns}: write an override for each")


def parse_until(value: object) -> float:
    """Accept a time with its zone, from 1970 on; give Unix seconds."""
    text = parse_text(value)
    moment_s = parse_moment(text)
    if 0 <= moment_s < _LATEST_S:
        return moment_s
    raise refusal(f"{shown(text)} is not a year from 1970 to 9998: was it mistyped?")


def split_geo(value: object) -> object:
    """Turn `builtin`, or the kind of a file with its path, into settings of its model."""
    words = "builtin, {mmdb: FILE} or {table: FILE}"
    if value == "builtin":
        return {NAME: value}
    kinds = [kind for kind in ("mmdb", "table") if isinstance(value, Mapping) and kind in value]
    if isinstance(value, Mapping) and len(kinds) == 1:
        return {**value, NAME: kinds[0]}
    if kinds:
        raise refused("there can be only one source: keep mmdb or table")
    raise refused(f"must be {words}, not {shown(value)}")
