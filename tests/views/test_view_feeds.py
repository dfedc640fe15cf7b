"""Live views of two sites: an update, a site that goes with its source, and one that grows old."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import NAME

sys.path.append(str(Path(__file__).parents[1] / "feeds"))
from speakers import Speaker, announcer, load_real_routes, make_routes, two_speakers, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon, Home

SITES = """\
self: us
ranking: {rank_by: [path]}
sites:
  au: {vips: [192.0.2.1]}
  nl: {vips: [192.0.2.2]}
  us: {vips: [192.0.2.3]}
"""
ZONES = f"""\
zones:
  {NAME}:
    soa: {{mname: ns.example.org., rname: hostmaster.example.org.}}
    ns: [ns.example.org.]
"""
AU, NL = ["192.0.2.1"], ["192.0.2.2"]
PREFIX, OTHER = "20.9.1.0/24", "20.9.2.0/24"
NEAR, FAR = (3356, 7), (3356, 1299, 7)
COUNT = 20_000


@pytest.fixture
def speakers(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[list[Speaker]]:
    with two_speakers(tmp_path, free_port) as started:
        yield started


def announce(speaker: Speaker, *, is_first: bool, routes: dict[str, tuple[int, ...]]) -> None:
    """Give the first server the shorter path to PREFIX, and the second one that to OTHER."""
    with announcer(speaker) as client:
        client.send(routes)
        client.send({PREFIX: NEAR if is_first else FAR, OTHER: FAR if is_first else NEAR})


def serve(home: Home, speakers: list[Speaker], keys: str) -> Daemon:
    sources = "".join(
        f'  - {{gobgp: "{each.target}", view: {site}, quiet: 1s, {keys}}}\n'
        for each, site in zip(speakers, ("au", "nl"), strict=True)
    )
    home.configure(sites=SITES, zones=f"routes:\n{sources}{ZONES}", files=())
    return home.serve()


def answers(daemon: Daemon) -> tuple[list[str], list[str]]:
    return daemon.addresses(subnet=PREFIX), daemon.addresses(subnet=OTHER)


def time_until(daemon: Daemon, expected: tuple[list[str], list[str]], what: str) -> None:
    """Wait for answers, and print how long it took; how long it may is not for a test."""
    began_s = time.monotonic()
    wait_until(lambda: answers(daemon) == expected, f"{answers(daemon)}:\n{daemon.log()}")
    print(f"{what}: {time.monotonic() - began_s:.2f} s")  # noqa: T201  (for who reads it: a bar would test the machine)


@pytest.fixture
def routes() -> dict[str, tuple[int, ...]]:
    """Real routes, or where there are no real tables fewer made up ones."""
    folder = Path(os.environ.get("SPARROW_TABLES") or Path(__file__).parents[3] / "shared" / "data")
    is_there = any(folder.glob("internet-*.pfx2as.gz"))
    return load_real_routes(folder, COUNT) if is_there else make_routes(2000)


@pytest.mark.timeout(600)
def test_an_update_and_a_lost_site_are_in_the_answers_soon(
    home: Home, speakers: list[Speaker], routes: dict[str, tuple[int, ...]]
) -> None:
    for each in speakers:
        announce(each, is_first=each is speakers[0], routes=routes)
    daemon = serve(home, speakers, "withdraw_on_loss: true")
    assert (AU, NL) == answers(daemon)
    with announcer(speakers[1]) as client:
        client.send({PREFIX: (7,)})
        time_until(daemon, (NL, NL), "an update of one prefix")
    assert [0, 0] == [row["repaired"] for row in daemon.status()["feeds"]]
    speakers[1].kill()
    time_until(daemon, (AU, AU), "a session that is lost")
    wait_until(lambda: daemon.status()["lore"]["stale_views"] == ["nl"])


def test_a_view_that_grew_old_comes_last_until_its_source_is_back(
    home: Home, speakers: list[Speaker]
) -> None:
    for each in speakers:
        announce(each, is_first=each is speakers[0], routes=make_routes(2000))
    daemon = serve(home, speakers, "stale_for: 2s")
    assert (AU, NL) == answers(daemon)
    speakers[1].kill()
    wait_until(lambda: answers(daemon) == (AU, AU))
    asked = {"name": NAME, "from": "127.0.0.1", "subnet": OTHER}
    known = daemon.command("explain", **asked)["result"]["facts"]["known"]
    # It is behind the site that has no view at all, and its routes are still known.
    assert {"au": 1, "us": 2, "nl": 3} == {row["site"]: row["place"] for row in known}
    assert {"nl": 2, "au": 3, "us": None} == {row["site"]: row["hops"] for row in known}
    speakers[1].start()
    announce(speakers[1], is_first=False, routes=make_routes(2000))
    wait_until(lambda: answers(daemon) == (AU, NL))
    wait_until(lambda: daemon.status()["lore"]["stale_views"] == [])
