"""What a configuration that is right is read into."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from sparrow.config.fields import Endpoint
from sparrow.config.load import LoadedConfig
from sparrow.values.address import parse_address
from sparrow.values.asn import AsnRange
from sparrow.values.name import parse_name

Load = Callable[[str], LoadedConfig]


def test_a_route_daemon_alone_has_every_default(load: Load) -> None:
    config = load("ssrs: {}\n").config
    assert (
        Endpoint(parse_address("127.0.0.1"), 5300),
        Endpoint(parse_address("::1"), 5300),
    ) == config.server.listen
    server = config.server
    assert (None,) * 7 == (
        server.workers,
        server.nsid,
        server.version,
        server.run_dir,
        server.state_dir,
        server.user,
        server.cookie_secret,
    )
    assert (1000, 100, 10) == (server.tcp.connections, server.tcp.per_address, server.tcp.idle_s)
    assert (None, (), (), (), ()) == (
        config.self_site,
        config.sites,
        config.services,
        config.routes,
        config.zones,
    )
    ssrs = config.ssrs
    assert ssrs is not None
    assert "127.0.0.1:7777" == str(ssrs.listen)
    assert (None, False, None, 600, 64) == (
        ssrs.password,
        ssrs.open,
        ssrs.hostname,
        ssrs.idle_s,
        ssrs.connections,
    )


def test_sites_hold_parsed_values_in_the_order_of_the_file(load: Load, minimal: str) -> None:
    config = load(minimal).config
    assert ["au", "nl"] == [site.name for site in config.sites]
    assert (AsnRange(64600, 64600), AsnRange(131072, 132095)) == config.sites[0].asn
    assert (parse_address("192.0.2.1"),) == config.sites[0].vips
    assert ("nl",) == config.sites[0].fallback
    assert "au" == config.self_site


@pytest.mark.parametrize(
    ("text", "asns"),
    [
        ("64600", (64600, 64600)),
        ("AS64600", (64600, 64600)),
        ("as1.10", (65546, 65546)),
        ('"1.10"', (65546, 65546)),
        ("1.0-1.10", (65536, 65546)),
        ("0", (0, 0)),
        ("4294967295", (4294967295, 4294967295)),
        ("64500-64600", (64500, 64600)),
    ],
)
def test_an_as_number_is_read_in_every_form(
    load: Load, minimal: str, text: str, asns: tuple[int, int]
) -> None:
    config = load(minimal.replace('[64600, "131072-132095"]', f"[{text}]")).config
    assert (AsnRange(*asns),) == config.sites[0].asn


def test_a_zone_has_the_defaults_of_the_contract(load: Load, minimal: str) -> None:
    (zone,) = load(minimal).config.zones
    origin = parse_name("www.example.org.")
    assert origin == zone.name
    assert zone.soa is not None
    assert parse_name("ns1.example.org.") == zone.soa.mname
    assert parse_name("hostmaster.example.org.") == zone.soa.rname
    assert (1, 28800, 7200, 604800, 300, 300) == (
        zone.soa.serial,
        zone.soa.refresh,
        zone.soa.retry,
        zone.soa.expire,
        zone.soa.minimum,
        zone.soa.ttl,
    )
    assert (parse_name("ns1.example.org."), parse_name("ns2.example.org.")) == zone.ns
    assert (7, 60, None, None) == (zone.ttl, zone.ns_ttl, zone.file, zone.result_count)
    assert [(origin, "default")] == [(steer.name, steer.service) for steer in zone.steer]


@pytest.mark.parametrize(("extra", "ttl"), [("", 300), (", minimum: 5", 5), (", ttl: 9", 9)])
def test_the_ttl_of_the_soa_record_is_its_minimum_unless_configured(
    load: Load, minimal: str, extra: str, ttl: int
) -> None:
    config = load(minimal.replace("hostmaster@example.org", f"hostmaster@example.org{extra}"))
    soa = config.config.zones[0].soa
    assert soa is not None
    assert ttl == soa.ttl


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hostmaster@example.org", "hostmaster.example.org."),
        ("hostmaster.example.org.", "hostmaster.example.org."),
        ("jan.de.vries@example.org", r"jan\.de\.vries.example.org."),
        (r"jan\.de.vries@example.org", r"jan\.de\.vries.example.org."),
        (r"a\@b.example.org.", r"a\064b.example.org."),
        (r"jan\.de\.vries.example.org.", r"jan\.de\.vries.example.org."),
    ],
)
def test_a_mailbox_is_read_in_both_forms(load: Load, minimal: str, text: str, name: str) -> None:
    soa = load(minimal.replace("hostmaster@example.org", text)).config.zones[0].soa
    assert soa is not None
    assert parse_name(name) == soa.rname


@pytest.mark.parametrize(
    ("text", "steered"),
    [
        ('["@", "*.cdn"]', {"www.example.org.": "default", "*.cdn.www.example.org.": "default"}),
        (
            '{"@": default, api: api}',
            {"www.example.org.": "default", "api.www.example.org.": "api"},
        ),
        ("[WWW.Example.ORG.]", {"www.example.org.": "default"}),
        ("[]", {}),
        ("{}", {}),
    ],
)
def test_steered_names_are_completed_with_the_zone(
    load: Load, minimal: str, text: str, steered: dict[str, str]
) -> None:
    config = load(minimal + f"    steer: {text}\nservices: {{api: {{}}}}\n").config
    assert [(parse_name(name), service) for name, service in steered.items()] == [
        (steer.name, steer.service) for steer in config.zones[0].steer
    ]


def test_soa_and_ns_may_be_left_to_the_zone_file(load: Load) -> None:
    text = "sites: {au: {vips: [192.0.2.1]}}\nzones: {a.org: {file: z/a.zone}}\n"
    (zone,) = load(text).config.zones
    assert (None, (), "/etc/x/z/a.zone") == (zone.soa, zone.ns, zone.file)


def test_paths_start_at_the_folder_of_the_configuration(load: Load) -> None:
    config = load("ssrs: {}\nroutes: [{file: a}, {file: ../b}, {file: /c/./d}]\n").config
    assert ["/etc/x/a", "/etc/b", "/c/d"] == [route.file for route in config.routes]


def test_the_default_service_runs_at_every_site_that_has_addresses(load: Load) -> None:
    config = load(
        """\
