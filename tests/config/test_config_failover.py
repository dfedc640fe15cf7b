"""TTLs, last resorts, modes, guards, listeners and who is told: what is read and refused."""

from collections.abc import Callable

import pytest

from sparrow.config.load import LoadedConfig
from sparrow.values.address import parse_address, parse_prefix

Load = Callable[[str], LoadedConfig]
Refusals = Callable[[str], list[tuple[int, str]]]

SITES = """\
sites:
  au: {vips: [192.0.2.1], checks: [http]}
  nl: {vips: [192.0.2.2], checks: [http]}
  us: {vips: [192.0.2.3]}
routes: [{file: link}]
zones: {example.org: {file: z}}
"""
"""A configuration that is right, of six lines; tests add to it."""

TEXTS = [
    # durations of failover
    ("failover: {remap_after: 0}", 7, "failover.remap_after: must be seconds, or text such as"),
    ("failover: {remap_after: 2d}", 7, "from 1s to 1d, not '2d'"),
    # last resorts
    (
        "failover: {last_resort: all}",
        7,
        "must be all-up, empty, servfail, or {static: [192.0.2.1]}",
    ),
    ("failover: {last_resort: servefail}", 7, "not 'servefail': did you mean 'servfail'?"),
    ("failover: {last_resort: }", 7, "not nothing"),
    ("failover: {last_resort: {}}", 7, "or {static: [192.0.2.1]}, not a mapping"),
    ("failover: {last_resort: static}", 7, "or {static: [192.0.2.1]}, not 'static'"),
    (
        "failover:\n  last_resort:\n    static: []",
        9,
        "failover.last_resort.static: must not be empty",
    ),
    (
        "failover:\n  last_resort:\n    statik: []",
        9,
        "unknown key 'statik': did you mean 'static'?",
    ),
    ("failover:\n  last_resort:\n    static: [x]", 9, "'x' is not an IPv4 or IPv6 address"),
    ("failover:\n  last_resort:\n    static: 192.0.2.9", 9, "must be a list: write [192.0.2.9]"),
    (
        "failover:\n  last_resort:\n    static:\n    - 192.0.2.9\n    - 192.0.2.9",
        11,
        "192.0.2.9 stands in this list twice: keep one (the other stands on line 10)",
    ),
    ("services:\n  api:\n    last_resort: {static: []}", 9, "api.last_resort.static: must not be"),
    (
        "services:\n  api:\n    last_resort: {static: [::1, ::1]}".replace("::1", "'::1'"),
        9,
        "twice",
    ),
    # TTLs
    (
        "services:\n  api:\n    ttl: 5\n    ttl_min: 6",
        10,
        "ttl_min: 6 is more than the ttl of 5: write 5 or less (the other stands on line 9)",
    ),
    ("services:\n  default:\n    ttl_min: 31", 9, "31 is more than the ttl of 30"),
    ("services:\n  api: {ttl_min: -1}", 8, "must be a whole number from 0 to 86400, not -1"),
    # modes
    ("failover:\n  modes: {normal: a}", 8, "'modes' need 'link', the symbolic link that leads to"),
    ("failover:\n  link: link\n  modes: {au: a}", 9, "the mode 'normal' is missing: write normal:"),
    ("failover:\n  link: link\n  modes: [a]", 9, "modes: cannot be a list: write one key per mode"),
    ("failover:\n  link: link\n  modes:", 9, "modes: is empty: write one key per mode below it"),
    (
        "failover:\n  link: link\n  modes:\n    normal: a\n    au+ln: b",
        11,
        "there is no site 'ln': did you mean 'nl'? the sites are au, nl, us",
    ),
    (
        "failover:\n  link: link\n  modes:\n    normal: a\n    au+nl: b\n    nl+au: c",
        12,
        "'nl+au' and 'au+nl' are the same sites: keep one (the other stands on line 11)",
    ),
    (
        "failover:\n  link: link\n  modes:\n    normal: a\n    au+au: b",
        11,
        "must be normal, or the sites that are up, such as au or au+nl, not 'au+au'",
    ),
    ("failover:\n  link: link\n  modes:\n    normal: a\n    au+: b", 11, "must be normal, or the"),
    (
        "failover:\n  link: link\n  modes:\n    normal: a\n    au nl: b",
        11,
        "must be normal, or the",
    ),
    ("failover:\n  link: link\n  modes:\n    normal: a\n    au+normal: b", 11, "no site 'normal'"),
    ("failover:\n  link: link\n  modes:\n    normal:", 10, "normal: must be text, not nothing"),
    (
        "failover:\n  link: link\n  modes:\n    normal: a\n    au: ./link",
        11,
        "the link itself: name the file that the link is to lead to (the other stands on line 8)",
    ),
    # guards
    ("guards: {min_prefixes: 5}", 7, "guards.min_prefixes: must hold keys with values, not 5"),
    ("guards: {min_prefixes: {ipv4: 5}}", 7, "unknown key 'ipv4': did you mean 'v4'?"),
    ("guards: {min_prefixes: {v4: -5}}", 7, "must be a whole number from 0 to 2147483647, not -5"),
    ("guards: {max_shrink: 10}", 7, "from 0% to 100%, not 10: write 10%"),
    ("guards: {max_shrink: 101%}", 7, "must be a share such as 10% or 0.1, from 0% to 100%"),
    ("guards: {max_shrink: -0.1}", 7, "must be a share such as 10% or 0.1, from 0% to 100%"),
    ("guards: {max_moved: a lot}", 7, "guards.max_moved: must be a share such as 10% or 0.1"),
    ("guards: {max_moved: true}", 7, "must be a share such as 10% or 0.1"),
    ("guards: {max_moved: '0.1'}", 7, "must be a share such as 10% or 0.1"),
    ("guards:\n  canaries: 8.8.8.0/24 -> us", 8, "must be a list: write [8.8.8.0/24 -> us]"),
    ("guards:\n  canaries: [us]", 8, 'must be a prefix and a site, such as "8.8.8.0/24 -> us"'),
    ("guards:\n  canaries: [8.8.8.8/24 -> us]", 8, "the block is 8.8.8.0/24"),
    ("guards:\n  canaries: [8.8.8.0/24 -> ]", 8, "'' is not a name for this"),
    ("guards:\n  canaries: [8.8.8.0/24 -> uk]", 8, "no site 'uk': did you mean 'us' or 'au'?"),
    (
        "guards:\n  canaries:\n  - 8.8.8.0/24 -> us\n  - 8.8.8.0/24 -> au",
        10,
        "guards.canaries: 8.8.8.0/24 stands in this list twice: keep one (the other stands on",
    ),
    # who is told, and the listener
    ("notify:", 7, "notify: is empty: write its keys below it"),
    ("notify: {}", 7, "the key 'command' is missing: write it, such as command: /usr/local/bin"),
    ("notify: {command: x, timeout: 0}", 7, "from 100ms to 1h, not 0"),
    ("http:", 7, "http: is empty: write its keys below it, {} for the defaults"),
    ("http: {listen: 9153}", 7, "http.listen: must be an address and a port, not 9153"),
    ("http: {listen: '127.0.0.1:5300'}", 7, "is taken already by 127.0.0.1:5300 of server.listen"),
    ("ssrs: {listen: '[::1]:1'}\nhttp: {listen: '[::]:1'}", 8, "taken already by [::1]:1 of ssrs"),
]


