"""Each guard: a table that trips it, and one that passes just inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from threesites import SITE_SET, table

from sparrow.config.guarding import GuardsConfig
from sparrow.policy.guards import Broken, Scope, Scrutiny, list_broken
from sparrow.rib.snapshot import Snapshot
from sparrow.sources.files import RouteFile, load_snapshot
from sparrow.sources.line import RouteFormat

if TYPE_CHECKING:
    from pathlib import Path


def judge(guards: dict[str, Any], old: str | None, new: str, scope: Scope = Scope()) -> list[str]:  # noqa: B008
    """Give what is broken, as guard and words."""
    scrutiny = Scrutiny(None if old is None else table(old), table(new), SITE_SET, scope)
    found = list_broken(GuardsConfig.model_validate(guards), scrutiny)
    return [f"{each.guard}: {each.what}" for each in found]


def rows(count: int, asn: int = 2, family: int = 4) -> str:
    """Give that many blocks of the same size."""
    block = "20.{}.0.0/16" if family == 4 else "2a00:{}::/32"
    return "\n".join(f"{block.format(number)} {asn}" for number in range(count))


@pytest.mark.parametrize(
    ("guards", "new", "expected"),
    [
        ({"v4": 10}, rows(10), []),
        (
            {"v4": 10},
            rows(9),
            ["min_prefixes: the table has 9 IPv4 prefixes; at least 10 are wanted"],
        ),
        ({"v6": 3}, rows(3, family=6), []),
        (
            {"v6": 3},
            rows(2, family=6),
            ["min_prefixes: the table has 2 IPv6 prefixes; at least 3 are wanted"],
        ),
    ],
)
def test_fewest_prefixes(guards: dict[str, int], new: str, expected: list[str]) -> None:
    assert expected == judge({"min_prefixes": guards}, None, new)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (rows(10), rows(9), []),
        (
            rows(100),
            rows(89),
            ["max_shrink: IPv4 shrinks from 100 to 89 prefixes, by 11.0 %; 10 % is allowed"],
        ),
        (rows(9), rows(10), []),
        (
            rows(90) + "\n" + rows(10, family=6),
            rows(90) + "\n" + rows(8, family=6),
            ["max_shrink: IPv6 shrinks from 10 to 8 prefixes, by 20.0 %; 10 % is allowed"],
        ),
        (rows(5), rows(5) + "\n" + rows(5, family=6), []),
        (None, rows(1), []),
    ],
)
def test_the_largest_shrink(old: str | None, new: str, expected: list[str]) -> None:
    assert expected == judge({"max_shrink": "10%"}, old, new)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (rows(10), rows(10) + "\n20.3.0.0/16 3", []),
        (
            rows(10),
            rows(10) + "\n20.3.0.0/16 3\n20.9.0.0/24 1",
            ["max_moved: answers may move for 10.0 % of the IPv4 address space; 10 % is allowed"],
        ),
        # Routed otherwise, and to the same site.
        (rows(10, asn=2), rows(5, asn=7) + rows(0), ["IPv4"]),
        (rows(10, asn=7), rows(10, asn=8), []),
        # What no route matches any more goes to `self`.
        (rows(10, asn=1), rows(2, asn=1), []),
        (rows(10), rows(9), []),
        (rows(10), rows(8), ["20.0 % of the IPv4"]),
        # A catch-all does not hide what moves in the rest, nor the rest what it moves.
        (
            "::/0 1\n" + rows(10, family=6),
            "::/0 1\n" + rows(8, family=6),
            ["20.0 % of the IPv6"],
        ),
        ("::/0 1\n" + rows(10, family=6), "::/0 3\n" + rows(10, family=6), ["% of the IPv6"]),
        ("0.0.0.0/0 1\n" + rows(10), "0.0.0.0/0 3\n" + rows(10), ["% of the IPv4"]),
        (None, rows(1), []),
        # Nobody's addresses.
        (rows(10) + "\n10.0.0.0/7 2", rows(10) + "\n11.0.0.0/8 2\n10.0.0.0/8 3", []),
    ],
)
def test_the_largest_share_that_may_move(old: str | None, new: str, expected: list[str]) -> None:
    found = judge({"max_moved": "10%"}, old, new)
    assert [True] * len(expected) == [
        part in text for part, text in zip(expected, found, strict=True)
    ]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("8.8.0.0/16 2; 8.8.8.0/24 3", []),
        ("8.0.0.0/8 3; 8.8.9.0/24 2", []),
        ("8.8.0.0/16 2", ["canaries: 8.8.8.0/24 goes to nl instead of us"]),
        ("9.0.0.0/8 3", ["canaries: 8.8.8.0/24 goes to au instead of us"]),
        (
            "8.8.8.0/24 3; 8.8.8.255/32 2",
            ["canaries: a part of 8.8.8.0/24 goes to nl instead of us"],
        ),
    ],
)
def test_a_canary_stays_where_it_is(new: str, expected: list[str]) -> None:
    assert expected == judge({"canaries": ("8.8.8.0/24 -> us",)}, None, new)


def test_a_canary_may_be_of_ipv6() -> None:
    guards = {"canaries": ("2a00:1::/32 -> nl", "2a00:1::/33 -> us")}
    expected = ["canaries: 2a00:1::/33 goes to nl instead of us"]
    assert expected == judge(guards, None, rows(4, family=6))


ALL = {
    "min_prefixes": {"v4": 10},
    "max_shrink": "10%",
    "max_moved": "10%",
    "canaries": ("20.1.0.0/16 -> nl",),
}


def kinds(broken: list[str]) -> list[str]:
    return [text.partition(":")[0] for text in broken]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(), ["min_prefixes", "max_shrink", "max_moved", "canaries"]),
        (Scope(may_move=True), ["min_prefixes", "max_shrink", "canaries"]),
        (Scope(is_normal=False, may_move=True), ["max_shrink"]),
        (Scope(is_normal=False), ["max_shrink", "max_moved"]),
    ],
)
def test_the_scope_says_which_guards_count(scope: Scope, expected: list[str]) -> None:
    assert expected == kinds(judge(ALL, rows(20), rows(5, asn=1), scope))


def test_without_sites_only_prefixes_are_counted() -> None:
    scrutiny = Scrutiny(table(rows(20)), table(rows(5, asn=1)), None)
    found = list_broken(GuardsConfig.model_validate(ALL), scrutiny)
    assert ["min_prefixes", "max_shrink"] == [each.guard for each in found]


def test_no_guards_break_nothing() -> None:
    assert [] == judge({}, rows(20), rows(0))


def test_real_tables_are_guarded(tables: Path) -> None:
    paths = sorted(tables.glob("internet-*.pfx2as.gz"))
    whole = load_snapshot([RouteFile(str(path), RouteFormat.PFX2AS) for path in paths]).snapshot
    kept = [row for row in range(len(whole.v4)) if row % 10 != 9]
    part = Snapshot(whole.v4.pick(kept), whole.v6, whole.routes)
    guards = GuardsConfig.model_validate({"max_shrink": "10%", "max_moved": "10%"})
    assert () == list_broken(guards, Scrutiny(whole, part, SITE_SET))
    tight = GuardsConfig.model_validate({"max_shrink": "9.9%"})
    count = len(whole.v4)
    text = f"IPv4 shrinks from {count} to {len(kept)} prefixes, by 10.0 %; 9.9 % is allowed"
    assert (Broken("max_shrink", text),) == list_broken(tight, Scrutiny(whole, part, SITE_SET))
