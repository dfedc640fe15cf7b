"""Outcomes and generations as the daemon has them, and the law of the scope in every state."""

from __future__ import annotations

import os
import shutil
from array import array
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from built_tables import build_snapshot
from statesites import NAMES, ROUTES, STATIC, build_state_authority

from sparrow.dns.respond import Identity
from sparrow.dns.zone import ZoneSet
from sparrow.errors import InputError
from sparrow.keeping.layout import TcpLimits
from sparrow.keeping.publishing import Publisher
from sparrow.plan.fallback import PlanSteering, build_authority
from sparrow.plan.watch import PlanSource
from sparrow.policy.intervals import sweep_table
from sparrow.policy.outcome import ALL_SERVING, Condition, Standing
from sparrow.policy.preference import build_finder
from sparrow.policy.steering import AddressMap, Client, Subnet
from sparrow.rib.route import parse_route
from sparrow.values.address import BITS, FAMILIES, IPV4, IPV6, parse_address, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sparrow.dns.respond import Authority
    from sparrow.plan.plan import Plan
    from sparrow.policy.outcome import Conditions
    from sparrow.policy.steering import Choice, Steering

LIMITS = TcpLimits(100, 10, 10)
RESOLVER = parse_address("8.8.8.8")
FAILED = (Condition(Standing.FAILED), Condition(Standing.FAILED))
SEEDS = int(os.environ.get("SPARROW_STATE_SEEDS", "12"))
BLOCKS = (
    *("0.0.0.0/0", "20.0.0.0/8", "20.64.0.0/10", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"),
    *("::/0", "2a00::/12", "2a00:1::/32", "2002:1401::/32", "2001:db8::/32", "4000::/2"),
)


class Served:
    """A publisher, and a worker's eyes on its directory."""

    def __init__(self, run_dir: Path, authority: Authority) -> None:
        self.publisher = Publisher(run_dir)
        self.publisher.publish(authority, LIMITS, ALL_SERVING)
        self.directory = run_dir / "plan"
        self.source = PlanSource(self.directory)

    @property
    def plan(self) -> Plan:
        plan = self.source.poll()
        assert (0, None) == (self.source.refused, self.source.last_refusal)
        return plan

    @property
    def steering(self) -> PlanSteering:
        steering = build_authority(self.plan).steering
        assert steering is not None
        return steering

    def files(self) -> tuple[str, list[str]]:
        plan = self.plan
        return plan.answers.file.name, [each.file.name for each in plan.maps]


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path, build_state_authority())


# Generations.


def test_a_change_of_routes_alone_writes_maps_alone(tmp_path: Path, served: Served) -> None:
    before = served.plan
    served.publisher.publish(build_state_authority(("20.0.0.0/9 2",)), LIMITS)
    after = served.plan
    assert (1, 2) == (before.generation, after.generation)
    assert after.answers is before.answers
    assert ("answers-1", ["map-2-0", "map-2-1"]) == served.files()
    assert "outcomes-1" == after.outcomes.name
    assert not (tmp_path / "plan" / "answers-2").exists()


CHANGES = {
    "identity": lambda it: replace(it, identity=Identity(nsid=b"other")),
    "zones": lambda it: replace(it, zones=ZoneSet({})),
    "sites": lambda _: build_state_authority(names=5),
    "static list": lambda it: replace(it, steering=with_static(it.steering)),
}


def with_static(steering: Steering) -> Steering:
    services = dict(steering.services)
    services["static"] = replace(services["static"], static_vips=STATIC[:1])
    return replace(steering, services=services)


@pytest.mark.parametrize("name", CHANGES)
def test_any_other_change_writes_names_anew(served: Served, name: str) -> None:
    before = served.plan.answers
    served.publisher.publish(CHANGES[name](build_state_authority()), LIMITS)
    assert "answers-2" == served.plan.answers.file.name
    assert served.plan.answers is not before


def test_another_daemon_writes_names_anew(tmp_path: Path, served: Served) -> None:
    Publisher(tmp_path).publish(build_state_authority(), LIMITS)
    assert "answers-2" == served.plan.answers.file.name
    with pytest.raises(InputError, match="another daemon"):
        served.publisher.publish(build_state_authority(), LIMITS)


