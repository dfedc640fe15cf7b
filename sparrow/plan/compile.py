"""From an `Authority` to the files of a plan.

Law: pure; equal authorities, serials and seeds make equal files. Start from
`compile_plan`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sparrow.dns.edns import OUR_PAYLOAD
from sparrow.plan.bodies import BodyTable, Place
from sparrow.plan.format import (
    ANSWERS_MAGIC,
    NODE,
    NOWHERE,
    OUTCOMES_MAGIC,
    PARAMS,
    PARAMS_HAS_NSID,
    PART,
    POLICY,
    AnswersSection,
    OutcomesSection,
    encode_file,
    hash_name,
)
from sparrow.plan.maps import encode_map
from sparrow.plan.meta import decode_meta
from sparrow.plan.names import build_slots, choose_reference_label, find_names
from sparrow.plan.octets import OctetPool, encode_items
from sparrow.plan.outcomes import encode_words
from sparrow.plan.tables import TableBuilder
from sparrow.plan.zones import encode_zones
from sparrow.policy.outcome import ALL_SERVING, LastResort
from sparrow.policy.site import Service, list_statics, name_static
from sparrow.values.address import BITS, FAMILIES, family_of, render_address
from sparrow.values.name import encode_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sparrow.dns.respond import Authority
    from sparrow.policy.outcome import Conditions
    from sparrow.policy.site import Site
    from sparrow.policy.steering import AddressMap, Policy
    from sparrow.values.asn import AsnRange


@dataclass(frozen=True, slots=True)
class PlanFiles:
    """The content of every file of a generation."""

    serial: int
    """Serial of the generation."""
    answers: bytes
    """The answers file."""
    maps: tuple[bytes, ...]
    """The map files by number."""
    outcomes: bytes
    """The outcomes file."""


def compile_plan(
    authority: Authority, serial: int, seed: int, conditions: Conditions | None = None
) -> PlanFiles:
    """Compile all that `authority` answers from; `seed` has 64 bits and is of names' hashes.

    The outcome words are those of `conditions`; without them those of the steering.
    """
    steered = _number_steered(authority)
    if conditions is None:
        conditions = authority.steering.conditions if authority.steering else ALL_SERVING
    meta = _encode_meta(authority, steered, serial)
    answers: dict[int, bytes] = {
        **_encode_names(authority, steered, seed),
        **_encode_parts(steered),
        AnswersSection.POLICIES: _encode_policies(steered),
        AnswersSection.NSID: authority.identity.nsid or b"",
        AnswersSection.SECRETS: b"".join(authority.identity.cookie_secrets),
        AnswersSection.ZONES: encode_zones(authority.zones, steered.service_numbers),
        AnswersSection.META: meta,
    }
    words = encode_words(decode_meta(meta), conditions)
    outcomes: dict[int, bytes] = {OutcomesSection.WORDS: encode_items(words)}
    return PlanFiles(
        serial,
        encode_file(ANSWERS_MAGIC, serial, answers),
        tuple(encode_map(each, serial) for each in steered.maps),
        encode_file(OUTCOMES_MAGIC, serial, outcomes),
    )


def list_maps(authority: Authority) -> tuple[tuple[AddressMap, ...], tuple[int, ...]]:
    """Give the maps that a plan of `authority` has, and for each policy the number of its map.

    The number is `NOWHERE` where a policy has no map.
    """
    steered = _number_steered(authority)
    return steered.maps, steered.map_numbers


def have_equal_answers(old: Authority, new: Authority) -> bool:
    """Tell whether the answers files of both differ in nothing but their serials.

    Then a plan of `new` is that of `old` with other maps.
    """
    if old is new:
        return True
    before, after = _number_steered(old), _number_steered(new)
    return (
        old.identity == new.identity
        and (before.sites, before.services) == (after.sites, after.services)
        and before.map_numbers == after.map_numbers
        and [_name_classes(each) for each in before.policies]
        == [_name_classes(each) for each in after.policies]
        and old.zones == new.zones
    )


def _name_classes(policy: tuple[str, int, Policy]) -> tuple[object, ...]:
    service, family, found = policy
    return service, family, found.classes, found.unknown_class


@dataclass(frozen=True, slots=True)
class _Steered:
    """Sites, services, policies and maps, each with its number by its place."""

    sites: tuple[Site, ...]
    statics: tuple[tuple[bytes, ...], ...]
    """The static lists of last resort, which stand behind the sites as if they were some."""
    services: tuple[Service, ...]
    service_numbers: Mapping[str, int]
    policies: tuple[tuple[str, int, Policy], ...]
    """Service, family, policy; service by service, IPv4 first."""
    maps: tuple[AddressMap, ...]
    map_numbers: tuple[int, ...]
    """By number of the policy; `NOWHERE` where there is no map."""

    @property
    def site_count(self) -> int:
        return len(self.sites) + len(self.statics)

    def static_site(self, service: Service) -> int | None:
        """Give the number of the site that stands for the list of a service, if it has one."""
        if service.last_resort is not LastResort.STATIC:
            return None
        return len(self.sites) + self.statics.index(service.static_vips)


def _number_steered(authority: Authority) -> _Steered:
    steering = authority.steering
    services = tuple(steering.services.values()) if steering else ()
    # Where nobody steers, steered names are still in the zones, and name their service.
    named = {
        node.steer.service
        for zone in authority.zones.zones.values()
        for node in zone.nodes.values()
        if node.steer
    }
    names = dict.fromkeys((*(service.name for service in services), *sorted(named)))
    policies = tuple(
        (service.name, family, steering.policies[service.name, family])
        for service in services
        for family in FAMILIES
        if steering
    )
    maps, map_numbers = _number_maps([policy for _, _, policy in policies])
    return _Steered(
        sites=steering.site_set.sites if steering else (),
        statics=list_statics(services),
        services=services,
        service_numbers={name: number for number, name in enumerate(names)},
        policies=policies,
        maps=maps,
        map_numbers=map_numbers,
    )


def _number_maps(policies: list[Policy]) -> tuple[tuple[AddressMap, ...], tuple[int, ...]]:
    """Give each distinct map once, and the number of each policy's."""
    maps: list[AddressMap] = []
    numbers = []
    for policy in policies:
        if policy.address_map is None:
            numbers.append(NOWHERE)
            continue
        if policy.address_map not in maps:
            maps.append(policy.address_map)
        numbers.append(maps.index(policy.address_map))
    return tuple(maps), tuple(numbers)


