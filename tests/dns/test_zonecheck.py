"""Every rule of a zone: what it finds, and the line that it blames."""

from __future__ import annotations

import struct

import pytest

from sparrow.dns.rrset import RRset, RRType
from sparrow.dns.zone import Node, Steer
from sparrow.dns.zonecheck import BuiltZone, ZoneSource, build_zone
from sparrow.dns.zonefile import parse_zone
from sparrow.errors import MAX_PROBLEMS, InputError
from sparrow.values.name import Name, encode_name, parse_name

ORIGIN = parse_name("example.org.")
HEAD = "$TTL 1h\n@ SOA ns.example.net. host 1 2 3 4 300\n@ NS ns.example.net.\n"
FIRST = 4
"""Line behind HEAD."""
STEER = Steer("web", 7)


def name_of(text: str) -> Name:
    return parse_name(text, ORIGIN)


def build(text: str, *steered: str, soa: RRset | None = None, ns: RRset | None = None) -> BuiltZone:
    """Build a zone that config:9 declares and whose steered names stand at config:20 and on."""
    names = [name_of(each) for each in steered]
    records = parse_zone(text, ORIGIN, "z", str).records
    return build_zone(
        ZoneSource(
            ORIGIN,
            records,
            ("config", 9),
            soa=soa,
            ns=ns,
            steers=dict.fromkeys(names, STEER),
            steer_lines={name: ("config", 20 + place) for place, name in enumerate(names)},
        )
    )


def errors_of(text: str, *steered: str, soa: RRset | None = None, ns: RRset | None = None) -> str:
    with pytest.raises(InputError) as caught:
        build(text, *steered, soa=soa, ns=ns)
    return str(caught.value)


def soa_of(mname: str, serial: int = 1) -> RRset:
    numbers = struct.pack("!5I", serial, 2, 3, 4, 300)
    rdata = encode_name(name_of(mname)) + encode_name(name_of("host")) + numbers
    return RRset(ORIGIN, RRType.SOA, 60, (rdata,))


def ns_of(*targets: str) -> RRset:
    return RRset(ORIGIN, RRType.NS, 60, tuple(encode_name(name_of(each)) for each in targets))


# What is made


def test_a_zone_is_a_tree_of_its_records_and_steered_names() -> None:
    text = f"{HEAD}a.b 5 A 192.0.2.2\na.b 5 A 192.0.2.1\na.b TXT x\n"
    built = build(text, "a.b.c", "@")
    a_b, c = name_of("a.b"), name_of("a.b.c")
    assert () == built.warnings
    assert {ORIGIN, name_of("b"), a_b, name_of("b.c"), name_of("c"), c} == set(built.zone.nodes)
    rrsets = {
        RRType.A: RRset(a_b, RRType.A, 5, (bytes((192, 0, 2, 2)), bytes((192, 0, 2, 1)))),
        RRType.TXT: RRset(a_b, RRType.TXT, 3600, (b"\x01x",)),
    }
    assert Node(a_b, rrsets) == built.zone.nodes[a_b]
    assert Node(c, {}, STEER) == built.zone.nodes[c]
    assert Node(name_of("c")) == built.zone.nodes[name_of("c")]
    assert STEER == built.zone.apex.steer
    assert {RRType.SOA, RRType.NS} == set(built.zone.apex.rrsets)


def test_soa_and_ns_may_come_from_the_config() -> None:
    soa, ns = soa_of("ns.example.net."), ns_of("ns.example.net.")
    built = build("", soa=soa, ns=ns)
    assert () == built.warnings
    assert {RRType.SOA: soa, RRType.NS: ns} == built.zone.apex.rrsets


def test_soa_and_ns_may_stand_in_config_and_file_alike() -> None:
    built = build(HEAD, soa=soa_of("NS.example.net."), ns=ns_of("ns.example.net."))
    assert 3600 == built.zone.soa.ttl


# Errors

