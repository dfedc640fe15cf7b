"""What a plan says of its sites, services and policies: section META, which is JSON.

Law: a `Meta` was checked against itself; numbers of parts and policies against the rest
of the plan are `sparrow.plan.verify`'s. Start from `decode_meta`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sparrow.plan.format import PlanError
from sparrow.values.address import FAMILIES


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


@dataclass(frozen=True, slots=True)
class Meta:
    """The names behind a plan's numbers."""

    version: bytes | None
    """Text of `version.bind`; None where it is refused."""
    sites: tuple[str, ...]
    """Names by site number."""
    services: tuple[str, ...]
    """Names by service number."""
    policies: tuple[PolicyMeta, ...]
    """By policy number."""


def decode_meta(octets: bytes) -> Meta:
    """Read the section. Raises `PlanError` where it is not as `docs/plan-format.md` says."""
    try:
        return _read_meta(json.loads(octets))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise PlanError(f"the plan's META cannot be read: {error!r}") from None


def _read_meta(tree: Any) -> Meta:
    version = tree["version"]
    return Meta(
        version=None if version is None else _text(version).encode("utf-8", "surrogateescape"),
        sites=tuple(_text(site["name"]) for site in _list(tree["sites"])),
        services=tuple(map(_text, _list(tree["services"]))),
        policies=tuple(map(_read_policy, _list(tree["policies"]))),
    )


def _read_policy(tree: Any) -> PolicyMeta:
    family = _number(tree["family"])
    if family not in FAMILIES:
        raise ValueError(f"{family} is no address family")
    return PolicyMeta(
        service=_text(tree["service"]),
        family=family,
        first_part=_number(tree["first_part"]),
        classes=tuple(tuple(map(_number, order)) for order in map(_list, _list(tree["classes"]))),
    )


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
