"""The formats of exports: each is declared here and nowhere else. Start from `render`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.exports.mmdb import encode_mmdb
from sparrow.exports.places import SiteMap
from sparrow.exports.steered import find_steered, render_knot_geoip, render_pdns_geoip
from sparrow.exports.texts import (
    render_bind_acl,
    render_csv,
    render_gdnsd_nets,
    render_nginx_geo,
)
from sparrow.plan.fallback import build_authority

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sparrow.exports.rendition import Rendition
    from sparrow.exports.steered import Steered
    from sparrow.plan.plan import Plan
    from sparrow.values.name import Name

_MAPS: Mapping[str, Callable[[SiteMap], Rendition]] = {
    "bind-acl": render_bind_acl,
    "gdnsd-nets": render_gdnsd_nets,
    "nginx-geo": render_nginx_geo,
    "csv": render_csv,
}
"""Formats that tell the site of an address."""
_NAMES: Mapping[str, Callable[[SiteMap, Steered], Rendition]] = {
    "knot-geoip": render_knot_geoip,
    "pdns-geoip": render_pdns_geoip,
}
"""Formats that tell the addresses that a name has."""
MMDB = "mmdb"
"""The format that is no text."""
FORMATS = (*_MAPS, *_NAMES, MMDB)
"""Every format."""
OF_NAMES = tuple(_NAMES)
"""Those of one steered name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported."""

    form: str
    """One of `FORMATS`."""
    service: str
    """Name of the service."""
    name: Name | None = None
    """The steered name, for a format of `OF_NAMES`; None for the only one of the service."""


def render(plan: Plan, wanted: Wanted, now_s: int) -> Rendition:
    """Give an export of a plan; `now_s` is Unix time, for the formats that hold it.

    Raises `InputError` where the plan has no such service or name.
    """
    site_map = SiteMap(plan, wanted.service)
    if wanted.form in _MAPS:
        return _MAPS[wanted.form](site_map)
    if wanted.form == MMDB:
        return encode_mmdb(site_map, now_s)
    steered = find_steered(build_authority(plan).zones, wanted.service, wanted.name)
    return _NAMES[wanted.form](site_map, steered)
