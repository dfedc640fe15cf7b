"""Views, places, ranking and overrides: what is read, refused and doubted."""

from collections.abc import Callable

import pytest

from sparrow.config.check import check_config
from sparrow.config.check_ranking import MAX_OVERRIDES, find_expired
from sparrow.config.feeding import GobgpConfig
from sparrow.config.load import LoadedConfig
from sparrow.config.ranking import RankingConfig
from sparrow.values.address import parse_prefix
from sparrow.values.moment import parse_moment

Load = Callable[[str], LoadedConfig]
Refusals = Callable[[str], list[tuple[int, str]]]

SITES = """\
sites:
  au: {vips: [192.0.2.1], asn: [64600]}
  nl: {vips: [192.0.2.2]}
zones: {example.org: {file: z}}
routes: [{file: t.routes}]
"""
"""A configuration that is right, of five lines; tests add to it."""

LOCATED = SITES.replace("asn: [64600]", "location: [-33.87, 151]")
BOTH_LOCATED = LOCATED.replace("[192.0.2.2]", "[192.0.2.2], location: [52.37, 4.9]")


def routes(*items: str) -> str:
    """Give the configuration with other routes, one a line from line 6 on."""
    return SITES.replace(" [{file: t.routes}]", "") + "".join(f"  - {item}\n" for item in items)


def at_nl(key: str) -> str:
    """Give the configuration with another key at the second site."""
    return SITES.replace("[192.0.2.2]", f"[192.0.2.2], {key}")


def test_what_is_left_out_has_its_default(load: Load) -> None:
    config = load(SITES).config
    assert (None, ()) == (config.geo, config.overrides)
    assert (
        RankingConfig(
            rank_by=("rtt", "distance", "path"),
            rtt=None,
            rtt_margin_ms=5,
            distance_margin_km=500,
            path_margin=0,
            use_local_pref=False,
            depth=3,
        )
        == config.ranking
    )
    assert [(None, 0)] * 2 == [(site.location, site.bias) for site in config.sites]
    assert [None] == [route.view for route in config.routes]


def test_every_key_of_a_ranking_is_read(load: Load) -> None:
    text = (
        "ranking: {rank_by: [path, rtt], rtt: r.csv, rtt_margin_ms: 0, distance_margin_km: 20100,"
        " path_margin: 2, use_local_pref: true, depth: 8}\n"
    )
    assert (
        RankingConfig(
            rank_by=("path", "rtt"),
            rtt="/etc/x/r.csv",
            rtt_margin_ms=0,
            distance_margin_km=20100,
            path_margin=2,
            use_local_pref=True,
            depth=8,
        )
        == load(SITES + text).config.ranking
    )


def test_hysteresis_is_there_when_it_is_written(load: Load) -> None:
    assert load(SITES).config.hysteresis is None
    found = load(SITES + "hysteresis: {}").config.hysteresis
    assert found is not None
    assert (5, 500, 1, 300.0, 0.05) == tuple(dict(found).values())


def test_a_site_has_its_place_and_its_bias(load: Load) -> None:
    config = load(BOTH_LOCATED + "geo: builtin\n").config
    assert [(-33.87, 151.0), (52.37, 4.9)] == [site.location for site in config.sites]
    assert [0, -3] == [site.bias for site in load(at_nl("bias: -3")).config.sites]


def test_a_source_of_routes_belongs_to_a_view(load: Load) -> None:
    text = routes(
        "{file: t.routes}",
        "{file: t.routes, view: au}",
        "{file: t.routes, view: nl}",
        "{gobgp: '[::1]:1', view: au, withdraw_on_loss: true, stale_for: null}",
        "{gobgp: '[::1]:2', view: nl, stale_for: 2h}",
        "{gobgp: '[::1]:3'}",
    )
    loaded = load(text)
    assert ["au", "nl", "au", "nl", None] == [route.view for route in loaded.config.routes[1:]]
    assert [(True, None), (False, 7200.0), (False, 86400.0)] == [
        (feed.withdraw_on_loss, feed.stale_for_s)
        for feed in loaded.config.routes
        if isinstance(feed, GobgpConfig)
    ]
    assert () == loaded.warnings


