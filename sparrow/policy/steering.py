"""The choice of a site: from a client to the addresses that answer it.

Law: a steered answer is a function of (policy, family, class) and of how the sites
stand, and of nothing else, so the scope read off the map is a sound ECS scope in
every state. Start from `Steering.choose`.

A class is the order in which sites are tried for an address: the eligible sites that the
address prefers, and behind them the order of failover of the first of these; a first site
that never had the family asked for makes the empty class, which is NODATA. By the common
view an address prefers one site, its home; then classes that differ differ in their first
site, and scopes are minimal while all sites serve.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from sparrow.policy.intervals import Intervals, Leaf, sweep_table
from sparrow.policy.outcome import (
    ALL_SERVING,
    Conditions,
    Outcome,
    Reason,
    cap_ttl,
    choose_outcome,
    list_conditions,
)
from sparrow.policy.preference import build_finder, failover_order
from sparrow.policy.site import list_statics, name_static
from sparrow.policy.special import unwrap
from sparrow.policy.unknown import narrow_scope, shorten_cap
from sparrow.values.address import FAMILIES, IPV4, family_of, truncate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sparrow.policy.chart import Chart
    from sparrow.policy.knowledge import Knowledge
    from sparrow.policy.ranking import Rules
    from sparrow.policy.site import Service, SiteSet
    from sparrow.rib.snapshot import Snapshot


MAX_CLASSES = 2**16 - 1
"""Most classes of a policy: their numbers have 16 bits."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A client subnet as a resolver sent it (RFC 7871 section 6)."""

    address: bytes
    """First address of the subnet, packed, zeros behind the source length."""
    source_length: int
    """Bits of the client's address that the resolver told; 0 for "do not use it"."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks."""

    source: bytes
    """Address that the query came from, packed."""
    subnet: Subnet | None = None
    """What the query says of the user behind the resolver."""


@dataclass(frozen=True, slots=True)
class AddressMap:
    """The map of both families of client addresses."""

    v4: Intervals
    """Codes of IPv4 addresses."""
    v6: Intervals
    """Codes of IPv6 addresses; those that wrap IPv4 are looked up in `v4`."""

    def find(self, address: bytes) -> Leaf:
        """Give code and scope of a packed address; the scope counts its own bits."""
        inner, offset = unwrap(address)
        leaf = self.of_family(family_of(inner)).find(int.from_bytes(inner, "big"))
        return Leaf(leaf.code, offset + leaf.scope) if offset else leaf

    def of_family(self, family: int) -> Intervals:
        """Give the map of family 4 or 6."""
        return self.v4 if family == IPV4 else self.v6

    def project(self, classes: Sequence[int]) -> AddressMap:
        """Give the map with class numbers replaced, as `Intervals.project` does."""
        return AddressMap(self.v4.project(classes), self.v6.project(classes))


@dataclass(frozen=True, slots=True)
class Policy:
    """The eligible sites of a service for one address family."""

    classes: tuple[tuple[int, ...], ...]
    """Site numbers by class number, first choice first; empty where the answer is NODATA."""
    address_map: AddressMap | None
    """Class of each client address; None where there is one class, so scope 0."""
    class_by_order: tuple[int, ...]
    """Class number by number of the order that an address prefers; by the common view alone
    that is the number of its home site, eligible or not."""
    unknown_class: int | None = None
    """Number of the class of clients that somebody is to be asked about; None where there are
    none, or where all clients get the same."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which site answers a client, and all that was learnt on the way."""

    service: str
    """Name of the service."""
    family: int
    """Family of the addresses asked for: 4 or 6."""
    candidates: tuple[int, ...]
    """Site numbers of the class, in the order in which they are tried."""
    site: int | None
    """Number of the site that answers, or of the static list, which stand behind the sites;
    None where the answer is NODATA or SERVFAIL."""
    vips: tuple[bytes, ...]
    """Addresses of that family at the site, in configured order."""
    scope: int
    """Bits of the client subnet that the answer holds for; 0 where no subnet was used."""
    decided_by: bytes
    """The address that was looked up: the subnet's, or the source's."""
    is_special: bool
    """Whether the subnet was special-purpose, so that the source decided."""
    ttl_cap_s: int | None = None
    """Most seconds that the answer may be kept; None where nothing is capped."""
    is_cap_exact: bool = False
    """Whether the cap also holds below the `ttl_min` of a name."""
    is_failed: bool = False
    """Whether no site may be given, so that the answer is SERVFAIL."""
    is_unknown: bool = False
    """Whether nothing is known of the client yet, and somebody is to be asked."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is known of addresses, and how sites are compared by it."""

    knowledge: Knowledge
    """What is known."""
    rules: Rules
    """How sites are compared; its `depth` is the one that is in force."""


