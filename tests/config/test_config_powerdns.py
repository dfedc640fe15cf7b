"""The socket for PowerDNS in the configuration: its keys, and what is refused."""

from __future__ import annotations

import pytest

from sparrow.config.load import parse_config
from sparrow.config.render import render_config
from sparrow.errors import InputError

ZONE = """\
sites: {au: {vips: [192.0.2.1]}}
routes: [{file: t}]
zones:
  example.org: {soa: {mname: ns.x., rname: h.x.}, ns: [ns.x.]}
"""
FILE = "/etc/x/sparrow.yaml"


def test_without_the_key_there_is_no_socket() -> None:
    assert parse_config(ZONE, FILE).config.pdns is None


def test_a_relative_path_starts_at_the_configuration_and_the_group_may_be_left_out() -> None:
    pdns = parse_config(f"{ZONE}pdns: {{socket: run/s}}\n", FILE).config.pdns
    assert pdns is not None
    assert ("/etc/x/run/s", None) == (pdns.socket, pdns.group)


def test_what_is_printed_reads_back_equal() -> None:
    config = parse_config(f"{ZONE}pdns: {{socket: /run/p/s, group: pdns}}\n", FILE).config
    text = render_config(config)
    assert "\npdns:\n  socket: /run/p/s\n  group: pdns\n" in text
    assert config == parse_config(text, "/elsewhere.yaml").config


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"{ZONE}pdns:\n", "pdns: is empty: write its keys below it"),
        (f"{ZONE}pdns: {{}}\n", "the key 'socket' is missing: write it, such as socket: /run/sp"),
        (f"{ZONE}pdns: {{socket: s, mode: 5}}\n", "unknown key 'mode'"),
        (f"{ZONE}pdns: {{socket: s, group: 'a b'}}\n", "pdns.group: must be the name of a"),
        (f"{ZONE}pdns: {{socket: /{'x' * 107}}}\n", "a Unix socket has at most 107 octets"),
        (f"{ZONE}pdns: {{socket: /{'x' * 98}/s}}\n", "and its folder at most 98"),
        ("ssrs: {}\npdns: {socket: /s}\n", "PowerDNS asks for zones, and there are none"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(text: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(text, FILE)
    assert what in str(caught.value)
