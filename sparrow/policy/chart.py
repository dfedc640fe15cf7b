"""The sites that every address prefers, found once for each cell of what is known.

Law: in every cell, the order is what `sparrow.policy.preferring.prefer` gives of what the
layers say there; natively or purely. Start from `Chart.rank`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from math import nan
from typing import TYPE_CHECKING, Any, NamedTuple

from sparrow.policy.atlas import lay_over
from sparrow.policy.intervals import SPECIAL, WRAPPED
from sparrow.policy.preferring import prefer, put_first
from sparrow.policy.ranking import DEFAULT_LOCAL_PREF, Metric, RankBy, list_comparisons
from sparrow.rib.twin import IS_PURE, native

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sparrow.policy.atlas import Atlas
    from sparrow.policy.knowledge import Figures, Knowledge, Sighting
    from sparrow.policy.layer import Layer
    from sparrow.policy.ranking import Rules
    from sparrow.policy.steering import AddressMap

_ROOT = 2**32 - 1
"""Stands for the order without a place."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The order of some sites in every cell of an atlas."""

    atlas: Atlas
    """The cells."""
    numbers: array[int]
    """By cell: the number of its order, `array("I")`."""
    orders: tuple[tuple[int, ...], ...]
    """Each distinct order once: numbers of sites, best first, one at least."""
    marks: array[int]
    """By cell: 0 or a flag of `sparrow.policy.intervals`, `array("I")`."""

    def draw(self, classes: Sequence[int]) -> AddressMap:
        """Give the map whose class is `classes[order]`, by number of the order."""
        labels = array(
            "I",
            [
                WRAPPED if mark == WRAPPED else classes[number] | mark
                for number, mark in zip(self.numbers, self.marks, strict=True)
            ],
        )
        return self.atlas.draw(labels)


class Chart:
    """Everything that is known, laid over each other. Only read once made."""

    def __init__(self, knowledge: Knowledge, self_site: int) -> None:
        """Lay the layers of `knowledge` over each other."""
        self.knowledge = knowledge
        """What is known."""
        self.self_site = self_site
        """Number of the site that answers where nothing is known."""
        layers = knowledge.list_layers()
        self.atlas = lay_over(layers)
        """The cells."""
        pairs = zip(map(id, layers), self.atlas.columns, strict=True)
        self._columns = dict(pairs)

    def rank(self, sites: Sequence[int], rules: Rules, *, is_pure: bool = IS_PURE) -> Ranked:
        """Choose among some sites, by number, ascending, in every cell."""
        orders = self._prefer(sites, rules) if is_pure else _Ranking(self, sites, rules).orders()
        known: dict[tuple[int, ...], int] = {}
        numbers = array("I", [known.setdefault(order, len(known)) for order in orders])
        return Ranked(self.atlas, numbers, tuple(known), self._find_marks())

    def _prefer(self, sites: Sequence[int], rules: Rules) -> Iterator[tuple[int, ...]]:
        for cell in range(self.atlas.cells):
            known = self.knowledge.describe(partial(self._value, cell))
            yield prefer(known, sites, rules, self.self_site).sites

    def _value(self, cell: int, layer: Layer[Any]) -> Any:
        return layer.value_of(self.column(layer)[cell])

    def column(self, layer: Layer[Any]) -> array[int]:
        """Give the code that a layer has in each cell."""
        return self._columns[id(layer)]

    def values(self, layer: Layer[Any] | None, by_code: Sequence[Any]) -> Iterable[Any]:
        """Give `by_code[code]` for each cell; without a layer None."""
        if layer is None:
            return repeat(None, self.atlas.cells)
        column: Iterable[int] = self.column(layer)
        if layer.is_marked:
            column = (0 if code & WRAPPED else code & SPECIAL - 1 for code in column)
        return map(by_code.__getitem__, column)

    def _find_marks(self) -> array[int]:
        marks, overrides = self.column(self.knowledge.marks), self.knowledge.lore.overrides
        if overrides is None:
            return marks
        # A prefix that an operator names inside a special-purpose block is like a route there.
        pairs = zip(marks, self.column(overrides), strict=True)
        return array("I", [mark & code if mark == SPECIAL else mark for mark, code in pairs])


class _Source(NamedTuple):
    """Where the figures of a site are found, as `native.rank_cells` wants it."""

    column: array[int]
    figures: array[float]


class _Contender(NamedTuple):
    """A site, as `native.rank_cells` wants it."""

    base: int
    column: array[int] | None
    is_routed: array[int] | None


