"""What `config print` prints reads back equal."""

import json
import operator
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparrow.config.load import LoadedConfig, parse_config
from sparrow.config.locate import Folders, settle
from sparrow.config.render import render_config
from sparrow.values.moment import render_exact_moment

Load = Callable[[str], LoadedConfig]


EVERY_DEFAULT = """\
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
    location: null
    bias: 0
    checks:
      - tcp:
          name: "tcp :443"
          interval: 2.5s
          timeout: 1.5s
          up_thresh: 10
          ok_thresh: 5
          down_thresh: 3
          port: 443
    require: all
    families: independent
    hold_down: 0s
    manual_resume: false
  nl:
    asn: ["64601"]
    vips: ["192.0.2.2"]
    fallback: []
    location: null
    bias: 0
    checks: []
    require: all
    families: independent
    hold_down: 0s
    manual_resume: false
services:
  default:
    sites: [au, nl]
    vips: {}
    ttl: null
    ttl_min: null
    last_resort: null
  api:
    sites: [au, nl]
    vips: {}
    ttl: null
    ttl_min: null
    last_resort: null
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
    ttl_min: 4
    ns_ttl: 60
    file: /etc/x/z
    steer:
      "@": api
      "*.cdn": default
    result_count: null
    debug_names: false
checks:
  interval: 3s
  timeout: 1.5s
  up_thresh: 10
  ok_thresh: 5
  down_thresh: 3
failover:
  link: null
  modes: {}
  last_resort: all-up
  remap_after: 60s
guards:
  min_prefixes:
    v4: null
    v6: null
  max_shrink: null
  max_moved: null
  canaries: []
ranking:
  rank_by: [rtt, distance, path]
  rtt: null
  rtt_margin_ms: 5
  distance_margin_km: 500
  path_margin: 0
  use_local_pref: false
  depth: 3
overrides: []
"""


def test_every_default_is_written_out(load: Load, minimal: str) -> None:
    minimal = minimal.replace(
        "fallback: [nl]", "checks: [tcp: {port: 443, interval: 2500ms}]\n    fallback: [nl]"
    )
    text = minimal + "    file: z\n    steer: {'@': api, '*.cdn': default}\nservices: {api: {}}\n"
    assert EVERY_DEFAULT == render_config(settle(load(text).config, Folders("/r", "/s", "/c")))


def test_a_route_daemon_alone_reads_back_equal(load: Load) -> None:
    config = load("ssrs: {open: true, password: 'it''s \"x\" \\ # : null'}\n").config
    assert config == load(render_config(config)).config


EVERY_KEY = """\
checks: {interval: 2.25, timeout: 500ms, up_thresh: 1, ok_thresh: 255, down_thresh: 2}
sites:
  au:
    vips: [192.0.2.1]
    checks: [off]
    hold_down: 1h
    manual_resume: true
    location: [-33, 0.000123]
    bias: -7
  nl:
    checks:
      - http: {address: 192.0.2.9, path: "/a?b=[1]#c", host: "[::1]:80", method: HEAD, status: 204}
      - https:
          address: [192.0.2.9, "::1"]
          host: www.example.org:8443
          match: 'a"b\\d'
          verify: false
          cert_days: 0
      - https: {address: "::1", sni: null, name: "é: #, '"}
      - tcp: {address: "::1", port: 443, interval: 1h, timeout: 0.333}
      - negotiate: {address: "::1", port: 1, send: "a\\r\\n\\0é", expect: "\\\\A\\n", tls: true}
      - dns: {address: "::1", qname: 'a\\.b', type: TXT, rcode: NXDOMAIN, match: x, tcp: true}
      - external: {command: 'bin/x "a b" -H={address} {y} \\$z', address: "::1", timeout: 0.01}
      - external: {command: [x, ""]}
      - file: {path: a.state, max_age: 1.5min}
    require: 3
    families: site
services:
  default: {ttl: 5}
  api: {vips: {nl: ["::2"]}, last_resort: {static: ["::1", 192.0.2.1]}}
  web: {ttl_min: 3, last_resort: empty}
failover:
  link: l
  modes: {normal: n, nl + au: "a u", au: a}
  last_resort: servfail
  remap_after: 90
guards:
  min_prefixes: {v4: 0, v6: 7}
  max_shrink: 12.5%
  max_moved: 0.00001
  canaries: [0.0.0.0/0->au, "2001:db8::/32   ->   nl"]
notify: {command: "./tell 'x y'", timeout: 1.5s}
http: {listen: "[::1]:9153"}
routes:
  - {file: l}
  - {file: m, format: mrt, peer: AS1, view: nl, sanity: {own_as: [64600, "7-9"], martians: keep}}
  - {gobgp: "[::1]:50051", neighbor: "::1", view: au, withdraw_on_loss: true, stale_for: null}
  - {gobgp: "a:1", sanity: {max_prefixes: 9}}
  - {gobgp: "unix:/s", tls: {ca: c}, settle: 1, max_delay: 2, freeze: null, quiet: 0, relist: 1d}
geo: {table: t}
ranking:
  rank_by: [path, rtt]
  rtt: r.csv
  rtt_margin_ms: 0
  distance_margin_km: 20100
  path_margin: 255
  use_local_pref: true
  depth: 8
hysteresis: {margin_ms: 0, margin_km: 1, margin_hops: 255, hold: 90, budget: null}
overrides:
  - {prefix: 192.0.2.1, site: nl, until: 2026-01-31T22:00:00.25+01:00, reason: "é: #, 'x'"}
  - {asn: 0, site: au}
zones: {example.org: {file: z, ttl: 9, ttl_min: 0}}
"""