IS_SECOND = "example.org. SOA is a second SOA, the first is z:2: keep one of them"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a.example.net. A 192.0.2.1", "a.example.net. A is outside the zone example.org.: take "),
        ("org. A 192.0.2.1", "org. A is outside the zone example.org."),
        ("@ SOA ns.example.net. host 2 2 3 4 300", IS_SECOND),
        ("a SOA ns host 1 2 3 4 5", "a.example.org. SOA is below the apex: only example.org. can"),
        (
            "a CNAME b\na CNAME c",
            "+1 a.example.org. CNAME is a second CNAME, the first is z:4: keep one of them",
        ),
        ("a CNAME b\na A 192.0.2.1", "+1 a.example.org. A is beside a.example.org. CNAME (z:4): a"),
        ("a A 192.0.2.1\na CNAME b", "+1 a.example.org. CNAME is beside a.example.org. A (z:4): a"),
        ("@ CNAME b.example.net.", "example.org. CNAME is beside example.org. SOA (z:2): a name "),
        ("a CNAME b\na DNAME b", "+1 a.example.org. DNAME is beside a.example.org. CNAME (z:4)"),
        ("a DNAME b\na DNAME c", "+1 a.example.org. DNAME is a second DNAME, the first is z:4: "),
        ("a DNAME b\nc.b.a TXT x", "+1 c.b.a.example.org. TXT is below a.example.org. DNAME (z:4)"),
        ("a TXT x\n@ DNAME b.example.net.", "a.example.org. TXT is below example.org. DNAME (z:5)"),
        (
            "a DNAME b\na NS ns.example.net.",
            "a.example.org. DNAME is at a delegation (z:5): only an apex has both",
        ),
        ("@ DS 1 8 2 " + "0" * 64, "example.org. DS is at the apex: it belongs in the parent zone"),
        ("a DS 1 8 2 " + "0" * 64, "a.example.org. DS is at a name without NS: DS belongs to a "),
        ("*.a NS ns.example.net.", "*.a.example.org. NS is at a wildcard: write the names out"),
        ("* DNAME b.example.net.", "*.example.org. DNAME is at a wildcard"),
        (
            f"$GENERATE 0-255 a TXT ${{0,5}}{'x' * 250}",
            "a.example.org. TXT has 256 records, 68639 octets in a message: at most 65535 can be ",
        ),
    ],
)
def test_an_error_blames_the_later_record_and_names_the_first(text: str, error: str) -> None:
    offset, what = (1, error[3:]) if error.startswith("+1 ") else (0, error)
    expected = f"z:{FIRST + offset}: {what}"
    assert expected == errors_of(f"{HEAD}{text}\n")[: len(expected)]


@pytest.mark.parametrize(
    ("text", "steered", "error"),
    [
        ("a A 192.0.2.1", "a", "z:4: a.example.org. A is at a steered name (config:20), whose "),
        ("a AAAA ::1", "a", "z:4: a.example.org. AAAA is at a steered name (config:20)"),
        ("a CNAME b", "a", "z:4: a.example.org. CNAME is at a steered name (config:20)"),
        ("a DNAME b", "a", "z:4: a.example.org. DNAME is at a steered name (config:20)"),
        ("*.a A 192.0.2.1", "*.a", "z:4: *.a.example.org. A is at a steered name (config:20)"),
        (
            "a NS ns.example.net.",
            "a",
            "config:20: the steered name a.example.org. is at or below a.example.org. NS (z:4)",
        ),
        (
            "a NS ns.example.net.",
            "*.b.a",
            "config:20: the steered name *.b.a.example.org. is at or below a.example.org. NS (z:4)",
        ),
        (
            "a DNAME b",
            "b.a",
            "config:20: the steered name b.a.example.org. is at or below a.example.org. DNAME (z:4",
        ),
        (
            "",
            "www.example.net.",
            "config:20: the steered name www.example.net. is outside the zone example.org.",
        ),
    ],
)
def test_an_error_at_a_steered_name(text: str, steered: str, error: str) -> None:
    assert error == errors_of(f"{HEAD}{text}\n", steered)[: len(error)]


def test_a_steered_name_without_a_line_is_blamed_on_the_zone() -> None:
    with pytest.raises(InputError) as caught:
        build_zone(ZoneSource(ORIGIN, (), ("config", 9), steers={name_of("a."): STEER}))
    (problem,) = (each for each in caught.value.problems if "steered" in each.what)
    assert ("config", 9) == (problem.file, problem.line)