# Outcomes.


def site_of(served: Served, home: int) -> int | None:
    client = Client(bytes((20 + home, 1, 1, 1)))
    return served.steering.choose("all-up", 4, client).site


def test_a_verdict_reaches_answers_without_a_generation(served: Served) -> None:
    assert 0 == site_of(served, 0)
    assert served.publisher.write({"au": FAILED}).has_moved
    assert (2, 1) == (site_of(served, 0), served.plan.generation)
    assert not served.publisher.write({"au": FAILED}).has_moved


def test_a_generation_begins_with_the_conditions_that_there_are(served: Served) -> None:
    served.publisher.publish(build_state_authority(names=5), LIMITS, {"au": FAILED})
    assert 2 == site_of(served, 0)


def test_conditions_that_were_written_are_newer_than_those_of_a_publication(
    served: Served,
) -> None:
    served.publisher.write({"au": FAILED})
    served.publisher.publish(build_state_authority(names=5), LIMITS, ALL_SERVING)
    assert 2 == site_of(served, 0)


def test_a_daemon_that_starts_writes_the_words_of_the_plan_that_is_there(
    tmp_path: Path, served: Served
) -> None:
    successor = Publisher(tmp_path)
    assert successor.write({"au": FAILED}).has_moved
    assert 2 == site_of(served, 0)
    assert 0 == served.publisher.write({"jp": FAILED}).words  # it has lost the right
    assert 2 == site_of(served, 2 - 2)
    assert 2 == site_of(served, 2)


def test_words_are_written_though_the_run_directory_was_cleared_away(
    tmp_path: Path, served: Served
) -> None:
    steering = served.steering
    shutil.rmtree(tmp_path)
    served.publisher.write({"au": FAILED})
    assert 2 == steering.choose("all-up", 4, Client(bytes((20, 1, 1, 1)))).site


def test_without_a_plan_there_is_nothing_to_write(tmp_path: Path) -> None:
    assert 0 == Publisher(tmp_path).write({"au": FAILED}).words


# Scopes.


def scope_of(served: Served, text: str, service: str = "all-up") -> int:
    address = parse_address(text)
    subnet = Subnet(address, len(address) * 8)
    return served.steering.choose(service, 4, Client(RESOLVER, subnet)).scope


def test_scopes_widen_when_outcomes_last_and_are_as_before_when_they_move(served: Served) -> None:
    publisher = served.publisher
    before = served.plan
    assert (8, 8) == (scope_of(served, "20.1.2.0"), scope_of(served, "22.1.2.0"))
    assert publisher.coarsen() is None  # nothing is equal
    publisher.write({"au": FAILED, "de": FAILED, "nl": FAILED})
    assert 8 == scope_of(served, "20.1.2.0")
    assert (2, True) == (publisher.coarsen(), publisher.is_coarse)
    # 20/8 and 22/8 are jp's now, 21/8 and 23/8 are not.
    coarse = served.plan
    assert coarse.answers is before.answers
    assert (None, True) == (publisher.coarsen(), publisher.is_coarse)
    publisher.write(ALL_SERVING)
    assert (3, False) == (publisher.refine(), publisher.is_coarse)
    assert [True, True] == [
        new is old for new, old in zip(served.plan.maps, before.maps, strict=True)
    ]
    assert publisher.refine() is None


def test_where_everybody_gets_the_same_the_scope_is_0(served: Served) -> None:
    served.publisher.write({"au": FAILED, "jp": FAILED})  # us is left
    texts = ("20.1.2.0", "10.1.2.0", "255.0.0.0", "2a00::", "2002:1401::", "::ffff:20.1.1.0")
    assert 0 not in [scope_of(served, text, "half") for text in texts]
    served.publisher.coarsen()
    assert [0] * len(texts) == [scope_of(served, text, "half") for text in texts]
    address_map = served.plan.maps[1]
    assert (1, 1) == (len(address_map.v4_words), len(address_map.v6_high))


