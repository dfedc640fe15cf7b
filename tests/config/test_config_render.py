"""What `config print` prints reads back equal."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparrow.config.load import LoadedConfig, parse_config
from sparrow.config.locate import Folders, settle
from sparrow.config.render import render_config

Load = Callable[[str], LoadedConfig]


def test_every_default_is_written_out(load: Load, minimal: str) -> None:
    text = minimal + "    file: z\n    steer: {'@': api, '*.cdn': default}\nservices: {api: {}}\n"
    assert """\
server:
  listen: ["127.0.0.1:5300", "[::1]:5300"]
  workers: auto
  nsid: null
  version: null
  run_dir: /r
  state_dir: /s
  user: null
  cookie_secret: /c
  tcp:
    connections: 1000
    per_address: 100
    idle_s: 10
self: au
sites:
  au:
    asn: ["64600", "131072-132095"]
    vips: ["192.0.2.1"]
    fallback: [nl]
  nl:
    asn: ["64601"]
    vips: ["192.0.2.2"]
    fallback: []
services:
  default:
    sites: [au, nl]
    vips: {}
    ttl: null
  api:
    sites: [au, nl]
    vips: {}
    ttl: null
routes:
  - {file: /etc/x/t.routes, format: ssrs}
zones:
  www.example.org.:
    soa:
      mname: ns1.example.org.
      rname: hostmaster.example.org.
      serial: 1
      refresh: 28800
      retry: 7200
      expire: 604800
      minimum: 300
      ttl: 300
    ns: [ns1.example.org., ns2.example.org.]
    ttl: 7
    ns_ttl: 60
    file: /etc/x/z
    steer:
      "@": api
      "*.cdn": default
    result_count: null
    debug_names: false
""" == render_config(settle(load(text).config, Folders("/r", "/s", "/c")))


def test_a_route_daemon_alone_reads_back_equal(load: Load) -> None:
    config = load("ssrs: {open: true, password: 'it''s \"x\" \\ # : null'}\n").config
    assert config == load(render_config(config)).config


@pytest.mark.parametrize("word", ["null", "Yes", "1", "1.10", "é ü", "a: b", "\x85\u2028\x7f", "~"])
def test_text_that_yaml_takes_for_something_else_reads_back_equal(load: Load, word: str) -> None:
    config = load(f"ssrs: {{}}\nserver: {{nsid: {json.dumps(word)}}}\n").config
    assert word == config.server.nsid
    assert config == load(render_config(config)).config


LABELS = st.text("abz059-_", min_size=1, max_size=6)
# Octets that a label can hold only behind a backslash are part of it.
NAMES = st.lists(
    st.one_of(LABELS, st.sampled_from([r"a\.b", r"\000", r"\255", "*", r"\@", r"x\ y"])),
    min_size=1,
    max_size=3,
).map(".".join)
HOSTS = NAMES.map(lambda name: f"{name}.example.org.")
VIPS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
TTLS = st.integers(0, 86400)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
PATHS = TEXTS.filter(lambda text: "\0" not in text)


def optional(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


SERVERS = optional(
    listen=st.lists(
        st.integers(1000, 2000).map("127.0.0.1:{}".format), min_size=1, max_size=3, unique=True
    ),
    workers=st.one_of(st.just("auto"), st.integers(1, 256)),
    nsid=st.one_of(st.none(), TEXTS),
    version=st.one_of(st.none(), TEXTS),
    run_dir=PATHS,
    user=st.sampled_from(["sparrow", "no", "null", "7"]),
    cookie_secret=PATHS,
    tcp=optional(connections=st.integers(1, 65535), idle_s=st.integers(1, 3600)),
)
SSRS = optional(
    password=st.one_of(
        st.none(), st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)
    ),
    hostname=st.sampled_from(["bgp1", "null", "1.10"]),
    idle_s=st.integers(1, 86400),
    per_address=st.integers(1, 1024),
)
SOAS = st.fixed_dictionaries(
    {"mname": HOSTS, "rname": st.one_of(HOSTS, st.just("j.d@example.org"))},
    optional={"serial": st.integers(0, 2**32 - 1), "minimum": TTLS, "ttl": TTLS},
)


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a configuration that is right, as plain values."""
    names = draw(st.lists(LABELS, min_size=1, max_size=4, unique=True))
    cuts = sorted(draw(st.sets(st.integers(0, 2**32 - 1), min_size=8, max_size=8)))
    some_vips = st.lists(VIPS, min_size=1, max_size=3, unique=True)
    sites = {
        name: {
            "asn": draw(
                st.sampled_from([[], [cuts[2 * at]], [f"{cuts[2 * at]}-{cuts[2 * at + 1]}"]])
            ),
            "vips": draw(some_vips),
            "fallback": draw(st.permutations([other for other in names if other != name])),
        }
        for at, name in enumerate(names)
    }
    services = {
        name: draw(
            optional(
                sites=st.just(names),
                vips=st.dictionaries(st.sampled_from(names), some_vips),
                ttl=st.one_of(st.none(), TTLS),
            )
        )
        for name in draw(st.lists(LABELS, max_size=3, unique=True))
    }
    owners = st.one_of(st.just("@"), NAMES)
    zone = st.fixed_dictionaries(
        {"soa": SOAS, "ns": st.lists(HOSTS, min_size=1, max_size=3, unique_by=str.lower)},
        optional={
            "ttl": TTLS,
            "ns_ttl": TTLS,
            "file": PATHS,
            "result_count": st.one_of(st.none(), st.integers(1, 64)),
            "debug_names": st.booleans(),
            "steer": st.one_of(
                st.lists(owners, max_size=3, unique=True),
                st.dictionaries(owners, st.sampled_from(["default", *services]), max_size=3),
            ),
        },
    )
    drawn = {"sites": sites, "services": services, "server": draw(SERVERS), "ssrs": draw(SSRS)}
    drawn["zones"] = draw(st.dictionaries(NAMES.filter(lambda n: n != r"\@"), zone, max_size=3))
    return drawn | draw(optional(self=st.sampled_from(names)))


@settings(deadline=None)
@given(configurations())
def test_any_configuration_reads_back_equal(drawn: dict[str, Any]) -> None:
    text = re.sub(
        r"[^\x20-\x7e]", lambda odd: f"\\U{ord(odd[0]):08x}", json.dumps(drawn, ensure_ascii=False)
    )
    config = parse_config(text, "/etc/x/sparrow.yaml").config
    again = parse_config(render_config(config), "/somewhere/else.yaml").config
    assert config == again
    assert render_config(config) == render_config(again)
