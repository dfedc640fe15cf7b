"""Checks, and what sites say of them: what is read, what is refused and where."""

from collections.abc import Callable

import pytest

from sparrow.config.health import HttpCheck, HttpsCheck
from sparrow.config.load import LoadedConfig
from sparrow.config.targets import StatusRange
from sparrow.values.address import parse_address

Load = Callable[[str], LoadedConfig]
Refusals = Callable[[str], list[tuple[int, str]]]

FRAME = """\
ssrs: {}
sites:
  au:
    vips: [192.0.2.1]
    checks:
"""


def listed(*checks: str) -> str:
    """Give a configuration with a site that has these checks, the first on line 6."""
    return FRAME + "".join(f"      - {check}\n" for check in checks)


def test_what_a_check_leaves_open_is_taken_from_the_defaults(load: Load) -> None:
    text = "checks: {interval: 4, timeout: 250ms, ok_thresh: 7}\n" + listed(
        "http", "tcp: {port: 22, interval: 1min, down_thresh: 1}"
    )
    http, tcp = load(text).config.sites[0].checks
    timing = [
        (each.interval_s, each.timeout_s, each.up_thresh, each.ok_thresh, each.down_thresh)
        for each in (http, tcp)
    ]
    assert [(4.0, 0.25, 10, 7, 3), (60.0, 0.25, 10, 7, 1)] == timing


def test_without_any_word_checks_suit_short_ttls(load: Load) -> None:
    checks = load("ssrs: {}\n").config.checks
    timing = (checks.interval_s, checks.timeout_s)
    assert (3.0, 1.5) == timing
    assert (10, 5, 3) == (checks.up_thresh, checks.ok_thresh, checks.down_thresh)


def test_a_site_without_checks_has_none_and_returns_at_once(load: Load) -> None:
    site = load(FRAME.replace("    checks:\n", "")).config.sites[0]
    assert () == site.checks
    assert ("all", "independent", 0.0, False) == (
        site.require,
        site.families,
        site.hold_down_s,
        site.manual_resume,
    )


@pytest.mark.parametrize("written", ["http", "http: {}", "{http: {}}", '"http"'])
def test_a_kind_alone_has_its_defaults(load: Load, written: str) -> None:
    (check,) = load(listed(written)).config.sites[0].checks
    assert isinstance(check, HttpCheck)
    assert ("/", None, 80, "GET", (StatusRange(200, 399),), None) == (
        check.path,
        check.host,
        check.port,
        check.method,
        check.status,
        check.match,
    )


@pytest.mark.parametrize("written", ["off", "off: {}", '"off"'])
def test_off_is_a_word_and_no_boolean(load: Load, written: str) -> None:
    loaded = load(listed(written))
    assert ["off"] == [check.kind for check in loaded.config.sites[0].checks]
    assert () == loaded.warnings


@pytest.mark.parametrize(
    ("host", "sni"),
    [
        ("www.example.org", "www.example.org"),
        ("www.example.org:8443", "www.example.org"),
        ("192.0.2.1", None),
        ("192.0.2.1:443", None),
        ('"[2001:db8::1]:443"', None),
        ("null", None),
    ],
)
def test_the_name_for_tls_is_that_of_the_host_header(
    load: Load, host: str, sni: str | None
) -> None:
    (check,) = load(listed(f"https: {{host: {host}}}")).config.sites[0].checks
    assert isinstance(check, HttpsCheck)
    assert sni == check.sni


def test_a_name_for_tls_can_be_given_or_forbidden(load: Load) -> None:
    text = listed(
        "https: {host: a.org, sni: www.very-long.example.org}", "https: {host: b.org, sni: null}"
    )
    named, nameless = load(text).config.sites[0].checks
    assert isinstance(named, HttpsCheck)
    assert isinstance(nameless, HttpsCheck)
    assert ("www.very-long.example.org", None) == (named.sni, nameless.sni)


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("200", [(200, 200)]),
        ("200-204", [(200, 204)]),
        ('[200, "301", 302-308]', [(200, 200), (301, 301), (302, 308)]),
    ],
)
def test_status_codes_are_numbers_and_ranges(
    load: Load, written: str, status: list[tuple[int, int]]
) -> None:
    (check,) = load(listed(f"http: {{status: {written}}}")).config.sites[0].checks
    assert isinstance(check, HttpCheck)
    assert status == [(codes.first, codes.last) for codes in check.status]


def test_a_range_of_status_codes_has_both_its_ends() -> None:
    codes = StatusRange(200, 204)
    assert [False, True, True, False] == [code in codes for code in (199, 200, 204, 205)]


