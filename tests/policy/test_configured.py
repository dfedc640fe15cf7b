"""A configuration as the choice of a site sees it."""

from __future__ import annotations

from sparrow.config.load import parse_config
from sparrow.policy.configured import build_rules, list_locations
from sparrow.policy.ranking import RankBy, Rules

SITES = """\
sites:
  au: {vips: [192.0.2.1], location: [-33.87, 151], bias: -2}
  nl: {vips: [192.0.2.2]}
geo: builtin
ssrs: {}
"""
RANKING = """\
ranking:
  rank_by: [path, distance]
  rtt_margin_ms: 1
  distance_margin_km: 2
  path_margin: 3
  use_local_pref: true
  depth: 4
"""


def test_the_rules_are_those_of_the_configuration() -> None:
    wanted = Rules(
        rank_by=(RankBy.PATH, RankBy.DISTANCE),
        rtt_margin_ms=1,
        distance_margin_km=2,
        path_margin=3,
        use_local_pref=True,
        biases=(-2, 0),
        depth=4,
    )
    assert wanted == build_rules(parse_config(SITES + RANKING, "x").config)


def test_the_defaults_of_both_are_the_same() -> None:
    assert Rules(biases=(-2, 0)) == build_rules(parse_config(SITES, "x").config)


def test_places_are_numbered_as_the_sites_are() -> None:
    assert ((-33.87, 151.0), None) == list_locations(parse_config(SITES, "x").config)
