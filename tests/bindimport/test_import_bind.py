"""`sparrow import-bind`: from the zones of Super Sparrow's driver to a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from running import run

from sparrow.config.load import parse_config
from sparrow.values.address import parse_address, render_address

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = r"""
zone "www.worldhosting.org" { type master; database "ss --host 127.0.0.1 --route_server ssrs --password XXXX \
 --debug --peer 64600=210.18.215.100,64601=193.173.27.8 \
 --self 193.173.27.8 --port 7777 --result_count 1\
 --soa_host ns.worldhosting.org. --soa_email hostmaster.worldhosting.org.\
 --ns ns.worldhosting.org. --ns ns.au.worldhosting.org. --ttl 7 --ns_ttl 60"; };
"""  # noqa: E501 (as it was published)
EXPECTED = """\
# Made by `sparrow import-bind`.
server: {listen: ["127.0.0.1:5300"]}

self: as64601

sites:
  as64600: {asn: [64600], vips: [210.18.215.100]}
  as64601: {asn: [64601], vips: [193.173.27.8]}

routes:
  - file: /etc/ssrs.routes

zones:
  www.worldhosting.org:
    soa: {mname: ns.worldhosting.org., rname: hostmaster.worldhosting.org.}
    ns: [ns.worldhosting.org., ns.au.worldhosting.org.]
    ttl: 7
    ns_ttl: 60
    result_count: 1

ssrs:
  listen: "127.0.0.1:7777"
  password: "XXXX"
"""
STOP = "stop the route server there"
ZONE = "--soa_host ns.a. --soa_email h.a. --ns ns.a."
SERVER = "--route_server ssrs --host localhost"


def zone(name: str, words: str) -> str:
    return f'zone "{name}" {{\n    type primary;\n    database "ss {words} {ZONE}";\n}};\n'


def import_text(tmp_path: Path, text: str, *arguments: str) -> tuple[int, str, list[str]]:
    """Give exit code, configuration, and what was said, without the folder's name."""
    path = tmp_path / "named.conf"
    path.write_text(text)
    outcome = run("import-bind", path, *arguments)
    said = outcome.err.replace(f"{tmp_path}/", "").splitlines()
    return outcome.code, outcome.out, said


def test_the_example_of_the_recipe_becomes_a_configuration(tmp_path: Path) -> None:
    notes = [
        f"note: named.conf:2: sparrow answers port 7777 itself, from /etc/ssrs.routes: {STOP}",
        "note: named.conf:2: sparrow needs nothing like --debug: it is left out",
    ]
    assert (0, EXPECTED, notes) == import_text(tmp_path, RECIPE)


def test_what_is_written_passes_the_check_with_its_tables(tmp_path: Path) -> None:
    (tmp_path / "some.routes").write_text("127.0.0.0/9 64600\n")
    target = tmp_path / "sparrow.yaml"
    routes = str(tmp_path / "some.routes")
    code, out, said = import_text(tmp_path, RECIPE, "-o", str(target), "--routes", routes)
    assert (0, "") == (code, out)
    assert "sparrow.yaml: zones: 1; try it with `sparrow check -c" in said[-1]
    checked = run("check", "-c", target)
    assert (0, True) == (checked.code, "good. 1 zones, 1 IPv4" in checked.err), checked.err


def read_zones(tmp_path: Path, *zones: str, more: tuple[str, ...] = ()) -> tuple[str, list[str]]:
    code, out, said = import_text(tmp_path, "".join(zones), *more)
    assert 0 == code, said
    return out, said


def addresses_by_zone(text: str) -> dict[str, dict[str, list[str]]]:
    """Give for each zone of a configuration the sites that it has, and their addresses."""
    config = parse_config(text, "sparrow.yaml").config
    sites = {site.name: list(site.vips) for site in config.sites}
    services = {service.name: service for service in config.services}
    found = {}
    for each in config.zones:
        service = services.get(each.steer[0].service)
        own = {each.site: each.vips for each in service.vips} if service else {}
        names = (service.sites if service else None) or sites
        found[each.name] = {name: list(own.get(name, sites[name])) for name in names}
    return {
        str(name): {site: list(map(render_address, vips)) for site, vips in places.items()}
        for name, places in found.items()
    }


