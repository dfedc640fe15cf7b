"""Routes with a local preference beside those without."""

from __future__ import annotations

import pytest

from sparrow.rib.route import Route, build_origin_route, parse_route
from sparrow.rib.snapshot import SnapshotBuilder
from sparrow.rib.valued import ValuedRoutes


@pytest.mark.parametrize("text", ["7", "1 7", "1 2_3", "1 {2,3}"])
def test_a_preference_makes_another_route_of_the_same_path(text: str) -> None:
    plain = parse_route(text)
    valued = ValuedRoutes().value(plain, 200)
    assert (None, 200) == (plain.local_pref, valued.local_pref)
    assert plain != valued
    assert (plain.hops, plain.path, plain.origins) == (valued.hops, valued.path, valued.origins)
    assert Route(plain.hops, 200) == valued
    assert hash(Route(plain.hops, 200)) == hash(valued)
    assert valued != Route(plain.hops, 100)


def test_equal_routes_are_one_object_and_without_a_value_nothing_is_made() -> None:
    valued = ValuedRoutes()
    route = parse_route("1 7")
    assert valued.value(route, 5) is valued.value(parse_route("1 7"), 5)
    assert valued.value(route, None) is route


def test_a_table_tells_routes_of_one_as_apart_by_preference() -> None:
    builder = SnapshotBuilder()
    routes = [build_origin_route(7), Route(parse_route("7").hops, 5), parse_route("7")]
    assert [0, 1, 0] == [builder.number(route) for route in routes]
    assert tuple(routes[:2]) == builder.build().snapshot.routes
