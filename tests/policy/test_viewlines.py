"""Tables of the nearest sites: against the ranking of every stretch of addresses."""

from __future__ import annotations

from random import Random

import pytest
from built_tables import build_snapshot
from slowmap import SlowMap
from threesites import SITE_SET, table

from sparrow.policy.chart import Chart
from sparrow.policy.knowledge import Lore, Views
from sparrow.policy.ranking import Evidence, Rules, rank
from sparrow.policy.survey import build_knowledge
from sparrow.policy.viewlines import list_nearest
from sparrow.rib.overlay import overlay
from sparrow.rib.route import parse_route
from sparrow.rib.snapshot import EMPTY
from sparrow.values.address import IPV4, Prefix

ASNS = (1, 2, 3)


def nearest(views: dict[int, str], common: str = "", rules: Rules | None = None) -> list[str]:
    tables = {site: table(text) for site, text in views.items()}
    rest = table(common) if common else EMPTY
    union = overlay([*tables.values(), rest])
    chart = Chart(build_knowledge(SITE_SET, Views(rest, tables, union), Lore()), 0)
    lines = list_nearest(chart, rules or Rules(), union, ASNS)
    return [f"{prefix} {route}" for prefix, route in lines]


def test_each_prefix_has_the_site_with_the_shortest_path() -> None:
    views = {
        0: "20.0.0.0/8 7 8 9; 21.0.0.0/8 7 9; 2600::/16 7",
        1: "20.0.0.0/8 7 7 7 9; 21.0.0.0/8 6 5 9; 21.1.0.0/16 9",
    }
    assert ["20.0.0.0/8 2", "21.0.0.0/8 1", "21.1.0.0/16 2", "2600::/16 1"] == nearest(views)


def test_a_bias_is_taken_off() -> None:
    views = {0: "20.0.0.0/8 7 8 9", 1: "20.0.0.0/8 7 9"}
    assert ["20.0.0.0/8 2"] == nearest(views)
    assert ["20.0.0.0/8 1"] == nearest(views, rules=Rules(biases=(2, 0, 0)))


def test_where_no_view_has_a_route_the_common_one_names_the_site() -> None:
    views = {0: "20.0.0.0/8 7"}
    assert ["20.0.0.0/8 1", "22.0.0.0/8 3"] == nearest(views, "20.1.0.0/16 3; 22.0.0.0/8 9 3 2")


def test_what_nobody_has_a_route_to_has_no_line() -> None:
    assert [] == nearest({0: "2002::/16 7", 1: ""})


@pytest.mark.parametrize("seed", range(25))
def test_random_views_give_what_is_ranked_at_every_address(seed: int) -> None:
    rng = Random(seed)
    paths = [parse_route(" ".join(map(str, range(10, 11 + hops)))) for hops in range(4)]
    slow: dict[int, SlowMap] = {}
    for site in range(3):
        rows: dict[tuple[int, int], int] = {}
        for _ in range(rng.randrange(1, 14)):
            length = rng.randrange(10, 15)
            network = 20 << 24 | rng.randrange(1 << length - 8) << 32 - length
            rows[network, length] = rng.randrange(len(paths))
        slow[site] = SlowMap(IPV4, [(*block, hops) for block, hops in sorted(rows.items())])
    tables = {
        site: build_snapshot(
            (Prefix(network.to_bytes(4, "big"), length), paths[route])
            for network, length, route in each.rows
        )
        for site, each in slow.items()
    }
    union = overlay(list(tables.values()))
    chart = Chart(build_knowledge(SITE_SET, Views(EMPTY, tables, union), Lore()), 0)
    lines = [
        (int.from_bytes(prefix.network, "big"), prefix.length, route.origins[0])
        for prefix, route in list_nearest(chart, Rules(), union, ASNS)
    ]
    found = SlowMap(IPV4, lines)
    for address in range(20 << 24, 21 << 24, 1 << 17):
        routes = [each.find(address)[2] for each in slow.values()]
        evidence = [Evidence(hops=None if route is None else route + 1) for route in routes]
        expected = None
        if any(known.hops is not None for known in evidence):
            expected = ASNS[rank(evidence, Rules())[0].site]
        assert expected == found.find(address)[2]
