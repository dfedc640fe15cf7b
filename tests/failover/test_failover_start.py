"""What a server that starts leaves alone: links, while nobody has looked, and orders of others."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from failsites import AU, US, order, standings
from running import LOOPBACK, TABLE, Home, is_root, wait_until

from sparrow.tables.link import swap_link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from failsites import Ground

SLOW = "checks: {interval: 3s, timeout: 1s}\n"
"""Times by which the first round of a check that waits ends long after the start."""
MODES = "failover:\n  link: {link}\n  modes: {{normal: normal, nl+us: nl+us}}\n"


def test_a_link_stays_where_it_leads_until_every_check_has_looked(ground: Ground) -> None:
    home = ground.home
    for mode in ("normal", "nl+us"):
        home.write(mode, TABLE + f"50.0.0.0/8 {64600 + len(mode)}\n")
    swap_link(str(home.path / "live"), str(home.path / "nl+us"))
    home.files = ("live",)
    ground.checks = SLOW
    ground.watch_web("au", more=MODES.format(link=home.path / "live"))
    ground.webs["au"].stop()  # its check will be waiting for an answer
    daemon = home.serve()
    wait_until(lambda: "nl+us" == daemon.status()["failover"]["mode"])
    assert str(home.path / "nl+us") == os.path.realpath(home.path / "live")
    assert [] == ground.journal("mode")
    assert ["nl+us"] == [row["mode"] for row in ground.journal("table_accepted")]


def test_a_successor_heeds_what_is_ordered_while_it_starts(ground: Ground) -> None:
    ground.watch_files("au")
    daemon = ground.home.serve()
    assert list(AU) == daemon.addresses()
    successor = ground.home.begin("--replace")
    order(daemon, "down", "au")
    successor.wait_for("ready, serial")
    assert list(US) == successor.addresses()
    order(successor, "auto", "au")
    assert list(AU) == successor.addresses()


@pytest.fixture
def open_ground(ground: Ground) -> Iterator[Ground]:
    """A ground in a folder that every account may read."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        closed = ground.home
        ground.home = Home(Path(folder), closed.port)
        yield ground
        ground.home.end()
        ground.home = closed


@pytest.mark.skipif(not is_root(), reason="only root can give a folder to another account")
def test_a_server_that_is_root_no_more_remembers_what_root_left(open_ground: Ground) -> None:
    listener = f'http: {{listen: "{LOOPBACK}:{open_ground.web_port}"}}\n'
    home = open_ground.watch_files("au", more=listener).home
    daemon = home.serve()
    order(daemon, "down", "au")
    assert 0 == daemon.stop()
    home.configure(server=", user: nobody")
    daemon = home.serve()
    assert "down by order" == standings(daemon)["au"]
    order(daemon, "auto", "au")
    found = [open_ground.state_dir, *open_ground.state_dir.iterdir()]
    assert {"nobody"} == {path.owner() for path in found}