def test_files_of_maps_that_may_come_back_stay(served: Served) -> None:
    served.publisher.write({"au": FAILED, "nl": FAILED})
    served.publisher.coarsen()
    served.publisher.write({"au": FAILED})
    served.publisher.refine()
    served.publisher.coarsen()
    served.publisher.refine()
    assert ("answers-1", ["map-1-0", "map-1-1"]) == served.files()
    names = {path.name for path in served.directory.iterdir()}
    assert {"map-1-0", "map-1-1", "answers-1", "outcomes-1"} < names
    assert 10 > len(names)


def test_routes_that_change_meanwhile_bring_all_classes_back(served: Served) -> None:
    served.publisher.write({"au": FAILED})
    served.publisher.coarsen()
    served.publisher.publish(build_state_authority(ROUTES[:5]), LIMITS, {"au": FAILED})
    assert not served.publisher.is_coarse
    assert "answers-1" == served.files()[0]
    assert "map-2-0" not in served.files()[1]


# The law of the scope, by brute force.


@dataclass(frozen=True)
class Table:
    """Random routes, what is steered by them, and where answers may change."""

    lines: tuple[str, ...]
    authority: Authority

    @property
    def steering(self) -> Steering:
        assert self.authority.steering is not None
        return self.authority.steering

    def points(self, family: int) -> list[int]:
        """Give the first address of each stretch that any policy tells apart."""
        maps = [policy.address_map for policy in self.steering.policies.values()]
        found = {start for each in maps if each for start in each.of_family(family).starts}
        return sorted(found)