@pytest.mark.parametrize(("text", "line", "fragment"), TEXTS)
def test_one_fault_is_one_problem_at_its_line(
    refusals: Refusals, text: str, line: int, fragment: str
) -> None:
    ((found, what),) = refusals(f"{SITES}{text}\n")
    assert line == found
    assert fragment in what


def test_a_zone_whose_least_ttl_is_above_its_ttl_is_refused(refusals: Refusals) -> None:
    zones = "zones:\n  example.org:\n    file: z\n    ttl: 7\n    ttl_min: 8\n"
    ((line, what),) = refusals(SITES.replace("zones: {example.org: {file: z}}\n", zones))
    assert 10 == line
    assert 'zones."example.org".ttl_min: 8 is more than the ttl of 7: write 7 or less' in what
    assert "(the other stands on line 9)" in what


def test_a_site_cannot_have_the_name_of_the_normal_mode(refusals: Refusals) -> None:
    modes = "failover:\n  link: link\n  modes: {normal: a}\n"
    ((line, what),) = refusals(SITES.replace("  us:", "  normal:") + modes)
    assert 4 == line
    assert "sites.normal: a site cannot be called 'normal' where there are modes" in what


def test_all_that_is_wrong_is_said_at_once(refusals: Refusals) -> None:
    text = """\
checks: {up_thresh: 0}
failover:
  modes: {nl+xx: link, uk: b}
  last_resort: {static: []}
guards: {max_moved: 2, canaries: [0.0.0.0/0 -> xx]}
notify: {}
"""
    found = refusals(SITES + text)
    assert [7, 9, 9, 9, 9, 10, 11, 11, 12] == [line for line, _ in found]