def test_every_key_reads_back_equal_wherever_it_is_put(load: Load) -> None:
    config = load(EVERY_KEY).config
    again = parse_config(render_config(config), "/somewhere/else.yaml").config
    assert config == again
    assert render_config(config) == render_config(again)


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


THRESHOLDS = st.integers(1, 255)
# Two of a kind may have one name, so that each check of a site is given its own.
TIMING = {
    "interval": st.one_of(
        st.integers(10, 3600), st.sampled_from(["10s", "12.75s", "1h", "60 min"])
    ),
    "timeout": st.sampled_from([0.01, 0.1, 3, "333ms", "2.999s"]),
    "up_thresh": THRESHOLDS,
    "ok_thresh": THRESHOLDS,
    "down_thresh": THRESHOLDS,
}
PORTS = st.integers(1, 65535)
PATTERNS = TEXTS.map(re.escape)
ADDRESSES = st.one_of(VIPS, st.lists(VIPS, min_size=1, max_size=3, unique=True))
STATUSES = st.one_of(st.integers(100, 599), st.sampled_from(["200-299", [200, "301-302"]]))
REQUEST = {
    "address": ADDRESSES,
    "path": st.text("abz/?=&%.", max_size=8).map("/{}".format),
    "host": st.sampled_from([None, "www.example.org", "example.org:81", "[2001:db8::1]:80", "no"]),
    "port": PORTS,
    "method": st.just("GET"),
    "status": STATUSES,
    "match": st.one_of(st.none(), PATTERNS),
}


def kind(
    word: str, needed: dict[str, st.SearchStrategy[Any]], **keys: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional=TIMING | keys).map(lambda drawn: {word: drawn})


CHECKS = st.one_of(
    kind("http", {}, **REQUEST),
    kind(
        "https",
        {},
        sni=st.sampled_from([None, "example.org"]),
        verify=st.booleans(),
        cert_days=st.integers(0, 3650),
        **REQUEST,
    ),
    kind("tcp", {"port": PORTS}, address=ADDRESSES),
    kind("negotiate", {"port": PORTS, "expect": PATTERNS}, send=TEXTS, tls=st.booleans()),
    kind(
        "dns",
        {"qname": HOSTS},
        address=ADDRESSES,
        type=st.sampled_from(["A", "TXT"]),
        rcode=st.sampled_from(["NOERROR", "REFUSED"]),
        port=PORTS,
        match=st.one_of(st.none(), PATTERNS),
        tcp=st.booleans(),
    ),
    kind(
        "external",
        {
            "command": st.one_of(
                st.sampled_from(["x {address} 'a b'", "./x"]),
                st.lists(PATHS, min_size=1, max_size=3),
            )
        },
    ),
    kind("file", {"path": PATHS, "max_age": st.sampled_from(["1s", "30d", 12.5])}),
)
LAST_RESORTS = st.one_of(
    st.sampled_from(["all-up", "empty", "servfail"]),
    st.lists(VIPS, min_size=1, max_size=3, unique=True).map(lambda vips: {"static": vips}),
)
SHARES = st.one_of(
    st.none(), st.floats(0, 1), st.integers(0, 1), st.sampled_from(["10%", "0.1%", "99.99 %"])
)
FAILOVERS = optional(
    last_resort=LAST_RESORTS, remap_after=st.sampled_from([1, "1d", "90.125s"]), link=PATHS
)
COUNTS = st.one_of(st.none(), st.integers(0, 2**31 - 1))
NOTIFYING = st.fixed_dictionaries(
    {"command": st.lists(PATHS, min_size=1, max_size=3)}, optional={"timeout": st.just("100ms")}
)


