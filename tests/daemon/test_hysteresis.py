"""Route files that flap under a daemon with hysteresis."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from running import NAME, SITES, TABLE, wait_until

if TYPE_CHECKING:
    from running import Daemon, Home

CLIENT = "20.1.9.0/24"
AU, NL = ["210.18.215.100"], ["193.173.27.8"]
STRETCHES = 2
"""Before the more specific route inside, and behind it."""
MOVED = TABLE.replace("20.1.0.0/16 64601", "20.1.0.0/16 64600")


def serve(home: Home, hold: str) -> Daemon:
    home.configure(sites=f"{SITES}hysteresis: {{hold: {hold}, budget: null}}\n")
    return home.serve()


def held(daemon: Daemon) -> int:
    stretches: int = daemon.status()["lore"]["held"]["stretches"]
    return stretches


def is_refused(daemon: Daemon) -> bool:
    reload = daemon.status()["reload"]
    return reload is not None and not reload["ok"]


def explain(daemon: Daemon) -> dict[str, object]:
    arguments = {"name": NAME, "from": "127.0.0.1", "subnet": CLIENT}
    return dict(daemon.command("explain", **arguments)["result"])


def test_a_changed_route_moves_its_clients_when_it_has_lasted(home: Home) -> None:
    daemon = serve(home, "3s")
    assert NL == daemon.addresses(subnet=CLIENT)
    home.write("table.routes", MOVED)
    wait_until(lambda: held(daemon) > 0)
    wait_until(lambda: daemon.addresses(subnet=CLIENT) == AU)
    wait_until(lambda: held(daemon) == 0)


def test_a_route_that_comes_back_has_moved_nobody(home: Home) -> None:
    daemon = serve(home, "1h")
    home.write("table.routes", MOVED)
    wait_until(lambda: held(daemon) > 0)
    assert NL == daemon.addresses(subnet=CLIENT)
    facts, lines = explain(daemon)["facts"], "\n".join(map(str, explain(daemon)["lines"]))
    assert isinstance(facts, dict)
    assert ("nl", "au", "au", True) == tuple(
        facts[key] for key in ("site", "held", "home", "agrees")
    )
    assert "by hysteresis: the client would have au since " in lines
    assert "ALARM" not in lines
    home.write("table.routes", TABLE)
    wait_until(lambda: held(daemon) == 0)
    assert NL == daemon.addresses(subnet=CLIENT)


def test_what_is_held_outlives_a_restart_and_a_reload_lets_it_go(home: Home) -> None:
    daemon = serve(home, "1h")
    home.write("table.routes", MOVED)
    wait_until(lambda: held(daemon) > 0)
    record = home.path / "state" / "held.json"
    wait_until(record.exists)
    assert 0 == daemon.stop(signal.SIGTERM)
    daemon = home.serve()
    assert (STRETCHES, NL) == (held(daemon), daemon.addresses(subnet=CLIENT))
    assert daemon.command("reload")["ok"]
    assert (0, AU) == (held(daemon), daemon.addresses(subnet=CLIENT))


def test_a_site_that_is_taken_down_is_left_at_once(home: Home) -> None:
    daemon = serve(home, "1h")
    home.write("table.routes", MOVED)
    wait_until(lambda: held(daemon) > 0)
    order = {"action": "down", "site": "nl", "reason": "test", "by": "test"}
    assert daemon.command("site", **order)["ok"]
    wait_until(lambda: daemon.addresses(subnet=CLIENT) == AU)
    assert STRETCHES == held(daemon)


def test_what_is_held_is_let_go_although_a_table_has_become_wrong(home: Home) -> None:
    daemon = serve(home, "3s")
    home.write("table.routes", MOVED)
    wait_until(lambda: held(daemon) > 0)
    home.write("table.routes", "x 1\n")
    wait_until(lambda: is_refused(daemon))
    wait_until(lambda: daemon.addresses(subnet=CLIENT) == AU)
    wait_until(lambda: held(daemon) == 0)
    assert is_refused(daemon)
    home.write("table.routes", MOVED)
    wait_until(lambda: not is_refused(daemon))
    assert AU == daemon.addresses(subnet=CLIENT)


def test_what_was_held_before_hysteresis_was_taken_out_is_forgotten(home: Home) -> None:
    daemon = serve(home, "1h")
    home.write("table.routes", MOVED)
    wait_until(lambda: held(daemon) > 0)
    record = home.path / "state" / "held.json"
    wait_until(record.exists)
    assert 0 == daemon.stop(signal.SIGTERM)
    home.configure(sites=SITES)
    daemon = home.serve()
    assert AU == daemon.addresses(subnet=CLIENT)
    assert 0 == daemon.stop(signal.SIGTERM)
    daemon = serve(home, "1h")
    assert (0, AU) == (held(daemon), daemon.addresses(subnet=CLIENT))
