"""A configuration as YAML that reads back equal.

Law: `parse_config(render_config(config))` gives `config` again, wherever the
text is put, because every default is written out and every path is absolute. A
key is left out only where its absence is its value. Start from `render_config`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from sparrow.values.address import render_address
from sparrow.values.name import render_label, render_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sparrow.config.model import (
        Config,
        ServerConfig,
        ServiceConfig,
        SiteConfig,
        SoaConfig,
        SsrsConfig,
        ZoneConfig,
    )
    from sparrow.values.name import Name

Yaml: TypeAlias = "Mapping[str, Yaml] | Sequence[Yaml] | str | int | None"

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*\Z")
_NOT_TEXT = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
"""Words that some version of YAML takes for something else."""


def render_config(config: Config) -> str:
    """Give the whole configuration as YAML, defaults included; passwords are not hidden."""
    top: dict[str, Yaml] = {"server": _server(config.server)}
    if config.self_site is not None:
        top["self"] = config.self_site
    top["sites"] = {site.name: _site(site) for site in config.sites}
    top["services"] = {service.name: _service(service) for service in config.services}
    top["routes"] = [{"file": route.file, "format": route.format} for route in config.routes]
    top["zones"] = {render_name(zone.name): _zone(zone) for zone in config.zones}
    if config.ssrs is not None:
        top["ssrs"] = _ssrs(config.ssrs)
    return "\n".join(_lines(top, "")) + "\n"


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
    }


def _vips(vips: Sequence[bytes]) -> list[str]:
    return [render_address(vip) for vip in vips]


def _service(service: ServiceConfig) -> Yaml:
    return {
        "sites": list(service.sites),
        "vips": {own.site: _vips(own.vips) for own in service.vips},
        "ttl": service.ttl,
    }


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


# --- YAML ---


def _lines(mapping: Mapping[str, Yaml], indent: str) -> Iterator[str]:
    """Write mappings as blocks, and what is in a list or empty in one line."""
    for key, value in mapping.items():
        head = f"{indent}{_scalar(key)}:"
        if isinstance(value, dict) and value:
            yield head
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            yield head
            yield from (f"{indent}  - {_flow(item)}" for item in value)
        else:
            yield f"{head} {_flow(value)}"


def _flow(value: Yaml) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Yaml) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """Write text plainly where every YAML reads it as text, else in double quotes."""
    if _PLAIN.match(text) and text.lower() not in _NOT_TEXT:
        return text
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
