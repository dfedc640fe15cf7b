"""Sparrow answers as NSD does from the same zone files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from agreement import Pair, check_agreement, find_zones
from answers import names_of, questions_near, random_questions, without_generate
from nameservers import serving_nsd, serving_sparrow, static_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module", params=["zones", "rootzones"])
def pair(
    request: pytest.FixtureRequest,
    needs: Callable[[str], str],
    free_port: Callable[[], int],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    program = needs("nsd")
    zones = find_zones(request.param)
    folders = tmp_path_factory.mktemp("nsd"), tmp_path_factory.mktemp("sparrow")
    plain = without_generate(zones, folders[0])
    with (
        serving_nsd(program, plain, folders[0], free_port()) as peer,
        serving_sparrow(static_zones(zones), folders[1], free_port()) as sparrow,
    ):
        yield Pair(zones, sparrow, peer, "nsd")


def test_every_name_and_type_is_answered_as_by_nsd(pair: Pair) -> None:
    check_agreement(pair, list(questions_near(names_of(pair.zones))))


def test_a_thousand_random_names_are_answered_as_by_nsd(pair: Pair) -> None:
    check_agreement(pair, random_questions(names_of(pair.zones), seed=2308, count=1000))