def test_zones_with_other_addresses_or_peers_have_services_of_their_own(tmp_path: Path) -> None:
    text, _ = read_zones(
        tmp_path,
        zone("a.example", f"{SERVER} --peer 1=192.0.2.1,2=192.0.2.2 --self 192.0.2.1"),
        zone("b.example", f"{SERVER} --peer 1=192.0.2.11,2=192.0.2.12 --self 192.0.2.11"),
        zone("c.example", f"{SERVER} --peer 1=192.0.2.1,2=192.0.2.2 --self 192.0.2.1"),
        zone("d.example", f"{SERVER} --peer 1=192.0.2.1 --self 192.0.2.1"),
    )
    assert "self: as1\n" in text
    assert [
        {"as1": ["192.0.2.1"], "as2": ["192.0.2.2"]},
        {"as1": ["192.0.2.11"], "as2": ["192.0.2.12"]},
        {"as1": ["192.0.2.1"], "as2": ["192.0.2.2"]},
        {"as1": ["192.0.2.1"]},
    ] == list(addresses_by_zone(text).values())


def test_a_self_that_is_no_peers_address_is_a_site_of_its_own(tmp_path: Path) -> None:
    text, _ = read_zones(
        tmp_path,
        zone("a.example", f"{SERVER} --peer 1=192.0.2.1 --self 192.0.2.9"),
        zone("b.example", f"{SERVER} --peer 1=192.0.2.1 --self 192.0.2.8"),
    )
    assert "self: self\n" in text
    assert [
        {"as1": ["192.0.2.1"], "self": ["192.0.2.9"]},
        {"as1": ["192.0.2.1"], "self": ["192.0.2.8"]},
    ] == list(addresses_by_zone(text).values())


def test_services_of_zones_with_like_names_have_different_ones(tmp_path: Path) -> None:
    words = [f"{SERVER} --peer 1=192.0.2.{n} --self 192.0.2.{n}" for n in (1, 2, 3)]
    names = ("a.example", "a-b.example", "a.b-example")
    text, _ = read_zones(tmp_path, *map(zone, names, words))
    config = parse_config(text, "sparrow.yaml").config
    assert ["default", "a-b-example", "a-b-example-2"] == sorted(
        (each.name for each in config.services), key=lambda name: name != "default"
    )


def test_a_peer_that_others_have_and_a_zone_has_not_is_noted(tmp_path: Path) -> None:
    _, said = read_zones(
        tmp_path,
        zone("a.example", f"{SERVER} --peer 1=192.0.2.1,2=192.0.2.2 --self 192.0.2.1"),
        zone("b.example", f"{SERVER} --peer 1=192.0.2.1 --self 192.0.2.1"),
    )
    assert (
        "note: named.conf:5: zone b.example. has no peer at as2: where a path has that AS before "
        "one of the zone's own, sparrow answers with the site self"
    ) in said


def test_several_addresses_of_an_as_are_kept_in_order_and_a_mail_address_becomes_a_name(
    tmp_path: Path,
) -> None:
    words = f"{SERVER} --peer 1.1=192.0.2.2 --peer=AS65537=192.0.2.1 --self 192.0.2.1"
    text, _ = read_zones(tmp_path, zone("a.example", words).replace("h.a.", "first.last@a"))
    config = parse_config(text, "sparrow.yaml").config
    assert [(parse_address("192.0.2.2"), parse_address("192.0.2.1"))] == [
        site.vips for site in config.sites if site.asn
    ]
    assert r"first\\.last.a." in text


def test_zones_of_views_and_included_files_are_found_and_others_passed_over(
    tmp_path: Path,
) -> None:
    words = f"{SERVER} --peer 1=192.0.2.1 --self 192.0.2.1"
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "a.conf").write_text(zone("a.example", words))
    (tmp_path / "zones" / "b.conf").write_text(f'view "v" {{ {zone("b.example", words)} }};')
    text, _ = read_zones(
        tmp_path,
        'zone "x.example" { type primary; file "x"; };\n',
        'zone "y.example" { type primary; database "rbt"; };\n',
        'include "zones/*.conf";\n',
    )
    assert [(b"a", b"example"), (b"b", b"example")] == [
        each.name for each in parse_config(text, "sparrow.yaml").config.zones
    ]


