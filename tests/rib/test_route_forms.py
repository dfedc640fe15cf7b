"""A route of one AS number is held as that, and reads as any other."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import pytest

from sparrow.rib.route import Hop, Route, build_origin_route, parse_route

FORMS = {
    "7": ((Hop((7,)),), (7,), (7,)),
    "1_2": ((Hop((1, 2), "_"),), (1, 2), (1, 2)),
    "3 1,2": ((Hop((3,)), Hop((1, 2), ",")), (3, 1, 2), (1, 2)),
    "5 5 7": ((Hop((5,)), Hop((5,)), Hop((7,))), (5, 5, 7), (7,)),
}


@pytest.mark.parametrize("text", FORMS)
def test_hops_path_origins_and_text_are_those_that_were_written(text: str) -> None:
    route = parse_route(text)
    assert FORMS[text] == (route.hops, route.path, route.origins)
    assert text == str(route)


def test_a_route_made_of_a_number_equals_the_one_made_of_its_hop() -> None:
    route = build_origin_route(64500)
    assert Route((Hop((64500,)),)) == route
    assert hash(Route((Hop((64500,)),))) == hash(route)
    assert build_origin_route(64501) != route


@pytest.mark.parametrize("text", FORMS)
def test_a_route_survives_a_copy_and_never_changes(text: str) -> None:
    route = parse_route(text)
    assert route == pickle.loads(pickle.dumps(route))  # noqa: S301  (made here)
    with pytest.raises(FrozenInstanceError):
        route.steps = 1  # type: ignore[misc]