def test_a_least_ttl_is_half_of_its_ttl_unless_it_is_given(load: Load) -> None:
    config = load(
        """\
sites: {au: {vips: [192.0.2.1]}}
services:
  plain: {}
  own: {ttl: 5}
  null: {ttl: 5, ttl_min: null}
  whole: {ttl: 5, ttl_min: 5}
  least: {ttl_min: 4}
zones:
  a.org: {file: a, ttl: 7}
  b.org: {file: b, ttl: 9, ttl_min: 1}
  c.org: {file: c, ttl: 0}
""".replace("  null:", '  "null":')
    ).config
    assert [4, 1, 0] == [zone.ttl_min for zone in config.zones]
    services = {service.name: service for service in config.services}
    ttls = {name: config.zones[1].ttls_of(service) for name, service in services.items()}
    assert {
        "default": (9, 1),
        "plain": (9, 1),
        "own": (5, 3),
        "null": (5, 3),
        "whole": (5, 5),
        "least": (9, 4),
    } == ttls


def test_a_last_resort_is_a_word_or_a_list(load: Load) -> None:
    text = """\
ssrs: {}
sites: {au: {vips: [192.0.2.1]}}
services:
  a: {last_resort: all-up}
  b: {last_resort: empty}
  c: {last_resort: {static: ["::1", 192.0.2.9]}}
  d: {last_resort: null}
"""
    config = load(text).config
    found = [service.last_resort for service in config.services[1:]]
    assert [("all-up", ()), ("empty", ())] == [(r.policy, r.static) for r in found[:2] if r]
    assert found[2] is not None
    assert ("static", (parse_address("::1"), parse_address("192.0.2.9"))) == (
        found[2].policy,
        found[2].static,
    )
    assert found[3] is None
    assert "all-up" == config.failover.last_resort.policy


def test_modes_know_which_sites_are_up_in_whatever_order_they_are_joined(load: Load) -> None:
    text = "failover:\n  link: link\n  modes: {nl + au: b, normal: a, au: /c}\n"
    failover = load(SITES + text).config.failover
    assert [
        ("nl + au", frozenset({"au", "nl"}), "/etc/x/b"),
        ("normal", frozenset(), "/etc/x/a"),
        ("au", frozenset({"au"}), "/c"),
    ] == [(mode.key, mode.sites, mode.file) for mode in failover.modes]
    assert ("/etc/x/link", 60.0) == (failover.link, failover.remap_after_s)


def test_guards_are_none_unless_they_are_set(load: Load) -> None:
    guards = load(SITES).config.guards
    assert (None, None, None, None, ()) == (
        guards.min_prefixes_v4,
        guards.min_prefixes_v6,
        guards.max_shrink,
        guards.max_moved,
        guards.canaries,
    )


def test_guards_take_shares_in_both_forms_and_canaries_of_both_families(load: Load) -> None:
    text = """\
guards:
  min_prefixes: {v6: 5}
  max_shrink: 12.5%
  max_moved: 0.3
  canaries: [8.8.8.0/24->us, "2001:db8::/32 -> au", 192.0.2.1 -> nl]
"""
    guards = load(SITES + text).config.guards
    assert (None, 5, 0.125, 0.3) == (
        guards.min_prefixes_v4,
        guards.min_prefixes_v6,
        guards.max_shrink,
        guards.max_moved,
    )
    assert [
        (parse_prefix("8.8.8.0/24"), "us"),
        (parse_prefix("2001:db8::/32"), "au"),
        (parse_prefix("192.0.2.1/32"), "nl"),
    ] == [(canary.prefix, canary.site) for canary in guards.canaries]


def test_nobody_is_told_and_nothing_listens_unless_it_is_configured(load: Load) -> None:
    config = load(SITES).config
    assert (None, None) == (config.notify, config.http)
    config = load(f"{SITES}http: {{}}\nnotify: {{command: tell}}\n").config
    assert config.http is not None
    assert config.notify is not None
    assert "127.0.0.1:9153" == str(config.http.listen)
    assert (("tell",), 30.0) == (config.notify.command, config.notify.timeout_s)


MODES = "failover:\n  link: link\n  modes: {normal: a}\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (
            f"{SITES}failover: {{link: link}}\n",
            7,
            "failover.link: does nothing without 'modes': write them, or remove it",
        ),
        (
            SITES.replace("file: link", "file: other") + MODES,
            8,
            "failover.link: nothing reads this link: list it under 'routes'",
        ),
        (
            SITES.replace(", checks: [http]", "") + MODES,
            9,
            "failover.modes: no site has checks, so only orders can change the mode",
        ),
        (
            SITES + MODES.replace("{normal: a}", "\n    normal: a\n    us+nl+au: b"),
            11,
            "these are all the sites, and then the mode is 'normal': this file is not used",
        ),
    ],
)
def test_what_is_doubtful_about_modes_is_a_warning(
    load: Load, text: str, line: int, what: str
) -> None:
    (found,) = load(text).warnings
    assert line == found.line
    assert what in found.what