@dataclass(frozen=True, slots=True)
class Steering:
    """Every policy of the server. Built once for a table, then only read."""

    site_set: SiteSet
    """The sites that class numbers stand for."""
    services: Mapping[str, Service]
    """Services by name."""
    policies: Mapping[tuple[str, int], Policy]
    """Policies by service name and family; equal policies are one object."""

    conditions: Conditions = field(default_factory=lambda: ALL_SERVING)
    """How the sites stand. To change them is to make another steering of the same maps."""
    ranking: Ranking | None = None
    """What the orders were found by; None where that is the common view alone."""

    @property
    def site_names(self) -> tuple[str, ...]:
        """Names by site number, those of the static lists of last resort behind the sites."""
        statics = map(name_static, list_statics(self.services.values()))
        return (*(site.name for site in self.site_set.sites), *statics)

    def choose(self, service: str, family: int, client: Client) -> Choice:
        """Give the site for `client`; `service` is a configured one."""
        policy = self.policies[service, family]
        number, scope, decided_by, is_special = _classify(policy.address_map, client)
        candidates = policy.classes[number]
        outcome = self.find_outcome(service, family, candidates)
        vips = self._find_vips(service, family, outcome)
        ttl_min_s = self.services[service].ttl_min_s
        cap_s, is_exact = cap_ttl(outcome, ttl_min_s)
        is_unknown = number == policy.unknown_class
        if is_unknown:
            cap_s, is_exact = shorten_cap(cap_s, ttl_min_s, is_exact=is_exact)
        return Choice(
            service=service,
            family=family,
            candidates=candidates,
            site=self._number_outcome(service, outcome) if vips else None,
            vips=vips,
            scope=scope_of_choice(client, decided_by, scope, is_unknown=is_unknown),
            decided_by=decided_by,
            is_special=is_special,
            ttl_cap_s=cap_s,
            is_cap_exact=is_exact,
            is_failed=outcome.reason is Reason.SERVFAIL,
            is_unknown=is_unknown,
        )

    def find_outcome(self, service: str, family: int, candidates: tuple[int, ...]) -> Outcome:
        """Give what the clients of a class get as the sites stand, and why."""
        names = [site.name for site in self.site_set.sites]
        found = list_conditions(names, self.conditions, family)
        return choose_outcome(candidates, found, self.services[service].last_resort)

    def gives_alike(
        self, service: str, family: int, order: tuple[int, ...], other: tuple[int, ...]
    ) -> bool:
        """Tell whether two classes of a service get the same, TTLs aside."""
        found = [self.find_outcome(service, family, each) for each in (order, other)]
        return found[0].site == found[1].site and found[0].reason == found[1].reason

    def _find_vips(self, service: str, family: int, outcome: Outcome) -> tuple[bytes, ...]:
        serving = self.services[service]
        vips = serving.vips[outcome.site] if outcome.site is not None else ()
        if outcome.reason is Reason.STATIC:
            vips = serving.static_vips
        return tuple(vip for vip in vips if family_of(vip) == family)

    def _number_outcome(self, service: str, outcome: Outcome) -> int | None:
        if outcome.reason is not Reason.STATIC:
            return outcome.site
        statics = list_statics(self.services.values())
        return len(self.site_set.sites) + statics.index(self.services[service].static_vips)


def _classify(address_map: AddressMap | None, client: Client) -> tuple[int, int, bytes, bool]:
    """Give class number, scope, the address that decided, and whether the subnet was special.

    A subnet of source length 0 asks not to be used (RFC 7871 section 7.1.2): the
    resolver's address decides and the scope is 0.
    """
    subnet = client.subnet if client.subnet and client.subnet.source_length else None
    if address_map is None:
        return 0, 0, subnet.address if subnet else client.source, False
    if subnet is None:
        return address_map.find(client.source).class_number, 0, client.source, False
    leaf = address_map.find(subnet.address)
    if not leaf.is_special:
        return leaf.class_number, leaf.scope, subnet.address, False
    return address_map.find(client.source).class_number, leaf.scope, client.source, True


def scope_of_choice(client: Client, decided_by: bytes, scope: int, *, is_unknown: bool) -> int:
    """Give the scope of an answer, for that which its map has.

    Where nothing is known it is narrower; not where no subnet was used, or a special one.
    """
    sent = client.subnet.address if client.subnet and client.subnet.source_length else None
    return narrow_scope(sent, scope) if is_unknown and sent == decided_by else scope


def build_base_map(
    site_set: SiteSet,
    snapshot: Snapshot,
    homes: array[int] | None = None,
    *,
    is_asked_for: bool = False,
) -> AddressMap:
    """Sweep a table into the map whose class numbers are home sites.

    `homes` has the home of each route, `array("I")`; without it they are found. An address
    without a route has `self`; where such are asked for, the number behind the last site,
    which stands for those that are unknown.
    """
    if homes is None:
        homes = array("I", map(build_finder(site_set).site_of, snapshot.routes))
    nowhere = len(site_set.sites) if is_asked_for else site_set.self_site
    v4, v6 = (sweep_table(snapshot.family(family), homes, nowhere) for family in FAMILIES)
    return AddressMap(v4, v6)


