"""Local preference, from what routers say to the answer."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mrtmaking import attribute, peer_table, rib, rib_entry, sequence
from running import NAME

sys.path.append(str(Path(__file__).parents[1] / "feeds"))
from speakers import Speaker, two_speakers, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon, Home

SITES = """\
self: au
sites: {{au: {{vips: [192.0.2.1]}}, nl: {{vips: [192.0.2.2]}}}}
ranking: {{rank_by: [path], use_local_pref: {use}}}
"""
ZONES = f"""\
zones:
  {NAME}:
    soa: {{mname: ns.example.org., rname: hostmaster.example.org.}}
    ns: [ns.example.org.]
"""
AU, NL = ["192.0.2.1"], ["192.0.2.2"]
FIRST, SECOND, THIRD = "20.0.0.0/16", "20.1.0.0/16", "20.2.0.0/16"


def dump(paths: dict[str, tuple[tuple[int, ...], int | None]]) -> bytes:
    """Write an MRT file of paths and local preferences."""
    records = peer_table()
    for prefix, (path, local_pref) in paths.items():
        attributes = sequence(*path)
        if local_pref is not None:
            attributes += attribute(5, struct.pack("!I", local_pref))
        records += rib(2, prefix, rib_entry(0, attributes))
    return records


def configure(home: Home, routes: str, *, is_used: bool) -> None:
    sites = SITES.format(use=str(is_used).lower())
    home.configure(sites=sites, zones=routes + ZONES, files=())


def answers(daemon: Daemon) -> list[list[str]]:
    return [daemon.addresses(subnet=each.replace("/16", "/24")) for each in (FIRST, SECOND, THIRD)]


def test_the_highest_preference_of_mrt_files_goes_before_hops_where_it_counts(home: Home) -> None:
    short, long = (3356, 7), (3356, 1299, 7)
    of_au = {FIRST: (long, 200), SECOND: (short, None), THIRD: (long, None)}
    of_nl = {FIRST: (short, 150), SECOND: (long, 120), THIRD: (short, 90)}
    home.write("au.mrt", dump(of_au))
    home.write("nl.mrt", dump(of_nl))
    routes = "routes:\n" + "".join(
        f"  - {{file: {site}.mrt, format: mrt, view: {site}}}\n" for site in ("au", "nl")
    )
    configure(home, routes, is_used=True)
    daemon = home.serve()
    # A route without a preference counts as 100.
    assert [AU, NL, AU] == answers(daemon)
    asked = {"name": NAME, "from": "127.0.0.1", "subnet": "20.0.0.0/24"}
    facts = daemon.command("explain", **asked)["result"]["facts"]
    assert [("au", 200, "local preference"), ("nl", 150, "the only site left")] == [
        (row["site"], row["local_pref"], row["step"]) for row in facts["known"]
    ]
    configure(home, routes, is_used=False)
    assert daemon.command("reload")["ok"]
    assert [NL, AU, NL] == answers(daemon)


@pytest.fixture
def speakers(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[list[Speaker]]:
    with two_speakers(tmp_path, free_port) as started:
        yield started


def announce(speaker: Speaker, prefix: str, path: str, local_pref: int) -> None:
    given = ("nexthop", "192.0.2.9", "aspath", path, "local-pref", str(local_pref))
    speaker.ask("global", "rib", "add", prefix, *given)


def test_the_highest_preference_of_live_routes_goes_before_hops_where_it_counts(
    home: Home, speakers: list[Speaker]
) -> None:
    for prefix in (FIRST, SECOND, THIRD):
        announce(speakers[0], prefix, "3356 1299 7", 200)
        announce(speakers[1], prefix, "3356 7", 150)
    routes = "routes:\n" + "".join(
        f'  - {{gobgp: "{each.target}", view: {site}}}\n'
        for each, site in zip(speakers, ("au", "nl"), strict=True)
    )
    configure(home, routes, is_used=True)
    daemon = home.serve()
    assert [AU, AU, AU] == answers(daemon)
    announce(speakers[1], SECOND, "3356 7", 300)
    wait_until(lambda: answers(daemon) == [AU, NL, AU])
    configure(home, routes, is_used=False)
    assert daemon.command("reload")["ok"]
    wait_until(lambda: answers(daemon) == [NL, NL, NL])
    configure(home, routes, is_used=True)
    assert daemon.command("reload")["ok"]
    wait_until(lambda: answers(daemon) == [AU, NL, AU])
