"""What an operator decides himself: which clients go where, whatever is known of them.

Law: an override counts until it ends, and nothing else makes it count or not; of prefixes
inside each other the most specific one counts. Start from `list_in_force`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.policy.intervals import sweep
from sparrow.policy.layer import Layer
from sparrow.values.address import FAMILIES
from sparrow.values.moment import render_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sparrow.config.ranking import OverrideConfig


def list_in_force(overrides: Iterable[OverrideConfig], now_s: float) -> tuple[OverrideConfig, ...]:
    """Give the overrides that have not ended, in their order; `now_s` is Unix time."""
    return tuple(each for each in overrides if each.until_s is None or now_s < each.until_s)


def next_expiry(overrides: Iterable[OverrideConfig], now_s: float) -> float | None:
    """Give the Unix time at which the first of them ends that has not; None for never."""
    ahead = (each.until_s for each in overrides if each.until_s is not None)
    return min((until_s for until_s in ahead if now_s < until_s), default=None)


def title_of(override: OverrideConfig) -> str:
    """Say whose clients an override is for, until when and why, as `AS7 until ...: a reason`."""
    until_s = override.until_s
    until = "" if until_s is None else f" until {render_moment(until_s)}"
    return f"{override}{until}{': ' if override.reason else ''}{override.reason}"


def build_overrides(overrides: Sequence[OverrideConfig]) -> Layer[int | None]:
    """Give the index of the override that counts for every address by its prefix, or None.

    No two of them have the same prefix. Overrides of an AS are in `number_asns`.
    """
    rows = sorted(
        (prefix.family, int.from_bytes(prefix.network, "big"), prefix.length, index)
        for index, each in enumerate(overrides)
        if (prefix := each.prefix) is not None
    )
    values = (None, *(index for _, _, _, index in rows))
    codes = range(1, len(values))
    v4, v6 = (
        sweep(
            family,
            [
                (network, length, code)
                for code, (of, network, length, _) in enumerate(rows)
                if of == family
            ],
            codes,
            0,
        )
        for family in FAMILIES
    )
    return Layer(v4, v6, values, is_marked=True)


def number_asns(overrides: Iterable[OverrideConfig]) -> dict[int, int]:
    """Give the index of the override of each AS that has one."""
    return {each.asn: index for index, each in enumerate(overrides) if each.asn is not None}
