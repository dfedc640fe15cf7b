"""What health remembers over a restart, as a tree for a JSON file.

Law: what is rendered reads back equal; what cannot be read is left out, for a verdict
too few only means another first round. Start from `Remembered`.

    {"version": 1,
     "probes": {SUBJECT: {"verdict": "up" | "down", "degraded": bool, "since": UNIX}},
     "sites": {NAME: {"v4": {"up": bool, "latched": bool, "since": UNIX}, "v6": the same}}}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sparrow.health.site import ALL_UP, Presence, Presences
from sparrow.health.verdict import ProbeState, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
_MAX_TIME_S = 1e11
"""Unix time that no clock shows; JSON as Python reads it has NaN and numbers of any length."""


@dataclass(frozen=True, slots=True)
class RememberedProbe:
    """The verdict of one probe."""

    state: ProbeState
    """Without its counts: these begin anew."""
    since: float
    """When it became that, in Unix time."""


@dataclass(frozen=True, slots=True)
class RememberedSite:
    """How one site stood."""

    presences: Presences = ALL_UP
    """Without its hold-down: that begins anew."""
    since: tuple[float, float] = (0.0, 0.0)
    """When it came to be up or down, for IPv4 and for IPv6, in Unix time; 0 for unknown."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that health remembers."""

    probes: Mapping[str, RememberedProbe] = field(default_factory=dict)
    """By the subject of the aim."""
    sites: Mapping[str, RememberedSite] = field(default_factory=dict)
    """By the name of the site."""


def render_memory(memory: Remembered) -> dict[str, Any]:
    """Give the tree."""
    return {
        "version": VERSION,
        "probes": {
            subject: {
                "verdict": probe.state.verdict.value,
                "degraded": probe.state.is_degraded,
                "since": probe.since,
            }
            for subject, probe in memory.probes.items()
            if probe.state.verdict is not Verdict.UNKNOWN
        },
        "sites": {
            name: {
                "v4": _render_presence(site.presences.v4, site.since[0]),
                "v6": _render_presence(site.presences.v6, site.since[1]),
            }
            for name, site in memory.sites.items()
        },
    }


def _render_presence(presence: Presence, since: float) -> dict[str, Any]:
    return {"up": presence.is_up, "latched": presence.is_latched, "since": since}


def parse_memory(tree: Any) -> Remembered:
    """Read a tree, or whatever a file had in its place; None stands for no file."""
    if not isinstance(tree, dict) or tree.get("version") != VERSION:
        return Remembered()
    return Remembered(
        dict(_read_each(tree.get("probes"), _parse_probe)),
        dict(_read_each(tree.get("sites"), _parse_site)),
    )


def _read_each(rows: Any, parse: Any) -> list[tuple[str, Any]]:
    read = []
    for key, row in rows.items() if isinstance(rows, dict) else ():
        try:
            read.append((key, parse(row)))
        except (KeyError, TypeError, ValueError):
            continue
    return read


def _parse_probe(row: Any) -> RememberedProbe:
    state = ProbeState(Verdict(row["verdict"]), is_degraded=row["degraded"] is True)
    return RememberedProbe(state, _parse_time(row["since"]))


def _parse_site(row: Any) -> RememberedSite:
    presences = Presences(_parse_presence(row["v4"]), _parse_presence(row["v6"]))
    since = (_parse_time(row["v4"]["since"]), _parse_time(row["v6"]["since"]))
    return RememberedSite(presences, since)


def _parse_time(value: Any) -> float:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 <= value <= _MAX_TIME_S
    ):
        raise ValueError("not a Unix time")
    return float(value)


def _parse_presence(row: Any) -> Presence:
    if row["up"] is not False:
        return Presence()
    return Presence(is_up=False, is_latched=row["latched"] is True)
