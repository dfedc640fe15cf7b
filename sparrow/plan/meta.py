"""What a plan says of its sites, services and policies: section META, which is JSON.

Law: a `Meta` was checked against itself; numbers of parts and policies against the rest
of the plan are `sparrow.plan.verify`'s. Start from `decode_meta`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sparrow.plan.format import PlanError
from sparrow.policy.outcome import LastResort
from sparrow.values.address import FAMILIES


@dataclass(frozen=True, slots=True)
class ServiceMeta:
    """What a service's number stands for."""

    name: str
    """Unique among the services."""
    last_resort: LastResort
    """What is answered where none of its sites serves, or is merely drained."""
    static_site: int | None
    """Number of the site that stands for its static list; None for any other last resort."""
    ttl_min_s: int
    """The highest TTL floor of its slots."""


@dataclass(frozen=True, slots=True)
class PolicyMeta:
    """What a policy's number stands for."""

    service: str
    """Name of the service."""
    family: int
    """4 or 6."""
    first_part: int
    """Number of the part of site 0; the other sites' follow."""
    classes: tuple[tuple[int, ...], ...]
    """By class number: the sites in the order in which they are tried."""
    unknown_class: int | None = None
    """The class of clients that somebody is to be asked about; None for none."""


@dataclass(frozen=True, slots=True)
class Meta:
    """The names behind a plan's numbers."""

    version: bytes | None
    """Text of `version.bind`; None where it is refused."""
    sites: tuple[str, ...]
    """Names by site number; those of static lists have brackets."""
    services: tuple[ServiceMeta, ...]
    """By service number."""
    policies: tuple[PolicyMeta, ...]
    """By policy number; their outcome words follow one another."""

    @property
    def service_names(self) -> tuple[str, ...]:
        """Names by service number."""
        return tuple(service.name for service in self.services)


def decode_meta(octets: bytes) -> Meta:
    """Read the section. Raises `PlanError` where it is not as `docs/plan-format.md` says."""
    try:
        meta = _read_meta(json.loads(octets))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise PlanError(f"the plan's META cannot be read: {error!r}") from None
    _check(meta)
    return meta


def _read_meta(tree: Any) -> Meta:
    version = tree["version"]
    return Meta(
        version=None if version is None else _text(version).encode("utf-8", "surrogateescape"),
        sites=tuple(_text(site["name"]) for site in _list(tree["sites"])),
        services=tuple(map(_read_service, _list(tree["services"]))),
        policies=tuple(map(_read_policy, _list(tree["policies"]))),
    )


def _read_service(tree: Any) -> ServiceMeta:
    static_site = tree["static_site"]
    return ServiceMeta(
        name=_text(tree["name"]),
        last_resort=LastResort(tree["last_resort"]),
        static_site=None if static_site is None else _number(static_site),
        ttl_min_s=_number(tree["ttl_min"]),
    )


def _read_policy(tree: Any) -> PolicyMeta:
    family = _number(tree["family"])
    if family not in FAMILIES:
        raise ValueError(f"{family} is no address family")
    unknown = tree.get("unknown")
    return PolicyMeta(
        service=_text(tree["service"]),
        family=family,
        first_part=_number(tree["first_part"]),
        classes=tuple(tuple(map(_number, order)) for order in map(_list, _list(tree["classes"]))),
        unknown_class=None if unknown is None else _number(unknown),
    )


def _check(meta: Meta) -> None:
    """Check that all that is named is there, and there once."""
    site_count = len(meta.sites)
    names = meta.service_names
    _require(len(set(names)) == len(names), "META has a service twice")
    for service in meta.services:
        is_static = service.last_resort is LastResort.STATIC
        site = service.static_site
        _require(
            is_static == (site is not None),
            "META has a static site, or none, against its last resort",
        )
        _require(site is None or site < site_count, "META has a static site that is not there")
    pairs = [(each.service, each.family) for each in meta.policies]
    _require(len(set(pairs)) == len(pairs), "META has two policies of one service and family")
    for each in meta.policies:
        _require(each.service in names, "META has a policy of a service that is not there")
        sites = {site for order in each.classes for site in order}
        _require(max(sites, default=-1) < site_count, "META has a site that is not there")
        _require((each.unknown_class or 0) < len(each.classes), "META has no class for the unknown")


def _require(is_right: bool, what: str) -> None:  # noqa: FBT001 (it reads as assert does)
    if not is_right:
        raise PlanError(what)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
        raise TypeError(f"{value!r} is not a number of 32 bits")
    return value