def build_steering(
    site_set: SiteSet,
    services: Mapping[str, Service],
    base_map: AddressMap,
    *,
    is_asked_for: bool = False,
) -> Steering:
    """Make each service's policies from the common view alone, whose classes are home sites.

    Services with equal sites and families share policies. `is_asked_for` as the map has it.
    """
    count = len(site_set.sites)
    unknown = ((site_set.self_site,),) if is_asked_for else ()
    homes = _Homes(base_map, (*((home,) for home in range(count)), *unknown))
    orders = {frozenset(service.vips): homes for service in services.values()}
    policies = _build_policies(site_set, services, orders, count if is_asked_for else None)
    return Steering(site_set, services, policies)


def build_ranked_steering(
    site_set: SiteSet, services: Mapping[str, Service], chart: Chart, rules: Rules
) -> Steering:
    """Make each service's policies from all that is known of addresses.

    Where that makes more classes than a map has room for, fewer places of each ranking
    count; `Steering.ranking` says how many.
    """
    eligible = {frozenset(service.vips) for service in services.values()}
    while True:
        orders = {sites: chart.rank(sorted(sites), rules) for sites in eligible}
        policies = _build_policies(site_set, services, orders)
        most = max((len(policy.classes) for policy in policies.values()), default=0)
        if most <= MAX_CLASSES or rules.depth == 1:
            ranking = Ranking(chart.knowledge, rules)
            return Steering(site_set, services, policies, ranking=ranking)
        rules = replace(rules, depth=rules.depth - 1)


class Orders(Protocol):
    """Which sites every address prefers."""

    @property
    def orders(self) -> tuple[tuple[int, ...], ...]:
        """Give each distinct order once: numbers of sites, best first."""

    def draw(self, classes: Sequence[int]) -> AddressMap:
        """Give the map whose class is `classes[order]`, by number of the order."""


@dataclass(frozen=True, slots=True)
class _Homes:
    """The orders of the common view: each has one site, the home of an address."""

    base_map: AddressMap
    orders: tuple[tuple[int, ...], ...]

    def draw(self, classes: Sequence[int]) -> AddressMap:
        is_same = tuple(classes) == tuple(range(len(self.orders)))
        return self.base_map if is_same else self.base_map.project(classes)


def _build_policies(
    site_set: SiteSet,
    services: Mapping[str, Service],
    orders: Mapping[frozenset[int], Orders],
    unknown: int | None = None,
) -> dict[tuple[str, int], Policy]:
    """Make all policies; `unknown` is the number of the order of unknown clients, if any."""
    shared: dict[tuple[int, tuple[tuple[int, ...], ...]], Policy] = {}
    policies: dict[tuple[str, int], Policy] = {}
    for service in services.values():
        found = orders[frozenset(service.vips)]
        for family in FAMILIES:
            by_order = tuple(find_class(site_set, service, family, order) for order in found.orders)
            key = (id(found), by_order)
            if key not in shared:
                shared[key] = _build_policy(by_order, found, unknown)
            policies[service.name, family] = shared[key]
    return policies


def find_class(
    site_set: SiteSet, service: Service, family: int, order: tuple[int, ...]
) -> tuple[int, ...]:
    """Give the order in which sites are tried for clients that prefer those of `order`."""
    eligible = tuple(site for site in order if site in service.vips)
    if not eligible:
        fallback = failover_order(site_set, order[0])
        eligible = (next(site for site in fallback if site in service.vips),)
    if not service.has_family(eligible[0], family):
        return ()
    tried = dict.fromkeys((*eligible, *failover_order(site_set, eligible[0])))
    return tuple(site for site in tried if service.has_family(site, family))


def _build_policy(
    by_order: tuple[tuple[int, ...], ...], found: Orders, unknown: int | None
) -> Policy:
    numbers: dict[tuple[int, ...], int] = {}
    class_by_order = [numbers.setdefault(order, len(numbers)) for order in by_order]
    if len(numbers) == 1:  # and so an answer, whoever asks
        return Policy(tuple(numbers), None, tuple(class_by_order))
    classes = tuple(numbers)
    unknown_class = None
    if unknown is not None:  # a class of its own, although `self` has the same order
        unknown_class = class_by_order[unknown] = len(classes)
        classes = (*classes, by_order[unknown])
    return Policy(classes, found.draw(class_by_order), tuple(class_by_order), unknown_class)


def subnet_of(address: bytes, length: int) -> Subnet:
    """Make the subnet of the first `length` bits of an address."""
    return Subnet(truncate(address, length), length)