def random_table(rng: Random) -> Table:
    sites = rng.randint(2, len(NAMES))
    rows = {}
    for _ in range(rng.randint(0, 30)):
        block = parse_prefix(rng.choice(BLOCKS))
        length = min(BITS[block.family], block.length + rng.choice((0, 1, 2, 3, 8, 30)))
        spare = BITS[block.family] - length
        number = int.from_bytes(block.network, "big")
        number |= rng.getrandbits(BITS[block.family] - block.length) if block.length else 0
        octets = (number >> spare << spare).to_bytes(BITS[block.family] // 8, "big")
        text = f"{'.'.join(map(str, octets))}" if len(octets) == 4 else octets.hex(":", 2)
        rows[f"{text}/{length}"] = rng.randint(1, sites)
    lines = tuple(f"{prefix} {asn}" for prefix, asn in rows.items())
    return Table(lines, build_state_authority(lines, sites))


def random_conditions(rng: Random) -> Conditions:
    def one() -> Condition:
        standing = rng.choice([Standing.SERVING, *Standing])
        return Condition(standing, *(rng.choice((None, 3, 44.5, 500)) for _ in range(2)))

    return {name: (one(), one()) for name in NAMES if rng.random() < 0.8}


def random_subnets(rng: Random, table: Table, count: int) -> Iterator[Subnet]:
    """Give whole addresses: at edges, beside edges, and anywhere."""
    for family in FAMILIES:
        size, top = BITS[family] // 8, (1 << BITS[family]) - 1
        points = table.points(family)
        for _ in range(count):
            address = rng.choice((rng.choice(points) + rng.choice((-1, 0, 1)), rng.randint(0, top)))
            yield Subnet(max(0, min(top, address)).to_bytes(size, "big"), BITS[family])


def said(choice: Choice) -> tuple[object, ...]:
    """Give all of a choice that an answer shows."""
    return choice.site, choice.vips, choice.is_failed, choice.ttl_cap_s, choice.is_cap_exact


def check_soundness(rng: Random, served: Served, table: Table) -> None:
    """Compare the answer to a subnet with those to the edges within its scope."""
    steering = served.steering
    for service, family in table.steering.policies:
        for subnet in random_subnets(rng, table, 6):
            choice = steering.choose(service, family, Client(RESOLVER, subnet))
            for other in others_within(rng, table, subnet, choice.scope):
                same = steering.choose(service, family, Client(RESOLVER, other))
                assert said(choice) == said(same), (subnet, choice.scope, other)


def others_within(rng: Random, table: Table, subnet: Subnet, scope: int) -> Iterator[Subnet]:
    """Give addresses of the block of a scope: its ends, and where answers may change inside."""
    bits = len(subnet.address) * 8
    spare = bits - scope
    first = int.from_bytes(subnet.address, "big") >> spare << spare
    last = first + (1 << spare) - 1
    inside = [point for point in table.points(4 if bits == 32 else 6) if first <= point <= last]
    for address in {first, last, *rng.sample(inside, min(len(inside), 8))}:
        yield Subnet(address.to_bytes(bits // 8, "big"), bits)


def check_agreement(rng: Random, served: Served, table: Table, conditions: Conditions) -> None:
    """Compare with what is known without a plan: TTLs may be lower, and nothing else differs."""
    plain = replace(table.steering, conditions=conditions)
    steering = served.steering
    for service, family in plain.policies:
        for subnet in random_subnets(rng, table, 6):
            client = Client(RESOLVER, subnet)
            expected, found = (each.choose(service, family, client) for each in (plain, steering))
            assert said(expected)[:3] == said(found)[:3]
            if not served.publisher.is_coarse:
                assert expected == found


def check_minimality(rng: Random, served: Served, table: Table, conditions: Conditions) -> None:
    """Compare scopes with those of maps that are compiled from scratch for these outcomes."""
    plain = replace(table.steering, conditions=conditions)
    steering = served.steering
    answers = served.plan.answers
    of_map: dict[int, list[tuple[str, int]]] = {}
    for key, number in steering.numbers.items():
        of_map.setdefault(answers.policy(number).map_number, []).append(key)
    for keys in of_map.values():
        scratch = compile_outcomes(table, plain, keys)
        for subnet in random_subnets(rng, table, 12):
            found = steering.choose(*keys[0], Client(RESOLVER, subnet)).scope
            expected = scratch.find(subnet.address).scope if scratch else 0
            assert expected == found, (subnet, keys, table.lines)


def compile_outcomes(
    table: Table, steering: Steering, keys: list[tuple[str, int]]
) -> AddressMap | None:
    """Sweep the routes into a map that tells apart nothing but what these policies give.

    None where all of them give everybody the same.
    """
    kinds: dict[object, int] = {}

    def number_of(home: int) -> int:
        outcomes = []
        for service, family in keys:
            policy = steering.policies[service, family]
            order = policy.classes[policy.class_by_order[home]]
            outcome = steering.find_outcome(service, family, order)
            outcomes.append((outcome.site, outcome.site is None and outcome.reason.name))
        # Why there is no address makes no difference, but for SERVFAIL and the static list.
        empty = ("BARRED", "NEVER", "EMPTY")
        shown = [(site, "EMPTY" if reason in empty else reason) for site, reason in outcomes]
        return kinds.setdefault(tuple(shown), len(kinds))

    homes = [number_of(home) for home in range(len(steering.site_set.sites))]
    entries = [(parse_prefix(a), parse_route(b)) for a, b in map(str.split, table.lines)]
    snapshot = build_snapshot(entries)
    finder = build_finder(steering.site_set)
    codes = array("I", [homes[finder.site_of(route)] for route in snapshot.routes])
    v4, v6 = (
        sweep_table(snapshot.family(family), codes, homes[finder.self_site])
        for family in (IPV4, IPV6)
    )
    used = {code & 0xFFFF for code in (*v4.codes, *v6.codes) if code < 1 << 17}
    return AddressMap(v4, v6) if len(used) > 1 else None


@pytest.mark.parametrize("seed", range(SEEDS))
def test_scopes_are_sound_in_every_state_and_minimal_when_it_lasts(
    tmp_path: Path, seed: int
) -> None:
    rng = Random(seed)
    table = random_table(rng)
    served = Served(tmp_path, table.authority)
    for _ in range(6):
        conditions = random_conditions(rng)
        served.publisher.write(conditions)
        check_soundness(rng, served, table)  # classes that were merged may be stale by now
        if served.publisher.is_coarse:
            served.publisher.refine()
        check_soundness(rng, served, table)
        check_agreement(rng, served, table, conditions)
        served.publisher.coarsen()
        check_soundness(rng, served, table)
        check_agreement(rng, served, table, conditions)
        check_minimality(rng, served, table, conditions)
