"""From a route to its home, and the order of failover."""

from __future__ import annotations

import pytest

from sparrow.policy.preference import Home, build_finder, failover_order
from sparrow.policy.site import Site, SiteSet
from sparrow.rib.route import parse_route
from sparrow.values.asn import parse_asn_range

VIP = bytes((192, 0, 2, 1))


def site(name: str, asns: str, *fallback: int) -> Site:
    return Site(name, tuple(map(parse_asn_range, asns.split())), (VIP,), fallback)


SITES = SiteSet(
    (
        site("au", "64600 131072-132095"),
        site("nl", "64601", 2),
        site("us", "64602 100-199 4294967295", 0, 1),
        site("idle", ""),
    ),
    self_site=1,
)


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("64600", Home(0, 64600)),
        ("64601", Home(1, 64601)),
        ("7 64602 64600", Home(2, 64602)),  # the leftmost that belongs to a site
        ("7 8 131072", Home(0, 131072)),  # first of a range
        ("132095 64601", Home(0, 132095)),  # last of a range
        ("132096", Home(1, None)),  # one behind it
        ("131071", Home(1, None)),
        ("99", Home(1, None)),
        ("100", Home(2, 100)),
        ("200", Home(1, None)),
        ("0", Home(1, None)),  # below every range
        ("4294967295", Home(2, 4294967295)),
        ("64602_64600", Home(2, 64602)),  # multi-origin, written order
        ("64600_64602", Home(0, 64600)),
        ("7_64600", Home(0, 64600)),
        ("7 {64602,64600}", Home(2, 64602)),  # AS_SET
        ("1,2 64600", Home(0, 64600)),
        ("AS64600", Home(0, 64600)),
        ("2.0", Home(0, 131072)),  # asdot
    ],
)
def test_the_home_is_the_owner_of_the_leftmost_as_that_has_one(route: str, expected: Home) -> None:
    assert expected == build_finder(SITES).home(parse_route(route))


def test_without_a_route_the_home_is_self() -> None:
    assert Home(1, None) == build_finder(SITES).home(None)


def test_self_is_the_first_site_unless_another_is_named() -> None:
    assert Home(0, None) == build_finder(SiteSet(SITES.sites)).home(None)


def test_sites_without_as_numbers_leave_every_route_to_self() -> None:
    finder = build_finder(SiteSet((site("a", ""), site("b", "")), self_site=1))
    assert Home(1, None) == finder.home(parse_route("64600"))


@pytest.mark.parametrize(
    ("home", "expected"),
    [
        (0, (0, 1, 2, 3)),  # itself, self, the rest
        (1, (1, 2, 0, 3)),  # itself is self, its fallback, the rest
        (2, (2, 0, 1, 3)),
        (3, (3, 1, 0, 2)),
    ],
)
def test_failover_tries_fallbacks_then_self_then_the_rest_each_once(
    home: int, expected: tuple[int, ...]
) -> None:
    assert expected == failover_order(SITES, home)
