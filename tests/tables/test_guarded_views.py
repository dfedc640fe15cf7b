"""Guards at the gate where sites have views of their own, and more is known than routes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from gatehouse import rows

from sparrow.config.guarding import GuardsConfig
from sparrow.config.load import parse_config
from sparrow.policy.configured import build_site_set
from sparrow.policy.guards import Scope, list_broken
from sparrow.policy.knowledge import Lore
from sparrow.policy.tablediff import diff_tables
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.staging import draw_preferred
from sparrow.tables.scrutiny import scrutinize

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.sources.files import Loaded

CONFIG = parse_config(
    """\
self: au
sites: {au: {vips: [192.0.2.1]}, nl: {vips: [192.0.2.2]}}
ranking: {rank_by: [path]}
ssrs: {}
""",
    "sparrow.yaml",
).config
SITE_SET = build_site_set(CONFIG)
NORMAL = Scope()
NEAR, FAR = "7", "8 9 7"


def load(folder: Path, **views: str) -> Loaded:
    """Read tables by view; `common` is that of no site's."""
    files = []
    for name, text in views.items():
        path = folder / name
        path.write_text(text)
        files.append(RouteFile(str(path), view=None if name == "common" else name))
    return load_snapshot(files)


def judge(
    guards: dict[str, Any], old: Loaded | None, new: Loaded, scope: Scope = NORMAL
) -> list[str]:
    assert SITE_SET is not None
    draw = partial(draw_preferred, CONFIG, SITE_SET, Lore())
    scrutiny = scrutinize(old, new, SITE_SET, scope, draw)
    found = list_broken(GuardsConfig.model_validate(guards), scrutiny)
    return [f"{broken.guard}: {broken.what}" for broken in found]


def test_each_view_must_have_the_fewest_prefixes_and_the_common_one_need_not(
    tmp_path: Path,
) -> None:
    tables = load(tmp_path, common=rows(1), au=rows(10), nl=rows(9))
    expected = ["min_prefixes: the view of nl has 9 IPv4 prefixes; at least 10 are wanted"]
    assert expected == judge({"min_prefixes": {"v4": 10}}, None, tables)
    assert [] == judge({"min_prefixes": {"v4": 10}}, None, tables, Scope(is_normal=False))


def test_a_view_that_shrinks_is_seen_behind_one_that_does_not(tmp_path: Path) -> None:
    old = load(tmp_path, common=rows(10), au=rows(10), nl=rows(10))
    new = load(tmp_path, common=rows(8), au=rows(10), nl=rows(5))
    expected = [
        "IPv4 of the view of nl shrinks from 10 to 5 prefixes, by 50.0 %; 10 % is allowed",
        "IPv4 of the common view shrinks from 10 to 8 prefixes, by 20.0 %; 10 % is allowed",
    ]
    assert [f"max_shrink: {each}" for each in expected] == judge({"max_shrink": "10%"}, old, new)
    gone = load(tmp_path, common=rows(10), au=rows(10))
    assert ["view of nl shrinks from 10 to 0"] == [
        text[len("max_shrink: IPv4 of the ") :].partition(" prefixes")[0]
        for text in judge({"max_shrink": "10%"}, old, gone)
    ]


def paths(near: int) -> str:
    """Write ten prefixes, so many of them by a path of one hop and the others by four."""
    return "".join(
        f"20.{number}.0.0/16 {NEAR if number < near else '8 9 1 7'}\n" for number in range(10)
    )


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        (0, []),
        (1, []),
        (2, ["answers may move for 20.0 % of the IPv4 address space; 10 % is allowed"]),
    ],
)
def test_what_moves_is_what_the_ranking_moves(
    tmp_path: Path, near: int, expected: list[str]
) -> None:
    of_au = "".join(f"20.{number}.0.0/16 {FAR}\n" for number in range(10))
    old = load(tmp_path, au=of_au, nl=paths(0))
    new = load(tmp_path, au=of_au, nl=paths(near))
    assert [f"max_moved: {each}" for each in expected] == judge({"max_moved": "10%"}, old, new)
    assert SITE_SET is not None
    before, after = (draw_preferred(CONFIG, SITE_SET, Lore(), each) for each in (old, new))
    v4, _ = diff_tables(old.snapshot, new.snapshot, SITE_SET, (before, after))
    assert near << 16 == v4.moved


def test_a_canary_goes_where_the_ranking_sends_it(tmp_path: Path) -> None:
    guards = {"canaries": ("20.1.0.0/16 -> nl",)}
    good = load(tmp_path, au=f"20.0.0.0/8 {FAR}\n", nl=f"20.0.0.0/8 {NEAR}\n")
    assert [] == judge(guards, None, good)
    bad = load(tmp_path, au=f"20.0.0.0/8 {FAR}\n20.1.7.0/24 {NEAR}\n", nl="20.0.0.0/8 7 9\n")
    expected = ["canaries: a part of 20.1.0.0/16 goes to au instead of nl"]
    assert expected == judge(guards, None, bad)