def _encode_names(authority: Authority, steered: _Steered, seed: int) -> dict[int, bytes]:
    """Give the sections of names, tables and bodies, and PARAMS, which counts them."""
    places = {
        (service, family): Place(number, number * steered.site_count)
        for number, (service, family, _) in enumerate(steered.policies)
    }
    nodes = find_names(authority.zones)
    bodies = BodyTable(places, choose_reference_label(authority.zones))
    tables = TableBuilder(authority.zones, {node.name for node in nodes}, bodies)
    hashes = [hash_name(seed, node.name) for node in nodes]
    names, items = OctetPool(), []
    for node, name_hash in zip(nodes, hashes, strict=True):
        octets = encode_name(node.name)
        labels = (len(node.name), len(node.zone.origin))
        place = (name_hash, names.add(octets), len(octets), *labels)
        items.append(NODE.pack(*place, *tables.build(node)))
    slots = build_slots(hashes)
    nsid = authority.identity.nsid
    params = PARAMS.pack(
        seed,
        len(slots) // 4 - 1,
        max((len(node.name) for node in nodes), default=0),
        steered.site_count,
        len(steered.service_numbers),
        OUR_PAYLOAD,
        len(nsid or b""),
        0 if nsid is None else PARAMS_HAS_NSID,
        0,
    )
    return {
        AnswersSection.PARAMS: params,
        AnswersSection.NAME_SLOTS: slots,
        AnswersSection.NODES: b"".join(items),
        AnswersSection.NAMES: names.content(),
        **tables.sections(),
        **bodies.sections(),
    }


def _encode_parts(steered: _Steered) -> dict[int, bytes]:
    """Give the sections PARTS and RDATA: a part for each policy and site, or static list."""
    rdata = OctetPool()
    parts = []
    services = {service.name: service for service in steered.services}
    for service, family, _ in steered.policies:
        of_sites = services[service].vips
        found = [of_sites.get(site, ()) for site in range(len(steered.sites))]
        for every in (*found, *steered.statics):
            vips = tuple(vip for vip in every if family_of(vip) == family)
            offset = rdata.add(b"".join(vips))
            parts.append(PART.pack(offset, len(vips), BITS[family] // 8, 0, 0))
    return {AnswersSection.PARTS: b"".join(parts), AnswersSection.RDATA: rdata.content()}


def _encode_policies(steered: _Steered) -> bytes:
    items = []
    first_outcome = 0
    for (_, _, policy), map_number in zip(steered.policies, steered.map_numbers, strict=True):
        items.append(POLICY.pack(map_number, len(policy.classes), first_outcome))
        first_outcome += len(policy.classes)
    return b"".join(items)


def _encode_meta(authority: Authority, steered: _Steered, serial: int) -> bytes:
    """Give the section META, as `docs/plan-format.md` describes it."""
    version = authority.identity.version
    meta = {
        "serial": serial,
        "version": None if version is None else version.decode(errors="surrogateescape"),
        "sites": [
            *({"name": site.name, **_render_place(site.asns, site.vips)} for site in steered.sites),
            *({"name": name_static(vips), **_render_place((), vips)} for vips in steered.statics),
        ],
        "services": [_service_tree(steered, name) for name in steered.service_numbers],
        "policies": [
            {
                "service": service,
                "family": family,
                "first_part": number * steered.site_count,
                "classes": list(map(list, policy.classes)),
                **({} if policy.unknown_class is None else {"unknown": policy.unknown_class}),
            }
            for number, (service, family, policy) in enumerate(steered.policies)
        ],
    }
    return json.dumps(meta, separators=(",", ":")).encode()


def _render_place(asns: tuple[AsnRange, ...], vips: tuple[bytes, ...]) -> dict[str, list[str]]:
    return {"asns": list(map(str, asns)), "vips": list(map(render_address, vips))}


def _service_tree(steered: _Steered, name: str) -> dict[str, Any]:
    """Describe a service; one that zones name where nobody steers has no last resort of its own."""
    found = next((each for each in steered.services if each.name == name), Service(name, {}))
    return {
        "name": name,
        "last_resort": found.last_resort.value,
        "static_site": steered.static_site(found),
        "ttl_min": found.ttl_min_s,
    }