@pytest.mark.parametrize(
    ("text", "source", "file"),
    [
        ("builtin", "builtin", None),
        ("{mmdb: a.mmdb}", "mmdb", "/etc/x/a.mmdb"),
        ("{table: ../list}", "table", "/etc/list"),
    ],
)
def test_where_clients_are_is_told_by_one_source(
    load: Load, text: str, source: str, file: str | None
) -> None:
    geo = load(f"{BOTH_LOCATED}geo: {text}\n").config.geo
    assert geo is not None
    assert (source, file) == (geo.source, geo.file)


def test_overrides_are_read_with_their_times(load: Load) -> None:
    text = """\
overrides:
  - {prefix: 192.0.2.0/24, site: nl, until: 2026-01-31T23:00+01:00, reason: "a: b"}
  - {prefix: "2001:db8::1", site: au, until: null}
  - {asn: 0, site: au, until: 1970-01-01T00:00Z}
  - {asn: "1.10", site: nl}
"""
    found = load(SITES + text).config.overrides
    assert [
        (parse_prefix("192.0.2.0/24"), None, "nl", parse_moment("2026-01-31T22:00Z"), "a: b"),
        (parse_prefix("2001:db8::1/128"), None, "au", None, ""),
        (None, 0, "au", 0.0, ""),
        (None, 65546, "nl", None, ""),
    ] == [(each.prefix, each.asn, each.site, each.until_s, each.reason) for each in found]
    assert ["192.0.2.0/24", "2001:db8::1/128", "AS0", "AS65546"] == [str(each) for each in found]