def test_a_zone_without_soa_and_ns_is_blamed_on_the_config() -> None:
    soa, ns = "soa in the config, or a SOA record", "ns in the config, or NS records at its apex"
    assert [
        f"config:9: the zone example.org. has no SOA: give it {soa} in the zone file",
        f"config:9: the zone example.org. has no NS: give it {ns} in the zone file",
    ] == errors_of("$TTL 1\na NS ns.example.net.\n").split("\n")


def test_soa_and_ns_that_differ_from_the_config_are_refused() -> None:
    soa, ns = soa_of("ns.example.net.", serial=2), ns_of("ns.example.net.", "ns2.example.net.")
    what = "in the config at config:9: remove these records, or"
    assert [
        f"z:2: example.org. SOA differs from soa {what} soa from the config",
        f"z:3: example.org. NS differs from ns {what} ns from the config",
    ] == errors_of(HEAD, soa=soa, ns=ns).split("\n")


def test_every_error_is_reported_at_once() -> None:
    lines = ["a.example.net. TXT x", "a CNAME b", "a TXT x", "@ DS 1 8 2 " + "0" * 64]
    errors = errors_of(HEAD + "\n".join(lines)).split("\n")
    assert ["z:4", "z:6", "z:7"] == [error.split(": ")[0] for error in errors]


def test_of_one_kind_the_first_errors_are_shown_and_the_rest_counted() -> None:
    text = HEAD + "a.example.net. TXT x\n" + "\n".join(f"b{n}. TXT x" for n in range(MAX_PROBLEMS))
    errors = errors_of(f"{text}\na CNAME b\na TXT x\n").split("\n")
    assert MAX_PROBLEMS + 2 == len(errors)
    assert "z: and 1 more like these" == errors[MAX_PROBLEMS]


@pytest.mark.parametrize(
    "text",
    [
        "a DNAME b.example.net.\na A 192.0.2.1",
        "@ DNAME b.example.net.",
        "sub NS ns.example.net.\nsub DS 1 8 2 " + "0" * 64,
        "*.a CNAME b",
        "a.*.b A 192.0.2.1",
        "a MX 0 .\na SRV 0 0 0 .",
        "sub NS ns.sub\nns.sub A 192.0.2.1",
        "sub NS sub\nsub A 192.0.2.1",
        "sub NS ns.other\nother NS ns.other\nns.other AAAA ::1",
        "@ NS ns.w\n*.w A 192.0.2.1",
        "a MX 10 b\nb A 192.0.2.1",
        'a HTTPS 1 . ipv4hint=192.0.2.1 alpn="h2"\na A 192.0.2.1',
        "a MX 1 b\na MX 97 b\na MX 65 b\nb A 192.0.2.1",
    ],
)
def test_nothing_is_said_about_what_the_standards_allow(text: str) -> None:
    assert () == build(f"{HEAD}{text}\n").warnings


# Warnings

NO_GLUE = "sub.example.org. NS is a delegation without glue: all its servers are inside it and "


