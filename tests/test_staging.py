"""A view built from files, or everything that is wrong with any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from running import SITES, TABLE, ZONE_FILE, ZONES, Home

from sparrow.dns.answer import find_answer
from sparrow.dns.cookie import SECRET_SIZE
from sparrow.dns.rrset import Rcode, RRType
from sparrow.errors import InputError, Problem
from sparrow.staging import Staging, stage
from sparrow.values.address import parse_address
from sparrow.values.name import parse_name

if TYPE_CHECKING:
    from pathlib import Path

    from sparrow.config.model import Config
    from sparrow.dns.answer import Answer


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, 5300)


def refusal(home: Home) -> list[tuple[str, int | None]]:
    """Give the places that staging blames, in order."""
    with pytest.raises(InputError) as refused:
        stage(Staging(str(home.config)))
    return [
        ((problem.file or "").removeprefix(f"{home.path}/"), problem.line)
        for problem in refused.value.problems
    ]


def test_a_view_holds_all_that_was_configured(home: Home) -> None:
    view = stage(Staging(str(home.config), serial=7)).view
    assert (7, str(home.config), 5, 2) == (
        view.serial,
        view.config_path,
        len(view.tables.snapshot.v4),
        len(view.tables.snapshot.v6),
    )
    zones = view.authority.zones.zones
    assert [parse_name("www.example.org"), parse_name("api.example.org")] == list(zones)
    assert {"default", "api"} == set(view.authority.steering.services)  # type: ignore[union-attr]
    assert view.loaded_at_s <= view.published_at_s


def test_cookie_secrets_come_from_whoever_stages(home: Home) -> None:
    def give(config: Config) -> tuple[bytes, ...]:
        assert ["nl"] == [config.self_site]
        return (bytes(SECRET_SIZE),)

    assert () == stage(Staging(str(home.config))).view.authority.identity.cookie_secrets
    view = stage(Staging(str(home.config), give)).view
    assert (bytes(SECRET_SIZE),) == view.authority.identity.cookie_secrets


def test_warnings_of_configuration_zones_and_tables_are_all_told(home: Home) -> None:
    home.write("table.routes", TABLE + "20.0.0.1/8 64600\n")
    soa = "@ SOA a. b. 1 2 3 4 5\n@ NS a.\n"
    home.write("api.zone", soa)
    home.configure(zones="zones:\n  api.example.org: {file: api.zone, steer: {'@': api}}\n")
    files = [problem.file for problem in stage(Staging(str(home.config))).warnings]
    names = [(file or "").removeprefix(f"{home.path}/") for file in files]
    assert ["sparrow.yaml", "api.zone", "table.routes", "table.routes"] == names


def test_without_routes_every_address_belongs_to_self(home: Home) -> None:
    home.configure(files=())
    view = stage(Staging(str(home.config))).view
    assert (0, 0) == (len(view.tables.snapshot.v4), len(view.tables.snapshot.v6))


def test_a_bad_configuration_is_all_that_is_said(home: Home) -> None:
    home.write("table.routes", "x\n")
    home.configure(sites=SITES.replace("[nl]}", "[x]}"))
    assert [("sparrow.yaml", 4)] == refusal(home)


def test_tables_secrets_and_every_zone_are_said_at_once(home: Home) -> None:
    home.configure(
        files=["table.routes", "none.routes"],
        zones=ZONES.replace("    steer: {", "    file: api.zone\n    steer: {"),
    )
    home.write("table.routes", TABLE + "x 1\n")
    home.write("www.zone", ZONE_FILE + "x A y\n")
    home.write("api.zone", "$TTL 1\n@ A 192.0.2.1\n")

    def refuse(_: Config) -> tuple[bytes, ...]:
        raise InputError([Problem("no", f"{home.path}/secret", 3)])

    with pytest.raises(InputError) as refused:
        stage(Staging(str(home.config), refuse))
    places = [
        ((problem.file or "").removeprefix(f"{home.path}/"), problem.line)
        for problem in refused.value.problems
    ]
    expected = [("table.routes", 9), ("none.routes", None), ("secret", 3)]
    assert [*expected, ("www.zone", 5), ("api.zone", 2)] == places


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (ZONE_FILE + "x.cdn 600 A 192.0.2.1\n*.cdn A 192.0.2.1\n", 6),
        (ZONE_FILE + "@ AAAA ::1\n", 5),
        (ZONE_FILE + "*.cdn CNAME x\n", 5),
        (ZONE_FILE + "@ SOA a. b. 1 2 3 4 5\n", 5),
    ],
)
def test_a_zone_file_that_contradicts_the_configuration_is_blamed(
    home: Home, text: str, line: int
) -> None:
    home.write("www.zone", text)
    assert ("www.zone", line) in refusal(home)


def test_soa_and_ns_may_come_from_the_file(home: Home) -> None:
    zone = "zones:\n  www.example.org: {file: www.zone}\n"
    home.configure(zones=zone)
    assert [("sparrow.yaml", 12)] * 2 == refusal(home)
    home.write("www.zone", "$TTL 60\n@ SOA a. b. 42 2 3 4 5\n@ NS a.\n" + ZONE_FILE)
    (found,) = stage(Staging(str(home.config))).view.authority.zones.zones.values()
    assert 42 == int.from_bytes(found.soa.rdatas[0][-20:-16], "big")


def test_debug_names_are_answered_by_their_site_whoever_asks(home: Home) -> None:
    home.configure(
        zones=ZONES.replace("    ttl: 7\n", "    debug_names: true\n    result_count: 1\n")
    )
    authority = stage(Staging(str(home.config))).view.authority

    def found(text: str, rtype: int) -> Answer:
        return find_answer(authority.zones, parse_name(text), rtype)

    (vips,) = found("site-us.www.example.org", RRType.A).answer
    assert (30, (parse_address("198.51.100.1"),)) == (vips.ttl, vips.rdatas)
    (vips,) = found("site-au.www.example.org", RRType.AAAA).answer
    assert (parse_address("2001:db8:a::1"),) == vips.rdatas
    assert () == found("site-nl.www.example.org", RRType.AAAA).answer
    assert Rcode.NXDOMAIN == found("site-xx.www.example.org", RRType.A).rcode
    assert Rcode.NXDOMAIN == found("site-nl.api.example.org", RRType.A).rcode


def test_a_zone_inside_one_that_does_not_delegate_it_is_warned_about(home: Home) -> None:
    inner = ZONES.replace("  api.example.org:", "  in.www.example.org:")
    home.configure(zones=inner)
    (warning,) = stage(Staging(str(home.config))).warnings[-1:]
    assert "lies inside www.example.org., which has no NS records for it" in warning.what
    home.write("www.zone", ZONE_FILE + "in NS ns.example.org.\n")
    assert not [w for w in stage(Staging(str(home.config))).warnings if "lies inside" in w.what]
