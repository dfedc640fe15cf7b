"""Every kind of wrong configuration: the line that is blamed, and what is said."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparrow.config.load import parse_config
from sparrow.errors import InputError, Problem

Refusals = Callable[[str], list[tuple[int, str]]]

GOOD = """\
server:
  listen: ["127.0.0.1:5300"]
sites:
  au:
    asn: [64600, "131072-132095"]
    vips: [192.0.2.1, "2001:db8::1"]
    fallback: [nl]
  nl:
    asn: [64601]
    vips: [192.0.2.2, "2001:db8::2"]
services:
  api:
    sites: [nl]
    vips: {nl: [192.0.2.3, "2001:db8::3"]}
routes:
  - file: t.routes
zones:
  www.example.org:
    soa:
      mname: ns1.example.org.
      rname: hostmaster@example.org
    ns: [ns1.example.org.]
    steer: ["@", "*.cdn"]
ssrs:
  listen: "127.0.0.1:7777"
"""

LISTEN, ASN, VIPS, FALLBACK, NL_ASN, SITES, OWN, FILE, MNAME, RNAME, NS, STEER, SSRS = (
    '  listen: ["127.0.0.1:5300"]',
    '    asn: [64600, "131072-132095"]',
    '    vips: [192.0.2.1, "2001:db8::1"]',
    "    fallback: [nl]",
    "    asn: [64601]",
    "    sites: [nl]",
    '    vips: {nl: [192.0.2.3, "2001:db8::3"]}',
    "  - file: t.routes",
    "      mname: ns1.example.org.",
    "      rname: hostmaster@example.org",
    "    ns: [ns1.example.org.]",
    '    steer: ["@", "*.cdn"]',
    '  listen: "127.0.0.1:7777"',
)

NAMES_AND_TYPES = [
    # keys
    (LISTEN, f"{LISTEN}\n  workes: 2", 3, "server: unknown key 'workes': did you mean 'workers'?"),
    ("ssrs:", "srs: {}\nssrs:", 24, "unknown key 'srs': did you mean 'ssrs' or 'services'?"),
    ("server:", "zone: {}\nserver:", 1, "unknown key 'zone': did you mean 'zones'?"),
    (
        VIPS,
        f"{VIPS}\n    VIPs: []",
        7,
        "did you mean 'vips' or 'bias'? the keys here are asn, vips",
    ),
    (VIPS, f"{VIPS}\n    <<: x", 7, "unknown key '<<': the keys here are asn, vips, fallback"),
    (MNAME, "", 19, "soa: the key 'mname' is missing: write it, such as mname: ns1.example.org."),
    (RNAME, "", 19, "the key 'rname' is missing: write it, such as rname: hostmaster@example.org"),
    (FILE, "  - format: ssrs", 16, "routes: the key 'file' is missing"),
    # mappings and lists
    ("server:\n" + LISTEN, "server:", 1, "server: must hold keys with values, not nothing"),
    ("server:\n" + LISTEN, "server: [1]", 1, "server: must hold keys with values, not a list"),
    ("ssrs:\n" + SSRS, "ssrs:", 24, "ssrs: is empty: write its keys below it, {} for the defaults"),
    ("  nl:\n    asn: [64601]", "  nl:\n  xx:\n    asn: [64601]", 8, "sites.nl: must hold keys"),
    ("routes:\n  - file: t.routes", "routes:\n  file: t.routes", 15, "must be a list, not a map"),
    ("routes:\n  - file: t.routes", "routes: t.routes", 15, "must be a list: write [t.routes]"),
    ("  - file: t.routes", "  - t.routes", 16, "must hold keys with values, not 't.routes'"),
    (ASN, "    asn: 64600", 5, "sites.au.asn: must be a list: write [64600]"),
    (ASN, "    asn:", 5, "sites.au.asn: must be a list, not nothing"),
    (LISTEN, "  listen: []", 2, "server.listen: must not be empty"),
    (SITES, "    sites: []", 13, "services.api.sites: must not be empty"),
    (OWN, "    vips: {nl: []}", 14, "services.api.vips.nl: must not be empty"),
    (
        OWN,
        "    vips: [192.0.2.3]",
        14,
        "services.api.vips: cannot be a list: write one key per site",
    ),
    (OWN, "    vips:", 14, "services.api.vips: is empty: write one key per site below it"),
    (OWN, "    vips: {nl: 192.0.2.3}", 14, "services.api.vips.nl: must be a list"),
    (STEER, "    steer: www", 23, 'steer: must be a list of names such as ["@", "*.cdn"]'),
    # whole numbers, flags, words
    (
        LISTEN,
        f"{LISTEN}\n  workers: 257",
        3,
        "must be auto, or a whole number from 1 to 256, not 257",
    ),
    (LISTEN, f"{LISTEN}\n  workers: true", 3, "server.workers: must be auto, or a whole number"),
    (LISTEN, f"{LISTEN}\n  workers: many", 3, "a whole number from 1 to 256, not 'many'"),
    (
        LISTEN,
        f"{LISTEN}\n  tcp:\n    idle_s: 0",
        4,
        "server.tcp.idle_s: must be a whole number from",
    ),
    (LISTEN, f"{LISTEN}\n  tcp: {{idle_s: 1.5}}", 3, "from 1 to 3600, not 1.5"),
    (NS, f"{NS}\n    ttl: '30'", 23, "from 0 to 86400, not '30': write it without quotes"),
    (NS, f"{NS}\n    ttl: 30s", 23, "must be a whole number from 0 to 86400, not '30s'"),
    (NS, f"{NS}\n    ttl: -1", 23, "must be a whole number from 0 to 86400, not -1"),
    (NS, f"{NS}\n    ttl: true", 23, "must be a whole number from 0 to 86400, not true"),
    (NS, f"{NS}\n    ttl:", 23, "must be a whole number from 0 to 86400, not nothing"),
    (NS, f"{NS}\n    result_count: 65", 23, "must be a whole number from 1 to 64, not 65"),
    (RNAME, f"{RNAME}\n      serial: 4294967296", 22, "from 0 to 4294967295"),
    (SSRS, f"{SSRS}\n  open: yes", 26, "ssrs.open: must be true or false, not 'yes'"),
    (FILE, f"{FILE}\n    format: bmp", 17, "must be ssrs or pfx2as or mrt, not 'bmp'"),
    (FILE, f"{FILE}\n    peer: 64600", 17, "only a file of format mrt has neighbours"),
    (FILE, f"{FILE}\n    format: mrt\n    peer: [7]", 18, "must be an address or an AS number"),
    (FILE, f"{FILE}\n    format: mrt\n    peer: 1.10", 18, 'write "1.10"'),
    (FILE, f"{FILE}\n    sanity: {{max_hops: 9}}", 17, "all of it counts"),
    (FILE, f"{FILE}\n    format: mrt\n    sanity: {{max_hops: 0}}", 18, "from 1 to 300, not 0"),
    (FILE, f"{FILE}\n    format: mrt\n    sanity: {{martians: no}}", 18, "must be drop or keep"),
    # text
    (LISTEN, f"{LISTEN}\n  nsid: 1", 3, 'must be text, and YAML reads 1 otherwise: write "1"'),
    (LISTEN, f"{LISTEN}\n  nsid: 1.10", 3, 'write "1.10"'),
    (LISTEN, f"{LISTEN}\n  nsid: true", 3, 'write "true"'),
    (LISTEN, f"{LISTEN}\n  nsid: [a]", 3, "server.nsid: must be text, not a list"),
    (LISTEN, f"{LISTEN}\n  nsid: ''", 3, "must be text of 1 to 128 octets, not of 0"),
    (LISTEN, f"{LISTEN}\n  version: {'x' * 256}", 3, "must be text of 1 to 255 octets, not of 256"),
    (LISTEN, f"{LISTEN}\n  user: a b", 3, "must be the name of a user of this system, not 'a b'"),
    (LISTEN, f"{LISTEN}\n  run_dir: ''", 3, "must be the path of a file or folder, not ''"),
    (LISTEN, f'{LISTEN}\n  run_dir: "a\\0b"', 3, "must be the path of a file or folder"),
    (FILE, "  - file:", 16, "routes.file: must be text, not nothing"),
    (SSRS, f"{SSRS}\n  hostname: a b", 26, "must be a host name of letters, digits, '-' and '.'"),
    (SSRS, f"{SSRS}\n  password: ''", 26, "1 to 80 printable ASCII characters, or null"),
    ("  au:", "  a+u:", 4, "sites.a+u".replace("a+u", '"a+u"') + ": 'a+u' is not a name for this"),
    ("  nl:", "  n l: {}\n  nl:", 8, "'n l' is not a name for this: use 1 to 63 letters"),
    # addresses
    (VIPS, "    vips:\n    - 192.0.2.1\n    - 192.0.2.256", 8, "'192.0.2.256' is not an IPv4 or"),
    (VIPS, "    vips: [192.0.2.0/24]", 6, "'192.0.2.0/24' is not an IPv4 or IPv6 address"),
    (VIPS, "    vips: [10.1]", 6, "sites.au.vips: must be text, and YAML reads 10.1 otherwise"),
    (LISTEN, '  listen: ["127.0.0.1"]', 2, "'127.0.0.1' is not an address and a port: write 192.0"),
    (LISTEN, '  listen: ["::1:53"]', 2, "'::1:53' is not an address and a port"),
    (LISTEN, '  listen: ["[::1]"]', 2, "'[::1]' is not an address and a port"),
    (LISTEN, '  listen: ["[127.0.0.1]:53"]', 2, "brackets are for IPv6 addresses only"),
    (LISTEN, '  listen: [":53"]', 2, "lacks its address: for all, write 0.0.0.0:53 and [::]:53"),
    (LISTEN, '  listen: ["*:53"]', 2, "lacks its address: for all, write 0.0.0.0:53 and [::]:53"),
    (LISTEN, "  listen: [53]", 2, "must be an address and a port, not 53"),
    (LISTEN, '  listen: ["127.0.0.1:0"]', 2, "the port must be a number from 1 to 65535"),
    (LISTEN, '  listen: ["127.0.0.1:65536"]', 2, "the port must be a number from 1 to 65535"),
    (LISTEN, '  listen: ["127.0.0.1:dns"]', 2, "the port must be a number from 1 to 65535"),
    (LISTEN, '  listen: ["localhost:53"]', 2, "'localhost' is not an IPv4 or IPv6 address"),
    (SSRS, "  listen: 7777", 25, "ssrs.listen: must be an address and a port, not 7777"),
    # AS numbers
    (ASN, "    asn: [1.10]", 5, "an AS number with a dot must stand in quotes"),
    (ASN, "    asn: [1.10]", 5, 'write "1.10"'),
    (ASN, "    asn: [1e3]", 5, "must be an AS number (64600) or a range of them (64600-64700)"),
    (ASN, "    asn: [4294967296]", 5, "'4294967296' is not an AS number"),
    (ASN, "    asn: [-1]", 5, "'-1' is not an AS number"),
    (ASN, "    asn: [true]", 5, "must be an AS number (64600) or a range of them"),
    (ASN, "    asn: [AS64600x]", 5, "'AS64600x' is not an AS number"),
    (ASN, "    asn:\n    - 1\n    - 20-10", 7, "runs backwards: write 10-20"),
    # names
    ("  www.example.org:", "  www..example.org:", 18, "it has an empty label"),
    ("  www.example.org:", "  '@':", 18, "'@' has no meaning here: write the whole name"),
    ("  www.example.org:", "  wéb.example.org:", 18, "is not ASCII: write the name in its xn--"),
    (
        NS,
        "    ns: [ns1]",
        22,
        "'ns1' is not a whole name: write it with its domain, ns1.example.org.",
    ),
    (NS, "    ns: [192.0.2.1]", 22, "'192.0.2.1' is an address: write the name of the host"),
    (NS, "    ns: []", 22, "ns: must not be empty"),
    (MNAME, f"      mname: {'x' * 64}.org.", 20, "a label is over 63 octets long"),
    (RNAME, "      rname: '@example.org'", 21, "it has an empty label"),
    (RNAME, "      rname: hostmaster@", 21, "it has an empty label"),
    (RNAME, "      rname: hostmaster", 21, "'hostmaster' is not a whole name"),
    (RNAME, "      rname: a@b@c.org", 21, "'a@b@c.org' is not a mail address"),
    (
        STEER,
        '    steer: ["www.example.net."]',
        23,
        "lies outside the zone www.example.org.: write '@'",
    ),
    (STEER, "    steer: {example.org.: api}", 23, "lies outside the zone www.example.org."),
    (STEER, "    steer: [5]", 23, 'must be text, and YAML reads 5 otherwise: write "5"'),
    (STEER, "    steer: [wéb]", 23, "is not ASCII"),
    (STEER, f"    steer: ['{'x.' * 125}x']", 23, "it is over 255 octets long"),
    (STEER, "    steer: {www: }", 23, "must be text, not nothing"),
]

REFERENCES = [
    (
        "sites:",
        "self: au1\nsites:",
        3,
        "self: there is no site 'au1': did you mean 'au'? the sites are",
    ),
    (
        FALLBACK,
        "    fallback:\n    - nl\n    - xx",
        9,
        "there is no site 'xx': the sites are au, nl",
    ),
    (FALLBACK, "    fallback: [au]", 7, "site 'au' cannot fall back to itself"),
    (FALLBACK, "    fallback: [nl, nl]", 7, "'nl' stands in this list twice"),
    (
        NL_ASN,
        "    asn: [64600]",
        9,
        "AS 64600 cannot belong to site 'nl' and to site 'au': keep one",
    ),
    (NL_ASN, "    asn: [64600]", 9, "(the other stands on line 5)"),
    (NL_ASN, '    asn: ["132000-132100"]', 9, "AS 132000 to 132095 cannot belong to site 'nl' and"),
    (NL_ASN, '    asn: [64601, "AS0.64601"]', 9, "site 'nl' names AS 64601 twice: keep one"),
    (NL_ASN, '    asn: ["1-100", "50-60"]', 9, "site 'nl' names AS 50 to 60 twice: keep one"),
    (VIPS, "    vips: [192.0.2.1, 192.0.2.1]", 6, "192.0.2.1 stands in this list twice"),
    (VIPS, '    vips: ["::1", "0:0::1"]', 6, "::1 stands in this list twice"),
    (VIPS, "", 4, "sites.au: site 'au' has no address: write vips: [192.0.2.1]"),
    (VIPS, "    vips: []", 6, "site 'au' has no address"),
    (SITES, "    sites: [nl, ln]", 13, "there is no site 'ln': did you mean 'nl'?"),
    (SITES, "    sites: [nl, nl]", 13, "'nl' stands in this list twice"),
    (SITES, "    sites: [au]", 14, "service 'api' does not run at 'nl': add it to its 'sites'"),
    (OWN, '    vips: {ln: ["::1"]}', 14, "there is no site 'ln': did you mean 'nl'?"),
    (OWN, '    vips: {nl: ["::1", "::1"]}', 14, "::1 stands in this list twice"),
    (
        STEER,
        "    steer: {www: apj}",
        23,
        "there is no service 'apj': did you mean 'api'? the services",
    ),
    (STEER, "    steer: ['@', '@']", 23, "www.example.org. is steered twice"),
    (STEER, "    steer: ['@', 'WWW.example.org.']", 23, "www.example.org. is steered twice"),
    (NS, "    ns: [a.b, A.B.]", 22, "a.b. stands in this list twice"),
    (NS, "", 18, "the zone needs 'ns' with its name servers, or a 'file'"),
    ("ssrs:", "  WWW.Example.ORG.: {file: x}\nssrs:", 24, "www.example.org. is configured twice"),
    ("ssrs:", "  WWW.Example.ORG.: {file: x}\nssrs:", 24, "(the other stands on line 18)"),
    (
        SSRS,
        '  listen: "127.0.0.1:5300"',
        25,
        "127.0.0.1:5300 is taken already by 127.0.0.1:5300 of",
    ),
    (SSRS, '  listen: "127.0.0.1:5300"', 25, "server.listen: use another port"),
    (LISTEN, '  listen: ["0.0.0.0:53", "127.0.0.1:53"]', 2, "is taken already by 0.0.0.0:53"),
    (LISTEN, '  listen:\n  - "[::1]:53"\n  - "[::]:53"', 4, "[::]:53 is taken already by [::1]:53"),
    (LISTEN, '  listen: ["[::1]:53", "[0::1]:53"]', 2, "[::1]:53 is taken already by [::1]:53"),
    (SSRS, '  listen: "0.0.0.0:7777"', 25, "can be reached from elsewhere and lets everybody in"),
    (SSRS, '  listen: "[2001:db8::1]:7777"', 25, "or write open: true if that is meant"),
]


@pytest.mark.parametrize(("old", "new", "line", "fragment"), NAMES_AND_TYPES + REFERENCES)
def test_one_fault_is_one_problem_at_its_line(
    refusals: Refusals,
    old: str,
    new: str,
    line: int,
    fragment: str,
) -> None:
    assert 1 == GOOD.count(f"{old}\n")
    found = refusals(GOOD.replace(f"{old}\n", f"{new}\n"))
    assert [line] == [number for number, _ in found]
    assert fragment in found[0][1]


@pytest.mark.parametrize(
    ("text", "line", "fragment"),
    [
        ("server: {}\n", 1, "there is nothing to serve: configure 'zones', or 'ssrs'"),
        ("# first\nsites: {au: {vips: [192.0.2.1]}}\n", 2, "there is nothing to serve"),
        ("server: {}\nzones: {a.org: {file: a, steer: []}}\n", 2, "zones need at least one site"),
        ("ssrs: {}\nself: au\n", 2, "there is no site 'au': no sites are configured"),
        (
            "ssrs: {}\nservices: {api: {}}\n",
            2,
            "services.api: service 'api' has no address at any site: write vips",
        ),
    ],
)
def test_what_is_missing_as_a_whole_is_said(
    refusals: Refusals, text: str, line: int, fragment: str
) -> None:
    found = refusals(text)
    assert [line] == [number for number, _ in found]
    assert fragment in found[0][1]


def test_a_password_is_never_repeated_in_a_message(refusals: Refusals) -> None:
    for secret in ("12345", "geheimé", "[geheim]"):
        ((line, what),) = refusals(f"ssrs:\n  password: {secret}\n")
        assert 2 == line
        assert secret.strip("[]") not in what


def test_sites_without_addresses_leave_no_default_service_to_steer_to(refusals: Refusals) -> None:
    text = GOOD.replace(VIPS + "\n", "").replace('    vips: [192.0.2.2, "2001:db8::2"]\n', "")
    no_service = "the default service has no address at any site: write vips at a site"
    assert [
        (4, "sites.au: site 'au' has no address: write vips: [192.0.2.1], or leave it out"),
        (21, f'zones."www.example.org".steer: {no_service}'),
    ] == refusals(text)


def test_everything_is_reported_at_once_and_in_the_order_of_the_file(refusals: Refusals) -> None:
    found = refusals(
        """\