WRONG = [
    # sites
    (at_nl("location: 52"), 3, "location: must be two numbers, not 52: write latitude and"),
    (at_nl("location: [52]"), 3, "sites.nl.location: must be two numbers, not a list"),
    (at_nl("location: [1, 2, 3]"), 3, "must be two numbers, not a list"),
    (at_nl("location: [52N, 4]"), 3, "must be two numbers, and '52N' is none"),
    (at_nl("location: [true, 4]"), 3, "must be two numbers, and true is none"),
    (at_nl("location: [.nan, 4]"), 3, "must be two numbers, and NaN is none"),
    (at_nl("location: [90.1, 4]"), 3, "latitude must be from -90 to 90 and the longitude from"),
    (at_nl("location: [-33, 180.1]"), 3, "not [-33, 180.1]: write latitude and longitude"),
    (at_nl("location: [151, -33]"), 3, "such as [52.37, 4.9], the other way round"),
    (at_nl("bias: 256"), 3, "sites.nl.bias: must be a whole number from -255 to 255, not 256"),
    (at_nl("bias: 1.5"), 3, "must be a whole number from -255 to 255, not 1.5"),
    (at_nl("bias: null"), 3, "must be a whole number from -255 to 255, not nothing"),
    # views
    (routes("{file: t, view: no}"), 6, "routes.view: there is no site 'no': did you mean 'nl'?"),
    (routes("{file: t, view: 7}"), 6, "routes.view: must be text, and YAML reads 7 otherwise"),
    (routes("{gobgp: '[::1]:1', view: aa}"), 6, "there is no site 'aa': did you mean 'au'?"),
    (
        routes("{gobgp: '[::1]:1', withdraw_on_loss: true}"),
        6,
        "routes.withdraw_on_loss: only a source with a 'view' can take its site along: write view",
    ),
    (routes("{gobgp: '[::1]:1', stale_for: null}"), 6, "stale_for: says nothing without a 'view'"),
    (routes("{gobgp: '[::1]:1', view: nl, stale_for: 31d}"), 6, "from 0s to 30d, not '31d'"),
    (routes("{gobgp: '[::1]:1', view: nl, withdraw_on_loss: 1}"), 6, "must be true or false"),
    (
        routes("{gobgp: '[::1]:1', view: nl}", "{gobgp: '[::1]:1', view: au}"),
        7,
        "this server is listed twice with the same neighbor: keep one (the other stands on line 6)",
    ),
    # geo
    (SITES + "geo:", 6, "geo: must be builtin, {mmdb: FILE} or {table: FILE}, not nothing"),
    (SITES + "geo: built-in", 6, "must be builtin, {mmdb: FILE} or {table: FILE}, not 'built-in'"),
    (SITES + "geo: {}", 6, "must be builtin, {mmdb: FILE} or {table: FILE}, not a mapping"),
    (SITES + "geo: {mdb: x}", 6, "must be builtin, {mmdb: FILE} or {table: FILE}, not a mapping"),
    (SITES + "geo: {mmdb: x, table: y}", 6, "geo: there can be only one source: keep mmdb or"),
    (SITES + "geo: {mmdb: }", 6, "geo.mmdb: must be text, not nothing"),
    (SITES + "geo: {table: t, tables: u}", 6, "geo: unknown key 'tables': did you mean 'table'?"),
    # ranking
    (SITES + "ranking: {rank_by: []}", 6, "ranking.rank_by: must not be empty"),
    (SITES + "ranking: {rank_by: rtt}", 6, "ranking.rank_by: must be a list: write [rtt]"),
    (SITES + "ranking: {rank_by: [ping]}", 6, "must be rtt or distance or path, not 'ping'"),
    (SITES + "ranking: {rank_by: [rtt, path, rtt]}", 6, "rank_by: 'rtt' stands here twice: keep"),
    (SITES + "ranking: {depth: 0}", 6, "ranking.depth: must be a whole number from 1 to 8, not 0"),
    (SITES + "ranking: {depth: 9}", 6, "ranking.depth: must be a whole number from 1 to 8, not 9"),
    (SITES + "ranking: {rtt_margin_ms: 10001}", 6, "from 0 to 10000, not 10001"),
    (SITES + "ranking: {distance_margin_km: -1}", 6, "from 0 to 20100, not -1"),
    (SITES + "ranking: {path_margin: 256}", 6, "from 0 to 255, not 256"),
    (SITES + "ranking: {use_local_pref: yes}", 6, "must be true or false, not 'yes'"),
    (SITES + "ranking: {rank: 3}", 6, "ranking: unknown key 'rank': did you mean 'rank_by'"),
    # hysteresis
    (SITES + "hysteresis:", 6, "hysteresis: is empty: write its keys below it, {} for the def"),
    (SITES + "hysteresis: {margin: 1}", 6, "unknown key 'margin': did you mean 'margin_"),
    (SITES + "hysteresis: {margin_hops: 1.5}", 6, "must be a whole number from 0 to 255, not 1.5"),
    (SITES + "hysteresis: {hold: 25h}", 6, "from 1s to 1d, not '25h'"),
    (SITES + "hysteresis: {budget: 5}", 6, "from 0% to 100%, not 5: write 5%"),
    # overrides
    (SITES + "overrides: {asn: 1}", 6, "overrides: must be a list, not a mapping"),
    (SITES + "overrides: [1]", 6, "overrides: must hold keys with values, not 1"),
    (SITES + "overrides: [{site: nl}]", 6, "has neither prefix nor asn: write one of them"),
    (SITES + "overrides: [{asn: 0, prefix: '::', site: nl}]", 6, "has both prefix and asn: write"),
    (SITES + "overrides: [{asn: 1}]", 6, "the key 'site' is missing: write it, such as site: nl"),
    (SITES + "overrides: [{asn: 1, site: mars}]", 6, "overrides.site: there is no site 'mars'"),
    (SITES + "overrides: [{asn: 1-2, site: nl}]", 6, "must be one AS number, not the range 1-2"),
    (SITES + "overrides: [{asn: 1.10, site: nl}]", 6, "an AS number with a dot must stand in quo"),
    (SITES + "overrides: [{prefix: 10.0.0.1/8, site: nl}]", 6, "the block is 10.0.0.0/8"),
    (SITES + "overrides: [{prefix: 10, site: nl}]", 6, "must be text, and YAML reads 10 otherwise"),
    (
        SITES + "overrides:\n  - {asn: 7, site: nl}\n  - {asn: AS7, site: au}",
        8,
        "overrides: AS7 stands here twice: keep one (the other stands on line 7)",
    ),
    (
        SITES + "overrides:\n  - {prefix: '::/0', site: nl}\n  - {prefix: 0::/0, site: nl}",
        8,
        "overrides: ::/0 stands here twice: keep one (the other stands on line 7)",
    ),
    (SITES + "overrides: [{asn: 1, site: nl, until: 2026-01-31}]", 6, "has no zone: write it with"),
    (SITES + "overrides: [{asn: 1, site: nl, until: soon}]", 6, "'soon' is not a time: write it"),
    (SITES + "overrides: [{asn: 1, site: nl, until: 3}]", 6, "overrides.until: must be text, and"),
    (
        SITES + "overrides: [{asn: 1, site: nl, until: 1969-12-31T23:59Z}]",
        6,
        "is not a year from 1970 to 9998: was it mistyped?",
    ),
    (
        SITES + "overrides: [{asn: 1, site: nl, until: 9999-12-31T23:59-23:59}]",
        6,
        "is not a year from 1970 to 9998: was it mistyped?",
    ),
    (SITES + 'overrides: [{asn: 1, site: nl, reason: ""}]', 6, "overrides.reason: "),
]


