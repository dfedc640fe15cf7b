"""What zones must be to each other, and to services.

Law: as in `sparrow.config.findings`. Start from `CHECKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.config.findings import Check, Finding, find_repeats, word_unknown
from sparrow.config.model import DEFAULT_SERVICE
from sparrow.values.name import ROOT, render_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sparrow.config.model import Config, ZoneConfig
    from sparrow.config.tree import Path
    from sparrow.values.name import Name


def _check_zones(config: Config) -> Iterator[Finding]:
    for position, earlier in find_repeats([zone.name for zone in config.zones]).items():
        name = render_name(config.zones[position].name)
        what = f"the zone {name} is configured twice: keep one"
        yield Finding(("zones", position), what, other=("zones", earlier))
    for position, zone in enumerate(config.zones):
        yield from _check_apex(zone, ("zones", position))
        yield from _check_steer(config, zone, ("zones", position, "steer"))


def _check_apex(zone: ZoneConfig, path: Path) -> Iterator[Finding]:
    if zone.file is None and zone.soa is None:
        what = "the zone needs 'soa' with mname and rname, or a 'file' that holds its SOA record"
        yield Finding(path, what, needs=((*path, "soa"), (*path, "file")))
    if zone.file is None and not zone.ns:
        what = "the zone needs 'ns' with its name servers, or a 'file' that holds its NS records"
        yield Finding(path, what, needs=((*path, "ns"), (*path, "file")))
    for position in find_repeats(zone.ns):
        what = f"{render_name(zone.ns[position])} stands in this list twice: keep one"
        yield Finding((*path, "ns", position), what)


def _check_steer(config: Config, zone: ZoneConfig, path: Path) -> Iterator[Finding]:
    services = [service.name for service in config.services]
    for position, earlier in find_repeats([steer.name for steer in zone.steer]).items():
        what = f"{render_name(zone.steer[position].name)} is steered twice: keep one"
        yield Finding((*path, position), what, other=(*path, earlier))
    for position, steer in enumerate(zone.steer):
        here = (*path, position)
        if steer.service not in services:
            yield _unknown_service(config, here, steer.service, services)
        if _repeats_zone(steer.name, zone.name):
            what = (
                f"this steers {render_name(steer.name)}, with the zone's name in it twice: "
                "write '@' for the zone's own name, or end a whole name with a dot"
            )
            yield Finding(here, what, is_warning=True)


def _unknown_service(config: Config, path: Path, name: str, known: Sequence[str]) -> Finding:
    if name == DEFAULT_SERVICE and config.sites:
        what = "the default service has no address at any site: write vips at a site"
        return Finding(path, what, needs=(("sites",),))
    needs = (("services", name), ("sites",)) if name == DEFAULT_SERVICE else (("services", name),)
    return Finding(path, word_unknown("service", name, known), needs=needs)


def _repeats_zone(name: Name, zone: Name) -> bool:
    """Tell whether a name looks like an absolute one that was completed with the zone's."""
    relative = name[: len(name) - len(zone)]
    return zone != ROOT and relative[len(relative) - len(zone) :] == zone


CHECKS: tuple[Check, ...] = (_check_zones,)
