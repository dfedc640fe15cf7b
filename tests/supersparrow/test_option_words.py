"""Options on a command line, and what each of them takes."""

from __future__ import annotations

import pytest

from sparrow.errors import InputError
from sparrow.routeserver.server import Kind
from sparrow.supersparrow.vocabulary import VOCABULARY, Peer, Reach
from sparrow.supersparrow.words import Place, read_words

FROM_THE_LOG = [
    "cache_timeout",
    "cache_size",
    "debug",
    "host",
    "peer",
    "port",
    "password",
    "no_lookup",
    "route_server",
    "result_count",
    "self",
    "timeout",
    "verbose",
]
FROM_THE_NAME_SERVER = ["soa_host", "soa_email", "ns", "ttl", "ns_ttl"]


def read(*words: str) -> list[tuple[str, str | None]]:
    return [(given.option.name, given.text) for given in read_words(words).given]


def refuse(*words: str) -> list[str]:
    with pytest.raises(InputError) as refused:
        read_words(words)
    return [str(problem) for problem in refused.value.problems]


def test_every_option_that_is_attested_is_known() -> None:
    assert {*FROM_THE_LOG, *FROM_THE_NAME_SERVER, "batch"} <= set(VOCABULARY)


def test_only_options_of_the_name_server_are_without_effect_in_the_program() -> None:
    found = [name for name, option in VOCABULARY.items() if option.reach is Reach.DNS]
    assert FROM_THE_NAME_SERVER == found


def test_a_value_is_the_next_word_or_stands_behind_an_equals_sign() -> None:
    assert [("host", "a"), ("peer", "1=b")] == read("--host", "a", "--peer=1=b")


def test_a_flag_stands_alone_or_is_one_or_nought() -> None:
    found = read_words(("--batch", "1.2.3.4", "--debug=0"))
    assert ("1.2.3.4",) == found.rest
    assert [("batch", None), ("debug", "0")] == read("--batch", "--debug=0")


def test_behind_two_dashes_nothing_is_an_option() -> None:
    found = read_words(("--batch", "--", "--host", "-h", "--"))
    assert ("--host", "-h", "--") == found.rest
    assert 1 == len(found.given)


def test_a_value_may_begin_with_one_dash_or_stand_behind_the_equals_sign_with_two() -> None:
    assert [("password", "-x"), ("password", "--y")] == read("--password", "-x", "--password=--y")


def test_everything_that_is_wrong_is_said_at_once_with_its_place() -> None:
    assert [
        "command line: there is no option '--peeer': did you mean '--peer' or '--port'? see --help",
        "command line: there is no option '-x': see --help",
        "command line: --host needs a value: write --host=HOST",
        "command line: --ttl needs a value: write --ttl=SECONDS",
    ] == refuse("--peeer=1=a", "-x", "--host", "--batch", "--ttl")


def test_a_mistake_in_words_from_a_file_has_file_and_line() -> None:
    with pytest.raises(InputError) as refused:
        read_words(("--nonsense",), Place("named.conf", 7))
    assert str(refused.value).startswith("named.conf:7: there is no option '--nonsense'")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("route_server", "zebra", Kind.ZEBRA),
        ("route_server", "gated", Kind.GATED),
        ("route_server", "ssrs", Kind.SSRS),
        ("route_server", "cisco", Kind.CISCO),
        ("route_server", "ios", Kind.CISCO),
        ("host", "router.example.org", "router.example.org"),
        ("host", "2001:db8::1", "2001:db8::1"),
        ("host", "192.0.2.1", "192.0.2.1"),
        ("host", "r_1.b-c.example.", "r_1.b-c.example."),
        ("host", "a" * 63, "a" * 63),
        ("port", "1", 1),
        ("port", "0000000080", 80),
        ("port", "65535", 65535),
        ("port", "bgpd", "bgpd"),
        ("port", "gii-616", "gii-616"),
        ("password", "two words # more", "two words # more"),
        ("peer", "64600=192.0.2.1", (Peer(64600, "192.0.2.1"),)),
        ("peer", " 1.10 = www.a , AS7=b ", (Peer(65546, "www.a"), Peer(7, "b"))),
        ("peer", "7=a,7=b", (Peer(7, "a"), Peer(7, "b"))),
        ("self", "www.example.org", "www.example.org"),
        ("result_count", "1", 1),
        ("result_count", "64", 64),
        ("cache_size", "0", 0),
        ("cache_size", "1000000", 1_000_000),
        ("cache_timeout", "0", 0.0),
        ("cache_timeout", "86400", 86400.0),
        ("timeout", "0.01", 0.01),
        ("timeout", "60", 60.0),
        ("no_lookup", "1", True),
        ("debug", "0", False),
        ("ttl", "0", 0),
        ("ns_ttl", "2147483647", 2147483647),
        ("soa_email", "hostmaster.example.org.", "hostmaster.example.org."),
        ("ns", "ns.example.org.", "ns.example.org."),
    ],
)
def test_a_value_is_read(name: str, text: str, value: object) -> None:
    assert value == VOCABULARY[name].parse(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("route_server", ""),
        ("route_server", "Zebra"),
        ("host", ""),
        ("host", "a b"),
        ("host", "a\tb"),
        ("host", "a..b"),
        ("host", "a-.b"),
        ("host", "2001:db8::x"),
        ("host", "a" * 64),
        ("host", "a." * 127),
        ("port", "0"),
        ("port", "65536"),
        ("port", "4294967297"),
        ("port", "99999999999999999999"),
        ("port", "0000000000000080"),
        ("port", "٣"),
        ("port", "-bgpd"),
        ("port", ""),
        ("password", ""),
        ("password", "a\nb"),
        ("peer", ""),
        ("peer", "64600"),
        ("peer", "64600="),
        ("peer", "=a"),
        ("peer", "a=b"),
        ("peer", "4294967296=a"),
        ("peer", "1=a,"),
        ("peer", "1=a b"),
        ("self", "a,b"),
        ("self", ""),
        ("result_count", "0"),
        ("result_count", "65"),
        ("result_count", "1.5"),
        ("result_count", "-1"),
        ("cache_size", "1000001"),
        ("cache_timeout", "86400.1"),
        ("cache_timeout", "1e3"),
        ("timeout", "0"),
        ("timeout", "nan"),
        ("timeout", "-1"),
        ("no_lookup", "yes"),
        ("batch", ""),
        ("ttl", "2147483648"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name: str, text: str) -> None:
    with pytest.raises(InputError, match=r"not ('|an AS number)"):
        VOCABULARY[name].parse(text)


def test_the_defaults_are_values_themselves() -> None:
    defaults = {
        name: option.parse(option.default)
        for name, option in VOCABULARY.items()
        if option.default is not None and not option.is_flag
    }
    assert {
        "route_server": Kind.ZEBRA,
        "host": "localhost",
        "result_count": 1,
        "timeout": 60.0,
        "cache_size": 16,
        "cache_timeout": 10.0,
        "config_file": "/etc/supersparrow.conf",
    } == defaults
