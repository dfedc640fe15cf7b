"""The status as metrics, in the text format of Prometheus.

Law: nothing is measured here; a metric is a view of the status. Start from `render_metrics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sparrow.control.measures import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric as Family

    from sparrow.control.measures import Metric, Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of what `render_metrics` gives."""


def render_metrics(status: Status) -> bytes:
    """Give the metrics of a status that `build_status` gave."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reading(status))
    return generate_latest(registry)


class _Reading(Collector):
    """One status, as prometheus_client reads it."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            kind = CounterMetricFamily if metric.is_counter else GaugeMetricFamily
            family = kind(metric.name, metric.text, labels=metric.labels)
            for labels, value in _distinct(metric, self._status).items():
                family.add_metric(labels, value)
            yield family


def _distinct(metric: Metric, status: Status) -> dict[tuple[str, ...], float]:
    """Give each set of labels once.

    While one server takes the place of another both have a worker of a name. Their counts
    are added up; of other values the first one stays.
    """
    found: dict[tuple[str, ...], float] = {}
    for labels, value in metric.read(status):
        if value is None:
            continue
        if metric.is_counter:
            found[labels] = found.get(labels, 0.0) + value
        else:
            found.setdefault(labels, value)
    return found
