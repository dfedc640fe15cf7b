"""Overrides: which are in force, and which one counts for an address."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from slowmap import SlowMap, random_rows

from sparrow.config.ranking import OverrideConfig
from sparrow.policy.overriding import (
    build_overrides,
    list_in_force,
    next_expiry,
    number_asns,
    title_of,
)
from sparrow.values.address import BITS, FAMILIES, IPV4


def override(**keys: Any) -> OverrideConfig:
    return OverrideConfig.model_validate({"site": "nl", **keys})


FOR_GOOD = override(asn=1)
FIRST = override(asn=2, until="2026-01-31T22:00Z")
SECOND = override(prefix="192.0.2.0/24", until="2026-01-31T23:00Z")
TEN = 1769896800.0
"""Unix time at which `FIRST` ends; `SECOND` ends an hour later."""


@pytest.mark.parametrize(
    ("now_s", "in_force", "ends_s"),
    [
        (0.0, (SECOND, FOR_GOOD, FIRST), TEN),
        (TEN - 0.001, (SECOND, FOR_GOOD, FIRST), TEN),
        (TEN, (SECOND, FOR_GOOD), TEN + 3600),
        (TEN + 3600, (FOR_GOOD,), None),
    ],
)
def test_an_override_counts_until_it_ends(
    now_s: float, in_force: tuple[OverrideConfig, ...], ends_s: float | None
) -> None:
    every = (SECOND, FOR_GOOD, FIRST)
    assert in_force == list_in_force(every, now_s)
    assert ends_s == next_expiry(every, now_s)


@pytest.mark.parametrize(
    ("keys", "title"),
    [
        ({"asn": 7}, "AS7"),
        ({"prefix": "::/0", "reason": "a test"}, "::/0: a test"),
        ({"asn": 7, "until": "2026-01-31T23:00+01:00"}, "AS7 until 2026-01-31T22:00:00Z"),
        (
            {"asn": 7, "until": "2026-01-31T22:00Z", "reason": "a test"},
            "AS7 until 2026-01-31T22:00:00Z: a test",
        ),
    ],
)
def test_people_are_told_whose_clients_until_when_and_why(keys: dict[str, Any], title: str) -> None:
    assert title == title_of(override(**keys))


def test_an_as_has_the_index_of_its_override() -> None:
    assert {1: 1, 2: 2} == number_asns((SECOND, FOR_GOOD, FIRST))


@pytest.mark.parametrize("seed", range(60))
def test_the_most_specific_prefix_counts_and_special_blocks_are_marked(seed: int) -> None:
    rng = Random(seed)
    found = [FOR_GOOD]
    slow = {}
    for family in FAMILIES:
        rows = random_rows(rng, family, 1)
        slow[family] = SlowMap(family, [])
        for network, length, _ in rows:
            size = BITS[family] // 8
            text = ".".join(map(str, network.to_bytes(4, "big"))) if family == IPV4 else ""
            text = text or network.to_bytes(size, "big").hex(":", 2)
            slow[family].rows.append((network, length, len(found)))
            found.append(override(prefix=f"{text}/{length}"))
    shuffled = list(range(len(found)))
    rng.shuffle(shuffled)
    layer = build_overrides([found[index] for index in shuffled])
    assert layer.is_marked
    for family in FAMILIES:
        for address in slow[family].probes(rng, 100):
            is_wrapped, is_special, index = slow[family].find(address)
            leaf = layer.of_family(family).find(address)
            wanted = None if index is None else shuffled.index(index)
            assert (None if is_wrapped else wanted) == layer.find(family, address)
            assert is_wrapped or is_special == leaf.is_special
