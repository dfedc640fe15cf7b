"""What a server that starts leaves alone: links, while nobody has looked, and orders of others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from failsites import AU, US, order
from running import TABLE, wait_until

from sparrow.tables.link import swap_link

if TYPE_CHECKING:
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
