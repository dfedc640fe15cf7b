"""A line of JSON in, a line of JSON out: the protocol of PowerDNS's remote backend.

Law: nothing raises out of `answer_line`. An answer without `result` is how PowerDNS is
told of a failure, and it answers SERVFAIL; `false` and `[]` say that there is no such
thing, so they are never said where something went wrong. Start from `answer_line`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from sparrow.dns.rrset import soa_serial
from sparrow.errors import InputError
from sparrow.powerdns.records import FailedError, Wanted, list_records, read_client
from sparrow.values.name import encode_name, parse_name, render_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sparrow.dns.respond import Ground
    from sparrow.dns.zone import Zone, ZoneSet
    from sparrow.values.name import Name

    Parameters: TypeAlias = Mapping[str, Any]

_MAX_ID = 2**31 - 1
"""PowerDNS keeps the number of a zone in 31 bits; it has none for -1."""


class ZoneNumbers:
    """The numbers by which PowerDNS knows zones. Read-only.

    A number is made of a zone's name, as PowerDNS keeps it for minutes, and over reloads.
    """

    def __init__(self, zones: ZoneSet) -> None:
        self.zones = zones
        """The zones that are numbered."""
        self._zones: dict[int, Zone] = {}
        self._numbers: dict[Name, int] = {}
        for origin, zone in sorted(zones.zones.items()):
            number = int.from_bytes(sha256(encode_name(origin)).digest()[:4], "big") % _MAX_ID + 1
            while number in self._zones:  # among 10,000 zones for one or none of them
                number = number % _MAX_ID + 1
            self._zones[number] = zone
            self._numbers[origin] = number

    def number(self, origin: Name) -> int:
        """Give the number of a zone that is there."""
        return self._numbers[origin]

    def find(self, number: object) -> Zone | None:
        """Give the zone of a number; None where there is none."""
        return self._zones.get(number) if isinstance(number, int) else None


@dataclass(frozen=True, slots=True)
class Backend:
    """What is answered from. Built aside and swapped as one."""

    ground: Ground
    """What DNS is answered from."""
    numbers: ZoneNumbers
    """Numbers of its zones."""


def answer_line(backend: Backend, line: bytes) -> bytes:
    """Answer a request. `line` ends with a newline, and so does what is given."""
    try:
        request = json.loads(line)
        method, parameters = request["method"], request.get("parameters")
        asked = _METHODS.get(method)
        # PowerDNS itself asks for much that a backend need not have.
        result = asked(backend, parameters or {}) if asked else False
    except FailedError:
        return _encode({"failure": "no site may be given"})
    except InputError as error:
        return _encode({"failure": str(error)})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return _encode({"failure": f"this is no request of PowerDNS: {error!r}"})
    return _encode({"result": result})


def _encode(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode() + b"\n"


# The methods.


def _initialize(_: Backend, __: Parameters) -> bool:
    return True


def _look_up(backend: Backend, parameters: Parameters) -> list[dict[str, Any]]:
    name = parse_name(str(parameters["qname"]))
    number = parameters.get("zone-id", -1)
    zones = backend.ground.zones
    zone = zones.find(name) if number == -1 else backend.numbers.find(number)
    node = zone.nodes.get(name) if zone else None
    if zone is None or node is None:
        return []
    wanted = Wanted(zone, node, str(parameters["qtype"]).upper(), read_client(parameters))
    return [*list_records(wanted, backend.ground.steering, backend.numbers.number(zone.origin))]


def _list_domains(backend: Backend, _: Parameters) -> list[dict[str, Any]]:
    return [_describe(backend, zone) for _, zone in sorted(backend.ground.zones.zones.items())]


def _describe_domain(backend: Backend, parameters: Parameters) -> dict[str, Any] | bool:
    zone = backend.ground.zones.zones.get(parse_name(str(parameters["name"])))
    return _describe(backend, zone) if zone else False


def _describe(backend: Backend, zone: Zone) -> dict[str, Any]:
    return {
        "id": backend.numbers.number(zone.origin),
        "zone": render_name(zone.origin),
        "kind": "native",
        "serial": soa_serial(zone.soa),
    }


def _no_metadata(_: Backend, __: Parameters) -> dict[str, Any]:
    return {}


def _none(_: Backend, __: Parameters) -> list[Any]:
    return []


_METHODS: Mapping[str, Callable[[Backend, Parameters], Any]] = {
    "initialize": _initialize,
    "lookup": _look_up,
    "APILookup": _look_up,
    "getAllDomains": _list_domains,
    "getDomainInfo": _describe_domain,
    "getAllDomainMetadata": _no_metadata,
    "getDomainMetadata": _none,
    "getUpdatedMasters": _none,
    "getUnfreshSlaveInfos": _none,
}
"""What is answered. The rest is `false`: it writes (`startTransaction`), is of DNSSEC, or, as
`list`, would give what one client gets for what everybody gets."""