@pytest.mark.parametrize(
    ("written", "name", "uses_address"),
    [
        ("off", "off", False),
        ("http: {path: /x}", "http :80/x", True),
        ("http: {host: a.org}", "http :80/ of a.org", True),
        ("https: {address: 192.0.2.9}", "https 192.0.2.9:443/", True),
        ('tcp: {port: 1, address: ["::1", 192.0.2.9]}', "tcp [::1]:1,192.0.2.9:1", True),
        ("negotiate: {port: 25, expect: x}", "negotiate :25", True),
        ("dns: {qname: a.org, type: NS}", "dns :53 a.org. NS", True),
        ("external: {command: x -H {address}}", "external x -H '{address}'", True),
        ("external: {command: x 'a b'}", "external x 'a b'", False),
        ('external: {command: [x, "\\n"]}', "external x '?'", False),
        ("file: {path: a, max_age: 1}", "file /etc/x/a", False),
        ("tcp: {port: 1, name: the API}", "the API", True),
    ],
)
def test_a_check_has_a_name_and_knows_whether_it_goes_to_addresses(
    load: Load, written: str, name: str, *, uses_address: bool
) -> None:
    if written.startswith("external: {command: x -H"):
        written = "external:\n          command: x -H {address}"
    (check,) = load(listed(written)).config.sites[0].checks
    assert (name, uses_address) == (check.name, check.uses_address)


def test_a_name_that_is_made_is_never_too_long_to_be_written(load: Load) -> None:
    (check,) = load(listed(f"http: {{path: /{'x' * 500}}}")).config.sites[0].checks
    assert 200 == len(check.name)


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ("check_http -H 'a b' \"c\"", ("check_http", "-H", "a b", "c")),
        ("plugins/check_http -u /", ("/etc/x/plugins/check_http", "-u", "/")),
        ("/bin/true", ("/bin/true",)),
        ("[../x, a b]", ("/etc/x", "a b")),
    ],
)
def test_a_command_is_split_and_its_program_found_from_the_configuration(
    load: Load, written: str, command: tuple[str, ...]
) -> None:
    written = written.replace("../x", "./../x")
    text = f"ssrs: {{}}\nnotify:\n  command: {written}\n"
    notify = load(text).config.notify
    assert notify is not None
    assert command == notify.command


def test_an_address_may_stand_alone(load: Load) -> None:
    (check,) = load(listed('tcp: {port: 1, address: "::1"}')).config.sites[0].checks
    assert (parse_address("::1"),) == check.address


