"""A daemon whose sites have views, places, times and overrides answers as the page on them says."""

from __future__ import annotations

import collections
import random
import socket
from typing import TYPE_CHECKING

import dns.message
import pytest
from running import LOOPBACK, NAME, PATIENCE_S, make_query
from slowviews import VIPS, Countries, Judge, make_world, pick_addresses

if TYPE_CHECKING:
    from running import Daemon, Home
    from slowviews import Address, Preferred, World

ZONES = f"""\
zones:
  {NAME}:
    soa: {{mname: ns.example.org., rname: hostmaster.example.org.}}
    ns: [ns.example.org.]
"""
COUNT = 700
WINDOW = 32
STEPS = {"route", "rtt", "distance", "path", "the nearest of equals", "configured order"}


@pytest.fixture(scope="module")
def countries() -> Countries:
    return Countries()


def serve(home: Home, world: World) -> Daemon:
    """Serve a world from files, one for each view and one for the common view."""
    home.write("common.routes", world.render_routes(None))
    for site in world.views:
        home.write(f"{site}.routes", world.render_routes(site))
    home.write("times.csv", world.render_times())
    sources = "".join(f"  - {{file: {site}.routes, view: {site}}}\n" for site in world.views)
    routes = f"routes:\n  - {{file: common.routes}}\n{sources}"
    home.configure(sites=world.render_sites(), zones=routes + ZONES, files=())
    return home.serve()


def ask_all(daemon: Daemon, addresses: list[Address]) -> list[str]:
    """Ask for the address that users at these addresses get, some at once."""
    found: dict[int, str] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect((LOOPBACK, daemon.port))
        for start in range(0, len(addresses), WINDOW):
            some = range(start, min(start + WINDOW, len(addresses)))
            for number in some:
                address = addresses[number]
                subnet = f"{address}/{address.max_prefixlen}"
                sock.send(make_query(NAME, "A", subnet, query_id=number).to_wire())
            for _ in some:
                message = dns.message.from_wire(sock.recv(4096))
                found[message.id] = str(message.answer[0][0])
    return [found[number] for number in range(len(addresses))]


def look_up_all(daemon: Daemon, addresses: list[Address]) -> list[str]:
    """Give the sites that `lookup` has."""
    rows = daemon.command("lookup", addresses=[str(address) for address in addresses])
    return [row["site"] for row in rows["result"]["rows"]]


def explain_all(daemon: Daemon, addresses: list[Address]) -> list[dict[str, object]]:
    found = []
    with daemon.talk() as talk:
        for address in addresses:
            subnet = f"{address}/{address.max_prefixlen}"
            request = {"name": NAME, "from": "127.0.0.1", "subnet": subnet}
            found.append(talk.ask({"version": 1, "command": "explain", **request})["result"])
    return found


def summarize(explained: dict[str, object]) -> tuple[object, ...]:
    """Give ground, whether an override decided, order and steps, and whether all agrees."""
    facts = explained["facts"]
    ranked = sorted((row for row in facts["known"] if row["place"]), key=lambda row: row["place"])
    return (
        facts["ground"],
        facts["override"] is not None,
        tuple(row["site"] for row in facts["candidates"]),
        tuple((row["site"], row["step"]) for row in ranked),
        facts["agrees"],
    )


def expect(preferred: Preferred) -> tuple[object, ...]:
    return preferred.ground, preferred.override, preferred.order, preferred.places, True


@pytest.mark.parametrize(
    ("seed", "rank_by"),
    [(1, ["rtt", "distance", "path"]), (2, ["path", "distance"]), (3, ["path", "rtt"])],
)
def test_answers_look_ups_and_explanations_are_those_of_an_independent_choice(
    home: Home, countries: Countries, seed: int, rank_by: list[str]
) -> None:
    chance = random.Random(seed)
    world = make_world(chance, countries, rank_by)
    judge = Judge(world)
    addresses = pick_addresses(chance, world, COUNT)
    preferred = [judge.prefer(address) for address in addresses]
    sites = [each.order[0] for each in preferred]
    daemon = serve(home, world)
    assert [VIPS[site] for site in sites] == ask_all(daemon, addresses)
    assert sites == look_up_all(daemon, addresses)
    explained = explain_all(daemon, addresses)
    assert [expect(each) for each in preferred] == [summarize(each) for each in explained]
    lines = [next(line for line in each["lines"] if "class:" in line) for each in explained]
    for each, line in zip(preferred, lines, strict=True):
        if each.places and not each.override:
            assert f"by {each.places[0][1]}" in line
    assert_all_was_there(preferred, rank_by)


def assert_all_was_there(preferred: list[Preferred], rank_by: list[str]) -> None:
    """See that what was compared has something of everything."""
    grounds = collections.Counter(each.ground for each in preferred)
    assert {"views", "common"} <= set(grounds)
    assert 20 < sum(each.override for each in preferred)
    steps = {step for each in preferred for _, step in each.places}
    assert STEPS & {*rank_by, "route"} <= steps
    assert len(VIPS) == len({each.order[0] for each in preferred})
