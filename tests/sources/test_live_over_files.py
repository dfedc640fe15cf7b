"""Tables of live sources over those of files: with what is known of the last time, and without."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from threesites import table

from sparrow.rib.stack import Stacks
from sparrow.sources.files import Loaded

if TYPE_CHECKING:
    from sparrow.rib.snapshot import Snapshot

PREFIXES = ("20.0.0.0/8", "20.1.0.0/16", "30.0.0.0/8", "2600::/16", "2601::/16")


def random_lines(random: Random) -> Snapshot:
    rows = random.sample(PREFIXES, random.randint(1, len(PREFIXES)))
    return table("; ".join(f"{prefix} {random.randint(1, 9)}" for prefix in rows))


def list_views(loaded: Loaded) -> dict[str, list[object]]:
    views = {"common": loaded.common, "whole": loaded.snapshot} | dict(loaded.views)
    return {name: list(view.entries()) for name, view in views.items()}


@pytest.mark.parametrize("seed", range(30))
def test_it_is_the_same_as_from_nothing(seed: int) -> None:
    random, stacks = Random(seed), Stacks()
    files = Loaded(random_lines(random), (), ())
    if random.random() < 0.5:
        files = files.replace_views(files.common, {"nl": random_lines(random)})
    live: dict[str | None, list[Snapshot]] = {}
    for _ in range(10):
        view = random.choice((None, "nl", "us"))
        live[view] = [random_lines(random) for _ in range(random.randint(0, 2))]
        if random.random() < 0.2:
            live.pop(random.choice([*live]))
        assert list_views(files.with_live(live)) == list_views(files.with_live(live, stacks))
