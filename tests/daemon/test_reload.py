"""Reloads that are taken: what changes, what is told of it, and that nobody is left out."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import dns.edns
import dns.message
import dns.query
import pytest
from running import LOOPBACK, NAME, NEAREST, PATIENCE_S, SITES, TABLE, ZONES, Load, run

if TYPE_CHECKING:
    from running import Daemon, Home

NSID, TCP_KEEPALIVE = 3, 11

OTHER_TABLE = """\
20.0.0.0/8 64601
20.1.0.0/16 64601
20.1.2.0/24 64602 64600
50.0.0.0/8 64602
51.0.0.0/8 64600
52.0.0.0/8 64600
2600::/16 64600
2a00::/16 64601
"""
OTHERS = NEAREST | {
    "20.5.0.0/24": ["193.173.27.8"],
    "40.0.0.0/24": ["193.173.27.8"],
    "50.0.0.0/24": ["198.51.100.1", "198.51.100.2"],
}
UNCHANGED = {"announced": 0, "withdrawn": 0, "rerouted": 0, "zones": []}


def reload(daemon: Daemon) -> dict[str, Any]:
    response = daemon.command("reload")
    assert response["ok"], response
    return dict(response["result"])


def test_a_new_table_counts_its_changes_and_changes_the_answers(home: Home, daemon: Daemon) -> None:
    before = daemon.status()
    assert NEAREST == daemon.nearest()
    home.write("table.routes", OTHER_TABLE)
    result = reload(daemon)
    assert {
        "serial": 2,
        "changed": {"announced": 3, "withdrawn": 2, "rerouted": 1, "zones": []},
        "needs_restart": [],
    } == {key: result[key] for key in ("serial", "changed", "needs_restart")}
    assert OTHERS == daemon.nearest()
    after = daemon.status()
    assert (1, None, 5, 2) == (before["serial"], before["reload"], *sizes(before))
    assert (2, True, 6, 2) == (after["serial"], after["reload"]["ok"], *sizes(after))
    assert after["published_at"] > before["published_at"]
    assert 7 == after["counters"]["sites"]["nl"]  # 3 of the first table and 4 of the second


def sizes(status: dict[str, Any]) -> tuple[int, int]:
    return status["tables"]["v4"], status["tables"]["v6"]


def test_look_ups_follow_the_table(home: Home, daemon: Daemon) -> None:
    addresses = ["20.5.0.1", "30.0.0.1", "50.0.0.1"]
    home.write("table.routes", OTHER_TABLE)
    reload(daemon)
    rows = daemon.command("lookup", addresses=addresses)["result"]["rows"]
    assert [("20.0.0.0/8", "nl"), (None, "nl"), ("50.0.0.0/8", "us")] == [
        (row["prefix"], row["site"]) for row in rows
    ]


def test_the_command_says_what_changed(home: Home, daemon: Daemon) -> None:
    # Not in the file that is watched, which would be read again before the command asks.
    home.write("other.routes", OTHER_TABLE)
    home.configure(files=("other.routes",))
    outcome = home.sparrow("reload")
    assert (0, "") == (outcome.returncode, outcome.stdout)
    assert (
        "reloaded, serial 2: 3 prefixes announced, 2 withdrawn, 1 rerouted; zones changed: none"
        in outcome.stderr
    )
    daemon.wait_for("reloaded, serial 2: 3 prefixes announced, 2 withdrawn, 1 rerouted")


def test_a_table_that_changes_is_served_without_being_asked_for(home: Home, daemon: Daemon) -> None:
    home.write("table.routes", OTHER_TABLE)
    daemon.wait_for("reloaded, serial 2: 3 prefixes announced, 2 withdrawn, 1 rerouted")
    assert OTHERS == daemon.nearest()
    assert 2 == daemon.status()["serial"]


def test_without_a_difference_the_serial_stays(home: Home, daemon: Daemon) -> None:
    before = daemon.status()
    home.write("table.routes", "# another comment\n" + TABLE)
    result = reload(daemon)
    after = daemon.status()
    assert (1, UNCHANGED) == (result["serial"], result["changed"])
    assert (1, before["published_at"]) == (after["serial"], after["published_at"])
    assert after["tables"]["loaded_at"] > before["tables"]["loaded_at"]
    assert after["reload"]["ok"]


def test_hang_up_reloads(home: Home, daemon: Daemon) -> None:
    home.write("table.routes", OTHER_TABLE)
    daemon.send(signal.SIGHUP)
    daemon.wait_for("reloaded, serial 2")
    assert OTHERS == daemon.nearest()


def test_zones_come_change_and_go(home: Home, daemon: Daemon) -> None:
    zones = ZONES.replace("api.example.org", "new.example.org").replace("ttl: 7", "ttl: 9")
    home.configure(zones=zones)
    result = reload(daemon)
    assert {
        "announced": 0,
        "withdrawn": 0,
        "rerouted": 0,
        "zones": ["api.example.org.", "new.example.org.", "www.example.org."],
    } == result["changed"]
    assert 9 == daemon.ask("www.example.org").answer[0].ttl
    assert ["193.173.27.9"] == daemon.addresses("new.example.org")
    with daemon.counting() as moved:
        daemon.ask("api.example.org")
    assert {"queries.udp": 1, "responses.REFUSED": 1} == moved


def test_a_new_zone_file_is_served(home: Home, daemon: Daemon) -> None:
    home.write("www.zone", "$TTL 60\nstatic A 192.0.2.78\n")
    assert ["www.example.org."] == reload(daemon)["changed"]["zones"]
    assert ["192.0.2.78"] == daemon.addresses("static.www.example.org")


def test_counters_stay_with_the_name_of_a_site_when_sites_are_reordered_and_renamed(
    home: Home, daemon: Daemon
) -> None:
    daemon.nearest()
    lines = SITES.splitlines(keepends=True)
    lines[2:5] = [lines[4].replace("us:", "usa:"), lines[3], lines[2]]
    home.configure(sites="".join(lines))
    assert 2 == reload(daemon)["serial"]
    assert NEAREST == daemon.nearest()
    assert {"usa": 1, "nl": 6, "au": 6, "us": 1} == daemon.status()["counters"]["sites"]
    assert [("usa", 1), ("nl", 6), ("au", 6)] == [
        (site["name"], site["answers"]) for site in daemon.status()["sites"]
    ]


def test_what_only_a_restart_takes_up_is_said_each_time_until_it_is_undone(
    home: Home, daemon: Daemon
) -> None:
    home.configure(
        server=", workers: 3, user: nobody, cookie_secret: other",
        ssrs=f'ssrs: {{listen: "127.0.0.1:{home.port}", password: x}}\n'
        f'http: {{listen: "127.0.0.1:{home.port + 1}"}}\n',
        zones="",
    )
    home.write("sparrow.yaml", home.render().replace("run_dir: run", "run_dir: run/"))
    expected = [
        "server.workers",
        "server.user",
        "server.cookie_secret",
        "zones (the first one, or the last)",
        "http",
        "ssrs",
    ]
    assert [expected, expected] == [reload(daemon)["needs_restart"] for _ in range(2)]
    daemon.wait_for("server.user differs from what is in force: it needs a restart")
    home.configure(server="", ssrs="", zones=ZONES)
    assert [] == reload(daemon)["needs_restart"]
    assert NEAREST == daemon.nearest()


def test_other_listeners_need_a_restart_and_the_old_ones_serve_on(
    home: Home, daemon: Daemon
) -> None:
    config = home.render().replace(f":{home.port}", f":{home.port + 1}")
    home.write("sparrow.yaml", config)
    outcome = run("reload", "-c", home.config)
    assert 0 == outcome.code
    assert "warning: server.listen differs from what is in force" in outcome.err
    assert NEAREST == daemon.nearest()
    assert [f"127.0.0.1:{home.port}"] == daemon.status()["listen"]


def test_identity_and_limits_are_taken_up(home: Home, daemon: Daemon) -> None:
    home.configure(server=", nsid: other.name, tcp: {idle_s: 77}")
    result = reload(daemon)
    assert (2, []) == (result["serial"], result["needs_restart"])
    options = [dns.edns.GenericOption(code, b"") for code in (NSID, TCP_KEEPALIVE)]
    query = dns.message.make_query(NAME, "A", options=options)
    response = dns.query.tcp(query, LOOPBACK, timeout=PATIENCE_S, port=daemon.port)
    assert {NSID: b"other.name", TCP_KEEPALIVE: (770).to_bytes(2, "big")} == {
        option.otype: option.to_wire() for option in response.options
    }


def test_a_rolled_cookie_secret_is_taken_up(home: Home, daemon: Daemon) -> None:
    old = home.secret.read_text()
    home.secret.write_text("00112233445566778899aabbccddeeff  # new\n\n" + old)
    assert (2, UNCHANGED) == tuple(reload(daemon)[key] for key in ("serial", "changed"))


def test_two_reloads_at_once_are_both_done(home: Home, daemon: Daemon) -> None:
    home.write("table.routes", OTHER_TABLE)
    with daemon.talk() as one, daemon.talk() as two:
        for talk in (one, two):
            talk.send(b'{"version": 1, "command": "reload"}\n')
        results = [talk.take()["result"] for talk in (one, two)]
    assert [2, 2] == [result["serial"] for result in results]
    assert [0, 3] == sorted(result["changed"]["announced"] for result in results)
    assert OTHERS == daemon.nearest()


def test_a_client_that_leaves_in_the_middle_of_a_reload_does_not_stop_it(
    home: Home, daemon: Daemon
) -> None:
    home.write("table.routes", OTHER_TABLE)
    with daemon.talk() as talk:
        talk.send(b'{"version": 1, "command": "reload"}\n')
    daemon.wait_for("reloaded, serial 2")
    assert OTHERS == daemon.nearest()


def test_under_load_no_query_is_lost_and_each_answer_is_the_old_or_the_new(
    home: Home, daemon: Daemon
) -> None:
    serials = []
    with daemon.counting() as moved, Load(home.port) as load:
        for table in (OTHER_TABLE, TABLE) * 4:
            load.wait_for(300)
            home.write("table.routes", table)
            serials.append(reload(daemon)["serial"])
        load.wait_for(300)
    assert list(range(2, 10)) == serials
    assert {
        subnet: {tuple(addresses), tuple(OTHERS[subnet])} for subnet, addresses in NEAREST.items()
    } == load.answers
    assert load.count >= 2700
    assert (load.count, load.count) == (moved["queries.udp"], moved["responses.NOERROR"])


@pytest.mark.parametrize("times", [1, 20])
def test_hang_ups_under_load_lose_nothing(home: Home, daemon: Daemon, times: int) -> None:
    with Load(home.port) as load:
        load.wait_for(100)
        home.write("table.routes", OTHER_TABLE)
        for _ in range(times):
            daemon.send(signal.SIGHUP)
        daemon.wait_for("reloaded, serial 2")
        load.wait_for(100)
    assert OTHERS == daemon.nearest()
