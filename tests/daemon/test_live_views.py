"""The daemon with a real gobgpd for each of two sites: what the loss of one comes to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import NAME

sys.path.append(str(Path(__file__).parents[1] / "feeds"))
from speakers import Speaker, announcer, make_routes, two_speakers, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon, Home

SITES = """\
self: au
ranking: {rank_by: [path]}
sites:
  au: {vips: [192.0.2.1]}
  nl: {vips: [192.0.2.2]}
"""
ZONES = f"""\
zones:
  {NAME}:
    soa: {{mname: ns.example.org., rname: hostmaster.example.org.}}
    ns: [ns.example.org.]
"""
AU, NL = ["192.0.2.1"], ["192.0.2.2"]
PREFIX, OTHER = "20.9.1.0/24", "20.9.2.0/24"


@pytest.fixture
def speakers(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[list[Speaker]]:
    """Two gobgpd: the way to PREFIX is shorter from the first, to OTHER from the second."""
    with two_speakers(tmp_path, free_port) as started:
        yield started


def announce(speaker: Speaker, *, is_first: bool) -> None:
    near, far = (64520, 7), (64520, 64521, 7)
    with announcer(speaker) as client:
        client.send(make_routes(1000))
        client.send({PREFIX: near if is_first else far, OTHER: far if is_first else near})


def serve(home: Home, speakers: list[Speaker], keys: str) -> Daemon:
    for each in speakers:
        announce(each, is_first=each is speakers[0])
    home.sites, home.files = SITES, ()
    sources = "".join(
        f'  - {{gobgp: "{each.target}", view: {site}, quiet: 1s, {keys}}}\n'
        for each, site in zip(speakers, ("au", "nl"), strict=True)
    )
    home.configure(zones=f"routes:\n{sources}{ZONES}")
    return home.serve()


def answers(daemon: Daemon) -> tuple[list[str], list[str]]:
    return daemon.addresses(NAME, PREFIX), daemon.addresses(NAME, OTHER)


def test_a_site_that_goes_with_its_source_leaves_its_clients_to_the_other(
    home: Home, speakers: list[Speaker]
) -> None:
    daemon = serve(home, speakers, "withdraw_on_loss: true")
    assert (AU, NL) == answers(daemon)
    speakers[0].kill()
    wait_until(lambda: answers(daemon) == (NL, NL))
    speakers[0].start()
    announce(speakers[0], is_first=True)
    wait_until(lambda: answers(daemon) == (AU, NL))
    assert [1, 0] == [row["losses"] for row in daemon.status()["feeds"]]


def test_without_that_a_lost_source_moves_nobody(home: Home, speakers: list[Speaker]) -> None:
    daemon = serve(home, speakers, "stale_for: 1d")
    assert (AU, NL) == answers(daemon)
    serial = daemon.status()["serial"]
    speakers[0].kill()
    wait_until(lambda: daemon.status()["feeds"][0]["stale_since"] is not None)
    assert (AU, NL) == answers(daemon)
    speakers[0].start()
    wait_until(lambda: daemon.status()["feeds"][0]["phase"] == "live")
    announce(speakers[0], is_first=True)
    wait_until(lambda: daemon.status()["feeds"][0]["withheld"] == 0)
    assert (AU, NL) == answers(daemon)
    assert serial == daemon.status()["serial"]


def test_a_lost_source_is_too_old_after_a_while(home: Home, speakers: list[Speaker]) -> None:
    daemon = serve(home, speakers, "stale_for: 2s")
    speakers[1].kill()
    wait_until(lambda: answers(daemon) == (AU, AU))