REFUSED = [
    # kinds
    ("htp: {}", 6, "there is no kind 'htp': did you mean 'http' or 'https'? the kinds are http,"),
    (
        "ping",
        6,
        "there is no kind 'ping': the kinds are http, https, tcp, negotiate, dns, external",
    ),
    ("{http: {}, tcp: {port: 1}}", 6, "holds 2 keys instead of one kind: indent the keys of http"),
    ("http:\n        path: /", 6, "holds 2 keys instead of one kind"),
    ("{}", 6, "must be a kind with its keys, such as {tcp: {port: 443}}, not a mapping"),
    ("7", 6, "must be a kind with its keys, such as {tcp: {port: 443}}, not 7"),
    ("false", 6, "must be a kind with its keys, such as {tcp: {port: 443}}, not false"),
    ("http:", 6, "http must hold keys with values, not nothing: write http: {} for the def"),
    ("http: /", 6, "http must hold keys with values, not '/'"),
    ("off: {interval: 1}", 6, "takes no keys: write the word off alone"),
    ("tcp", 6, "the key 'port' is missing: write it, such as port: 443"),
    ("tcp: {}", 6, "checks.tcp: the key 'port' is missing: write it, such as port: 443"),
    ("negotiate: {port: 1}", 6, "the key 'expect' is missing: write it, such as expect: \"^220 \""),
    ("dns: {}", 6, "the key 'qname' is missing: write it, such as qname: www.example.org"),
    ("external: {}", 6, "the key 'command' is missing: write it, such as command: check_http -H"),
    ("file: {path: a}", 6, "the key 'max_age' is missing: write it, such as max_age: 1min"),
    (
        "tcp:\n          prot: 1\n          port: 1",
        7,
        "checks.tcp: unknown key 'prot': did you mean 'port'?",
    ),
    (
        "tcp: {port: 1, path: /}",
        6,
        "did you mean 'port'? the keys here are name, address, interval,",
    ),
    ("http: {sni: a.org}", 6, "checks.http: unknown key 'sni'"),
    # durations and thresholds
    (
        "http:\n          path: /\n          interval: 3m",
        8,
        "'3m' has a unit that is not known here",
    ),
    ("http: {interval: 3m}", 6, "write 3min"),
    ("http: {interval: 3 weeks}", 6, "the units are ms, s, min, h, d"),
    ("http: {interval: -1}", 6, "must be seconds, or text such as 500ms, 90s, 5min, 2h or 1d"),
    ("http: {interval: 99ms, timeout: 10ms}", 6, "from 100ms to 1h, not '99ms'"),
    ("http: {interval: 3601}", 6, "from 100ms to 1h, not 3601"),
    ("http: {interval: '3'}", 6, "from 100ms to 1h, not '3'"),
    ("http: {interval: .inf}", 6, "from 100ms to 1h, not Infinity"),
    ("http: {interval: .nan}", 6, "from 100ms to 1h, not NaN"),
    ("http: {interval: true}", 6, "from 100ms to 1h, not true"),
    ("http: {interval: }", 6, "from 100ms to 1h, not nothing"),
    ("http: {timeout: 9ms}", 6, "from 10ms to 1h, not '9ms'"),
    ("http: {up_thresh: 0}", 6, "must be a whole number from 1 to 255, not 0"),
    ("http: {down_thresh: 256}", 6, "must be a whole number from 1 to 255, not 256"),
    ("http: {timeout: 4s}", 6, "http.timeout: the timeout of 4s is longer than the interval of 3s"),
    (
        "http:\n          path: /\n          interval: 1.25s",
        8,
        "http.interval: the timeout of 1.5s is longer than the interval of 1.25s",
    ),
    ("file: {path: a, max_age: 999ms}", 6, "from 1s to 30d, not '999ms'"),
    # targets
    ("http: {path: index.html}", 6, "must be a path that starts with / and has no blanks"),
    ("http: {path: /a b}", 6, "must be a path that starts with / and has no blanks"),
    ('http: {path: "/a\\r\\nHost: x"}', 6, "must be a path that starts with / and has no blanks"),
    ("http: {host: a/b}", 6, "must be the name of a host, such as www.example.org, not 'a/b'"),
    ("http: {port: 0}", 6, "must be a whole number from 1 to 65535, not 0"),
    ("http: {method: POST}", 6, "must be GET or HEAD, not 'POST'"),
    ("http: {status: 99}", 6, "must be an HTTP status such as 200, or a range such as 200-399"),
    ("http: {status: 399-200}", 6, "399-200 runs backwards: write 200-399"),
    ("http: {status: []}", 6, "must not be empty"),
    ("http: {status: [200, ok]}", 6, "must be an HTTP status such as 200"),
    (
        "http: {match: '('}",
        6,
        "'(' is not a regular expression: missing ), unterminated subpattern",
    ),
    ("http: {match: '[[a]'}", 6, "'[[a]' is not a regular expression: Possible nested set"),
    ("http: {match: ''}", 6, "must be a regular expression with at least one character"),
    ("http: {method: HEAD, match: a}", 6, "http.match: an answer to HEAD has no body to search"),
    ("https: {sni: 192.0.2.1}", 6, "must be the name of a host, such as www.example.org"),
    ("https: {cert_days: -1}", 6, "must be a whole number from 0 to 3650, not -1"),
    ("https: {verify: no}", 6, "must be true or false, not 'no'"),
    ("dns: {qname: a..b}", 6, "it has an empty label"),
    ("dns: {qname: a.org, type: AXFR}", 6, "must be A or AAAA or CAA"),
    ("dns: {qname: a.org, rcode: noerror}", 6, "must be NOERROR or FORMERR"),
    ("tcp: {port: 1, name: ''}", 6, "must be one line of 1 to 200 characters, not ''"),
    ('tcp: {port: 1, name: "a\\nb"}', 6, "must be one line of 1 to 200 characters"),
    ("external: {command: ''}", 6, "must be a command, such as /usr/lib/nagios/plugins/check_http"),
    ("external: {command: []}", 6, "must be a command, such as /usr/lib/nagios/plugins/check_http"),
    ("external: {command: [x, 1]}", 6, 'must be text, and YAML reads 1 otherwise: write "1"'),
    (
        "external: {command: {a: b}}",
        6,
        "must be a command as text or as a list of words, not a map",
    ),
    ('external: {command: "x \'a"}', 6, "cannot be split into words: no closing quotation"),
    ('external: {command: [x, "\\0"]}', 6, "must not hold the character U+0000"),
    # addresses
    ("tcp: {port: 1, address: []}", 6, "must not be empty"),
    ("tcp: {port: 1, address: 192.0.2.256}", 6, "'192.0.2.256' is not an IPv4 or IPv6 address"),
    (
        "tcp:\n          port: 1\n          address:\n          - ::1\n          - 0::1",
        10,
        "tcp.address: ::1 stands in this list twice",
    ),
    ("file: {path: a, max_age: 1s, address: '::1'}", 6, "a file is not checked by address: remove"),
    (
        "external:\n          command: x\n          address: 192.0.2.1",
        8,
        "external.address: the command does not use it: write {address} there, or remove",
    ),
]


