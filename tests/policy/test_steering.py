"""The choice of a site, and the law of the scope (RFC 7871 section 7.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING

import pytest
from built_tables import build_snapshot
from slowmap import SlowMap, random_rows

from sparrow.policy.intervals import sweep
from sparrow.policy.site import Service, Site, SiteSet
from sparrow.policy.special import unwrap
from sparrow.policy.steering import (
    AddressMap,
    Choice,
    Client,
    Steering,
    Subnet,
    build_base_map,
    build_steering,
    subnet_of,
)
from sparrow.rib.route import parse_route
from sparrow.values.address import (
    BITS,
    FAMILIES,
    IPV4,
    IPV6,
    Prefix,
    family_of,
    parse_address,
    parse_prefix,
    render_address,
    truncate,
)
from sparrow.values.asn import AsnRange

if TYPE_CHECKING:
    from collections.abc import Iterable

AU, NL, US = range(3)
V4 = {site: parse_address(f"203.0.113.{site}") for site in range(8)}
V6 = {site: parse_address(f"2001:db8::{site}") for site in range(8)}

SITES = SiteSet(
    (
        Site("au", (AsnRange(1, 1),), (V4[AU], V6[AU])),
        Site("nl", (AsnRange(2, 2),), (V4[NL],)),  # no IPv6
        Site("us", (AsnRange(3, 3),), (V4[US], V6[US]), fallback=(NL,)),
    ),
    self_site=NL,
)
ROUTES = """
20.0.0.0/8 1
21.0.0.0/8 2
22.0.0.0/8 3
2400::/12 1
2600::/12 3
2a00::/12 2
8.0.0.0/6 1
"""


def steer(*services: Service, routes: str = ROUTES, site_set: SiteSet = SITES) -> Steering:
    """Make the steering of lines `prefix AS`."""
    lines = (line.split(maxsplit=1) for line in routes.split("\n") if line)
    entries = [(parse_prefix(prefix), parse_route(route)) for prefix, route in lines]
    named = {service.name: service for service in services}
    return build_steering(site_set, named, build_base_map(site_set, build_snapshot(entries)))


def service_of(name: str, *sites: int) -> Service:
    return Service(name, {site: SITES.sites[site].vips for site in sites})


EVERYWHERE = service_of("everywhere", AU, NL, US)


def choose(
    steering: Steering, source: str, subnet: str | None = None, family: int = IPV4
) -> Choice:
    """Choose for the first service."""
    prefix = parse_prefix(subnet) if subnet else None
    told = Subnet(prefix.network, prefix.length) if prefix else None
    return steering.choose(
        next(iter(steering.services)), family, Client(parse_address(source), told)
    )


@pytest.mark.parametrize(
    ("source", "subnet", "site", "scope"),
    [
        ("20.1.2.3", None, AU, 0),
        ("21.1.2.3", None, NL, 0),
        ("99.1.2.3", None, NL, 0),  # no route
        ("20.1.2.3", "22.1.2.0/24", US, 8),  # the subnet decides
        ("20.1.2.3", "2600:1::/48", US, 12),  # of either family
        ("2600:1::1", "20.1.2.0/24", AU, 8),
        ("20.1.2.3", "0.0.0.0/0", AU, 0),  # source length 0: the source decides
        ("2600:1::1", "::/0", US, 0),
        ("20.1.2.3", "10.1.2.0/24", AU, 8),  # special: the source decides, scope as for the block
        ("22.1.2.3", "10.1.2.0/24", US, 8),
        ("22.1.2.3", "::1/128", US, 127),  # with ::, its neighbour, which is special too
        ("22.1.2.3", "fd00::/64", US, 7),
        ("20.1.2.3", "16.0.0.0/4", NL, 6),  # shorter than the leaf
        ("20.1.2.3", "22.1.2.3/32", US, 8),
        ("127.0.0.1", None, NL, 0),  # a source is never special
        ("10.1.2.3", None, AU, 0),  # ... but looked up like any other: here 8.0.0.0/6
        ("::ffff:22.1.2.3", None, US, 0),  # wrapped
        ("20.1.2.3", "::ffff:22.1.2.3/128", US, 104),
        ("20.1.2.3", "64:ff9b::1601:0/112", US, 104),
        ("20.1.2.3", "2002:1601:203::/48", US, 24),
        ("20.1.2.3", "2001:0:1:2:3:4:e9fe:fdfc/128", US, 104),  # 22.1.2.3 with its bits flipped
        ("20.1.2.3", "2002:a00::/24", AU, 24),  # wraps 10.0.0.0/8
    ],
)
def test_the_client_is_the_subnet_if_it_says_where_it_is_else_the_source(
    source: str, subnet: str | None, site: int, scope: int
) -> None:
    choice = choose(steer(EVERYWHERE), source, subnet)
    assert (site, scope) == (choice.site, choice.scope)
    assert (V4[site],) == choice.vips


def test_what_decided_is_told() -> None:
    steering = steer(EVERYWHERE)
    source, subnet = parse_address("20.1.2.3"), parse_address("22.1.2.0")
    special = choose(steering, "20.1.2.3", "10.0.0.0/8")
    assert (source, True) == (special.decided_by, special.is_special)
    plain = choose(steering, "20.1.2.3", "22.1.2.0/24")
    assert (subnet, False) == (plain.decided_by, plain.is_special)
    assert source == choose(steering, "20.1.2.3", "0.0.0.0/0").decided_by
    assert source == choose(steering, "20.1.2.3").decided_by


@pytest.mark.parametrize(
    ("subnet", "site", "candidates", "scope"),
    [
        ("2400:1::/48", AU, (AU, US), 12),
        ("2600:1::/48", US, (US, AU), 12),
        ("2a00:1::/48", None, (), 5),  # its site lacks IPv6
        ("21.0.0.0/24", None, (), 8),
    ],
)
def test_a_site_without_the_family_is_nodata_with_the_steered_scope(
    subnet: str, site: int | None, candidates: tuple[int, ...], scope: int
) -> None:
    choice = choose(steer(EVERYWHERE), "192.0.2.1", subnet, IPV6)
    assert (site, candidates, scope) == (choice.site, choice.candidates, choice.scope)
    assert ((V6[site],) if site is not None else ()) == choice.vips


@pytest.mark.parametrize(
    ("service", "family", "site"),
    [
        (service_of("one", AU), IPV4, AU),
        (service_of("one", AU), IPV6, AU),
        (service_of("one", NL), IPV6, None),
    ],
)
@pytest.mark.parametrize("subnet", ["20.1.2.0/24", "22.1.2.0/24", "10.0.0.0/8", "2600::/12"])
def test_with_one_eligible_site_the_scope_is_zero(
    service: Service, family: int, site: int | None, subnet: str
) -> None:
    choice = choose(steer(service), "20.1.2.3", subnet, family)
    assert (site, 0) == (choice.site, choice.scope)


def test_clients_of_an_ineligible_site_go_to_its_first_eligible_substitute() -> None:
    steering = steer(service_of("two", AU, NL))
    assert (NL, (NL, AU)) == (
        choose(steering, "22.1.2.3").site,
        choose(steering, "22.1.2.3").candidates,
    )
    # So 21/8 and 22/8 have one answer, and 20/8 another.
    assert 7 == choose(steering, "192.0.2.1", "22.1.2.0/24").scope


def test_services_with_equal_sites_and_families_share_their_policies() -> None:
    steering = steer(EVERYWHERE, service_of("same", AU, NL, US), service_of("other", AU, US))
    for family in FAMILIES:
        assert steering.policies["everywhere", family] is steering.policies["same", family]
        assert steering.policies["everywhere", family] is not steering.policies["other", family]


def test_a_service_answers_with_addresses_of_its_own_in_configured_order() -> None:
    vips = (V4[7], V6[7], V4[6])
    steering = steer(Service("own", {AU: vips, NL: (V4[NL],)}))
    assert (V4[7], V4[6]) == choose(steering, "20.1.2.3").vips
    assert (V6[7],) == choose(steering, "20.1.2.3", family=IPV6).vips


def test_a_source_shorter_than_the_leaf_has_the_leaf_of_the_zero_filled_address() -> None:
    steering = steer(EVERYWHERE, routes="20.0.0.0/24 1\n20.0.1.0/24 3")
    choice = choose(steering, "192.0.2.1", "20.0.0.0/16")
    assert (AU, 24) == (choice.site, choice.scope)


def test_a_subnet_is_made_of_the_first_bits_of_an_address() -> None:
    assert Subnet(parse_address("10.1.0.0"), 16) == subnet_of(parse_address("10.1.2.3"), 16)


@dataclass(frozen=True)
class Scene:
    """Random tables and sites, with the answers by definition."""

    site_set: SiteSet
    service: Service
    homes: tuple[int, ...]
    slow: dict[int, SlowMap]
    steering: Steering

    def answer(self, family: int, address: bytes) -> object:
        """Give the VIPs, or "source" for an address that says nothing."""
        inner, _ = unwrap(address)
        _, is_special, route = self.slow[family_of(inner)].find(int.from_bytes(inner, "big"))
        if is_special:
            return "source"
        home = self.site_set.self_site if route is None else self.homes[route]
        return self.answer_at_home(family, home)

    def answer_at_home(self, family: int, home: int) -> tuple[bytes, ...]:
        """Give the VIPs of the first eligible site for clients of `home`."""
        sites = self.site_set.sites
        order = [home, *sites[home].fallback, self.site_set.self_site, *range(len(sites))]
        vips = self.service.vips[next(site for site in order if site in self.service.vips)]
        return tuple(vip for vip in vips if family_of(vip) == family)

    def scope(self, family: int, address: bytes) -> int:
        """Give the length of the largest block around `address` with one answer."""
        inner, offset = unwrap(address)
        inner_family = family_of(inner)
        size = BITS[inner_family] // 8
        slow = self.slow[inner_family]

        def answer(point: int) -> object:
            # A wrapped block holds the whole of IPv4: never one answer.
            is_wrapped = slow.find(point)[0]
            return "wrapped" if is_wrapped else self.answer(family, point.to_bytes(size, "big"))

        return offset + slow.scope(int.from_bytes(inner, "big"), answer)

    def has_one_answer(self, family: int) -> bool:
        """Tell whether all homes have one answer, so that special or not is all the same."""
        homes = range(len(self.site_set.sites))
        return len({self.answer_at_home(family, home) for home in homes}) == 1


def random_scene(seed: int) -> Scene:
    rng = Random(seed)
    count = rng.randint(1, 5)
    sites = tuple(
        Site(
            name=str(number),
            asns=(),
            vips=rng.choice(((V4[number],), (V6[number],), (V4[number], V6[number]))),
            fallback=tuple(
                rng.sample([s for s in range(count) if s != number], rng.randrange(count))
            ),
        )
        for number in range(count)
    )
    site_set = SiteSet(sites, rng.randrange(count))
    chosen = rng.sample(range(count), rng.randint(1, count))
    service = Service("random", {number: sites[number].vips for number in chosen})
    homes = tuple(rng.randrange(count) for _ in range(6))
    rows = {family: random_rows(rng, family, len(homes)) for family in FAMILIES}
    base_map = AddressMap(
        *(sweep(family, rows[family], homes, site_set.self_site) for family in FAMILIES)
    )
    return Scene(
        site_set=site_set,
        service=service,
        homes=homes,
        slow={family: SlowMap(family, rows[family]) for family in FAMILIES},
        steering=build_steering(site_set, {"random": service}, base_map),
    )


def probes(scene: Scene, rng: Random) -> list[bytes]:
    """Give addresses of both families, and IPv4 addresses wrapped in every way."""
    found = {
        family: [n.to_bytes(BITS[family] // 8, "big") for n in scene.slow[family].probes(rng, 25)]
        for family in FAMILIES
    }
    return [*found[IPV4], *found[IPV6], *(wrap(rng, a) for a in found[IPV4][:20])]


def wrap(rng: Random, address: bytes) -> bytes:
    flipped = bytes(octet ^ 0xFF for octet in address)
    return rng.choice(
        (
            bytes(10) + b"\xff\xff" + address,
            parse_address("64:ff9b::")[:12] + address,
            b"\x20\x02" + address + rng.randbytes(10),
            b"\x20\x01\0\0" + rng.randbytes(8) + flipped,
        )
    )


def overlap(one: Prefix, other: Prefix) -> bool:
    short, long = sorted((one, other), key=lambda prefix: prefix.length)
    return short.contains(long.network)


def scope_prefix(scene: Scene, family: int, address: bytes) -> Prefix:
    client = Client(parse_address("192.0.2.1"), Subnet(address, len(address) * 8))
    scope = scene.steering.choose("random", family, client).scope
    return Prefix(truncate(address, scope), scope)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(60))
def test_answers_are_those_of_the_rules_and_scopes_are_the_largest(seed: int, family: int) -> None:
    scene = random_scene(seed)
    source = parse_address("8.8.8.8")
    for address in probes(scene, Random(seed)):
        client = Client(source, Subnet(address, len(address) * 8))
        choice = scene.steering.choose("random", family, client)
        expected = scene.answer(family, address)
        if expected == "source":
            expected = scene.answer(family, source)
        assert expected == choice.vips, render_address(address)
        scope = 0 if scene.has_one_answer(family) else scene.scope(family, address)
        assert scope == choice.scope, render_address(address)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(60))
def test_different_answers_have_disjoint_scopes(seed: int, family: int) -> None:
    scene = random_scene(seed)
    if scene.has_one_answer(family):
        return  # then special or not, every client gets the same
    found = [
        (scene.answer(family, address), scope_prefix(scene, family, address))
        for address in probes(scene, Random(seed + 1))
    ]
    pairs = [pair for pair in combinations(found, 2) if pair[0][0] != pair[1][0]]
    assert [] == list(overlaps(pairs))


def overlaps(
    pairs: Iterable[tuple[tuple[object, Prefix], tuple[object, Prefix]]],
) -> Iterable[tuple[str, str]]:
    for (_, one), (_, other) in pairs:
        if one.family == other.family and overlap(one, other):
            yield str(one), str(other)