class _Case(NamedTuple):
    """What the order in a cell depends on."""

    number: int
    is_routed: int
    home: int | None
    is_near: bool
    of_prefix: int | None
    of_asn: int | None


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The order of some sites in every cell, natively."""

    chart: Chart
    sites: Sequence[int]
    rules: Rules

    def orders(self) -> Iterator[tuple[int, ...]]:
        """Give the order in each cell."""
        steps = [
            (each.margin, [list(self._list_sources(each.metric, site)) for site in self.sites])
            for each in list_comparisons(self.rules)
        ]
        contenders = [self._contend(site) for site in self.sites]
        cells = self.chart.atlas.cells
        numbers, pairs, routed = native.rank_cells(cells, contenders, steps, self.rules.depth)
        ranked = self._decode(pairs)
        found: dict[tuple[Any, ...], tuple[int, ...]] = {}
        for key in zip(numbers, routed, *self._list_grounds(), strict=True):
            order = found.get(key)
            if order is None:
                order = found[key] = self._settle(ranked, _Case(*key))
            yield order

    def _settle(self, ranked: Sequence[tuple[int, ...]], case: _Case) -> tuple[int, ...]:
        """Choose as `prefer` does."""
        order = ranked[case.number]
        if not case.is_routed and case.home is not None:
            order = (case.home,)
        elif not case.is_routed and not case.is_near:
            order = (self.chart.self_site,)
        override = case.of_asn if case.of_prefix is None else case.of_prefix
        if override is None or override not in self.sites:
            return order
        return put_first(override, order)

    def _list_grounds(self) -> list[Iterable[Any]]:
        """Give by cell the home, whether anything is near, and the overrides by prefix and AS."""
        chart, knowledge, lore = self.chart, self.chart.knowledge, self.chart.knowledge.lore
        origins = _values(knowledge.origins)
        rtts = [each.rtts for each in origins]
        near = zip(
            chart.values(lore.places, self._list_near(_values(lore.places), RankBy.DISTANCE)),
            chart.values(lore.rtts, self._list_near(_values(lore.rtts), RankBy.RTT)),
            chart.values(knowledge.origins, self._list_near(rtts, RankBy.RTT)),
            strict=True,
        )
        return [
            chart.values(knowledge.homes, knowledge.homes.values),
            map(any, near),
            chart.values(lore.overrides, self._list_wanted(_values(lore.overrides))),
            chart.values(knowledge.origins, self._list_wanted([o.override for o in origins])),
        ]

    def _list_near(self, values: Sequence[Figures | None], rank_by: RankBy) -> list[bool]:
        """Tell of each value whether it knows of one of the sites, and counts."""
        counts = rank_by in self.rules.rank_by
        return [
            counts and figures is not None and any(figures[site] is not None for site in self.sites)
            for figures in values
        ]

    def _list_wanted(self, overrides: Sequence[int | None]) -> list[int | None]:
        """Give the site that each override wants."""
        sites = self.chart.knowledge.lore.override_sites
        return [None if override is None else sites[override] for override in overrides]

    def _contend(self, site: int) -> _Contender:
        layer = self.chart.knowledge.views.get(site)
        base = 2 if site in self.rules.last else 0
        if layer is None:
            return _Contender(base, None, None)
        routed = array("B", [seen is not None for seen in layer.values])
        return _Contender(base, self.chart.column(layer), routed)

    def _list_sources(self, metric: Metric, site: int) -> Iterator[_Source]:
        """Give where a site's figures are found, the first one that knows going before."""
        knowledge, lore = self.chart.knowledge, self.chart.knowledge.lore
        if metric is Metric.DISTANCE:
            yield from self._take(lore.places, _values(lore.places), site)
        elif metric is Metric.RTT:
            yield from self._take(lore.rtts, _values(lore.rtts), site)
            origins = [each.rtts for each in _values(knowledge.origins)]
            yield from self._take(knowledge.origins, origins, site)
        elif site in knowledge.views:
            layer = knowledge.views[site]
            figures = array("d", [self._measure(metric, site, seen) for seen in layer.values])
            yield _Source(self.chart.column(layer), figures)

    def _take(
        self, layer: Layer[Any] | None, values: Sequence[Figures | None], site: int
    ) -> Iterator[_Source]:
        if layer is not None:
            found = (None if each is None else each[site] for each in values)
            figures = array("d", [nan if figure is None else figure for figure in found])
            yield _Source(self.chart.column(layer), figures)

    def _measure(self, metric: Metric, site: int, seen: Sighting | None) -> float:
        if seen is None:
            return nan
        if metric is Metric.LENGTH:
            return seen.hops - (self.rules.biases[site] if self.rules.biases else 0)
        return -(DEFAULT_LOCAL_PREF if seen.local_pref is None else seen.local_pref)

    def _decode(self, pairs: array[int]) -> list[tuple[int, ...]]:
        """Give the orders by number: each is a former one and one more place."""
        orders: list[tuple[int, ...]] = []
        for pair in pairs:
            before = pair >> 32
            start = () if before == _ROOT else orders[before]
            orders.append((*start, self.sites[pair & _ROOT]))
        return orders


def _values(layer: Layer[Any] | None) -> tuple[Any, ...]:
    return () if layer is None else layer.values
