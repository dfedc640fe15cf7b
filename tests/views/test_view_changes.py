"""Views, times and overrides that change under a daemon, and configurations that are odd."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from running import NAME, run, wait_until

from sparrow.values.moment import render_exact_moment

if TYPE_CHECKING:
    from running import Daemon, Home

SITES = """\
self: us
sites:
  au: {vips: [192.0.2.1]}
  nl: {vips: [192.0.2.2]}
  us: {asn: [64604], vips: [192.0.2.3]}
ranking: {rank_by: [rtt, path], rtt: times.csv}
"""
ZONES = f"""\
zones:
  {NAME}:
    soa: {{mname: ns.example.org., rname: hostmaster.example.org.}}
    ns: [ns.example.org.]
"""
ROUTES = """\
routes:
  - {file: common.routes}
  - {file: au.routes, view: au}
  - {file: nl.routes, view: nl}
"""
VIEWS = {
    "au": "20.0.0.0/8 701 7\n20.1.2.0/24 701 702 703 8\n0.0.0.0/0 9\n",
    "nl": "20.0.0.0/8 701 702 7\n30.0.0.0/8 701 702 7\n",
}
COMMON = "20.0.0.0/8 64604 7\n40.0.0.0/8 1 64604\n"
AU, NL, US = ["192.0.2.1"], ["192.0.2.2"], ["192.0.2.3"]
BOTH, SPECIFIC, NL_ALONE, COMMON_ALONE, NOWHERE = (
    *("20.9.0.0/24", "20.1.2.0/24", "30.1.0.0/24", "40.1.0.0/24", "50.1.0.0/24"),
)
LIKE_BOTH = "20.8.0.0/24"


def configure(home: Home, overrides: str = "") -> None:
    home.configure(sites=SITES + overrides, zones=ROUTES + ZONES, files=())


def serve(home: Home, overrides: str = "") -> Daemon:
    for name, text in VIEWS.items():
        home.write(f"{name}.routes", text)
    home.write("common.routes", COMMON)
    home.write("times.csv", "203.0.113.0/24,us,1\n")
    configure(home, overrides)
    return home.serve()


def answers(daemon: Daemon) -> list[list[str]]:
    clients = BOTH, SPECIFIC, NL_ALONE, COMMON_ALONE, NOWHERE
    return [daemon.addresses(subnet=each) for each in clients]


def wait_for(daemon: Daemon, expected: list[list[str]]) -> None:
    wait_until(
        lambda: answers(daemon) == expected,
        lambda: f"{answers(daemon)} and not {expected}:\n{daemon.log()}",
    )


def find_step(daemon: Daemon, site: str) -> object:
    rows = explain(daemon, LIKE_BOTH)["known"]
    return next(row["step"] for row in rows if row["site"] == site)


def explain(daemon: Daemon, subnet: str) -> dict[str, Any]:
    found = daemon.command("explain", name=NAME, subnet=subnet, **{"from": "127.0.0.1"})
    return dict(found["result"]["facts"])


def test_answers_follow_the_file_of_a_view_and_a_bad_one_changes_nothing(home: Home) -> None:
    daemon = serve(home)
    # The more specific route of `au` is longer than the one of `nl` that covers it.
    first = [AU, NL, NL, US, US]
    assert first == answers(daemon)
    home.write("au.routes", VIEWS["au"] + "30.0.0.0/8 7\n")
    wait_for(daemon, [AU, NL, AU, US, US])
    wait_until(lambda: daemon.status()["reload"] is not None)
    serial, reload = (daemon.status()[key] for key in ("serial", "reload"))
    home.write("au.routes", "30.0.0.0/8 7\nthis is no route\n")
    wait_until(lambda: daemon.status()["reload"] not in (None, reload))
    assert not daemon.status()["reload"]["ok"]
    assert "au.routes:2" in daemon.log()
    assert [AU, NL, AU, US, US] == answers(daemon)
    assert serial == daemon.status()["serial"]
    home.write("au.routes", VIEWS["au"])
    wait_for(daemon, first)
    home.write("nl.routes", "60.0.0.0/8 7\n")
    wait_for(daemon, [AU, AU, US, US, US])
    wait_until(lambda: daemon.status()["reload"]["ok"])


def test_a_site_without_a_view_is_behind_those_that_have_a_route(home: Home) -> None:
    daemon = serve(home)
    known = {row["site"]: row for row in explain(daemon, BOTH)["known"]}
    assert [(1, "path"), (2, "route"), (3, "the only site left")] == [
        (known[site]["place"], known[site]["step"]) for site in ("au", "nl", "us")
    ]
    facts = explain(daemon, COMMON_ALONE)
    assert ("common", "us") == (facts["ground"], facts["home"]), "a default route is no route"
    daemon.command("site", action="down", site="nl", reason="a test")
    wait_for(daemon, [AU, AU, AU, US, US])


def test_times_go_before_paths_and_an_override_before_both_until_it_ends(home: Home) -> None:
    until = render_exact_moment(time.time() + 3600)
    overrides = "overrides:\n  - {{prefix: 20.9.0.0/16, site: us, until: '{}', reason: a cut}}\n"
    daemon = serve(home, overrides.format(until))
    assert [US, NL, NL, US, US] == answers(daemon)
    facts = explain(daemon, BOTH)
    assert ("views", "us", True) == (facts["ground"], facts["home"], "a cut" in facts["override"])
    assert AU == daemon.addresses(subnet=LIKE_BOTH)
    # A time to a site without a view makes no way there.
    home.write("times.csv", "20.0.0.0/8,nl,20\n20.0.0.0/8,au,80\n7,us,5\n")
    wait_until(lambda: daemon.addresses(subnet=LIKE_BOTH) == NL)
    wait_until(lambda: find_step(daemon, "nl") == "rtt")
    assert [US, NL, NL, US, US] == answers(daemon)
    configure(home, overrides.format(render_exact_moment(time.time() + 4)))
    assert daemon.command("reload")["ok"]
    wait_for(daemon, [NL, NL, NL, US, US])
    wait_until(lambda: daemon.status()["lore"]["overrides"] == [])


def test_check_says_all_that_is_wrong_with_views(home: Home) -> None:
    serve(home).stop()
    assert 0 == run("check", "-c", home.config).code
    home.write("times.csv", "20.0.0.0/8,mars,20\n")
    home.write("nl.routes", "20.0.0.0/33 7\n")
    found = run("check", "-c", home.config)
    assert (2, True, True) == (
        found.code,
        "mars" in found.err + found.out,
        "nl.routes:1" in found.err + found.out,
    )
    home.write("times.csv", "20.0.0.0/8,nl,20\n")
    home.configure(zones=ROUTES.replace("view: nl", "view: n1") + ZONES)
    found = run("check", "-c", home.config)
    assert (2, True) == (found.code, "n1" in found.err + found.out)


def test_a_view_that_shrinks_is_held_although_the_others_cover_it(home: Home) -> None:
    guards = "guards: {max_shrink: 20%, canaries: [30.1.0.0/16 -> nl]}\n"
    daemon = serve(home, guards)
    home.write("nl.routes", "20.0.0.0/8 701 702 7\n")
    wait_until(lambda: daemon.status()["failover"]["held"] is not None)
    assert [
        "IPv4 of the view of nl shrinks from 2 to 1 prefixes, by 50.0 %; 20 % is allowed",
        "30.1.0.0/16 goes to us instead of nl",
    ] == daemon.status()["failover"]["held"]["reasons"]
    assert [AU, NL, NL, US, US] == answers(daemon)
    moved = daemon.command("routes_diff")["result"]["v4"]
    assert [("nl", "us", 1)] == [
        (row["before"], row["after"], row["prefixes"]) for row in moved["pairs"]
    ]
    assert 0 == home.sparrow("routes", "approve", "--reason", "it is meant so").returncode
    wait_for(daemon, [AU, NL, US, US, US])
