"""Places, measured times and overrides, from a file that changes to the DNS answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mmdbmaking import make_mmdb
from running import run, wait_until

from sparrow.values.moment import render_exact_moment

if TYPE_CHECKING:
    from running import Daemon, Home

SITES = """\
self: us
sites:
  au: {vips: [192.0.2.1], location: [-33.87, 151.21]}
  nl: {vips: [192.0.2.2], location: [52.37, 4.9]}
  us: {vips: [192.0.2.3], location: [40.71, -74.0]}
geo: {mmdb: places.mmdb}
ranking: {rtt: times.csv}
"""
ZONES = """\
zones:
  www.example.org:
    soa: {mname: ns.example.org., rname: hostmaster.example.org.}
    ns: [ns.example.org.]
"""
AU, NL, US = (["192.0.2.1"], ["192.0.2.2"], ["192.0.2.3"])
COUNTRIES = {"20.0.0.0/8": "NZ", "30.0.0.0/8": "DE", "40.0.0.0/8": "CA"}
NEW_ZEALAND, GERMANY, NOWHERE = "20.1.0.0/24", "30.1.0.0/24", "50.1.0.0/24"


def write_places(home: Home, countries: dict[str, str]) -> None:
    networks = {network: {"country": {"iso_code": code}} for network, code in countries.items()}
    home.write("places.mmdb", make_mmdb(networks))


def serve(home: Home, overrides: str = "") -> Daemon:
    write_places(home, COUNTRIES)
    home.write("times.csv", "203.0.113.0/24,us,1\n")
    home.configure(sites=SITES + overrides, zones=ZONES, files=())
    return home.serve()


def is_refused(daemon: Daemon) -> bool:
    reload = daemon.status()["reload"]
    return reload is not None and not reload["ok"]


def wait_for(daemon: Daemon, subnet: str, answer: list[str]) -> None:
    wait_until(
        lambda: daemon.addresses(subnet=subnet) == answer,
        lambda: f"{subnet} is not answered with {answer}:\n{daemon.log()}",
    )


def test_the_nearest_site_answers_and_answers_follow_the_database(home: Home) -> None:
    daemon = serve(home)
    answers = [daemon.addresses(subnet=each) for each in (NEW_ZEALAND, GERMANY, NOWHERE)]
    assert [AU, NL, US] == answers
    status = daemon.status()
    assert (1, 3, []) == (status["serial"], status["lore"]["depth"], status["lore"]["stale_views"])
    assert [("places", "A-Test", 8), ("rtts", "times.csv", 1)] == [
        (row["kind"], row["source"], row["entries"]) for row in status["lore"]["sources"]
    ]
    write_places(home, COUNTRIES | {"50.0.0.0/8": "FR"})
    wait_for(daemon, NOWHERE, NL)
    wait_until(lambda: daemon.status()["serial"] == 2)
    home.write("places.mmdb", b"this is none")
    daemon.wait_for("this is no database in MaxMind's format")
    assert [AU, NL, NL] == [
        daemon.addresses(subnet=each) for each in (NEW_ZEALAND, GERMANY, NOWHERE)
    ]
    assert 2 == daemon.status()["serial"]
    assert not daemon.status()["reload"]["ok"]
    write_places(home, COUNTRIES)
    wait_for(daemon, NOWHERE, US)


def test_measured_times_go_before_distance(home: Home) -> None:
    daemon = serve(home)
    assert AU == daemon.addresses(subnet=NEW_ZEALAND)
    home.write("times.csv", "20.0.0.0/8,au,150\n20.0.0.0/8,us,130\n20.0.0.0/8,nl,250\n")
    wait_for(daemon, NEW_ZEALAND, US)
    assert NL == daemon.addresses(subnet=GERMANY)


def overrides(until_s: float) -> str:
    return f"""\
overrides:
  - {{prefix: 20.1.0.0/16, site: nl, until: "{render_exact_moment(until_s)}", reason: a cut}}
  - {{prefix: 20.2.0.0/16, site: us}}
  - {{prefix: 30.1.0.0/16, site: au, until: 2026-01-31T22:00Z}}
"""


def test_an_override_goes_before_everything_and_ends_by_itself(home: Home) -> None:
    daemon = serve(home, overrides(time.time() + 3600))
    assert [NL, AU, US, NL] == [
        daemon.addresses(subnet=each)
        for each in (NEW_ZEALAND, "20.0.0.0/24", "20.2.0.0/24", GERMANY)
    ]
    assert "the override of 30.1.0.0/16 ended at 2026-01-31T22:00:00Z: remove it" in daemon.log()
    listed = [(row["clients"], row["site"]) for row in daemon.status()["lore"]["overrides"]]
    assert [("20.1.0.0/16", "nl"), ("20.2.0.0/16", "us")] == listed
    assert "override: 20.2.0.0/16 -> us\n" in run("status", "-c", home.config).out
    home.configure(sites=SITES + overrides(time.time() + 4))
    assert daemon.command("reload")["ok"]
    wait_for(daemon, NEW_ZEALAND, AU)
    assert US == daemon.addresses(subnet="20.2.0.0/24")
    wait_until(lambda: len(daemon.status()["lore"]["overrides"]) == 1)


def test_an_override_ends_and_times_are_read_although_a_table_of_routes_is_wrong(
    home: Home,
) -> None:
    write_places(home, COUNTRIES)
    home.write("times.csv", "203.0.113.0/24,us,1\n")
    home.configure(sites=SITES + overrides(time.time() + 8), zones=ZONES)
    daemon = home.serve()
    assert NL == daemon.addresses(subnet=NEW_ZEALAND)
    home.write("table.routes", "x 1\n")
    wait_until(lambda: is_refused(daemon))
    wait_for(daemon, NEW_ZEALAND, AU)
    home.write("times.csv", "20.0.0.0/8,au,150\n20.0.0.0/8,us,130\n20.0.0.0/8,nl,250\n")
    wait_for(daemon, NEW_ZEALAND, US)
    assert is_refused(daemon), "the table is as wrong as before"


def test_routes_are_read_although_a_table_of_times_is_wrong(home: Home) -> None:
    write_places(home, COUNTRIES)
    home.write("times.csv", "203.0.113.0/24,us,1\n")
    home.write("table.routes", "60.0.0.0/8 1\n")
    sites = SITES.replace("au: {", "au: {asn: [64600], ").replace("nl: {", "nl: {asn: [64601], ")
    home.configure(sites=sites, zones=ZONES, files=("table.routes",))
    daemon = home.serve()
    home.write("times.csv", "20.0.0.0/8,nobody,150\n")
    wait_until(lambda: is_refused(daemon))
    home.write("table.routes", "60.0.0.0/8 64601\n")
    wait_for(daemon, "60.1.0.0/24", NL)
    assert is_refused(daemon), "the times are as wrong as before"


def list_overrides(daemon: Daemon) -> list[str]:
    return [row["clients"] for row in daemon.status()["lore"]["overrides"]]


def test_an_override_ends_while_a_file_is_wrong(home: Home) -> None:
    ended_s = time.time() + 6
    daemon = serve(home, overrides(ended_s))
    assert NL == daemon.addresses(subnet=NEW_ZEALAND)
    home.write("places.mmdb", b"this is none")
    wait_until(lambda: is_refused(daemon))
    wait_for(daemon, NEW_ZEALAND, AU)
    assert ended_s <= time.time()
    assert US == daemon.addresses(subnet="20.2.0.0/24")
    assert is_refused(daemon)
    wait_until(lambda: list_overrides(daemon) == ["20.2.0.0/16"])
