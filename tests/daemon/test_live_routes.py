"""The daemon with a real gobgpd: from an update to the DNS answer."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[1] / "feeds"))
from speakers import Speaker, announcer, make_routes, need_gobgpd, wait_until

from sparrow.config.load import parse_config
from sparrow.feeds.gobgppaths import Row
from sparrow.feeds.listing import Listing
from sparrow.knowing.feeding import Feeds, store_table
from sparrow.rib.route import parse_route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Daemon, Home

AU, NL, US = ["210.18.215.100"], ["193.173.27.8"], ["198.51.100.1", "198.51.100.2"]
PREFIX = "20.9.1.0/24"
AT_MOST_S = 2.0


@pytest.fixture
def speaker(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Speaker]:
    need_gobgpd()
    found = Speaker(tmp_path / "speaker", 64500, "127.0.0.3", free_port(), free_port()).start()
    yield found
    found.kill()


def answer(daemon: Daemon, subnet: str) -> list[str]:
    found = daemon.ask("www.example.org", "A", subnet).answer
    return sorted(str(item) for rrset in found for item in rrset)


def serve(home: Home, speaker: Speaker, **settings: str) -> Daemon:
    keys = "".join(f", {key}: {value}" for key, value in settings.items())
    files = "".join(f"  - {{file: {file}}}\n" for file in home.files)
    routes = f'routes:\n  - {{gobgp: "{speaker.target}"{keys}}}\n{files}'
    home.files = ()
    home.configure(zones=routes + home.zones)
    return home.serve()


def test_an_update_reaches_the_answer_in_two_seconds(home: Home, speaker: Speaker) -> None:
    with announcer(speaker) as client:
        client.send({**make_routes(20_000), PREFIX: (64520, 64600)})
        daemon = serve(home, speaker)
        assert AU == answer(daemon, PREFIX)
        assert NL == answer(daemon, "20.1.9.0/24"), "the route file counts where nothing is live"
        began_s = time.monotonic()
        client.send({PREFIX: (64520, 64602)})
        wait_until(lambda: answer(daemon, PREFIX) == US)
        took_s = time.monotonic() - began_s
        client.send({PREFIX: None})
        wait_until(lambda: answer(daemon, PREFIX) == AU)  # of 20.0.0.0/8 in the file
    row = daemon.status()["feeds"][0]
    assert ("live", None, 2, 0) == tuple(
        row[key] for key in ("phase", "stale_since", "updates", "repaired")
    )
    assert daemon.status()["tables"]["v4"] >= 16_000
    assert f"gobgp {speaker.target}: live" in home.sparrow("status").stdout
    assert took_s < AT_MOST_S


def test_a_server_that_dies_leaves_every_answer(home: Home, speaker: Speaker) -> None:
    with announcer(speaker) as client:
        client.send({**make_routes(100), PREFIX: (64520, 64602)})
        daemon = serve(home, speaker, quiet="1s")
        assert US == answer(daemon, PREFIX)
        speaker.kill()
        wait_until(lambda: daemon.status()["feeds"][0]["stale_since"] is not None)
        assert US == answer(daemon, PREFIX)
        assert "its routes are old" in home.sparrow("status", "--check").stdout
        home.write("table.routes", "20.1.0.0/16 64601\n")
        daemon.command("reload")
        assert US == answer(daemon, PREFIX)
        speaker.start()
        wait_until(lambda: daemon.status()["feeds"][0]["phase"] == "live")
        assert US == answer(daemon, PREFIX)
    with announcer(speaker) as client:
        client.send({**make_routes(100), PREFIX: (64520, 64600)})
        wait_until(lambda: answer(daemon, PREFIX) == AU)
    assert 1 == daemon.status()["feeds"][0]["losses"]


def test_an_operator_lets_a_frozen_table_go(home: Home, speaker: Speaker) -> None:
    routes = {**make_routes(1000), PREFIX: (64520, 64602)}
    name = f"gobgp {speaker.target}"
    with announcer(speaker) as client:
        client.send(routes)
        daemon = serve(home, speaker)
        nothing = home.sparrow("routes", "approve", name, "--reason", "x")
        assert (2, True) == (nothing.returncode, "nothing is withheld" in nothing.stderr)
        client.send(dict.fromkeys(routes))
        wait_until(lambda: daemon.status()["feeds"][0]["withheld"] == len(routes))
        assert US == answer(daemon, PREFIX)
        assert f"approve '{name}'" in home.sparrow("status").stdout
        outcome = home.sparrow("routes", "approve", "--reason", "it has moved out")
        assert (0, True) == (outcome.returncode, "1000 withdrawn, 1 rerouted" in outcome.stderr)
        assert AU == answer(daemon, PREFIX)  # of 20.0.0.0/8 in the file
        row = daemon.status()["feeds"][0]
        assert (0, False, 0) == (row["withheld"], row["frozen"], row["v4"])
        told = home.sparrow("journal").stdout
        assert "withdrawals_approved" in told
        assert "it has moved out" in told
        client.send({PREFIX: (64520, 64602)})
        wait_until(lambda: answer(daemon, PREFIX) == US)


def test_routes_that_a_source_may_not_have_do_not_count(home: Home, speaker: Speaker) -> None:
    inside = "20.1.8.0/25"
    daemon = serve(home, speaker, sanity="{max_length_v4: 23, own_as: [64521]}")
    with announcer(speaker) as client:
        client.send({inside: (64520, 64602), PREFIX: (64520, 64602), "10.0.0.0/8": (64520, 7)})
        client.send({"20.2.0.0/16": (64521, 64602), "20.3.0.0/16": (64520, 64602)})
        wait_until(lambda: answer(daemon, "20.3.0.0/24") == US)
    assert [NL, AU] == [answer(daemon, inside), answer(daemon, "20.2.0.0/24")]
    refused = {"too_long": 2, "martian": 1, "own_asn": 1}
    wait_until(lambda: daemon.status()["feeds"][0]["refused"] == refused)


def test_a_source_that_is_configured_no_more_counts_no_more(home: Home, speaker: Speaker) -> None:
    with announcer(speaker) as client:
        client.send({PREFIX: (64520, 64602)})
    zones = home.zones
    daemon = serve(home, speaker)
    assert US == answer(daemon, PREFIX)
    home.configure(zones=zones, files=("table.routes",))
    daemon.command("reload")
    assert AU == answer(daemon, PREFIX)
    assert [] == daemon.status()["feeds"]


def test_a_stored_table_serves_while_the_server_is_away(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    text = (
        "sites: {nl: {asn: [1], vips: [192.0.2.1]}}\nssrs: {}\n"
        f'routes: [{{gobgp: "127.0.0.1:{free_port()}"}}]\n'
    )
    configs = parse_config(text, str(tmp_path / "sparrow.yaml")).config.feeds

    async def never() -> None:
        raise AssertionError("there is nothing to reload")

    feeds = Feeds(tmp_path, lambda: True, never)
    assert [0] == [len(table) for table in feeds.tables(configs)]
    feeds.keep(())
    listing = Listing()
    listing.add(Row(4, b"\x14\0\1\0", 24, parse_route("1 2,3 4")))
    listing.add(Row(6, b"\x20" + bytes(15), 8, parse_route("5")))
    stored = listing.build()
    store_table(feeds.path_of(configs[0]), stored)
    table = feeds.tables(configs)[0]
    row = feeds.describe()[0]
    feeds.keep(())
    assert list(stored.entries()) == list(table.entries())
    assert "connecting" == row["phase"]
    assert row["stale_since"] is not None


def test_a_source_of_a_configuration_that_is_refused_is_followed_no_more(
    home: Home, free_port: Callable[[], int]
) -> None:
    home.configure()
    daemon = home.serve()
    home.configure(
        files=(),
        zones=f'routes:\n  - {{gobgp: "127.0.0.1:{free_port()}"}}\n{home.zones}'.replace(
            "www.zone", "none.zone"
        ),
    )
    assert not daemon.command("reload")["ok"]
    wait_until(lambda: daemon.status()["feeds"] == [])
    assert not daemon.status()["reload"]["ok"]
    assert "its table is not there yet" in daemon.log()