@pytest.mark.parametrize(("text", "line", "what"), WRONG)
def test_what_is_wrong_is_named_with_its_line(
    refusals: Refusals, text: str, line: int, what: str
) -> None:
    ((found, message),) = refusals(text)
    assert line == found
    assert what in message


GEO = "geo: builtin\n"
DOUBTS = [
    (SITES + GEO, 6, "geo: no distance is known, because no site has a 'location'"),
    (BOTH_LOCATED + GEO + "ranking: {rank_by: [path]}", 6, "geo: nothing is compared by distance"),
    (LOCATED, 2, "sites.au.location: no distance is known without 'geo': write geo: builtin"),
    (LOCATED + GEO, 3, "sites.nl: has no 'location' while 'au' has one: no distance puts it out"),
    (
        SITES + "ranking: {rank_by: [rtt], use_local_pref: true}",
        6,
        "ranking.use_local_pref: local preference is not looked at, because 'path' is not in",
    ),
    (
        SITES + 'overrides: [{prefix: "::ffff:192.0.2.0/120", site: nl}]',
        6,
        "such an address is looked up as IPv4: write 192.0.2.0/24",
    ),
    (
        SITES + "ranking: {rank_by: [path], rtt: r.csv}",
        6,
        "ranking.rtt: this table is not used, because 'rtt' is not in 'rank_by'",
    ),
    (
        routes("{file: t, view: au}", "{file: t, view: nl}", "{file: t, view: nl}"),
        8,
        "routes: this file is listed twice: keep one (the other stands on line 7)",
    ),
    (
        routes("{file: t, view: nl}"),
        2,
        "sites.au: no source of routes is its 'view', while 'nl' has one: it comes behind all",
    ),
]


@pytest.mark.parametrize(("text", "line", "what"), DOUBTS)
def test_what_is_doubtful_is_a_warning(load: Load, text: str, line: int, what: str) -> None:
    (warning,) = load(text).warnings
    assert line == warning.line
    assert what in warning.what


def test_places_that_are_complete_give_no_warning(load: Load) -> None:
    assert () == load(BOTH_LOCATED + GEO).warnings


@pytest.mark.parametrize(
    "text", ["geo: builtin", "ranking: {rtt: r.csv}", "overrides: [{asn: 1, site: nl}]"]
)
def test_without_routes_something_else_may_tell_the_site(load: Load, text: str) -> None:
    sites = BOTH_LOCATED if "geo" in text else SITES
    assert () == load(sites.replace("routes: [{file: t.routes}]\n", "") + text).warnings
    (warning,) = load(SITES.replace("routes: [{file: t.routes}]\n", "")).warnings
    assert "there are no 'routes': every client is sent to site 'au'" in warning.what


def test_more_overrides_than_a_map_can_tell_apart_are_refused(load: Load) -> None:
    config = load(SITES + "overrides: [{asn: 0, site: nl}]").config
    every = tuple(
        config.overrides[0].model_copy(update={"asn": asn}) for asn in range(MAX_OVERRIDES + 1)
    )
    assert [] == list(check_config(config.model_copy(update={"overrides": every[1:]})))
    (found,) = check_config(config.model_copy(update={"overrides": every}))
    assert "there are 65536, and 65535 can be: join some prefixes" == found.what


def test_overrides_that_have_ended_are_found(load: Load) -> None:
    text = """\
overrides:
  - {asn: 1, site: nl, until: 2026-01-31T22:00Z}
  - {asn: 2, site: nl, until: 2026-01-31T22:00:00.5Z}
  - {asn: 3, site: nl}
"""
    loaded = load(SITES + text)
    found = list(find_expired(loaded.config, parse_moment("2026-01-31T22:00Z")))
    assert [("overrides", 0, "until")] == [each.path for each in found]
    assert ["the override of AS1 ended at 2026-01-31T22:00:00Z: remove it"] == [
        each.what for each in found
    ]
    assert [7] == [loaded.lines.find(each.path) for each in found]
