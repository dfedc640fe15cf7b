"""What is known of addresses beside routes, as the status tells it.

Law: as in `sparrow.control.status`. Start from `build_lore_row`; `docs/control.md` defines
the keys.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sparrow.values.address import FAMILIES, IPV4, IPV6
from sparrow.values.moment import render_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sparrow.config.ranking import OverrideConfig
    from sparrow.policy.damping import Held
    from sparrow.view import View

_NOUNS = {"places": ("places", "stretches"), "rtts": ("round-trip times", "prefixes and ASes")}
"""What a source tells, and what its entries are, by its kind."""


def build_lore_row(view: View) -> dict[str, Any]:
    """Give the object that `docs/control.md` describes."""
    steering = view.authority.steering
    ranking = steering.ranking if steering else None
    return {
        "sources": [asdict(source) for source in view.lore.sources],
        "overrides": [_override_row(override) for override in view.lore.overrides],
        "depth": ranking.rules.depth if ranking else None,
        "configured_depth": view.config.ranking.depth,
        "stale_views": sorted(view.stale),
        "held": _held_row(view.held) if view.config.hysteresis else None,
    }


def _override_row(override: OverrideConfig) -> dict[str, Any]:
    return {
        "clients": str(override),
        "site": override.site,
        "until": override.until_s,
        "reason": override.reason,
    }


def _held_row(held: Held) -> dict[str, Any]:
    wishes = [wish for each in held.wishes.values() for wish in each]
    stretches = {(wish.family, wish.start, wish.end) for wish in wishes}
    sizes = {of: sum(end - start for f, start, end in stretches if f == of) for of in FAMILIES}
    return {
        "stretches": len(stretches),
        "v4": sizes[IPV4],
        "v6": sizes[IPV6],
        "oldest": min((wish.since_s for wish in wishes), default=None),
    }


def describe_lore(row: Mapping[str, Any]) -> Iterator[str]:
    """Say what people want to know of it, line by line; nothing where nothing is known."""
    for source in row["sources"]:
        what, entries = _NOUNS[source["kind"]]
        file = f" ({source['file']})" if source["file"] else ""
        licence = f", {source['licence']}" if source["licence"] else ""
        yield (
            f"{what}: {source['source']} of {source['date']}{licence}{file}, "
            f"{source['entries']} {entries}"
        )
    for override in row["overrides"]:
        until = "" if override["until"] is None else f" until {render_moment(override['until'])}"
        reason = f": {override['reason']}" if override["reason"] else ""
        yield f"override: {override['clients']} -> {override['site']}{until}{reason}"
    if row["held"] and row["held"]["stretches"]:
        yield (
            f"hysteresis holds {row['held']['stretches']} stretches of addresses, the oldest "
            f"since {render_moment(row['held']['oldest'])}"
        )
    for site in row["stale_views"]:
        yield f"THE VIEW OF {site} IS TOO OLD: it comes behind all other sites"
    if row["depth"] is not None and row["depth"] < row["configured_depth"]:
        yield (
            f"rankings have {row['depth']} sites instead of {row['configured_depth']}, "
            "as more would make more classes than there can be"
        )
