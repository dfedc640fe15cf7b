"""The sites and services of a configuration, as the choice of a site sees them.

Law: names become numbers here and nowhere else; the numbers follow the
configured order. Start from `build_site_set`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparrow.policy.outcome import LastResort
from sparrow.policy.ranking import RankBy, Rules
from sparrow.policy.sanity import Limits
from sparrow.policy.site import Service, Site, SiteSet

if TYPE_CHECKING:
    from sparrow.config.guarding import LastResortConfig
    from sparrow.config.model import Config, ServiceConfig
    from sparrow.config.sanity import SanityConfig
    from sparrow.policy.distance import Location


def build_site_set(config: Config) -> SiteSet | None:
    """Give the configured sites, numbered; None where there are none (the route port alone)."""
    if not config.sites:
        return None
    numbers = _number_sites(config)
    sites = tuple(
        Site(
            name=site.name,
            asns=site.asn,
            vips=site.vips,
            fallback=tuple(numbers[name] for name in site.fallback),
        )
        for site in config.sites
    )
    return SiteSet(sites, numbers[config.self_site] if config.self_site else 0)


def build_services(config: Config) -> dict[str, Service]:
    """Give the configured services by name, `default` among them."""
    numbers = _number_sites(config)
    return {
        service.name: Service(
            name=service.name,
            vips={numbers[site]: config.vips_of(service, site) for site in service.sites},
            last_resort=LastResort(_last_resort(config, service).policy),
            static_vips=_last_resort(config, service).static,
            ttl_min_s=_highest_ttl_min(config, service),
        )
        for service in config.services
    }


def build_rules(config: Config) -> Rules:
    """Give the rules by which the configured sites are ranked; no view is too old yet."""
    ranking = config.ranking
    return Rules(
        rank_by=tuple(map(RankBy, ranking.rank_by)),
        rtt_margin_ms=ranking.rtt_margin_ms,
        distance_margin_km=ranking.distance_margin_km,
        path_margin=ranking.path_margin,
        use_local_pref=ranking.use_local_pref,
        biases=tuple(site.bias for site in config.sites),
        depth=ranking.depth,
    )


def build_limits(sanity: SanityConfig) -> Limits:
    """Give what the routes of a source must keep to."""
    return Limits(
        max_length_v4=sanity.max_length_v4,
        max_length_v6=sanity.max_length_v6,
        max_hops=sanity.max_hops,
        own_asns=sanity.own_as,
        max_prefixes=sanity.max_prefixes,
        takes_default=sanity.default_routes == "keep",
        takes_martians=sanity.martians == "keep",
        takes_reserved=sanity.reserved_as == "keep",
    )


def list_locations(config: Config) -> tuple[Location | None, ...]:
    """Give where each site is, by number; None where nobody said."""
    return tuple(site.location for site in config.sites)


def _last_resort(config: Config, service: ServiceConfig) -> LastResortConfig:
    return config.failover.last_resort if service.last_resort is None else service.last_resort


def _highest_ttl_min(config: Config, service: ServiceConfig) -> int:
    """Give the highest floor of the TTLs of the names that a service answers."""
    zones = (
        zone for zone in config.zones if any(steer.service == service.name for steer in zone.steer)
    )
    return max((zone.ttls_of(service)[1] for zone in zones), default=0)


def _number_sites(config: Config) -> dict[str, int]:
    return {site.name: number for number, site in enumerate(config.sites)}
