"""Clients of whom nothing is known, as the policy has them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from statesites import NAMES, NO_IPV6, ROUTES, build_sites, steer_sites

from sparrow.policy.outcome import Condition, Standing
from sparrow.policy.steering import Choice, Client, Steering, subnet_of
from sparrow.policy.unknown import block_around, narrow_scope, shorten_cap
from sparrow.values.address import parse_address

SELF = len(NAMES) - 1
SOURCE = "20.9.9.9"
WITH_HOLE = (*ROUTES, "99.9.9.64/26 3")


def steer(*, is_asked_for: bool = True) -> Steering:
    return steer_sites(build_sites(), WITH_HOLE, is_asked_for=is_asked_for)


def choose(steering: Steering, address: str, length: int | None, service: str = "empty") -> Choice:
    """Choose for the subnet of an address; without a length for a resolver there."""
    packed = parse_address(address)
    if length is None:
        return steering.choose(service, 4, Client(packed))
    return steering.choose(service, 4, Client(parse_address(SOURCE), subnet_of(packed, length)))


@pytest.mark.parametrize(
    ("address", "length", "scope"),
    [
        ("99.1.2.3", 24, 24),
        ("99.1.2.3", 32, 24),
        ("99.1.2.3", 8, 24),
        ("99.9.9.1", 24, 26),  # a route lies in the block
        ("99.9.9.129", 32, 25),
        ("99.1.2.3", None, 0),
        ("2a00:db9:1:2:3::", 56, 56),
        ("2a00:db9:1:2:3::", 48, 56),
        ("::ffff:99.1.2.3", 128, 120),
        ("64:ff9b::99.1.2.3", 120, 120),
        ("2002:6301:0203::", 56, 40),
    ],
)
def test_an_unknown_client_is_told_of_few_others(
    address: str, length: int | None, scope: int
) -> None:
    found = choose(steer(), address, length)
    assert (True, SELF, scope) == (found.is_unknown, found.site, found.scope)
    assert (0, False) == (found.ttl_cap_s, found.is_cap_exact)


@pytest.mark.parametrize(
    ("address", "length"),
    [("20.1.2.3", 24), ("25.1.2.3", 32), ("25.1.2.3", None), ("99.9.9.70", 32)],
)
def test_a_known_client_gets_what_he_gets_where_nobody_is_asked(
    address: str, length: int | None
) -> None:
    asking, silent = steer(), steer(is_asked_for=False)
    found, expected = (choose(each, address, length) for each in (asking, silent))
    assert not found.is_unknown
    # What is known ends where that begins which is not, though both are sent to `self`.
    assert expected.scope <= found.scope
    assert expected == replace(found, scope=expected.scope)


def test_a_subnet_that_says_nothing_leaves_the_unknown_to_the_resolver() -> None:
    steering = steer()
    subnet = subnet_of(parse_address("10.0.0.0"), 24)
    found = steering.choose("empty", 4, Client(parse_address("99.1.2.3"), subnet))
    assert (True, True) == (found.is_unknown, found.is_special)
    assert parse_address("99.1.2.3") == found.decided_by
    assert 8 >= found.scope


def test_an_unknown_client_is_sent_to_the_next_where_self_is_down() -> None:
    down = (Condition(Standing.FAILED), Condition(Standing.FAILED))
    steering = replace(steer(), conditions={NAMES[SELF]: down})
    found = choose(steering, "99.1.2.3", 24)
    # The fallback of `self` is the one after the next.
    assert (True, 1) == (found.is_unknown, found.site)


def test_nobody_is_unknown_where_all_get_the_same() -> None:
    steering = steer_sites(build_sites(NAMES[:1]), ROUTES, is_asked_for=True)
    policy = steering.policies["empty", 4]
    assert (None, None) == (policy.unknown_class, policy.address_map)
    assert not choose(steering, "99.1.2.3", 24).is_unknown


def test_unknown_and_self_are_two_classes_of_one_order() -> None:
    policy = steer().policies["empty", 4]
    assert policy.unknown_class is not None
    assert policy.unknown_class == len(policy.classes) - 1
    assert policy.classes[policy.unknown_class] == policy.classes[policy.class_by_order[SELF]]
    assert policy.unknown_class != policy.class_by_order[SELF]


def test_where_nobody_is_asked_nothing_is_unknown() -> None:
    steering = steer(is_asked_for=False)
    assert all(policy.unknown_class is None for policy in steering.policies.values())


def test_a_site_without_the_family_is_none_for_the_unknown_too() -> None:
    sites = build_sites()
    self_site = NAMES.index(NO_IPV6)
    steering = steer_sites(replace(sites, self_site=self_site), ROUTES, is_asked_for=True)
    found = steering.choose("empty", 6, Client(parse_address("99.1.2.3")))
    assert (True, None) == (found.is_unknown, found.site)


@pytest.mark.parametrize(
    ("cap_s", "is_exact", "expected"),
    [
        (None, False, (0, False)),
        (5, False, (0, False)),
        (600, True, (0, False)),
        (30, True, (0, False)),
        (5, True, (5, True)),
    ],
)
def test_the_unknown_are_told_for_the_shortest_time(
    cap_s: int | None, *, is_exact: bool, expected: tuple[int, bool]
) -> None:
    assert expected == shorten_cap(cap_s, 30, is_exact=is_exact)


@pytest.mark.parametrize(
    ("address", "scope", "expected"),
    [("99.1.2.3", 3, 24), ("99.1.2.3", 27, 27), ("2a00::1", 0, 56), ("2001:0:1::", 40, 120)],
)
def test_a_scope_is_narrowed_and_never_widened(address: str, scope: int, expected: int) -> None:
    assert expected == narrow_scope(parse_address(address), scope)


@pytest.mark.parametrize(
    ("address", "block"), [("99.1.2.3", "99.1.2.0/24"), ("2a00:1:2:3ff::1", "2a00:1:2:300::/56")]
)
def test_a_question_is_about_a_block(address: str, block: str) -> None:
    assert block == str(block_around(parse_address(address)))
