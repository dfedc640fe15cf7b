"""What options come to, of a command line and a file together."""

from __future__ import annotations

import pytest

from sparrow.errors import InputError
from sparrow.routeserver.server import Kind
from sparrow.supersparrow.conf import parse_conf
from sparrow.supersparrow.settings import (
    Settings,
    build_settings,
    describe_idle,
    describe_settings,
    read_values,
)
from sparrow.supersparrow.vocabulary import Peer
from sparrow.supersparrow.words import Given, read_words


def sources(line: str, conf: str = "") -> tuple[tuple[Given, ...], tuple[Given, ...]]:
    return read_words(line.split()).given, parse_conf(conf, "conf")


def settle(line: str, conf: str = "") -> Settings:
    return build_settings(read_values(*sources(line, conf)))


def refuse(line: str, conf: str = "") -> list[str]:
    with pytest.raises(InputError) as refused:
        settle(line, conf)
    return [str(problem) for problem in refused.value.problems]


def test_without_options_the_defaults_count() -> None:
    assert Settings(
        kind=Kind.ZEBRA,
        host="localhost",
        port=None,
        password=None,
        peers=(),
        own="a",
        result_count=1,
        timeout_s=60.0,
        cache_size=16,
        cache_timeout_s=10.0,
        has_lookup=True,
        is_batch=False,
        is_verbose=False,
        is_debug=False,
    ) == settle("--self a")


def test_every_option_reaches_its_setting() -> None:
    line = (
        "--route_server gated --host 192.0.2.1 --port 616 --password frub --peer 7=b "
        "--self a --result_count 3 --timeout 6 --cache_size 5 --cache_timeout 4 --no_lookup "
        "--batch --verbose --debug"
    )
    assert Settings(
        kind=Kind.GATED,
        host="192.0.2.1",
        port=616,
        password="frub",  # noqa: S106 (no secret)
        peers=(Peer(7, "b"),),
        own="a",
        result_count=3,
        timeout_s=6.0,
        cache_size=5,
        cache_timeout_s=4.0,
        has_lookup=False,
        is_batch=True,
        is_verbose=True,
        is_debug=True,
    ) == settle(line)


def test_the_command_line_wins_option_by_option() -> None:
    found = settle(
        "--self b --debug=0 --peer 2=y", "self a\ndebug\npeer 1=x\nhost h\nbatch\npassword p"
    )
    assert ("b", False, (Peer(2, "y"),), "h", True, "p") == (
        found.own,
        found.is_debug,
        found.peers,
        found.host,
        found.is_batch,
        found.password,
    )


def test_of_an_option_given_twice_the_last_counts_and_peers_are_joined() -> None:
    found = settle("--self a --peer 1=x --self b --peer 2=y,1=z")
    assert "b" == found.own
    assert (Peer(1, "x"), Peer(2, "y"), Peer(1, "z")) == found.peers


def test_name_servers_of_the_recipe_are_all_kept() -> None:
    values = read_values(*sources("--ns a. --ns b. --ttl 7 --ns_ttl 60"))
    assert (("a.", "b."), 7, 60) == (values["ns"], values["ttl"], values["ns_ttl"])


def test_debug_tells_what_verbose_does_too() -> None:
    assert settle("--self a --debug").is_verbose


def test_mistakes_of_both_are_said_at_once_also_where_they_do_not_count() -> None:
    assert {
        "conf:2: timeout: must be seconds from 0.01 to 86400, not 'x'",
        "conf:3: batch: takes no value, or 1 or 0, not 'maybe'",
        "command line: result_count: must be a whole number from 1 to 64, not '0'",
    } == set(refuse("--timeout 5 --self a --result_count 0", "self a\ntimeout x\nbatch maybe"))


def test_without_self_there_is_no_answer_for_everybody_else() -> None:
    assert ["self is missing: say what those are given whom no site is nearest to"] == refuse("")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_no_lookup_wants_an_address_and_a_number(host: str) -> None:
    assert host == settle(f"--self a --no_lookup --host {host} --port 7777").host
    assert [
        "host must be an address with no_lookup, not 'localhost'",
        "port must be a number with no_lookup, not 'bgpd'",
    ] == refuse("--self a --no_lookup --port bgpd")


def test_an_option_without_effect_is_named_once_with_its_place() -> None:
    given = sources("--ns a --ns b", "self a\nttl 7\nns c")
    assert [
        "command line: ns has no effect here, only in a DNS server",
        "conf:2: ttl has no effect here, only in a DNS server",
    ] == [str(problem) for problem in describe_idle(*given)]


def test_the_options_in_force_are_told_without_the_password() -> None:
    line = "--self a --password secret --peer 1=x,AS2=y --port 7777 --batch --ttl 5"
    told = list(describe_settings(read_values(*sources(line))))
    assert [
        "route_server zebra",
        "host localhost",
        "port 7777",
        "password (not shown)",
        "peer 1=x,2=y",
        "self a",
        "result_count 1",
        "timeout 60.0",
        "cache_size 16",
        "cache_timeout 10.0",
        "no_lookup 0",
        "verbose 0",
        "debug 0",
        "batch 1",
    ] == told
