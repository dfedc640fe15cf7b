"""A configuration as YAML that reads back equal.

Law: `parse_config(render_config(config))` gives `config` again, wherever the
text is put, because every default is written out and every path is absolute. A
key is left out only where its absence is its value. Start from `render_config`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparrow.config.amounts import render_duration
from sparrow.config.asking import RouteServerConfig
from sparrow.config.feeding import GobgpConfig
from sparrow.config.yamltext import render_yaml
from sparrow.values.address import render_address
from sparrow.values.moment import render_exact_moment
from sparrow.values.name import render_label, render_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparrow.config.guarding import FailoverConfig, GuardsConfig, LastResortConfig
    from sparrow.config.health import Check, CheckDefaults
    from sparrow.config.model import (
        Config,
        RouteFileConfig,
        ServerConfig,
        ServiceConfig,
        SiteConfig,
        SoaConfig,
        SsrsConfig,
        ZoneConfig,
    )
    from sparrow.config.ranking import HysteresisConfig, OverrideConfig, RankingConfig
    from sparrow.config.sanity import SanityConfig
    from sparrow.config.yamltext import Yaml
    from sparrow.values.name import Name


def render_config(config: Config) -> str:
    """Give the whole configuration as YAML, defaults included; passwords are not hidden."""
    top: dict[str, Yaml] = {"server": _server(config.server)}
    if config.self_site is not None:
        top["self"] = config.self_site
    top["sites"] = {site.name: _site(site) for site in config.sites}
    top["services"] = {service.name: _service(service) for service in config.services}
    top["routes"] = [_route(route) for route in config.routes]
    top["zones"] = {render_name(zone.name): _zone(zone) for zone in config.zones}
    if config.ssrs is not None:
        top["ssrs"] = _ssrs(config.ssrs)
    top["checks"] = _keys(config.checks)
    top["failover"] = _failover(config.failover)
    top["guards"] = _guards(config.guards)
    if config.geo is not None:
        file = config.geo.file
        top["geo"] = {config.geo.source: file} if file else config.geo.source
    top["ranking"] = _ranking(config.ranking)
    if config.hysteresis is not None:
        top["hysteresis"] = _hysteresis(config.hysteresis)
    top["overrides"] = [_override(override) for override in config.overrides]
    if config.notify is not None:
        command, timeout = config.notify.command, render_duration(config.notify.timeout_s)
        top["notify"] = {"command": list(command), "timeout": timeout}
    if config.http is not None:
        top["http"] = {"listen": str(config.http.listen)}
    if config.pdns is not None:
        top["pdns"] = {"socket": config.pdns.socket, "group": config.pdns.group}
    return render_yaml(top)


def _route(route: RouteFileConfig | GobgpConfig | RouteServerConfig) -> Yaml:
    if isinstance(route, RouteServerConfig):
        return _route_server(route)
    return _gobgp(route) if isinstance(route, GobgpConfig) else _route_file(route)


def _route_server(route: RouteServerConfig) -> Yaml:
    return {
        "route_server": route.route_server,
        "host": route.host,
        "port": route.port,
        "password": route.password,
        "user": route.user,
        "timeout": render_duration(route.timeout_s),
        "cache_timeout": render_duration(route.cache_timeout_s),
        "settle": render_duration(route.settle_s),
        "max_delay": render_duration(route.max_delay_s),
    }


def _gobgp(route: GobgpConfig) -> Yaml:
    found: dict[str, Yaml] = {"gobgp": route.gobgp}
    if route.neighbor is not None:
        found["neighbor"] = render_address(route.neighbor)
    if route.view is not None:
        found["view"] = route.view
    if route.tls is not None:
        found["tls"] = {"ca": route.tls.ca, "cert": route.tls.cert, "key": route.tls.key}
    return {
        **found,
        "settle": render_duration(route.settle_s),
        "max_delay": render_duration(route.max_delay_s),
        "freeze": route.freeze,
        "quiet": render_duration(route.quiet_s),
        "relist": render_duration(route.relist_s),
        "sanity": _sanity(route.sanity),
        "withdraw_on_loss": route.withdraw_on_loss,
        "stale_for": None if route.stale_for_s is None else render_duration(route.stale_for_s),
    }


def _route_file(route: RouteFileConfig) -> Yaml:
    found: dict[str, Yaml] = {"file": route.file, "format": route.format}
    if route.peer is not None:
        found["peer"] = str(route.peer)
    if route.view is not None:
        found["view"] = route.view
    if route.format == "mrt":
        found["sanity"] = _sanity(route.sanity)
    return found


def _sanity(sanity: SanityConfig) -> Yaml:
    return {
        "max_length_v4": sanity.max_length_v4,
        "max_length_v6": sanity.max_length_v6,
        "max_hops": sanity.max_hops,
        "max_prefixes": sanity.max_prefixes,
        "martians": sanity.martians,
        "default_routes": sanity.default_routes,
        "reserved_as": sanity.reserved_as,
        "own_as": [str(asns) for asns in sanity.own_as],
    }


def _server(server: ServerConfig) -> Yaml:
    return {
        "listen": [str(endpoint) for endpoint in server.listen],
        "workers": "auto" if server.workers is None else server.workers,
        "nsid": server.nsid,
        "version": server.version,
        "run_dir": server.run_dir,
        "state_dir": server.state_dir,
        "user": server.user,
        "cookie_secret": server.cookie_secret,
        "tcp": {
            "connections": server.tcp.connections,
            "per_address": server.tcp.per_address,
            "idle_s": server.tcp.idle_s,
        },
    }


def _site(site: SiteConfig) -> Yaml:
    return {
        "asn": [str(asns) for asns in site.asn],
        "vips": _vips(site.vips),
        "fallback": list(site.fallback),
        "location": None if site.location is None else list(site.location),
        "bias": site.bias,
        "checks": [_check(check) for check in site.checks],
        "require": site.require,
        "families": site.families,
        "hold_down": render_duration(site.hold_down_s),
        "manual_resume": site.manual_resume,
    }


def _check(check: Check) -> Yaml:
    return check.kind if check.kind == "off" else {check.kind: _keys(check)}


def _keys(model: Check | CheckDefaults) -> dict[str, Yaml]:
    """Give the keys of a check under the names that they are written with."""
    fields = type(model).model_fields
    return {
        field.alias or name: _value(name, getattr(model, name))
        for name, field in fields.items()
        if name != "kind" and (name != "address" or getattr(model, name))
    }


def _value(name: str, value: Any) -> Yaml:
    if name.endswith("_s"):
        return render_duration(value)
    match name:
        case "address":
            return _vips(value)
        case "qname":
            return render_name(value)
        case "status":
            return [str(codes) for codes in value]
        case "command":
            return list(value)
        case _:
            return value  # type: ignore[no-any-return]


def _vips(vips: Sequence[bytes]) -> list[str]:
    return [render_address(vip) for vip in vips]


def _service(service: ServiceConfig) -> Yaml:
    return {
        "sites": list(service.sites),
        "vips": {own.site: _vips(own.vips) for own in service.vips},
        "ttl": service.ttl,
        "ttl_min": service.ttl_min,
        "last_resort": _last_resort(service.last_resort),
    }


def _last_resort(last_resort: LastResortConfig | None) -> Yaml:
    if last_resort is None:
        return None
    static = _vips(last_resort.static)
    return {"static": static} if static else last_resort.policy


def _zone(zone: ZoneConfig) -> Yaml:
    written: dict[str, Yaml] = {}
    if zone.soa is not None:
        written["soa"] = _soa(zone.soa)
    if zone.ns:
        written["ns"] = [render_name(host) for host in zone.ns]
    steer: dict[str, Yaml] = {_owner(s.name, zone.name): s.service for s in zone.steer}
    return {
        **written,
        "ttl": zone.ttl,
        "ttl_min": zone.ttl_min,
        "ns_ttl": zone.ns_ttl,
        "file": zone.file,
        "steer": steer,
        "result_count": zone.result_count,
        "debug_names": zone.debug_names,
    }


def _owner(name: Name, zone: Name) -> str:
    relative = name[: len(name) - len(zone)]
    return ".".join(render_label(label) for label in relative) or "@"


def _soa(soa: SoaConfig) -> Yaml:
    return {
        "mname": render_name(soa.mname),
        "rname": render_name(soa.rname),
        "serial": soa.serial,
        "refresh": soa.refresh,
        "retry": soa.retry,
        "expire": soa.expire,
        "minimum": soa.minimum,
        "ttl": soa.ttl,
    }


def _ssrs(ssrs: SsrsConfig) -> Yaml:
    return {
        "listen": str(ssrs.listen),
        "password": ssrs.password,
        "open": ssrs.open,
        "hostname": ssrs.hostname,
        "idle_s": ssrs.idle_s,
        "connections": ssrs.connections,
        "per_address": ssrs.per_address,
    }


def _failover(failover: FailoverConfig) -> Yaml:
    return {
        "link": failover.link,
        "modes": {mode.key: mode.file for mode in failover.modes},
        "last_resort": _last_resort(failover.last_resort),
        "remap_after": render_duration(failover.remap_after_s),
    }


def _guards(guards: GuardsConfig) -> Yaml:
    return {
        "min_prefixes": {"v4": guards.min_prefixes.v4, "v6": guards.min_prefixes.v6},
        "max_shrink": guards.max_shrink,
        "max_moved": guards.max_moved,
        "canaries": [str(canary) for canary in guards.canaries],
    }


def _hysteresis(hysteresis: HysteresisConfig) -> Yaml:
    return {
        "margin_ms": hysteresis.margin_ms,
        "margin_km": hysteresis.margin_km,
        "margin_hops": hysteresis.margin_hops,
        "hold": render_duration(hysteresis.hold_s),
        "budget": hysteresis.budget,
    }


def _ranking(ranking: RankingConfig) -> Yaml:
    return {
        "rank_by": list(ranking.rank_by),
        "rtt": ranking.rtt,
        "rtt_margin_ms": ranking.rtt_margin_ms,
        "distance_margin_km": ranking.distance_margin_km,
        "path_margin": ranking.path_margin,
        "use_local_pref": ranking.use_local_pref,
        "depth": ranking.depth,
    }


def _override(override: OverrideConfig) -> Yaml:
    clients: dict[str, Yaml] = {"asn": override.asn}
    if override.prefix is not None:
        clients = {"prefix": str(override.prefix)}
    until_s = override.until_s
    rest: dict[str, Yaml] = {"reason": override.reason} if override.reason else {}
    until = None if until_s is None else render_exact_moment(until_s)
    return {**clients, "site": override.site, "until": until, **rest}
