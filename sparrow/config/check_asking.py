"""What a route server that is asked must be to the rest.

Law: as in `sparrow.config.findings`. Start from `CHECKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.asking import RouteServerConfig
from sparrow.config.findings import Check, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sparrow.config.model import Config


def _check_count(config: Config) -> Iterator[Finding]:
    places = [at for at, each in enumerate(config.routes) if isinstance(each, RouteServerConfig)]
    for later in places[1:]:
        what = "only one route server can be asked: keep one, or read tables of the others"
        yield Finding(("routes", later), what, other=("routes", places[0]))


def _check_alone(config: Config) -> Iterator[Finding]:
    """Refuse what tells of every client: then nobody is left who is unknown."""
    if not config.is_asking:
        return
    found: list[tuple[tuple[str | int, ...], str]] = [
        (("routes", at, "view"), "the view of a site")
        for at, each in enumerate(config.routes)
        if each.view is not None
    ]
    found += [(("geo",), "geo")] if config.geo is not None else []
    found += [(("ranking", "rtt"), "a table of times")] if config.ranking.rtt is not None else []
    found += [(("overrides",), "overrides")] if config.overrides else []
    for path, name in found:
        what = (
            f"{name} cannot stand beside a route server that is asked about unknown clients: "
            "remove one of the two"
        )
        yield Finding(path, what, needs=(("routes",),))


def _check_delays(config: Config) -> Iterator[Finding]:
    for at, each in enumerate(config.routes):
        if isinstance(each, RouteServerConfig) and each.max_delay_s < each.settle_s:
            what = "must be at least as long as 'settle'"
            needs = (("routes", at, "settle"),)
            yield Finding(("routes", at, "max_delay"), what, needs=needs)


CHECKS: tuple[Check, ...] = (_check_count, _check_alone, _check_delays)