@pytest.mark.parametrize(("check", "line", "fragment"), REFUSED)
def test_what_is_wrong_with_a_check_is_one_problem_at_its_line(
    refusals: Refusals, check: str, line: int, fragment: str
) -> None:
    ((found, what),) = refusals(listed(check))
    assert line == found
    assert fragment in what


@pytest.mark.parametrize(
    ("checks", "keys", "line", "fragment"),
    [
        (["off", "http"], "", 6, "'off' says that nothing is checked: remove it, or the other"),
        (["http", "http"], "", 7, "this check stands in this list twice: keep one (the other"),
        (["http", "http: {match: x}"], "", 7, "two checks are called 'http :80/': give one of"),
        (["http"], "require: 2", 7, "au.require: the site has 1 check, so 2 can never succeed"),
        (["off"], "require: 1", 7, "au.require: the site has no checks, so 1 can never succeed"),
        (["http"], "require: 0", 7, "must be all, any, or how many of the checks must succeed"),
        (["http"], "require: most", 7, "or how many of the checks must succeed, not 'most'"),
        (["http"], "require: true", 7, "or how many of the checks must succeed, not true"),
        (["http"], "families: both", 7, "must be independent or site, not 'both'"),
        (["http"], "hold_down: 8d", 7, "from 0s to 7d, not '8d'"),
        (["http"], "manual_resume: 1", 7, "must be true or false, not 1"),
    ],
)
def test_what_is_wrong_with_the_checks_of_a_site_is_one_problem_at_its_line(
    refusals: Refusals, checks: list[str], keys: str, line: int, fragment: str
) -> None:
    ((found, what),) = refusals(f"{listed(*checks)}    {keys}\n")
    assert line == found
    assert fragment in what


def test_a_site_without_vips_needs_the_address_of_each_check(
    refusals: Refusals, load: Load
) -> None:
    text = """\
ssrs: {}
services: {api: {vips: {au: [192.0.2.1]}}}
sites:
  au:
    checks:
      - tcp:
          port: 80
      - tcp: {port: 81, address: 192.0.2.9}
      - external: {command: x}
      - file: {path: a, max_age: 1min}
"""
    assert [
        (6, "sites.au.checks.tcp: site 'au' has no vips to check: write address: [192.0.2.1]")
    ] == refusals(text)
    repaired = load(text.replace("port: 80\n", "port: 80\n          address: 192.0.2.9\n"))
    assert 4 == len(repaired.config.sites[0].checks)


def test_a_default_timeout_above_the_default_interval_is_said_once(refusals: Refusals) -> None:
    ((line, what),) = refusals("checks:\n  interval: 1s\n" + listed("http", "tcp: {port: 1}"))
    assert 2 == line
    assert "checks.interval: the timeout of 1.5s is longer than the interval of 1s" in what


def test_a_refused_part_hides_only_what_rests_on_it(refusals: Refusals) -> None:
    found = refusals(
        "checks: {interval: never}\n"
        + listed("http: {timeout: 9s}", "http: {path: x}", "tcp: {port: 1, address: x}")
        + "    require: 4\n    hold_down: x\n"
    )
    assert [1, 8, 9, 11] == [line for line, _ in found]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (
            FRAME.replace("    checks:\n", "    hold_down: 1s\n"),
            5,
            "sites.au.hold_down: does nothing without checks: write checks, or remove it",
        ),
        (
            listed("off") + "    manual_resume: true\n",
            7,
            "sites.au.manual_resume: does nothing without checks",
        ),
        (
            listed("http: {address: 192.0.2.9}").replace("[192.0.2.1]", '[192.0.2.1, "::1"]'),
            5,
            "nothing checks IPv6 of site 'au', so it counts as up: add an IPv6 address to a check",
        ),
    ],
)
def test_what_is_doubtful_about_checks_is_a_warning(
    load: Load, text: str, line: int, what: str
) -> None:
    (found,) = load(text).warnings
    assert line == found.line
    assert what in found.what


@pytest.mark.parametrize("more", ["    families: site\n", "      - external: {command: x}\n"])
def test_a_family_without_a_check_of_its_own_may_be_covered_otherwise(
    load: Load, more: str
) -> None:
    text = listed("http: {address: 192.0.2.9}").replace("[192.0.2.1]", '[192.0.2.1, "::1"]')
    assert () == load(text + more).warnings