sites: {a: {vips: [192.0.2.1]}, b: {}, c: {vips: ["::1"]}}
services:
  api: {sites: [b, a], vips: {b: [192.0.2.9]}, ttl: 5}
  all: {vips: {b: [192.0.2.8]}}
ssrs: {}
"""
    ).config
    assert [
        ("default", ("a", "c"), None),
        ("api", ("b", "a"), 5),
        ("all", ("a", "b", "c"), None),
    ] == [(service.name, service.sites, service.ttl) for service in config.services]
    _, api, everywhere = config.services
    assert (parse_address("192.0.2.9"),) == config.vips_of(api, "b")
    assert (parse_address("192.0.2.1"),) == config.vips_of(api, "a")
    assert (parse_address("::1"),) == config.vips_of(everywhere, "c")


def test_a_service_called_default_takes_the_place_of_the_implicit_one(
    load: Load, minimal: str
) -> None:
    config = load(minimal + "services: {api: {}, default: {sites: [nl]}}\n").config
    assert [("api", ("au", "nl")), ("default", ("nl",))] == [
        (service.name, service.sites) for service in config.services
    ]


def test_the_order_of_sites_makes_a_different_configuration(load: Load) -> None:
    one = load("ssrs: {}\nsites: {a: {vips: [192.0.2.1]}, b: {vips: [192.0.2.2]}}\n").config
    two = load("ssrs: {}\nsites: {b: {vips: [192.0.2.2]}, a: {vips: [192.0.2.1]}}\n").config
    assert one.sites != two.sites
    assert one != two


def test_listeners_that_do_not_meet_are_accepted(load: Load, minimal: str) -> None:
    listen = '"0.0.0.0:53", "[::]:53", "127.0.0.1:54", "[::1]:54", "192.0.2.1:54"'
    config = load(minimal + f"server: {{listen: [{listen}]}}\nssrs: {{}}\n").config
    assert 5 == len(config.server.listen)


def test_without_zones_the_dns_listeners_are_in_nobodys_way(load: Load) -> None:
    config = load('ssrs: {listen: "127.0.0.1:5300"}\n').config
    assert config.ssrs is not None
    assert 5300 == config.ssrs.listen.port


@pytest.mark.parametrize(
    "ssrs",
    [
        '{listen: "0.0.0.0:7777", open: true}',
        '{listen: "0.0.0.0:7777", password: geheim}',
        '{listen: "127.9.9.9:7777"}',
        '{listen: "[::1]:7777"}',
    ],
)
def test_a_route_port_that_is_guarded_or_meant_to_be_open_is_accepted(
    load: Load, ssrs: str
) -> None:
    assert load(f"ssrs: {ssrs}\n").config.ssrs is not None


def test_a_configuration_does_not_change_and_does_not_show_its_password(load: Load) -> None:
    config = load("ssrs: {password: geheim}\n").config
    with pytest.raises(ValidationError):
        config.self_site = "x"  # type: ignore[misc]
    assert "geheim" not in repr(config)
