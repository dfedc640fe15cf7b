"""The arguments of requests, parsed. Start from `parse_case`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparrow.control.explain import Case
from sparrow.control.protocol import MAX_ADDRESSES
from sparrow.dns.rrset import parse_rtype
from sparrow.errors import InputError, Problem
from sparrow.values.address import Prefix, parse_address, parse_network, truncate
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_TEXT = 1100
"""Characters of an argument: a name has 255 octets, and each is four when escaped."""


def parse_addresses(arguments: Mapping[str, Any]) -> list[bytes]:
    """Read the addresses of a `lookup`. Raises `InputError`."""
    texts = arguments.get("addresses")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError([Problem("addresses is a list of addresses as text")])
    if len(texts) > MAX_ADDRESSES:
        raise InputError([Problem(f"at most {MAX_ADDRESSES} addresses in one request")])
    return [parse_address(text[:_MAX_TEXT]) for text in texts]  # no address is that long


def parse_case(arguments: Mapping[str, Any]) -> Case:
    """Read the arguments of an `explain`. Raises `InputError`."""
    name, rtype = _text(arguments, "name"), _text(arguments, "type", "A")
    subnet = arguments.get("subnet")
    return Case(
        name=parse_name(name),
        qtype=parse_rtype(rtype),
        source=parse_address(_text(arguments, "from")),
        subnet=parse_subnet(_text(arguments, "subnet")) if subnet is not None else None,
    )


def parse_subnet(text: str) -> Prefix:
    """Read a client subnet; bits behind its length are dropped, as dig does."""
    address, length = parse_network(text)
    return Prefix(truncate(address, length), length)


def _text(arguments: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = arguments.get(key, default)
    if not isinstance(value, str):
        raise InputError([Problem(f"{key} must be given, as text")])
    if len(value) > _MAX_TEXT:
        raise InputError([Problem(f"{key} is over {_MAX_TEXT} characters long")])
    return value
