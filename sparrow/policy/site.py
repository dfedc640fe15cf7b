"""Sites and services, as the choice of a site sees them.

Law: sites are numbered in configured order, and a class is made of these
numbers; they mean something only together with the tuple of sites they index.
Start from `Site`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.values.address import family_of

if TYPE_CHECKING:
    from collections.abc import Mapping

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