@pytest.mark.parametrize(
    ("text", "line", "warning"),
    [
        (
            "a A 192.0.2.1\na A 192.0.2.1\na A 192.0.2.1",
            5,
            "2 records dropped that a line above has too; the first is a.example.org. A",
        ),
        (
            "a MX 10 B.example.net.\na 5 MX 10 b.Example.net.",
            5,
            "1 record dropped that a line above has too; the first is a.example.org. MX",
        ),
        (
            "a A 192.0.2.1\na 5 A 192.0.2.2\na 6 A 192.0.2.3",
            5,
            "1 set of records with different TTLs: the lowest is used; the first is a.example.org.",
        ),
        ("a MX 10 b\nb CNAME c", 4, "a.example.org. MX names b.example.org., an alias: write the "),
        ("a SRV 1 2 3 b\nb CNAME c", 4, "a.example.org. SRV names b.example.org., an alias"),
        ("@ NS b\nb CNAME c", 4, "example.org. NS names b.example.org., an alias"),
        ("a MX 10 b.d\nd DNAME c", 4, "a.example.org. MX names b.d.example.org., an alias"),
        ("a MX 10 b.w\n*.w CNAME c", 4, "a.example.org. MX names b.w.example.org., an alias"),
        (
            "@ NS ns",
            4,
            "example.org. NS names ns.example.org., which has no address in the zone: missing glue",
        ),
        ("@ NS ns\nns TXT x", 4, "example.org. NS names ns.example.org., which has no address"),
        ("@ NS ns.sub\nsub NS ns.example.net.", 4, "example.org. NS names ns.sub.example.org., "),
        ("sub NS ns.sub", 4, NO_GLUE),
        ("sub NS ns1.sub\nsub NS ns2.sub", 4, NO_GLUE),
        (
            "sub NS ns1.sub\nsub NS ns2.sub\nns1.sub A 192.0.2.1",
            5,
            "sub.example.org. NS names ns2.sub.example.org., which has no address in the zone: mis",
        ),
        (
            "sub NS ns.example.net.\nsub TXT x\na.sub A 192.0.2.1\na.sub NS ns.example.net.",
            5,
            "3 records at or below a delegation that nobody will be sent; the first is sub",
        ),
    ],
)
def test_a_warning_says_where_and_why(text: str, line: int, warning: str) -> None:
    (only,) = build(f"{HEAD}{text}\n").warnings
    expected = f"z:{line}: {warning}"
    assert expected == str(only)[: len(expected)]


@pytest.mark.parametrize(
    ("text", "steered", "warning"),
    [
        (
            "@ NS a",
            "a",
            "example.org. NS names a.example.org., which is steered: steered addresses are never ",
        ),
        ("sub NS b.a", "*.a", "sub.example.org. NS names b.a.example.org., which is steered"),
        (
            "a HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1 ipv6hint=::1",
            "a",
            "a.example.org. HTTPS has ipv4hint and ipv6hint for the steered name a.example.org.: a",
        ),
        (
            "b SVCB 1 a port=8443 ipv6hint=::1",
            "a",
            "b.example.org. SVCB has ipv6hint for the steered name a.example.org.",
        ),
        ("*.a HTTPS 1 . ipv4hint=192.0.2.1", "*.a", "*.a.example.org. HTTPS has ipv4hint for the "),
    ],
)
def test_a_warning_about_a_steered_name(text: str, steered: str, warning: str) -> None:
    (only,) = build(f"{HEAD}{text}\n", steered).warnings
    expected = f"z:4: {warning}"
    assert expected == str(only)[: len(expected)]


@pytest.mark.parametrize("text", ["a HTTPS 1 . alpn=h2", "a HTTPS 0 b", "b MX 10 a", "a TXT x"])
def test_nothing_is_said_about_a_steered_name_with_other_data(text: str) -> None:
    assert () == build(f"{HEAD}{text}\n", "a").warnings


def test_a_minimum_of_more_than_a_day_is_warned_about() -> None:
    (warning,) = build(HEAD.replace("300", "86401")).warnings
    what = "example.org. SOA has a minimum of 86401 s"
    assert f"z:2: {what}" == str(warning)[: len(what) + 5]


def test_of_one_kind_the_first_warnings_are_shown_and_the_rest_counted() -> None:
    hosts = "\n".join(f"@ NS ns{number}" for number in range(MAX_PROBLEMS + 3))
    warnings = build(HEAD + hosts).warnings
    assert MAX_PROBLEMS + 1 == len(warnings)
    assert "z: and 3 more like these" == str(warnings[-1])


def test_duplicates_are_dropped_and_the_lowest_ttl_is_used() -> None:
    zone = build(f"{HEAD}a 9 A 192.0.2.2\na A 192.0.2.1\na A 192.0.2.2\n").zone
    rdatas = (bytes((192, 0, 2, 2)), bytes((192, 0, 2, 1)))
    name = name_of("a")
    assert RRset(name, RRType.A, 9, rdatas) == zone.nodes[name].rrsets[RRType.A]


@pytest.mark.parametrize("records", [100_000])
def test_a_zone_of_many_records_is_built(records: int) -> None:
    text = f"{HEAD}$GENERATE 1-{records} h$ A 192.0.2.1\n"
    assert records + 1 == len(build(text).zone.nodes)
