"""Route servers that are asked: what is read, refused and written back."""

from collections.abc import Callable

import pytest

from sparrow.config.asking import KINDS, RouteServerConfig
from sparrow.config.load import LoadedConfig, parse_config
from sparrow.config.render import render_config
from sparrow.routeserver.server import Kind

Load = Callable[[str], LoadedConfig]
Refusals = Callable[[str], list[tuple[int, str]]]

HEAD = """\
sites:
  au: {vips: [192.0.2.1], asn: [64600], location: [-33.87, 151]}
  nl: {vips: [192.0.2.2], location: [52.37, 4.9]}
zones: {example.org: {file: z}}
routes:
"""
"""A configuration of which routes are left, one a line from line 6 on."""

WORD = "a b"


def routes(*items: str) -> str:
    return HEAD + "".join(f"  - {item}\n" for item in items)


ONE = routes("{route_server: zebra, host: 192.0.2.9}")


def test_what_is_left_out_has_its_default(load: Load) -> None:
    config = load(ONE).config
    (found,) = config.routes
    assert isinstance(found, RouteServerConfig)
    assert ("zebra", "192.0.2.9") == (found.route_server, found.host)
    assert (None, None, None) == (found.port, found.password, found.user)
    seconds = (found.timeout_s, found.cache_timeout_s, found.settle_s, found.max_delay_s)
    assert (5.0, 3600.0, 0.5, 5.0) == seconds
    assert config.is_asking
    assert (found,) == config.feeds
    assert () == config.route_files


def test_every_key_is_read(load: Load) -> None:
    (found,) = load(
        routes(
            "{route_server: cisco, host: rtr.example.org, port: 2323, password: 'a b', "
            "user: reader, timeout: 2s, cache_timeout: 6h, settle: 1s, max_delay: 1s}"
        )
    ).config.feeds
    assert isinstance(found, RouteServerConfig)
    assert ("rtr.example.org", 2323, WORD, "reader") == (
        found.host,
        found.port,
        found.password,
        found.user,
    )
    seconds = (found.timeout_s, found.cache_timeout_s, found.settle_s, found.max_delay_s)
    assert (2.0, 21600.0, 1.0, 1.0) == seconds


def test_files_and_live_sources_may_stand_beside_it(load: Load) -> None:
    config = load(
        routes(
            "{file: t.routes}", "{route_server: ssrs, host: '::1'}", "{gobgp: '127.0.0.1:50051'}"
        )
    ).config
    assert 2 == len(config.feeds)
    assert 1 == len(config.route_files)


def test_without_it_nobody_is_asked(load: Load) -> None:
    assert not load(routes("{file: t.routes}", "{gobgp: '127.0.0.1:50051'}")).config.is_asking


def test_every_kind_of_the_client_can_be_written() -> None:
    assert tuple(Kind) == KINDS


def test_a_password_is_not_shown(load: Load) -> None:
    (found,) = load(routes(f"{{route_server: zebra, host: a, password: '{WORD}'}}")).config.feeds
    assert WORD not in repr(found)


def test_it_is_written_so_that_it_reads_back_equal(load: Load) -> None:
    for text in (
        ONE,
        routes("{route_server: gated, host: '2001:db8::1', port: 1, password: x, user: y}"),
        routes("{route_server: ssrs, host: a.b, timeout: 10ms, cache_timeout: 30d}"),
    ):
        config = load(text).config
        assert config == parse_config(render_config(config), "/elsewhere/sparrow.yaml").config


REFUSED = [
    ("{route_server: quagga, host: a}", 6, "must be zebra or gated or ssrs or cisco, not 'quagga'"),
    ("{route_server: zebra}", 6, "the key 'host' is missing: write it, such as host: 192.0.2.1"),
    ("{route_server: zebra, host: 'a:2605'}", 6, "and its port under 'port'"),
    ("{route_server: zebra, host: 'a b'}", 6, "'a b' is no address and no name of a host"),
    ("{route_server: zebra, host: ''}", 6, "is no address and no name of a host"),
    ("{route_server: zebra, host: a, port: 0}", 6, "must be a whole number from 1 to 65535, not 0"),
    ("{route_server: zebra, host: a, password: ''}", 6, "must be 1 to 80 printable ASCII"),
    ('{route_server: zebra, host: a, password: "a\\nb"}', 6, "must be 1 to 80 printable ASCII"),
    ("{route_server: zebra, host: a, timeout: 0s}", 6, "timeout: must be seconds, or text such as"),
    ("{route_server: zebra, host: a, cache_timeout: 10ms}", 6, "from 1s to 30d, not '10ms'"),
    ("{route_server: zebra, host: a, view: au}", 6, "unknown key 'view'"),
    ("{route_server: zebra, host: a, file: x}", 6, "unknown key 'file'"),
    (
        "{route_server: zebra, host: a, settle: 2s, max_delay: 1s}",
        6,
        "max_delay: must be at least as long as 'settle'",
    ),
]


@pytest.mark.parametrize(("item", "line", "words"), REFUSED)
def test_what_is_wrong_is_said(refusals: Refusals, item: str, line: int, words: str) -> None:
    found = refusals(routes(item))
    assert [line] == [each for each, _ in found]
    assert words in found[0][1]


BESIDE = [
    ("", ("{file: t, view: au}", "{route_server: zebra, host: a}"), 6, "the view of a site"),
    ("geo: builtin\n", ("{route_server: zebra, host: a}",), 7, "geo cannot stand beside a route"),
    ("ranking: {rtt: t}\n", ("{route_server: zebra, host: a}",), 7, "a table of times cannot"),
    (
        "overrides: [{asn: 1, site: nl}]\n",
        ("{route_server: zebra, host: a}",),
        7,
        "overrides cannot stand beside",
    ),
    (
        "",
        ("{route_server: zebra, host: a}", "{route_server: gated, host: b}"),
        7,
        "only one route server can be asked: keep one",
    ),
]


@pytest.mark.parametrize(("tail", "items", "line", "words"), BESIDE)
def test_what_cannot_stand_beside_it_is_said(
    refusals: Refusals, tail: str, items: tuple[str, ...], line: int, words: str
) -> None:
    found = refusals(routes(*items) + tail)
    assert [line] == [each for each, _ in found]
    assert words in found[0][1]
