"""What people are told of places, times, overrides and views."""

from __future__ import annotations

from typing import Any

import pytest

from sparrow.control.lore import describe_lore

NOTHING: dict[str, Any] = {
    "sources": [],
    "overrides": [],
    "depth": None,
    "configured_depth": 3,
    "stale_views": [],
    "held": None,
}
PLACES = {
    "kind": "places",
    "file": None,
    "source": "registries",
    "date": "2026-08-22",
    "licence": "CC0-1.0",
    "entries": 7,
}
TIMES = {
    "kind": "rtts",
    "file": "/r.csv",
    "source": "r.csv",
    "date": "2026-01-31T12:00:00Z",
    "licence": "",
    "entries": 2,
}
FEWER = "rankings have 2 sites instead of 3, as more would make more classes than there can be"
OVERRIDE = {"clients": "AS7", "site": "nl", "until": None, "reason": ""}


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        ({}, []),
        ({"depth": 3}, []),
        (
            {"sources": [PLACES, TIMES]},
            [
                "places: registries of 2026-08-22, CC0-1.0, 7 stretches",
                "round-trip times: r.csv of 2026-01-31T12:00:00Z (/r.csv), 2 prefixes and ASes",
            ],
        ),
        (
            {"overrides": [OVERRIDE, OVERRIDE | {"until": 1769896800.0, "reason": "a test"}]},
            [
                "override: AS7 -> nl",
                "override: AS7 -> nl until 2026-01-31T22:00:00Z: a test",
            ],
        ),
        ({"held": {"stretches": 0, "v4": 0, "v6": 0, "oldest": None}}, []),
        (
            {"held": {"stretches": 2, "v4": 256, "v6": 1, "oldest": 1769896800.0}},
            ["hysteresis holds 2 stretches of addresses, the oldest since 2026-01-31T22:00:00Z"],
        ),
        (
            {"stale_views": ["nl"], "depth": 2},
            [
                "THE VIEW OF nl IS TOO OLD: it comes behind all other sites",
                FEWER,
            ],
        ),
    ],
)
def test_each_thing_has_its_line(row: dict[str, Any], lines: list[str]) -> None:
    assert lines == list(describe_lore(NOTHING | row))