server: {listen: ["127.0.0.1:5300", "x"], workers: 0}
self: nowhere
sites:
  au: {asn: [64600, 1.10], vips: [192.0.2.1], fallback: [ln]}
  nl: {asn: [64600], vips: [192.0.2.2, 192.0.2.2]}
  nl: {}
services:
  api: {sites: [au], ttl: x, vips: {nl: [192.0.2.3]}}
routes:
  - {fle: x}
zones:
  a.org: {steer: {"@": ap}, ttl: -1}
ssrs: {listen: "127.0.0.1:5300", opne: true}
"""
    )
    assert [1, 1, 2, 4, 4, 5, 5, 6, 8, 8, 10, 10, 12, 12, 12, 12, 13, 13] == [
        line for line, _ in found
    ]


def test_what_rests_on_a_refused_part_is_not_reported(refusals: Refusals) -> None:
    text = """\
self: nl
sites:
  au: {vips: [192.0.2.1], fallback: [nl]}
  nl: 5
services:
  api: 5
zones:
  a.org: {file: a, steer: {"@": api, www: default}}
  b.org: {soa: {mname: ns1.b.org.}, ns: [ns]}
ssrs: {listen: "0.0.0.0:1", password: 5}
"""
    assert [4, 6, 9, 9, 10] == [line for line, _ in refusals(text)]


PIECES = st.one_of(
    st.sampled_from(
        ["", ":", ": ", "- ", "[", "]", "{", "}", '"', "'", "\n", "  ", "&a ", "*a", "!!", "#"]
    ),
    st.sampled_from(
        ["null", "true", "1", "-1", "1.10", "@", "x", "..", "[[]]", "{a: {}}", "\\", "\t"]
    ),
    st.text(max_size=3),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 9), PIECES), min_size=1))
def test_whatever_is_written_is_accepted_or_refused_with_a_line(
    edits: list[tuple[int, int, str]],
) -> None:
    text = GOOD
    for at, cut, piece in edits:
        text = text[:at] + piece + text[at + cut :]
    problems: tuple[Problem, ...] = ()
    try:
        parse_config(text, "f")
    except InputError as error:
        problems = error.problems
    assert [] == [problem for problem in problems if problem.line is None]
