"""Random tables of several views, distances, times and overrides, and a slow way to read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from built_tables import build_snapshot
from slowmap import SlowMap, random_rows

from sparrow.policy.intervals import SPECIAL, sweep
from sparrow.policy.knowledge import Lore, Views
from sparrow.policy.layer import Layer
from sparrow.policy.ranking import Evidence, RankBy, Rules
from sparrow.policy.site import Site, SiteSet
from sparrow.policy.survey import build_knowledge
from sparrow.rib.overlay import overlay
from sparrow.rib.route import Route, parse_route
from sparrow.values.address import BITS, FAMILIES, Prefix, parse_address
from sparrow.values.asn import AsnRange

if TYPE_CHECKING:
    from random import Random

    from slowmap import Row

    from sparrow.policy.knowledge import Knowledge
    from sparrow.rib.snapshot import Snapshot

COUNT = 4
SITE_SET = SiteSet(
    tuple(
        Site(f"s{number}", (AsnRange(number, number),), (parse_address(f"203.0.113.{number}"),))
        for number in range(1, COUNT + 1)
    ),
    self_site=1,
)
PATHS = tuple(
    map(
        parse_route,
        ("9", "8 9", "8 8 8 9", "7 8 9", "7 1 9", "2", "3 9", "6 7 8 9", "5 {8,9}", "7 7", "4 2"),
    )
)


@dataclass
class Table:
    """A table twice: as a snapshot, and to be searched line by line."""

    rows: dict[int, list[Row]]
    snapshot: Snapshot = field(init=False)

    def __post_init__(self) -> None:
        """Build the snapshot."""
        self.snapshot = build_snapshot(
            (Prefix(network.to_bytes(BITS[family] // 8, "big"), length), PATHS[path])
            for family in FAMILIES
            for network, length, path in self.rows[family]
        )

    def find(self, family: int, address: int, *, least: int = 0) -> Route | None:
        """Give the route of the longest prefix around an address that has `least` bits."""
        covering = [
            (length, path)
            for network, length, path in self.rows[family]
            if length >= least and (network ^ address) >> BITS[family] - length == 0
        ]
        return PATHS[max(covering)[1]] if covering else None


def random_table(rng: Random) -> Table:
    return Table({family: random_rows(rng, family, len(PATHS)) for family in FAMILIES})


def random_layer(rng: Random, values: tuple[object, ...], *, is_marked: bool = False) -> Layer:  # type: ignore[type-arg]
    maps = []
    for family in FAMILIES:
        rows = random_rows(rng, family, len(values))
        swept = sweep(family, rows, range(len(values)), 0)
        # Without marks a block that wraps IPv4 has a value, which nobody looks at.
        plain = [code & SPECIAL - 1 for code in range(SPECIAL)]
        labels = [*plain, *plain, *([0] * SPECIAL * 2)]
        maps.append(swept if is_marked else swept.relabel(labels))
    return Layer(maps[0], maps[1], values, is_marked=is_marked)


def random_figures(rng: Random) -> tuple[float | None, ...]:
    return tuple(rng.choice((None, 10.0, 12.0, 400.0, 9000.0)) for _ in range(COUNT))


@dataclass
class Scene:
    """Everything that is known, and the rules."""

    common: Table
    views: dict[int, Table]
    lore: Lore
    rules: Rules
    knowledge: Knowledge = field(init=False)
    marks: dict[int, SlowMap] = field(init=False)

    def __post_init__(self) -> None:
        """Build the layers."""
        tables = [*(self.views[site] for site in sorted(self.views, reverse=True)), self.common]
        of_sites = {site: table.snapshot for site, table in self.views.items()}
        union = overlay([each.snapshot for each in tables])
        views = Views(self.common.snapshot, of_sites, union)
        self.knowledge = build_knowledge(SITE_SET, views, self.lore)
        rows = {
            family: sorted({row[:2]: row for each in tables for row in each.rows[family]}.values())
            for family in FAMILIES
        }
        self.marks = {family: SlowMap(family, rows[family]) for family in FAMILIES}

    def probes(self, rng: Random, family: int) -> list[int]:
        return self.marks[family].probes(rng, 40)

    def evidence(self, family: int, address: int) -> list[Evidence]:
        """Say of each site what is known, by searching everything."""
        lore = self.lore
        places = lore.places and lore.places.find(family, address)
        rtts = lore.rtts and lore.rtts.find(family, address)
        origin = self.find_union(family, address)
        by_asn = lore.rtts_of_asn or {}
        of_asn = next(
            (by_asn[asn] for asn in (origin.origins if origin else ()) if asn in by_asn), None
        )
        found = []
        for site in range(COUNT):
            table = self.views.get(site)
            route = table.find(family, address, least=1) if table else None
            rtt = rtts[site] if rtts else None
            if rtt is None and of_asn:
                rtt = of_asn[site]
            found.append(
                Evidence(
                    hops=slow_hops(route) if route else None,
                    rtt_ms=rtt,
                    distance_km=places[site] if places else None,
                )
            )
        return found

    def find_union(self, family: int, address: int) -> Route | None:
        """Give the route of the longest prefix in any table; the common one's goes before.

        A default route counts in the common one alone.
        """
        best: tuple[int, int, int] | None = None
        ordered = [self.common, *(self.views[site] for site in sorted(self.views))]
        for place, table in enumerate(ordered):
            for network, length, path in table.rows[family]:
                is_no_route = place > 0 and length == 0
                if (network ^ address) >> BITS[family] - length == 0 and not is_no_route:
                    best = max(best or (-1, 0, 0), (length, -place, path))
        return PATHS[best[2]] if best else None

    def home(self, family: int, address: int) -> int | None:
        route = self.common.find(family, address)
        named = [asn for asn in (route.path if route else ()) if asn <= COUNT]
        return named[0] - 1 if named else None


def slow_hops(route: Route) -> int:
    count = 0
    before = None
    for hop in route.hops:
        count += hop.asns != before
        before = hop.asns
    return count


def random_scene(rng: Random) -> Scene:
    sites = rng.sample(range(COUNT), rng.randrange(COUNT + 1))
    figures = tuple(random_figures(rng) for _ in range(3))
    wanted = (None, 0, 2, 3)
    lore = Lore(
        places=rng.choice((None, random_layer(rng, ((None,) * COUNT, *figures)))),
        rtts=rng.choice((None, random_layer(rng, ((None,) * COUNT, *figures)))),
        rtts_of_asn=rng.choice((None, {9: random_figures(rng), 8: random_figures(rng)})),
        overrides=rng.choice((None, random_layer(rng, wanted, is_marked=True))),
        override_of_asn=rng.choice((None, {2: 3, 9: 0})),
        override_sites=(3, 0, 1, 2),
    )
    rules = Rules(
        rank_by=tuple(rng.sample(list(RankBy), rng.randrange(4))),
        distance_margin_km=rng.choice((0, 500)),
        rtt_margin_ms=rng.choice((0, 5)),
        path_margin=rng.choice((0, 1)),
        biases=rng.choice(((), (0, 1, -1, 0))),
        use_local_pref=rng.random() < 0.3,
        depth=rng.randint(1, 5),
        last=frozenset(rng.sample(range(COUNT), rng.choice((0, 0, 1, COUNT)))),
    )
    return Scene(random_table(rng), {site: random_table(rng) for site in sites}, lore, rules)
