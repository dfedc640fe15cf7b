"""Sites and services, as the choice of a site sees them.

Law: sites are numbered in configured order, and a class is made of these
numbers; they mean something only together with the tuple of sites they index.
Start from `Site`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.policy.outcome import LastResort
from sparrow.values.address import family_of, render_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sparrow.values.asn import AsnRange


@dataclass(frozen=True, slots=True)
class Site:
    """A place that users are sent to."""

    name: str
    """Unique among the sites."""
    asns: tuple[AsnRange, ...]
    """AS numbers that belong to the site; no other site has them."""
    vips: tuple[bytes, ...]
    """Packed addresses, both families, in configured order."""
    fallback: tuple[int, ...] = ()
    """Numbers of the sites to use in its place, best first."""


@dataclass(frozen=True, slots=True)
class Service:
    """Something that runs at some of the sites, with addresses of its own."""

    name: str
    """Unique among the services."""
    vips: Mapping[int, tuple[bytes, ...]]
    """Packed addresses by site number, in configured order; its keys are the eligible sites."""
    last_resort: LastResort = LastResort.ALL_UP
    """What is answered where none of its sites serves, or is merely drained."""
    static_vips: tuple[bytes, ...] = ()
    """Packed addresses of the list of last resort; empty for any other last resort."""
    ttl_min_s: int = 0
    """The highest of the `ttl_min` of the names that it steers."""

    def has_family(self, site: int, family: int) -> bool:
        """Tell whether the service has an address of `family` at `site`."""
        return any(family_of(vip) == family for vip in self.vips.get(site, ()))


@dataclass(frozen=True, slots=True)
class SiteSet:
    """All sites, and which of them answers where none matches."""

    sites: tuple[Site, ...]
    """In configured order; never empty."""
    self_site: int = 0
    """Number of the site that answers where no route names one."""

    @property
    def numbers(self) -> dict[str, int]:
        """Give the number of each site by its name."""
        return {site.name: number for number, site in enumerate(self.sites)}


def list_statics(services: Iterable[Service]) -> tuple[tuple[bytes, ...], ...]:
    """Give each distinct static list of last resort once, in the order of the services.

    List n stands behind the sites, under the number of sites plus n.
    """
    return tuple(
        dict.fromkeys(
            service.static_vips for service in services if service.last_resort is LastResort.STATIC
        )
    )


def name_static(vips: tuple[bytes, ...]) -> str:
    """Give the name of a static list, which is that of no site: these have no brackets."""
    return f"static({','.join(map(render_address, vips))})"


def is_static_name(name: str) -> bool:
    """Tell whether a name is that of a static list."""
    return "(" in name