def test_listeners_and_tables_are_those_that_are_asked_for(tmp_path: Path) -> None:
    words = "--route_server gated --host router --peer 1=192.0.2.1 --self 192.0.2.1"
    more = ("--listen", "192.0.2.53:53", "--listen", "[2001:db8::53]:53", "--routes", "/a b")
    text, said = read_zones(tmp_path, zone("a.example", words), more=more)
    assert 'server: {listen: ["192.0.2.53:53", "[2001:db8::53]:53"]}' in text
    assert '  - file: "/a b"\n' in text
    assert "ssrs:" not in text
    assert [] == said


def test_everything_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    text = """\
options { };
zone "www.example.org" { type primary; database "ss --peer 64600 --bad \\
    --self host
    --ttl 86401 --ns_ttl -1 --result_count 0\\
    --route_server ios --ns a..b word --soa_host"; };
"""
    code, out, said = import_text(tmp_path, text)
    assert (2, "") == (code, out)
    starts = [
        "named.conf:2: --peer 64600: it wants AS=ADDRESS, such as 64600=192.0.2.10",
        "named.conf:2: '--bad' is no option of Super Sparrow's driver: these are --host, --port",
        "named.conf:3: 'host' is not an IP",
        "named.conf:4: --ttl 86401: it wants a number from 0 to 86400",
        "named.conf:4: --ns_ttl -1: it wants a number from 0 to 604800",
        "named.conf:4: --result_count 0: it wants a number from 1 to 64",
        "named.conf:5: --route_server ios: it wants ssrs, zebra, gated or cisco",
        "named.conf:5: 'a..b.' is not a domain name",
        "named.conf:5: 'word' is no option of Super Sparrow's driver",
        "named.conf:5: --soa_host: nothing stands behind it",
        "named.conf:2: zone www.example.org. has no --peer, which it cannot do without",
        "named.conf:2: zone www.example.org. has no --self, which it cannot do without",
        "named.conf:2: zone www.example.org. has no --soa_host, which it cannot do without",
        "named.conf:2: zone www.example.org. has no --soa_email, which it cannot do without",
        "named.conf:2: zone www.example.org. has no --ns, which it cannot do without",
    ]
    lines = [line.removeprefix("error: ") for line in said]
    assert starts == [line[: len(start)] for line, start in zip(lines, starts, strict=True)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--route_server zebra --host 192.0.2.7", ["zebra", "192.0.2.7", None, None, 5.0]),
        (
            "--route_server gated --host r --port 616 --password a:b --timeout 60",
            ["gated", "r", 616, "a:b", 60.0],
        ),
        ("--host router.example", ["ssrs", "router.example", None, None, 5.0]),
    ],
)
def test_a_route_server_elsewhere_is_asked(
    tmp_path: Path, words: str, expected: list[object]
) -> None:
    text, said = read_zones(tmp_path, zone("a.example", f"{SS} {words}"))
    (asked,) = parse_config(text, "sparrow.yaml").config.routes
    keys = ("route_server", "host", "port", "password", "timeout_s")
    assert expected == [getattr(asked, key) for key in keys]
    assert "ssrs:" not in text
    (note,) = said
    assert note.startswith("note: named.conf:1: sparrow does not wait for the route server at ")


SS = "--peer 1=192.0.2.1 --self 192.0.2.1"


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ((), 'named.conf: no zone in it has a database "ss ..."'),
        (
            (zone("a", f"{SS} {SERVER}"), zone("b", f"{SS} {SERVER} --port 7778")),
            "named.conf:5: zone b. asks another route server than a. does",
        ),
        (
            (zone("a", f"{SS} {SERVER} --port bgpd"),),
            "named.conf:1: --port bgpd: write its number, as sparrow looks up no services",
        ),
    ],
)
def test_what_cannot_be_served_the_same_way_is_an_error(
    tmp_path: Path, zones: tuple[str, ...], expected: str
) -> None:
    code, out, said = import_text(tmp_path, "".join(zones))
    assert (2, "") == (code, out)
    assert [expected] == [line.removeprefix("error: ")[: len(expected)] for line in said]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    outcome = run("import-bind", tmp_path / "none.conf")
    assert (2, "") == (outcome.code, outcome.out)
    assert "none.conf: it cannot be read: No such file or directory" in outcome.err