# A float whose text has an exponent without a dot is text to YAML 1.1, and never a place.
LOCATIONS = st.one_of(
    st.none(),
    st.tuples(st.integers(-9000, 9000), st.integers(-18000, 18000)).map(
        lambda drawn: [degrees / 100 for degrees in drawn]
    ),
)


@st.composite
def some_checks(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the keys of a site that are about its checks."""
    if draw(st.booleans()):
        return {"checks": draw(st.sampled_from([[], ["off"], ["http"], [{"https": {}}]]))}
    checks = draw(st.lists(CHECKS, max_size=3))
    for number, check in enumerate(checks):
        next(iter(check.values()))["name"] = f"{number} {draw(LABELS)}"
    requires = st.one_of(st.sampled_from(["all", "any"]), st.integers(1, max(len(checks), 1)))
    keys = optional(
        families=st.sampled_from(["independent", "site"]),
        hold_down=st.sampled_from([0, "7d", 0.5]),
        manual_resume=st.booleans(),
        **({"require": requires} if checks else {}),
    )
    return {"checks": checks} | draw(keys)


@st.composite
def some_modes(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    """Draw what is said of failover where sites are called `names`."""
    failover = draw(FAILOVERS)
    keys = st.lists(st.sampled_from(names), min_size=1, unique=True).map(sorted).map("+".join)
    if "link" in failover and "normal" not in names and draw(st.booleans()):
        modes = draw(st.lists(keys, max_size=3, unique=True))
        failover["modes"] = {key: f"{number}.mode" for number, key in enumerate(["normal", *modes])}
    return failover


def guards(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    canary = st.builds(
        "{}/8 -> {}".format, st.integers(1, 99).map("{}.0.0.0".format), st.sampled_from(names)
    )
    return optional(
        min_prefixes=optional(v4=COUNTS, v6=COUNTS),
        max_shrink=SHARES,
        max_moved=SHARES,
        canaries=st.lists(canary, max_size=3, unique_by=lambda text: text.partition("/")[0]),
    )


def rankings(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw what is said of places, rankings and overrides where sites are called `names`."""
    metrics = st.lists(st.sampled_from(["rtt", "distance", "path"]), min_size=1, unique=True)
    moments = st.floats(0, 2.5e11).map(render_exact_moment)
    clients = st.integers(0, 2**32 - 1)
    prefixes = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
    rest = {"until": st.one_of(st.none(), moments), "reason": st.text("ab: #", min_size=1)}
    rest["reason"] = rest["reason"].map("a{}b".format)
    overrides = st.builds(
        operator.or_,
        st.one_of(
            clients.map(lambda asn: {"asn": asn}), prefixes.map(lambda block: {"prefix": block})
        ),
        st.fixed_dictionaries({"site": st.sampled_from(names)}, optional=rest),
    )
    return optional(
        geo=st.one_of(st.just("builtin"), PATHS.map(lambda path: {"mmdb": path})),
        hysteresis=optional(hold=st.just("1d"), margin_ms=st.integers(0, 10_000), budget=SHARES),
        ranking=optional(rank_by=metrics, rtt=st.one_of(st.none(), PATHS), depth=st.integers(1, 8)),
        overrides=st.lists(
            overrides, max_size=3, unique_by=lambda each: each.get("asn", each.get("prefix"))
        ),
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
            **draw(optional(location=LOCATIONS, bias=st.integers(-255, 255))),
            **draw(some_checks()),
        }
        for at, name in enumerate(names)
    }
    services = {
        name: draw(
            optional(
                sites=st.just(names),
                vips=st.dictionaries(st.sampled_from(names), some_vips),
                ttl=st.one_of(st.none(), TTLS),
                ttl_min=st.sampled_from([None, 0]),
                last_resort=st.one_of(st.none(), LAST_RESORTS),
            )
        )
        for name in draw(st.lists(LABELS, max_size=3, unique=True))
    }
    owners = st.one_of(st.just("@"), NAMES)
    zone = st.fixed_dictionaries(
        {"soa": SOAS, "ns": st.lists(HOSTS, min_size=1, max_size=3, unique_by=str.lower)},
        optional={
            "ttl": TTLS,
            "ttl_min": st.just(0),
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
    drawn["checks"] = draw(optional(**TIMING))
    drawn |= {"failover": draw(some_modes(names)), "guards": draw(guards(names))}
    listeners = st.integers(2001, 3000).map(lambda port: {"listen": f"[::1]:{port}"})
    rest = optional(self=st.sampled_from(names), notify=NOTIFYING, http=listeners)
    return drawn | draw(rankings(names)) | draw(rest)


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
